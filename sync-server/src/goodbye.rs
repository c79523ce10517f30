//! How a connection ends, as the WebSocket's close frame says it.

use sync_protocol::{RefusedCode, again_after};

use crate::frames::Broken;

/// Why the relay ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goodbye {
    /// The peer has ended, or is silent, or the store failed: it comes again when it likes.
    Done,
    /// The protocol's refusal stands in the frame before.
    Refused(RefusedCode),
    /// More than any message may have.
    TooLarge,
    /// No frame that may come.
    NotSpoken,
    /// There are too many connections.
    Full,
    /// The relay stops: again in so many milliseconds, which differ from connection to connection.
    Restart(u32),
}

impl Goodbye {
    /// RFC 6455, section 7.4, and IANA's list after it.
    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Done => 1000,
            Self::NotSpoken => 1002,
            Self::Refused(_) => 1008,
            Self::TooLarge => 1009,
            Self::Restart(_) => 1012,
            Self::Full => 1013,
        }
    }

    pub(crate) fn reason(self) -> String {
        match self {
            Self::Done => String::new(),
            Self::NotSpoken => "not_spoken".to_owned(),
            Self::Refused(code) => code.name().to_owned(),
            Self::TooLarge => "too_large".to_owned(),
            Self::Full => RefusedCode::Busy.name().to_owned(),
            Self::Restart(ms) => again_after::say(ms),
        }
    }
}

impl From<Broken> for Goodbye {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Socket(_) => Self::Done,
            Broken::TooLarge => Self::TooLarge,
            Broken::NotSpoken => Self::NotSpoken,
        }
    }
}
