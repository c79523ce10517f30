//! How much happened.

use std::fmt;
use std::ops::AddAssign;

/// Counted over one run, or over many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Steps.
    pub n_steps: u64,
    /// Writes that were acknowledged.
    pub n_writes: u64,
    /// Writes that a full disk refused.
    pub n_refused: u64,
    /// Times that a device went down and came back.
    pub n_crashes: u64,
    /// Stores of devices that were put back to an older copy.
    pub n_put_back: u64,
    /// Disks that were cloned.
    pub n_clones: u64,
    /// Devices that were admitted.
    pub n_admitted: u64,
    /// Acts that changed who belongs: removals, admins, epochs, reviews.
    pub n_membership: u64,
    /// Patients, recordings and facts that were erased.
    pub n_erased: u64,
    /// Recordings that somebody wanted to hear.
    pub n_wanted: u64,
    /// Of these, whole in the end.
    pub n_heard: u64,
    /// Times that somebody gave other bytes of sound.
    pub n_lies: u64,
    /// Snapshots that another device confirmed.
    pub n_confirmed: u64,
    /// Changes that a device threw away, since a snapshot held them for a month.
    pub n_dropped: u64,
    /// Times that the relay went down and came back.
    pub n_relay_crashes: u64,
    /// Times that the relay was put back to an older copy.
    pub n_relay_put_back: u64,
    /// Connections to the relay, and between devices.
    pub n_connections: u64,
    /// Frames, on all connections.
    pub n_frames: u64,
    /// Bytes, on all connections.
    pub n_bytes: u64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.n_steps += other.n_steps;
        self.n_writes += other.n_writes;
        self.n_refused += other.n_refused;
        self.n_crashes += other.n_crashes;
        self.n_put_back += other.n_put_back;
        self.n_clones += other.n_clones;
        self.n_admitted += other.n_admitted;
        self.n_membership += other.n_membership;
        self.n_erased += other.n_erased;
        self.n_wanted += other.n_wanted;
        self.n_heard += other.n_heard;
        self.n_lies += other.n_lies;
        self.n_confirmed += other.n_confirmed;
        self.n_dropped += other.n_dropped;
        self.n_relay_crashes += other.n_relay_crashes;
        self.n_relay_put_back += other.n_relay_put_back;
        self.n_connections += other.n_connections;
        self.n_frames += other.n_frames;
        self.n_bytes += other.n_bytes;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} steps, {} writes ({} refused by a full disk), {} restarts and power cuts, {} stores put back, \
             {} clones, {} devices admitted, {} removals, epochs and the like, {} erasures, {} recordings wanted ({} whole in the end), other bytes of sound given {} times, {} snapshots confirmed, {} changes thrown away, relay: {} power cuts, {} put back, {} connections, {} messages, {} KB",
            self.n_steps,
            self.n_writes,
            self.n_refused,
            self.n_crashes,
            self.n_put_back,
            self.n_clones,
            self.n_admitted,
            self.n_membership,
            self.n_erased,
            self.n_wanted,
            self.n_heard,
            self.n_lies,
            self.n_confirmed,
            self.n_dropped,
            self.n_relay_crashes,
            self.n_relay_put_back,
            self.n_connections,
            self.n_frames,
            self.n_bytes / 1000
        )
    }
}
