//! What became of a sending.

use serde::{Deserialize, Serialize};
use specta::Type;

/// How far a sending came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendOutcome {
    /// Every byte was taken.
    Sent {
        /// Whether the printer answered that it had printed them.
        confirmed: bool,
    },
    /// Not one byte of the job was taken: it may be tried again without printing twice.
    NothingLeft {
        /// Why.
        reason: Refusal,
    },
    /// Some or all of it left, and nobody can tell what came out. A person must look.
    Unknown {
        /// Bytes that were taken.
        sent: u64,
    },
}

/// Why nothing left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Nothing is found at the address, or it is switched off.
    NotThere,
    /// This user may not use the device.
    NoPermission,
    /// Another program holds the device.
    Busy,
    /// The cover is open.
    CoverOpen,
    /// There is no paper.
    PaperOut,
    /// It is there, but takes no byte.
    NoAnswer,
}

impl Refusal {
    /// What an error before the first byte means.
    pub(super) fn from_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::PermissionDenied => Self::NoPermission,
            ErrorKind::ResourceBusy => Self::Busy,
            ErrorKind::WouldBlock | ErrorKind::Interrupted => Self::NoAnswer,
            _ => Self::NotThere,
        }
    }
}
