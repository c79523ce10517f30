//! The spool: labels on their way to this device's printer, sent by one thread that nothing else waits for.

mod job;
mod worker;

pub(crate) use job::{DID_NOT_COME_OUT, job_of, kept_state, view};
pub(crate) use worker::Printing;
