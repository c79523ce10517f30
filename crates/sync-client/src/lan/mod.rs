//! The clinic's devices on one network, without a relay: found, called, and kept equal.
//!
//! What is said is `sync_protocol::PeerSession`'s, and so is the proof of who is there. Here are sockets, the encrypted
//! channel, time, and how devices find each other. Each connection is a task, its session a blocking thread.
//!
//! - `channel`: TLS 1.3 between throw-away keys; its exporter value is what both sides sign.
//! - `discovery`: announcing and finding by mDNS, without telling a stranger which clinic it is.
//! - `calling`: one task for each place where a device may be.
//! - `roll`: who is connected; of two connections with one device, one goes.

mod address;
mod calling;
mod channel;
mod connection;
mod discovery;
mod end;
mod handle;
mod listening;
#[cfg(test)]
mod middle;
mod roll;
mod session;

pub use address::{LanAddress, NoLanAddress};
pub use handle::{DEFAULT_LAN_PORT, LanHandle, LanOptions, LanReach};
pub use roll::{Found, LanPeer, LanState};
