//! A set of statements, by their place in the line of what was taken in.

/// A set of small numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn insert(&mut self, n: usize) {
        let word = n / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (n % 64);
    }

    pub(super) fn remove(&mut self, n: usize) {
        if let Some(word) = self.0.get_mut(n / 64) {
            *word &= !(1 << (n % 64));
        }
    }

    pub(super) fn contains(&self, n: usize) -> bool {
        self.0.get(n / 64).is_some_and(|word| word & (1 << (n % 64)) != 0)
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    pub(super) fn intersects(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }

    pub(super) fn is_within(&self, other: &Self) -> bool {
        let word_of = |n| other.0.get(n).copied().unwrap_or(0);
        self.0.iter().enumerate().all(|(n, word)| word & !word_of(n) == 0)
    }

    /// What is in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one & other).collect())
    }

    /// What is in this set and not in the other.
    pub(super) fn without(&self, other: &Self) -> Self {
        let word_of = |n| other.0.get(n).copied().unwrap_or(0);
        Self(self.0.iter().enumerate().map(|(n, word)| word & !word_of(n)).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let n = left.trailing_zeros();
                left &= left.checked_sub(1)?;
                Some(at * 64 + n as usize)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Bits;

    fn bits(of: &BTreeSet<usize>) -> Bits {
        let mut bits = Bits::default();
        of.iter().for_each(|n| bits.insert(*n));
        bits
    }

    proptest! {
        #[test]
        fn bits_behave_as_a_set(one: BTreeSet<u8>, other: BTreeSet<u8>) {
            let [one, other] = [one, other].map(|set| set.into_iter().map(usize::from).collect::<BTreeSet<_>>());
            let (a, b) = (bits(&one), bits(&other));
            let all = |bits: &Bits| bits.iter().collect::<BTreeSet<_>>();
            let mut both = a.clone();
            both.add(&b);
            prop_assert_eq!(all(&a), one.clone());
            prop_assert_eq!(all(&both), &one | &other);
            prop_assert_eq!(all(&a.and(&b)), &one & &other);
            prop_assert_eq!(all(&a.without(&b)), &one - &other);
            prop_assert_eq!(a.intersects(&b), !one.is_disjoint(&other));
            prop_assert_eq!(a.is_within(&b), one.is_subset(&other));
            let mut less = a.clone();
            other.iter().for_each(|n| less.remove(*n));
            prop_assert_eq!(all(&less), &one - &other);
            prop_assert!((0..300).all(|n| a.contains(n) == one.contains(&n)));
        }
    }
}
