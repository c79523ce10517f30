//! What a session asks about a pairing: two devices of one clinic that share nothing yet but a short code.
//!
//! Opaque messages (seal's PAKE) pass between exactly one host and one who joins. Who meets whom, and the limits, are the
//! relay's: the two may be connected to different nodes of it.

/// One connection, as the relay counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// What a session asks for its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairingAsk {
    /// A proven member waits here.
    Host(String),
    /// Somebody comes.
    Join(String),
    /// To the other side.
    Post(Vec<u8>),
}
