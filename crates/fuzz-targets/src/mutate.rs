//! Bytes that are nearly right, by a seed: they get further into a decoder than noise does.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// No mutation makes more of it than this, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Heads of CBOR that promise much, and what other formats stumble over.
const BAD: &[&[u8]] = &[
    b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xbb\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x5a\x00\x80\x00\x00",
    b"\x9a\x00\x10\x00\x00",
    b"\x9f\x9f\x9f\x9f",
    b"\x5f\x7f\xbf\xff",
    b"\xf6",
    b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\xff",
    b"[[[[[[[[",
    b"-1e999",
    b"\xc3\x28",
    b"\xe2\x80\xae",
];

/// Mutates examples.
pub struct Mutator(ChaCha20Rng);

impl Mutator {
    /// The mutations of this seed.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// One of `samples`, with one to four things wrong with it.
    pub fn next(&mut self, samples: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = samples[self.below(samples.len())].clone();
        for _ in 0..=self.below(4) {
            let other = &samples[self.below(samples.len())];
            self.spoil(&mut bytes, other);
        }
        bytes.truncate(MAX_BYTES);
        bytes
    }

    fn spoil(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let (at, to) = self.stretch(bytes.len());
        match self.below(9) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let again = bytes[at..to].to_vec();
                bytes.splice(to..to, again);
            }
            3 => {
                let (from, until) = self.stretch(other.len());
                bytes.splice(at..to, other[from..until].iter().copied());
            }
            4 => {
                let bad = BAD[self.below(BAD.len())];
                bytes.splice(at..at, bad.iter().copied());
            }
            5 => {
                let bad = BAD[self.below(BAD.len())];
                bytes.iter_mut().skip(at).zip(bad).for_each(|(byte, bad)| *byte = *bad);
            }
            // Most of all: one byte, which may be a type, a length or a version.
            _ => {
                let (how, value) = (self.below(4), self.0.next_u32() as u8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = match how {
                        0 => *byte ^ 1 << (value % 8),
                        1 => byte.wrapping_add(1),
                        2 => byte.wrapping_sub(1),
                        _ => value,
                    };
                }
            }
        }
    }

    /// A stretch of `len` things, mostly short.
    fn stretch(&mut self, len: usize) -> (usize, usize) {
        let from = self.below(len + 1);
        let longest = if self.below(4) == 0 { len } else { 16 };
        (from, len.min(from + self.below(longest + 1)))
    }

    fn below(&mut self, n: usize) -> usize {
        (self.0.next_u64() % n.max(1) as u64) as usize
    }
}
