//! The prefix tree is the set, summed up: nothing else, and all of it.

use proptest::prelude::*;
use sync_protocol::tree::{DEPTH, Tree};
use sync_protocol::{Bucket, ItemId, Prefix};

fn ids() -> impl Strategy<Value = std::collections::BTreeSet<[u8; 32]>> {
    // Few heads, so that buckets are shared.
    let id = (0..4u8, 0..40u8, any::<[u8; 30]>()).prop_map(|(one, two, rest)| {
        let mut id = [one << 5; 32];
        id[1] = two;
        id[2..].copy_from_slice(&rest);
        id
    });
    proptest::collection::btree_set(id, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_depends_on_the_set_alone_and_forgets_what_is_taken_out(kept in ids(), gone in ids()) {
        let all = |ids: &std::collections::BTreeSet<[u8; 32]>| ids.iter().map(|id| ItemId::from_bytes(*id)).collect::<Vec<_>>();
        let gone: std::collections::BTreeSet<_> = gone.difference(&kept).copied().collect();
        let mut tree = Tree::of(all(&gone).into_iter().chain(all(&kept).into_iter().rev()));
        all(&gone).iter().for_each(|id| tree.remove(id));
        prop_assert_eq!(&tree, &Tree::of(all(&kept)));
        prop_assert_eq!(tree.bucket(Prefix::ROOT).n, kept.len() as u64);
        for (prefix, bucket) in tree.buckets() {
            let under: Vec<_> = all(&kept).into_iter().filter(|id| prefix.holds(id)).collect();
            prop_assert_eq!(bucket.n, under.len() as u64);
            let (first, last) = prefix.bounds();
            prop_assert!(under.iter().all(|id| (first..=last).contains(id)));
            if prefix.depth() < DEPTH {
                let mut sum = Bucket::default();
                tree.children(prefix).iter().for_each(|child| sum.join(child));
                prop_assert_eq!(*bucket, sum);
            }
        }
    }

    #[test]
    fn a_prefix_is_its_number(number: u32) {
        // Most random numbers are none.
        for number in [number, number >> 12, number >> 16 | 0x1_0000, number % 300] {
            if let Some(prefix) = Prefix::from_number(number) {
                prop_assert_eq!(prefix.number(), number);
                let (first, last) = prefix.bounds();
                prop_assert_eq!(Prefix::of(&first, prefix.depth()), prefix);
                prop_assert_eq!(Prefix::of(&last, prefix.depth()), prefix);
                for child in prefix.children().into_iter().flatten() {
                    prop_assert_eq!(child.depth(), prefix.depth() + 1);
                    prop_assert!(prefix.holds(&child.bounds().0) && prefix.holds(&child.bounds().1));
                }
            }
        }
    }
}

#[test]
fn there_are_as_many_prefixes_as_there_should_be() {
    let n = (0..1u32 << 18)
        .filter(|number| Prefix::from_number(*number).is_some())
        .count();
    assert_eq!(n, 1 + 16 + 256 + 4_096 + 65_536);
}

#[test]
fn sums_run_over_and_back() {
    let highest = ItemId::from_bytes([0xff; 32]);
    let mut bucket = Bucket::default();
    bucket.add(&highest);
    bucket.add(&highest);
    let mut twice = [0xff; 32];
    twice[31] = 0xfe;
    assert_eq!(bucket, Bucket { n: 2, sum: twice });
    bucket.remove(&highest);
    bucket.remove(&highest);
    assert!(bucket.is_empty());
    // Not equal, though the count is: the sum is what tells.
    let mut one = Bucket::default();
    one.add(&ItemId::from_bytes([1; 32]));
    assert_ne!(one, Bucket { n: 1, sum: [2; 32] });
}
