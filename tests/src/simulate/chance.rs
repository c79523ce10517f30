//! Chance, in the small words that a simulation needs.

use rand::Rng;
use testkit::SeededRng;

/// A number below `n`; 0 when there is none.
pub(super) fn below(rng: &mut SeededRng, n: usize) -> usize {
    match n {
        0 => 0,
        n => (rng.next_u64() % n as u64) as usize,
    }
}

/// Whether something happens that happens so often in a hundred.
pub(super) fn percent(rng: &mut SeededRng, often: usize) -> bool {
    below(rng, 100) < often
}

/// One of these.
pub(super) fn pick<'t, T>(rng: &mut SeededRng, of: &'t [T]) -> Option<&'t T> {
    of.get(below(rng, of.len()))
}

/// Random bytes.
pub(super) fn bytes<const N: usize>(rng: &mut SeededRng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}
