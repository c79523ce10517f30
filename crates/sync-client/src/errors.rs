//! Why something with a relay did not work.

use seal::SealError;
use sync_protocol::{DeviceError, RefusedCode, StoreError};

/// Why something with a relay did not work. No personal data in any of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// No connection: no network, no such host, nobody listening.
    #[error("the relay cannot be reached")]
    Unreachable,
    /// Somebody answered who does not have the relay's key.
    #[error("the one who answers is not the relay that was expected")]
    WrongKey,
    /// The connection broke off.
    #[error("the connection was lost")]
    Lost,
    /// The relay stops, and said after how many milliseconds to come again.
    #[error("the relay restarts")]
    Restarting(u32),
    /// The relay said no.
    #[error("the relay refused: {}", .0.name())]
    Refused(RefusedCode),
    /// The relay said something that has no place here.
    #[error("the relay does not speak as expected")]
    Protocol,
    /// The own store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The other side of a pairing left, or its time is over.
    #[error("the pairing was broken off")]
    PairingClosed,
    /// The pairing did not come together: most often the code was typed wrongly.
    #[error("the pairing failed: {}", .0.code())]
    Pairing(SealError),
    /// The member who hosts the pairing would not, or could not, admit the new device.
    #[error("the new device was not admitted")]
    NotAdmitted,
    /// Syncing was stopped.
    #[error("syncing was stopped")]
    Stopped,
    /// Nothing came in time.
    #[error("the relay did not answer in time")]
    TimedOut,
}

impl RelayError {
    /// A stable name for the screens' words.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::WrongKey => "wrong_key",
            Self::Lost | Self::Restarting(_) => "lost",
            Self::Refused(code) => code.name(),
            Self::Protocol => "protocol",
            Self::Store(StoreError::DiskFull) => "disk_full",
            Self::Store(StoreError::Closed) => "store_closed",
            Self::Store(StoreError::Failed(_)) => "store_failed",
            Self::PairingClosed => "pairing_closed",
            Self::Pairing(error) => error.code(),
            Self::NotAdmitted => "not_admitted",
            Self::Stopped => "stopped",
            Self::TimedOut => "timed_out",
        }
    }
}

impl From<DeviceError> for RelayError {
    fn from(error: DeviceError) -> Self {
        match error {
            DeviceError::Store(error) => Self::Store(error),
            DeviceError::Refused(code) => Self::Refused(code),
            DeviceError::Wire(_) | DeviceError::Unexpected => Self::Protocol,
        }
    }
}

impl From<SealError> for RelayError {
    fn from(error: SealError) -> Self {
        Self::Pairing(error)
    }
}
