//! Fewer steps that still break the same promise: delta debugging, in the simple form and for so long.

use std::time::{Duration, Instant};

/// Drops parts of `steps` for as long as what is left `fails`, from halves down to single ones, until `patience` ends.
pub fn shrink<T: Clone>(steps: &[T], patience: Duration, mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let began = Instant::now();
    let mut left = steps.to_vec();
    let mut part = left.len().div_ceil(2);
    while part > 0 {
        let (mut at, mut dropped) = (0, false);
        while at < left.len() {
            if began.elapsed() > patience {
                return left;
            }
            let end = (at + part).min(left.len());
            let fewer: Vec<T> = [&left[..at], &left[end..]].concat();
            if fails(&fewer) {
                (left, dropped) = (fewer, true);
            } else {
                at = end;
            }
        }
        // Single steps again, for as long as that helps: one may have needed another that is gone now.
        part = if part == 1 && dropped { 1 } else { part / 2 };
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_dropped_and_what_matters_stays() {
        let steps: Vec<u32> = (0..200).collect();
        let fails = |steps: &[u32]| [17, 18, 150].iter().all(|step| steps.contains(step));
        assert_eq!(shrink(&steps, Duration::from_secs(60), fails), [17, 18, 150]);
    }

    #[test]
    fn without_patience_nothing_is_tried() {
        assert_eq!(shrink(&[1, 2], Duration::ZERO, |_| true), [1, 2]);
    }
}
