//! The rules as tables, and the two laws that no table may break: default deny, and revocation beats everything.
#![allow(clippy::unwrap_used, missing_docs)]

mod admits;
mod covers;
