//! The audit: a line for each verb that matters, and the list that a person reads.

mod actions;
mod line;
mod list;

pub(crate) use actions::*;
pub(crate) use line::{Detail, Line};
