//! After how much silence something is said, and after how much nobody is there any more.

use std::time::Duration;

/// How long a connection bears silence. Tests have shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// A sign of life goes out after this much silence of ours.
    pub life_after: Duration,
    /// Who sends nothing, not even a sign of life, or takes nothing for this long is gone.
    pub silence: Duration,
}

impl Timers {
    /// With a relay: over the Internet, and each sign of life wakes a socket there.
    pub const RELAY: Self = Self {
        life_after: Duration::from_secs(25),
        silence: Duration::from_secs(75),
    };
    /// Between devices on a LAN.
    pub const LAN: Self = Self {
        life_after: Duration::from_secs(10),
        silence: Duration::from_secs(35),
    };
}
