//! The protocol between real sessions, over links that lose things.
#![allow(clippy::unwrap_used, missing_docs)]

mod attachment_frames;
mod attachments;
mod device;
mod frames;
mod heads;
mod lossy;
mod mail;
mod mail_frames;
mod memory_post;
mod memory_relay;
mod new_life;
mod peer_attachments;
mod peer_bounds;
mod peer_costs;
mod peer_frames;
mod peers;
mod receipts;
mod short;
mod strangers;
mod together;
mod trees;
mod usage;
mod wanted_first;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sync_protocol::Roster;
use sync_protocol::sim::SimClinic;

use crate::memory_relay::MemoryRelay;

const NOW: i64 = 1_795_000_000_000;

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// A relay that knows this clinic.
fn relay_of(clinic: &SimClinic) -> MemoryRelay {
    let mut relay = MemoryRelay::new([1; 16]);
    relay.know(roster(clinic));
    relay
}

fn roster(clinic: &SimClinic) -> Roster {
    let statements = clinic.encoded_statements();
    Roster::from_statements(clinic.tenant, statements.iter().map(Vec::as_slice)).unwrap()
}
