//! How much was killed, what it cost, and what was lost: nothing, or the run has failed.

use std::{fmt, ops::AddAssign, time::Duration};

/// Counted over one day, or over many.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// Kills of devices.
    pub n_kills: u64,
    /// Steps that devices acknowledged; each was looked for afterwards.
    pub n_acknowledged: u64,
    /// Steps that were asked for and cut off before they were acknowledged.
    pub n_cut_off: u64,
    /// Kills of the relay.
    pub n_relay_kills: u64,
    /// Stores that were verified through and through between a kill and the next start.
    pub n_verified: u64,
    /// From the start of a killed device to the moment at which its store is open.
    pub reopened: Vec<Duration>,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.n_kills += other.n_kills;
        self.n_acknowledged += other.n_acknowledged;
        self.n_cut_off += other.n_cut_off;
        self.n_relay_kills += other.n_relay_kills;
        self.n_verified += other.n_verified;
        self.reopened.extend(other.reopened);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut took = self.reopened.clone();
        took.sort_unstable();
        let at = |place: usize| took.get(place).map_or(0, Duration::as_millis);
        write!(
            f,
            "{} kills: {} steps acknowledged, 0 lost, {} cut off unanswered; {} stores verified in between; open again \
             after {} ms (p50), {} ms (most); the relay was killed {} times",
            self.n_kills,
            self.n_acknowledged,
            self.n_cut_off,
            self.n_verified,
            at(took.len() / 2),
            at(took.len().saturating_sub(1)),
            self.n_relay_kills,
        )
    }
}
