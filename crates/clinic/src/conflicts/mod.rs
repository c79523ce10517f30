//! What was written apart and a person must judge: seeing it, deciding it, taking one of two facts back.

mod decide;
mod late_edit;
mod list;
mod reverse;

pub(crate) use list::{Open, open_of};
