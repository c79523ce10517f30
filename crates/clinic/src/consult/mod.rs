//! The doctor's side of a visit: what she sees, what she writes, and her signature.

mod add_addendum;
mod allergies;
mod draft;
mod heard_in;
mod open_visit;
mod past_visits;
mod prescribe;
mod sign_note;
mod visit_notes;

pub(crate) use open_visit::checked_lines;
