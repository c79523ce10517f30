//! Which sealed changes a snapshot holds: numbers of openings, as ranges, however many a stranger promises.

use std::collections::BTreeMap;

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use seal::{DeviceId, OpeningId};

/// Numbers as ranges that neither touch nor overlap, in order. The ends belong to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Numbers(Vec<(u64, u64)>);

/// Numbers of each opening.
pub(crate) type Held = BTreeMap<(DeviceId, OpeningId), Numbers>;

/// As [`Held`] is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct HeldOfOpening {
    #[n(0)]
    pub device: ByteArray<32>,
    #[n(1)]
    pub opening: ByteArray<16>,
    /// Pairs of variable-length numbers: how far to the next range, how much longer than one it is.
    #[n(2)]
    pub numbers: ByteVec,
}

impl Numbers {
    /// Of any numbers, in any order.
    pub(crate) fn of(numbers: impl IntoIterator<Item = u64>) -> Self {
        Self::joined(numbers.into_iter().map(|number| (number, number)).collect())
    }

    fn joined(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }

    /// These and those.
    pub(crate) fn and(&self, others: &Self) -> Self {
        Self::joined(self.0.iter().chain(&others.0).copied().collect())
    }

    /// Whether all of these are among those.
    pub(crate) fn are_among(&self, others: &Self) -> bool {
        let holds = |(first, last): &(u64, u64)| others.0.iter().any(|(from, to)| from <= first && last <= to);
        self.0.iter().all(holds)
    }

    /// The ranges, ends included.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    /// How many numbers.
    pub(crate) fn n(&self) -> u64 {
        let sizes = self.0.iter().map(|(first, last)| (last - first).saturating_add(1));
        sizes.fold(0, u64::saturating_add)
    }

    /// The highest; 0 when there is none.
    pub(crate) fn last(&self) -> u64 {
        self.0.last().map_or(0, |(_, last)| *last)
    }

    /// The bytes to seal and to store.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (mut bytes, mut at) = (Vec::new(), 0);
        for (first, last) in &self.0 {
            write(&mut bytes, first - at);
            write(&mut bytes, last - first);
            at = *last;
        }
        bytes
    }

    /// Reads what [`Self::encode`] wrote; `None` for anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (mut ranges, mut at, mut rest) = (Vec::new(), 0_u64, bytes);
        while !rest.is_empty() {
            let first = at.checked_add(read(&mut rest)?)?;
            let last = first.checked_add(read(&mut rest)?)?;
            // Numbers start at 1, and two ranges that touch are one.
            let apart = ranges.last().is_none_or(|_| first > at + 1);
            if first == 0 || !apart || i64::try_from(last).is_err() {
                return None;
            }
            ranges.push((first, last));
            at = last;
        }
        Some(Self(ranges))
    }
}

/// LEB128.
fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// LEB128; takes it off the front.
pub(super) fn read(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if shift >= 63 && *byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// As it is sealed.
pub(crate) fn to_sealed(held: &Held) -> Vec<HeldOfOpening> {
    let all = held.iter().map(|((device, opening), numbers)| HeldOfOpening {
        device: (*device.as_bytes()).into(),
        opening: (*opening.as_bytes()).into(),
        numbers: numbers.encode().into(),
    });
    all.collect()
}

/// As it was sealed; `None` when it is not in its form, or names an opening twice.
pub(crate) fn from_sealed(sealed: &[HeldOfOpening]) -> Option<Held> {
    let mut held = Held::new();
    for one in sealed {
        let of = (DeviceId::from_bytes(*one.device), OpeningId::from_bytes(*one.opening));
        let numbers = Numbers::decode(&one.numbers).filter(|numbers| numbers.n() > 0)?;
        if held.insert(of, numbers).is_some() {
            return None;
        }
    }
    Some(held)
}

/// Adds the numbers of one to another.
pub(crate) fn add(to: &mut Held, more: &Held) {
    for (of, numbers) in more {
        let joined = to.get(of).map_or_else(|| numbers.clone(), |held| held.and(numbers));
        to.insert(*of, joined);
    }
}

/// Whether all of `held` is among `others`.
pub(crate) fn are_among(held: &Held, others: &Held) -> bool {
    let holds = |(of, numbers): (_, &Numbers)| others.get(of).is_some_and(|others| numbers.are_among(others));
    held.iter().all(holds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_hundred_numbers_in_a_row_take_a_few_bytes() {
        assert_eq!(Numbers::of(1..=200).encode(), [1, 0xc7, 1]);
        assert_eq!(Numbers::of([9, 4, 5, 1]).encode(), [1, 0, 3, 1, 4, 0]);
    }

    #[test]
    fn what_no_honest_writer_wrote_is_refused() {
        for bytes in [&[0, 0][..], &[1], &[1, 0, 1, 0], &[0xff; 12], &[1, 0, 0, 0]] {
            assert_eq!(Numbers::decode(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn numbers_read_back_and_join_like_sets(a in prop::collection::btree_set(1_u64..99, 0..40),
                                                b in prop::collection::btree_set(1_u64..99, 0..40)) {
            let (one, two) = (Numbers::of(a.iter().copied()), Numbers::of(b.iter().copied()));
            prop_assert_eq!(Numbers::decode(&one.encode()), Some(one.clone()));
            prop_assert_eq!(one.and(&two), Numbers::of(a.union(&b).copied()));
            prop_assert_eq!(one.are_among(&two), a.is_subset(&b));
            prop_assert_eq!(one.n(), a.len() as u64);
        }
    }
}
