//! What may happen to a print job, and when. Pure: the time comes in, the store and the port are the caller's.
//!
//! ```text
//! queued ──begin──▶ sending ──┬─ nothing left ─▶ failed ──(back-off)──▶ sending
//!                      │      ├─ all left ─────▶ sent ────a person───▶ confirmed | did not come out
//!                 (crash)     ├─ printer's word ▶ confirmed
//!                      └──────┴─ nobody knows ─▶ unknown ──a person──▶ confirmed | did not come out
//! ```
//!
//! The caller stores the job after each step, and *before* the first byte leaves. Only what has not begun to leave is
//! tried again by the machine. What did not come out is printed again by a new job that says REPRINT.

mod job;
mod state;

pub use job::{Job, JobState, Next, SpoolError, WhyAsk};
pub use state::{PrinterCondition, PrinterState};
