//! Why a connection with another device ended.

use sync_protocol::{PeerError, RefusedCode, StoreError};

/// Why a connection with another device ended, or never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LanEnd {
    /// Nobody answers there.
    NotThere,
    /// Whoever answers does not speak TLS 1.3 with us.
    NoChannel,
    /// It did not prove to be a member in time.
    Unproven,
    /// The connection broke off, or the other side closed it.
    Lost,
    /// Nothing was heard for too long.
    Silent,
    /// It takes nothing and asks for more.
    Slow,
    /// There is another connection with the same device, which stays.
    Duplicate,
    /// This side refused.
    Refused(RefusedCode),
    /// The other side refused.
    RefusedThere(RefusedCode),
    /// The own store.
    Store(StoreError),
    /// This side is stopping.
    Stopped,
}

impl LanEnd {
    /// A stable word for logs.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::NotThere => "not_there",
            Self::NoChannel => "no_channel",
            Self::Unproven => "unproven",
            Self::Lost => "lost",
            Self::Silent => "silent",
            Self::Slow => "slow",
            Self::Duplicate => "duplicate",
            Self::Refused(code) | Self::RefusedThere(code) => code.name(),
            Self::Store(_) => "store_failed",
            Self::Stopped => "stopped",
        }
    }
}

impl From<PeerError> for LanEnd {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Store(error) => Self::Store(error),
            PeerError::Refused(code) => Self::RefusedThere(code),
        }
    }
}
