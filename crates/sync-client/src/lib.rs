//! Runs the protocol over a relay's socket and between devices on a LAN, with retry and back-off.
//!
//! [`SyncHandle`] keeps one store equal with its relay for as long as it lives, [`LanHandle`] with the clinic's other
//! devices. [`join_by_invitation`],
//! [`PairingHost`] and [`join_by_pairing`] are the three ways by which a clinic or a device begins. What is said, and
//! in which order, is `sync_protocol`'s; here are sockets, TLS and time. Every call into a store happens on a blocking
//! thread. The clock and randomness come in as [`Ports`].

mod address;
mod backoff;
mod connection;
mod errors;
mod handle;
mod join;
mod lan;
mod pairing;
mod pinned_key;
mod socket;
mod timers;

pub use address::{AddressError, RelayAddress};
pub use backoff::Backoff;
pub use connection::FRAMES_WAITING;
pub use errors::RelayError;
pub use handle::{Clock, Ports, SyncHandle, SyncState};
pub use join::join_by_invitation;
pub use lan::{DEFAULT_LAN_PORT, Found, LanAddress, LanHandle, LanOptions, LanPeer, LanReach, LanState, NoLanAddress};
pub use pairing::{Admitted, PairingHost, PairingMember, join_as, join_by_pairing};
pub use timers::Timers;
