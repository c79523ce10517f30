//! What the status bar says of the printer: drawn from its jobs, since nothing else tells the truth about it.

use domain::Instant;
use serde::{Deserialize, Serialize};
use specta::Type;

use super::job::{Job, JobState, Next};
use crate::port::Refusal;

/// How the printer does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum PrinterCondition {
    /// No printer was chosen.
    #[default]
    NotSet,
    /// No job is in its way.
    Ready,
    /// A label is being sent.
    Printing,
    /// A job waits for a person's answer.
    AsksPerson,
    /// Jobs wait: nothing is found at its address.
    NotThere,
    /// Jobs wait: this user may not use it.
    NoPermission,
    /// Jobs wait: another program holds it.
    Busy,
    /// Jobs wait: its cover is open.
    CoverOpen,
    /// Jobs wait: it has no paper.
    PaperOut,
    /// Jobs wait: it takes no byte.
    NoAnswer,
}

/// The printer, for the status bar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct PrinterState {
    /// How it does; the worst comes first.
    pub condition: PrinterCondition,
    /// Labels that wait to be printed.
    pub n_waiting: u32,
    /// Labels that a person is asked about.
    pub n_asking: u32,
}

impl PrinterState {
    /// Draws the state of one printer from its jobs. `is_set` is whether a printer was chosen at all.
    pub fn of<'a>(is_set: bool, jobs: impl IntoIterator<Item = &'a Job>, now: Instant) -> Self {
        let mut state = Self {
            condition: PrinterCondition::NotSet,
            n_waiting: 0,
            n_asking: 0,
        };
        let (mut printing, mut refusal) = (false, None);
        for job in jobs {
            match job.next(now) {
                Next::AskPerson { .. } => state.n_asking += 1,
                Next::Send | Next::WaitUntil { .. } => state.n_waiting += 1,
                Next::Nothing => {}
            }
            match job.state {
                JobState::Sending => printing = true,
                JobState::Failed { reason } => refusal = Some(reason),
                _ => {}
            }
        }
        if is_set {
            state.condition = match (state.n_asking, printing, refusal) {
                (1.., _, _) => PrinterCondition::AsksPerson,
                (0, true, _) => PrinterCondition::Printing,
                (0, false, Some(reason)) => reason.into(),
                (0, false, None) => PrinterCondition::Ready,
            };
        }
        state
    }
}

impl From<Refusal> for PrinterCondition {
    fn from(reason: Refusal) -> Self {
        match reason {
            Refusal::NotThere => Self::NotThere,
            Refusal::NoPermission => Self::NoPermission,
            Refusal::Busy => Self::Busy,
            Refusal::CoverOpen => Self::CoverOpen,
            Refusal::PaperOut => Self::PaperOut,
            Refusal::NoAnswer => Self::NoAnswer,
        }
    }
}
