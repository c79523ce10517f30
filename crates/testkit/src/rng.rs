//! Chance, the same in every run.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// The generator that tests use: fit for keys, and repeatable.
pub type SeededRng = ChaCha20Rng;

/// A generator that gives the same numbers for the same seed, on every machine.
pub fn seeded_rng(seed: u64) -> SeededRng {
    let mut whole = [0; 32];
    whole[..8].copy_from_slice(&seed.to_le_bytes());
    SeededRng::from_seed(whole)
}
