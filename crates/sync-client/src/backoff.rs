//! How long to wait before the next try.

use std::time::Duration;

use rand_core::Rng;

const SHORTEST_MS: u64 = 100;
const LONGEST_MS: u64 = 30_000;

/// Exponential back-off with jitter: 100 ms, doubling to 30 s, each shortened by up to half at random, so that a
/// hundred devices do not all come back in the same instant.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    n_failures: u32,
}

impl Backoff {
    /// The wait after one more failure: never under 100 ms, never over 30 s.
    pub fn next_wait(&mut self, rng: &mut (impl Rng + ?Sized)) -> Duration {
        let ceiling = SHORTEST_MS.saturating_mul(2 << self.n_failures.min(20)).min(LONGEST_MS);
        self.n_failures = self.n_failures.saturating_add(1);
        let half = ceiling / 2;
        Duration::from_millis(half + rng.next_u64() % (half + 1))
    }

    /// It worked: the next failure is a first one.
    pub fn reset(&mut self) {
        self.n_failures = 0;
    }
}
