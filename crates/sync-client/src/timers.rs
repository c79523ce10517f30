//! After how much silence something is said, and after how much nobody is there any more; how long a handshake may take, and a
//! pause is.

use std::time::Duration;

/// How long a connection bears what. Tests have shorter ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// A sign of life goes out after this much silence of ours.
    pub life_after: Duration,
    /// Who sends nothing, not even a sign of life, or takes nothing for this long is gone.
    pub silence: Duration,
    /// Whoever was called and has not shaken hands within this is not there.
    pub handshake: Duration,
    /// Whom the relay refuses for what only people can change (a suspended clinic, a plan without a place) asks again after this,
    /// and up to half of it more.
    pub pause: Duration,
}

impl Timers {
    /// With a relay: over the Internet, and each sign of life wakes a socket there.
    pub const RELAY: Self = Self {
        life_after: Duration::from_secs(25),
        silence: Duration::from_secs(75),
        handshake: Duration::from_secs(15),
        pause: Duration::from_secs(4 * 60),
    };
    /// Between devices on a LAN, where nobody pauses.
    pub const LAN: Self = Self {
        life_after: Duration::from_secs(10),
        silence: Duration::from_secs(35),
        handshake: Duration::from_secs(10),
        pause: Duration::ZERO,
    };
}
