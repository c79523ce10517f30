//! Numbers that a hostile member gives its changes: where its operations begin, which place in its history a change has, when
//! it was made. What does not follow is put aside by everybody alike, and the document goes on.

use std::num::NonZeroU64;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{AutoCommit, Change, ChangeHash, ExpandedChange, ROOT};
use proptest::prelude::*;
use seal::{OpeningId, SealedChange};
use vault::Vault;

use crate::merging::shuffled;
use crate::poison::Forger;
use crate::snapshots::edit_on_and_snapshot;
use crate::world::*;

const WRONG: &str = "wrong_numbers";

fn of_opening(clinic: &Clinic, opening: u8) -> Forger<'_> {
    let mut forger = Forger::new(clinic);
    forger.opening = OpeningId::from_bytes([opening; 16]);
    forger
}

fn put(doc: &mut AutoCommit, value: i64) -> ChangeHash {
    doc.put(ROOT, "x", value).unwrap();
    doc.commit_with(CommitOptions::default().with_time(0)).unwrap()
}

/// A change of the forger's on top of `doc`, as it bends it.
fn on_top(forger: &mut Forger<'_>, doc: &mut AutoCommit, bend: impl Fn(&mut ExpandedChange)) -> Vec<u8> {
    let mut child = doc.fork().with_actor(forger.actor());
    let hash = put(&mut child, 7);
    let mut change = child.get_change_by_hash(&hash).unwrap().decode();
    bend(&mut change);
    forger.change("clinic", Change::from(change).raw_bytes())
}

fn begins_at(n: u64) -> impl Fn(&mut ExpandedChange) {
    move |change| change.start_op = NonZeroU64::new(n).unwrap()
}

/// What was put aside and why, and how much waits.
fn found(vault: &Vault) -> (Vec<(seal::ChangeId, String)>, u64) {
    let mut aside: Vec<_> = read(vault, |r| r.quarantined())
        .into_iter()
        .map(|one| (one.id, one.reason))
        .collect();
    aside.sort();
    (aside, read(vault, |r| r.sync_figures()).waiting)
}

fn id_of(sealed: &[u8]) -> seal::ChangeId {
    SealedChange::decode(sealed).unwrap().id()
}

#[test]
fn numbers_that_do_not_follow_are_put_aside_and_the_document_takes_edits_as_before() {
    let clinic = Clinic::with_devices(2);
    let mut forger = of_opening(&clinic, 9);
    let mut doc = AutoCommit::new().with_actor(forger.actor());
    let first = put(&mut doc, 1);
    let parent = forger.change("clinic", doc.get_change_by_hash(&first).unwrap().raw_bytes());

    type Bend = Box<dyn Fn(&mut ExpandedChange)>;
    let bends: [(&str, Bend); 11] = [
        ("one too far", Box::new(begins_at(3))),
        ("one too near", Box::new(begins_at(1))),
        ("at half of all", Box::new(begins_at(1 << 31))),
        ("at the last one", Box::new(begins_at(u64::from(u32::MAX)))),
        ("beyond all numbers", Box::new(begins_at(1 << 32))),
        ("far beyond all numbers", Box::new(begins_at(u64::MAX))),
        ("no place", Box::new(|change| change.seq = 0)),
        ("the second place without the first", Box::new(|change| change.seq = 2)),
        ("the last place", Box::new(|change| change.seq = u64::MAX)),
        ("before all time", Box::new(|change| change.time = i64::MIN)),
        ("after all time", Box::new(|change| change.time = i64::MAX)),
    ];
    for (what, bend) in bends {
        let child = on_top(&mut of_opening(&clinic, 8), &mut doc, bend);
        let heard = |order: [&Vec<u8>; 2]| {
            let machine = Machine::new(&clinic, 0);
            write(machine.vault(), |w| w.put_staff(&doctor(1)));
            order
                .into_iter()
                .for_each(|change| deliver(machine.vault(), vec![change.clone()]));
            machine
        };
        let together = Machine::new(&clinic, 0);
        deliver(together.vault(), vec![child.clone(), parent.clone()]);
        for mut machine in [heard([&parent, &child]), heard([&child, &parent]), together] {
            let reason = if what.ends_with("all numbers") {
                "malformed_change"
            } else {
                WRONG
            };
            let expected = (vec![(id_of(&child), reason.to_owned())], 0);
            assert_eq!(found(machine.vault()), expected, "{what}");
            machine.vault().made_again();
            assert_eq!(found(machine.vault()), expected, "{what}, rebuilt");
            machine.reopen();
            (2..9).for_each(|n| write(machine.vault(), |w| w.put_staff(&doctor(n))));
            assert!(read(machine.vault(), |r| r.all_staff()).len() >= 7, "{what}");
        }
    }
}

