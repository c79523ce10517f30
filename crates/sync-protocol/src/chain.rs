//! The running hash of a feed, by which a relay is held to what it once gave.

/// The chain of an empty feed.
pub const NO_CHAIN: [u8; 32] = [0; 32];

/// The chain after one more position that holds the thing of this name.
pub fn follow(chain: &[u8; 32], name: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 sync: a feed up to a position");
    hasher.update(chain).update(name);
    *hasher.finalize().as_bytes()
}

/// One sum for both feeds that a receipt speaks of.
pub fn sum_of_chains(changes: &[u8; 32], consents: &[u8; 32]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 sync: where a relay stands");
    hasher.update(changes).update(consents);
    *hasher.finalize().as_bytes()
}
