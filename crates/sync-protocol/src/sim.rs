//! A world without sockets: clinics with real keys, and links between sessions that lose what a test wants lost.
//!
//! Everything is deterministic: the same seed and the same steps give the same bytes. For the tests of this crate, of
//! the relay and of whoever simulates more than they do.

mod clinic;
mod counting;
mod link;
mod objects;
mod peer_link;

pub use clinic::{SimClinic, SimDevice};
pub use counting::CountedPushes;
pub use link::{Link, settle};
pub use objects::SimObjects;
pub use peer_link::{PeerEnd, PeerLink, settle_peers};
