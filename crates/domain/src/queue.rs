//! A day's queue.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::{Instant, PatientId, QueueEntryId, StaffId, VisitId};

/// What the patient holds and the display calls: device prefix and counter, e.g. `D07`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(transparent)]
pub struct Token(pub String);

/// Where a patient is on her way through the clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum QueueState {
    /// Registered, sits in the waiting room.
    Waiting,
    /// Called by a doctor.
    Called,
    /// With the doctor.
    InConsult,
    /// Note signed, medicines to come.
    AtPharmacy,
    /// Everything handed over.
    Done,
    /// Left without being seen.
    Left,
}

/// One place in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct QueueEntry {
    /// Its id.
    pub id: QueueEntryId,
    /// Token.
    pub token: Token,
    /// Who.
    pub patient: PatientId,
    /// The visit that it leads to.
    pub visit: VisitId,
    /// Why she came, in a few words.
    pub reason: String,
    /// For which doctor; `None` is whoever is free.
    pub doctor: Option<StaffId>,
    /// Where she is.
    pub state: QueueState,
    /// Since when she waits.
    pub arrived_at: Instant,
}
