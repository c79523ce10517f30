//! The pharmacist's side: what waits, its checks, its labels, and handing over.

mod book;
mod hand_over;
mod label;
mod open_dispense;
mod print_jobs;
mod print_labels;
mod queue;
mod reasons;

pub(crate) use label::address_text;

pub(crate) use reasons::with_reasons_given;
