//! Tests of what the crate shows to others.
#![allow(clippy::unwrap_used, missing_docs)]
