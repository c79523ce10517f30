//! One job.

use domain::{Instant, PrintJobId};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::port::{Refusal, SendOutcome};

/// A job older than this waits for a person: nobody wants yesterday's labels in the morning.
const OLD_AFTER_MS: i64 = 10 * 60 * 1000;
/// The first wait before a job is tried again; each further one is twice as long.
const FIRST_WAIT_MS: i64 = 1_000;
/// The longest such wait.
const LONGEST_WAIT_MS: i64 = 30_000;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its turn.
    Queued,
    /// Bytes may be leaving at this moment.
    Sending,
    /// All bytes left; this printer can't say whether they were printed.
    Sent,
    /// It came out: the printer or a person said so.
    Confirmed,
    /// Nothing left; it will be tried again.
    Failed {
        /// Why.
        reason: Refusal,
    },
    /// Some of it left; only a person can tell whether it came out.
    Unknown,
    /// A person said that it did not come out. A reprint is another job.
    DidNotComeOut,
}

/// One label at one printer. Its bytes are frozen in the caller's store under its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Job {
    /// Id.
    pub id: PrintJobId,
    /// The first print of this label; its own id when it is that.
    pub original: PrintJobId,
    /// Which reprint it is; 0 is the first print.
    pub reprint: u32,
    /// Where it stands.
    pub state: JobState,
    /// Since when it waits.
    pub queued_at: Instant,
    /// When a person last let it go in spite of its age.
    pub released_at: Option<Instant>,
    /// How often nothing left.
    pub n_failed: u32,
    /// Not tried again before.
    pub not_before: Instant,
}

/// What to do with a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Next {
    /// Begin, store, send, finish, store.
    Send,
    /// Come back then.
    WaitUntil {
        /// When.
        at: Instant,
    },
    /// Ask a person.
    AskPerson {
        /// What about.
        why: WhyAsk,
    },
    /// It is over, or it is being sent.
    Nothing,
}

/// What a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum WhyAsk {
    /// Has waited long: is it still wanted?
    TooOld,
    /// Did it come out?
    DidItComeOut,
}

/// A step that a job's state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a print job that is {from:?} can't do that")]
pub struct SpoolError {
    /// Where it stands.
    pub from: JobState,
}

impl Job {
    /// A new job, to be stored together with its bytes.
    pub fn queued(id: PrintJobId, now: Instant) -> Self {
        Self {
            id,
            original: id,
            reprint: 0,
            state: JobState::Queued,
            queued_at: now,
            released_at: None,
            n_failed: 0,
            not_before: now,
        }
    }

    /// A new job for the same label, which then says REPRINT and [`Self::reprint`].
    pub fn reprint(&self, id: PrintJobId, now: Instant) -> Self {
        Self {
            original: self.original,
            reprint: self.reprint + 1,
            ..Self::queued(id, now)
        }
    }

    /// What to do with it at `now`.
    pub fn next(&self, now: Instant) -> Next {
        match self.state {
            JobState::Queued | JobState::Failed { .. } if self.is_old(now) => Next::AskPerson { why: WhyAsk::TooOld },
            JobState::Queued | JobState::Failed { .. } if now < self.not_before => {
                Next::WaitUntil { at: self.not_before }
            }
            JobState::Queued | JobState::Failed { .. } => Next::Send,
            JobState::Unknown => Next::AskPerson {
                why: WhyAsk::DidItComeOut,
            },
            JobState::Sending | JobState::Sent | JobState::Confirmed | JobState::DidNotComeOut => Next::Nothing,
        }
    }

    /// Its bytes are about to leave. Store it before they do.
    ///
    /// Refused unless [`Self::next`] says [`Next::Send`].
    pub fn begin(&mut self, now: Instant) -> Result<(), SpoolError> {
        self.allow(self.next(now) == Next::Send)?;
        self.state = JobState::Sending;
        Ok(())
    }

    /// What became of the sending.
    pub fn finish(&mut self, outcome: &SendOutcome, now: Instant) -> Result<(), SpoolError> {
        self.allow(self.state == JobState::Sending)?;
        self.state = match *outcome {
            SendOutcome::Sent { confirmed: true } => JobState::Confirmed,
            SendOutcome::Sent { confirmed: false } => JobState::Sent,
            SendOutcome::Unknown { .. } => JobState::Unknown,
            SendOutcome::NothingLeft { reason } => {
                self.not_before = later(now, wait_ms(self.n_failed));
                self.n_failed = self.n_failed.saturating_add(1);
                JobState::Failed { reason }
            }
        };
        Ok(())
    }

    /// The program starts again: what was being sent when it stopped may or may not have come out.
    pub fn recover(&mut self) {
        if self.state == JobState::Sending {
            self.state = JobState::Unknown;
        }
    }

    /// A person looked whether it came out.
    ///
    /// Asked when it is unknown; she may also say it unasked of a label that was sent and not confirmed.
    pub fn came_out(&mut self, yes: bool) -> Result<(), SpoolError> {
        self.allow(matches!(self.state, JobState::Unknown | JobState::Sent))?;
        self.state = if yes {
            JobState::Confirmed
        } else {
            JobState::DidNotComeOut
        };
        Ok(())
    }

    /// A person wants it now: its age is counted anew and no back-off holds it.
    pub fn release(&mut self, now: Instant) -> Result<(), SpoolError> {
        self.allow(matches!(self.state, JobState::Queued | JobState::Failed { .. }))?;
        self.released_at = Some(now);
        self.not_before = now;
        Ok(())
    }

    fn is_old(&self, now: Instant) -> bool {
        let since = self.released_at.unwrap_or(self.queued_at);
        now.as_millisecond().saturating_sub(since.as_millisecond()) > OLD_AFTER_MS
    }

    fn allow(&self, allowed: bool) -> Result<(), SpoolError> {
        if allowed {
            Ok(())
        } else {
            Err(SpoolError { from: self.state })
        }
    }
}

fn wait_ms(n_failed: u32) -> i64 {
    2i64.checked_pow(n_failed)
        .and_then(|factor| factor.checked_mul(FIRST_WAIT_MS))
        .unwrap_or(LONGEST_WAIT_MS)
        .min(LONGEST_WAIT_MS)
}

fn later(now: Instant, millis: i64) -> Instant {
    Instant::from_millisecond(now.as_millisecond().saturating_add(millis)).unwrap_or(now)
}
