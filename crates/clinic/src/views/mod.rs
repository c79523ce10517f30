//! What goes to the screens and what comes back: the shapes of every verb's input and output.
//!
//! No rule lives here. Words come from `locales/`: a code and its parameters cross, never a sentence.

pub mod backup;
pub mod conflicts;
pub mod consult;
pub mod erasing;
pub mod members;
pub mod network;
pub mod pharmacy;
pub mod plan;
pub mod reception;
pub mod requests;
pub mod setup;
pub mod sharing;
pub mod sound;
pub mod status;
