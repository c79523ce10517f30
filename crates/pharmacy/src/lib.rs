//! Pure checks on a prescription: allergy, interaction, duplicate, dose, halal. Returns findings, never an error.
//!
//! A finding carries a code and parameters; the words come from the locales. Alerts are few and ranked, and what could
//! not be checked is said: silence of the tables is never shown as safety. The checks run as the prescription is
//! written and again at dispensing. The words on a label are the one text that is made here: see [`directions`].

mod allergy;
mod check;
mod combination;
mod directions;
mod dose;
mod finding;
mod medicine;

pub use check::{Circumstances, check, check_all};
pub use directions::{directions, quantity};
pub use finding::{Finding, FindingKind, standing, title_codes};
pub use knowledge::Level;
