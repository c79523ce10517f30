//! The counter: finding, registering, queueing.

mod banner;
mod identifier;
mod queue_patient;
mod register_patient;
mod search;
mod today;

pub(crate) use banner::banner_of;
pub(crate) use identifier::{masked, whole};
