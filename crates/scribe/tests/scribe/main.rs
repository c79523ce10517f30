//! The scribe from its outside.
#![allow(clippy::unwrap_used, missing_docs)]