#[test]
fn a_change_whose_numbers_follow_lands_whoever_wrote_it() {
    let clinic = Clinic::with_devices(2);
    let mut forger = of_opening(&clinic, 9);
    let mut doc = AutoCommit::new().with_actor(forger.actor());
    let mut changes: Vec<Vec<u8>> = (1..4)
        .map(|value| {
            let hash = put(&mut doc, value);
            forger.change("clinic", doc.get_change_by_hash(&hash).unwrap().raw_bytes())
        })
        .collect();
    changes.push(on_top(&mut of_opening(&clinic, 8), &mut doc, begins_at(4)));
    let machine = Machine::new(&clinic, 0);
    deliver(machine.vault(), changes.into_iter().rev().collect());
    assert_eq!(found(machine.vault()), (vec![], 0));
}

/// What two honest devices and a hostile one wrote into one document, apart.
fn everything(clinic: &Clinic) -> Vec<Vec<u8>> {
    let writers = [Machine::new(clinic, 0), Machine::new(clinic, 1)];
    let mut all = Vec::new();
    for n in 0..3 {
        write(writers[0].vault(), |w| w.put_staff(&doctor(n)));
        write(writers[1].vault(), |w| w.put_staff(&doctor(10 + n)));
    }
    writers
        .iter()
        .for_each(|writer| all.extend(take_outbox(writer.vault())));

    let mut forger = of_opening(clinic, 9);
    let mut doc = AutoCommit::new().with_actor(forger.actor());
    let first = put(&mut doc, 1);
    all.push(forger.change("clinic", doc.get_change_by_hash(&first).unwrap().raw_bytes()));
    let alone = doc.clone();
    let second = put(&mut doc, 2);
    all.push(forger.change("clinic", doc.get_change_by_hash(&second).unwrap().raw_bytes()));

    // Far ahead, and what is based on that: the one put aside, the other waits for it for ever.
    let far = |change: &mut ExpandedChange| change.start_op = NonZeroU64::new(1 << 31).unwrap();
    let mut ahead = of_opening(clinic, 8);
    all.push(on_top(&mut ahead, &mut alone.clone(), far));
    let mut bent = alone.clone().with_actor(ahead.actor());
    let hash = put(&mut bent, 7);
    let mut change = bent.get_change_by_hash(&hash).unwrap().decode();
    far(&mut change);
    let named = Change::from(change.clone()).hash();
    all.push(on_top(&mut of_opening(clinic, 7), &mut alone.clone(), |child| {
        child.deps = vec![named];
        child.start_op = NonZeroU64::new((1 << 31) + 1).unwrap();
    }));
    // Its second place in its history, not based on the first.
    let mut apart = of_opening(clinic, 6);
    all.push(on_top(&mut apart, &mut alone.clone(), |_| {}));
    all.push(on_top(&mut apart, &mut alone.clone(), |change| change.seq = 2));
    // Two claim one place, and the lower of the two could stand nowhere; two more the other way round: there it is the fork.
    for (opening, is_lower) in [(5, true), (4, false)] {
        let mut forger = of_opening(clinic, opening);
        let right = on_top(&mut forger, &mut doc, |_| {});
        let wrong = (0..)
            .map(|_| on_top(&mut forger, &mut doc, far))
            .find(|wrong| (id_of(wrong) < id_of(&right)) == is_lower);
        all.extend([right, wrong.unwrap()]);
    }
    // Three claim one place: the lowest could stand nowhere, and of the others the lower one stays.
    let mut forger = of_opening(clinic, 3);
    let one = on_top(&mut forger, &mut doc, |_| {});
    let other = on_top(&mut forger, &mut alone.clone(), |_| {});
    let lowest = id_of(&one).min(id_of(&other));
    let wrong = (0..)
        .map(|_| on_top(&mut forger, &mut doc, far))
        .find(|wrong| id_of(wrong) < lowest);
    all.extend([one, other, wrong.unwrap()]);
    all
}

proptest! {
    #![proptest_config(inputs(16))]

    #[test]
    fn whatever_comes_first_the_same_is_put_aside_the_same_waits_and_the_tables_are_equal(
        seed in any::<u64>(),
        batch in 1usize..8,
    ) {
        let clinic = Clinic::with_devices(4);
        let all = everything(&clinic);
        let [one, other] = [2, 3].map(|device| Machine::new(&clinic, device));
        for (machine, seed) in [(&one, seed), (&other, !seed)] {
            for some in shuffled(&all, seed).chunks(batch) {
                deliver(machine.vault(), some.to_vec());
            }
        }
        assert_same(one.vault(), other.vault());
        let expected = found(one.vault());
        prop_assert_eq!(expected.0.iter().filter(|(_, reason)| reason == WRONG).count(), 4);
        prop_assert_eq!(expected.0.iter().filter(|(_, reason)| reason == "fork").count(), 2);
        prop_assert_eq!((expected.0.len(), expected.1), (6, 1));
        prop_assert_eq!(&found(other.vault()), &expected);
        other.vault().made_again();
        prop_assert_eq!(&found(other.vault()), &expected);
        assert_same(one.vault(), other.vault());
        edit_on_and_snapshot(&one, &other);
        // Beside what a snapshot holds, whatever claims its place is a fork.
        let ids = |vault| found(vault).0.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        prop_assert_eq!(found(one.vault()), found(other.vault()));
        prop_assert_eq!(ids(one.vault()), expected.0.into_iter().map(|(id, _)| id).collect::<Vec<_>>());
    }
}
