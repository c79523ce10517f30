//! Operations of a hostile member that refer to what is not theirs to refer to: to what others wrote apart, to nothing, or to
//! something elsewhere. What Automerge makes of them depends on what comes first and what comes along; here everybody puts
//! them aside alike, and the document goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::legacy::OpId;
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, Change, ExpandedChange, ROOT, ReadDoc};
use proptest::prelude::*;
use seal::{ChangeKind, OpeningId, SealedChange};
use sha2::{Digest, Sha256};
use vault::Vault;

use self::scene::{Scene, key, put};
use crate::merging::shuffled;
use crate::poison::Forger;
use crate::snapshots::hostile::{Held, Snapshot, packed};
use crate::snapshots::{edit_on_and_snapshot, keep_house};
use crate::world::*;

mod scene;

const FOREIGN: &str = "foreign_operations";

pub fn of_opening(clinic: &Clinic, opening: u8) -> Forger<'_> {
    let mut forger = Forger::new(clinic);
    forger.opening = OpeningId::from_bytes([opening; 16]);
    forger
}

pub fn commit(doc: &mut AutoCommit) -> Change {
    let hash = doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
    doc.get_change_by_hash(&hash).unwrap()
}

fn id_of(sealed: &[u8]) -> seal::ChangeId {
    SealedChange::decode(sealed).unwrap().id()
}

/// What was put aside and why, and how much waits.
pub fn found(vault: &Vault) -> (Vec<(seal::ChangeId, String)>, u64) {
    let mut aside: Vec<_> = read(vault, |r| r.quarantined())
        .into_iter()
        .map(|one| (one.id, one.reason))
        .collect();
    aside.sort();
    (aside, read(vault, |r| r.sync_figures()).waiting)
}

/// The same change, with one more writer in its list that no operation names.
fn with_a_writer_more(change: &Change, writer: &ActorId) -> Vec<u8> {
    assert!(change.other_actor_ids().is_empty());
    let (mut at, mut body) = (9, change.raw_bytes()[9..].to_vec());
    while change.raw_bytes()[at] & 0x80 != 0 {
        at += 1;
    }
    body.drain(..at - 8);
    // Parents, writer, place, first operation, time, message: all but the first two are of one byte here.
    let place = 1 + 32 * change.deps().len() + 1 + change.actor_id().to_bytes().len() + 4;
    assert_eq!(body[place], 0);
    body[place] = 1;
    let named = [&[writer.to_bytes().len() as u8], writer.to_bytes()].concat();
    body.splice(place + 1..place + 1, named);
    let mut length = Vec::new();
    let mut rest = body.len();
    while rest > 127 {
        length.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    length.push(rest as u8);
    let hashed = [&[1], length.as_slice(), &body].concat();
    let sum = Sha256::digest(&hashed);
    [&change.raw_bytes()[..4], &sum[..4], &hashed].concat()
}

/// What Automerge makes of changes in batches: what stands under three keys, unless it refuses or panics.
fn made_of(batches: &[&[&Change]]) -> Option<Vec<String>> {
    let made = catch_unwind(AssertUnwindSafe(|| {
        let mut doc = AutoCommit::new();
        for batch in batches {
            let changes: Vec<Change> = batch.iter().map(|change| (*change).clone()).collect();
            doc.apply_changes(changes).ok()?;
        }
        let stands = |key| format!("{:?}", doc.get_all(ROOT, key).unwrap());
        Some(["b", "made", "z"].map(stands).to_vec())
    }));
    made.ok().flatten()
}

/// Why this is looked at: if these fail one day, Automerge has become stricter, and so much the better.
#[test]
fn left_to_automerge_it_depends_on_what_comes_first_and_what_comes_along() {
    let scene = Scene::alone();
    let of = |what: &str| {
        let operations = scene.foreign().into_iter().find(|(name, _)| *name == what);
        scene.change(operations.unwrap().1)
    };
    let (first, apart, more) = (&scene.first, &scene.apart, &scene.more);
    let into = of("into a map made apart");
    assert!(made_of(&[&[first, more], &[apart], &[&into]]).is_some());
    assert!(made_of(&[&[first, more], &[&into], &[apart]]).is_none());
    // Taken by both, and what stands is not the same.
    let over = of("over another key");
    let (one, other) = (
        made_of(&[&[first, more], &[apart], &[&over]]),
        made_of(&[&[first, more, apart, &over]]),
    );
    assert!(one.is_some() && other.is_some());
    assert_ne!(one, other);
    // Taken alone; together with others it panics.
    let nobody = of("over an item of nobody");
    assert!(made_of(&[&[first, more], &[apart], &[&nobody]]).is_some());
    assert!(made_of(&[&[first, more, apart, &nobody]]).is_none());
}

/// The same change, by another writer.
fn by(actor: &ActorId, change: &Change) -> Change {
    let mut change = change.decode();
    let before = std::mem::replace(&mut change.actor_id, actor.clone());
    for operation in &mut change.operations {
        let named = |id: &OpId| match *id.actor() == before {
            true => OpId::new(id.counter(), actor),
            false => id.clone(),
        };
        operation.pred = operation.pred.iter().map(named).collect();
    }
    Change::from(change)
}

#[test]
fn what_refers_to_what_is_not_its_own_is_put_aside_alike_and_the_document_takes_edits_as_before() {
    let clinic = Clinic::with_devices(2);
    let scene = Scene::of(&clinic);
    let mut cases: Vec<_> = scene
        .foreign()
        .into_iter()
        .zip(20..)
        .map(|((what, operations), opening)| {
            let mut forger = of_opening(&clinic, opening);
            let change = by(&forger.actor(), &scene.change(operations));
            assert!(Change::try_from(change.raw_bytes()).is_ok(), "{what}");
            (what, forger.change("clinic", change.raw_bytes()))
        })
        .collect();
    let plain = scene.change(vec![put(None, key("b"), &[])]);
    let named = [
        ("another writer, for nothing", scene.actors[1].clone()),
        ("nobody, for nothing", ActorId::from([77; 16].as_slice())),
    ];
    for ((what, writer), opening) in named.into_iter().zip(100..) {
        let mut forger = of_opening(&clinic, opening);
        let chunk = with_a_writer_more(&by(&forger.actor(), &plain), &writer);
        assert!(Change::try_from(chunk.as_slice()).is_ok(), "{what}");
        cases.push((what, forger.change("clinic", &chunk)));
    }
    let what_of = |id: &seal::ChangeId| {
        cases
            .iter()
            .find(|(_, change)| id_of(change) == *id)
            .map(|(what, _)| *what)
    };
    let mut expected: Vec<_> = cases.iter().map(|(_, change)| id_of(change)).collect();
    expected.sort();
    let mut all: Vec<Vec<u8>> = cases.iter().map(|(_, change)| change.clone()).collect();
    let mut forger = of_opening(&clinic, 9);
    all.push(forger.change("clinic", scene.first.raw_bytes()));
    all.push(forger.change("clinic", scene.more.raw_bytes()));
    all.push(of_opening(&clinic, 10).change("clinic", scene.apart.raw_bytes()));
    let n_foreign = cases.len();
    let what_it_needs_first = [&all[n_foreign..], &all[..n_foreign]].concat();
    let orders = [
        (all.clone(), 1),
        (what_it_needs_first, 1),
        (all.clone(), all.len()),
        (shuffled(&all, 1), 1),
        (shuffled(&all, 2), 3),
        (shuffled(&all, 3), 12),
    ];
    let machines = orders.map(|(order, batch)| {
        let mut machine = Machine::new(&clinic, 0);
        write(machine.vault(), |w| w.put_staff(&doctor(1)));
        for some in order.chunks(batch) {
            deliver(machine.vault(), some.to_vec());
        }
        let is_expected = |vault: &Vault| {
            let (aside, waiting) = found(vault);
            for id in &expected {
                let is_aside = aside.contains(&(*id, FOREIGN.to_owned()));
                assert!(is_aside, "{}, in batches of {batch}", what_of(id).unwrap());
            }
            assert_eq!((aside.len(), waiting), (expected.len(), 0));
        };
        is_expected(machine.vault());
        machine.vault().made_again();
        is_expected(machine.vault());
        machine.reopen();
        write(machine.vault(), |w| w.put_staff(&doctor(2)));
        assert_eq!(read(machine.vault(), |r| r.all_staff()).len(), 2);
        machine
    });
    for machine in &machines[1..] {
        exchange(machines[0].vault(), machine.vault());
    }
    for machine in &machines[1..] {
        exchange(machines[0].vault(), machine.vault());
        assert_same(machines[0].vault(), machine.vault());
    }
}

#[test]
fn what_refers_to_its_own_past_lands_also_on_top_of_what_was_written_apart() {
    let clinic = Clinic::with_devices(2);
    let scene = Scene::of(&clinic);
    let mut third = of_opening(&clinic, 7);
    let change = scene.change(scene.honest());
    let mut doc = scene.doc.clone().with_actor(third.actor());
    doc.apply_changes([scene.apart.clone(), change.clone()]).unwrap();
    let (_, made) = doc.get(ROOT, "made").unwrap().unwrap();
    doc.put(&made, "k", 8).unwrap();
    doc.put(ROOT, "b", 9).unwrap();
    let both = commit(&mut doc);
    assert_eq!(both.deps().len(), 2);
    let mut first = of_opening(&clinic, 9);
    let all = [
        first.change("clinic", scene.first.raw_bytes()),
        first.change("clinic", scene.more.raw_bytes()),
        of_opening(&clinic, 10).change("clinic", scene.apart.raw_bytes()),
        third.change("clinic", change.raw_bytes()),
        third.change("clinic", both.raw_bytes()),
    ];
    for seed in 0..20 {
        let machine = Machine::new(&clinic, 0);
        for some in shuffled(&all, seed).chunks(1 + seed as usize % 5) {
            deliver(machine.vault(), some.to_vec());
        }
        assert_eq!(found(machine.vault()), (vec![], 0), "{seed}");
    }
}

#[test]
fn a_snapshot_that_holds_what_refers_to_what_is_not_its_own_is_put_aside() {
    let clinic = Clinic::with_devices(2);
    let scene = Scene::of(&clinic);
    let held = [9, 10, 7].map(|opening| Held {
        device: (*clinic.devices[1].id().as_bytes()).into(),
        opening: [opening; 16].into(),
        numbers: vec![1, 8].into(),
    });
    let whole = |operations| {
        let mut doc = AutoCommit::new();
        for change in [&scene.first, &scene.more, &scene.apart, &scene.change(operations)] {
            doc.apply_changes([change.clone()]).unwrap();
        }
        Snapshot {
            path: "clinic".into(),
            document: doc.save_nocompress(),
            heads: doc.get_heads().iter().map(|head| head.0.into()).collect(),
            n_changes: 4,
            held: held.to_vec(),
        }
    };
    let foreign = |what| scene.foreign().into_iter().find(|(name, _)| *name == what).unwrap().1;
    let machine = Machine::new(&clinic, 0);
    let mut forger = of_opening(&clinic, 6);
    let cases = [
        "into a map made apart",
        "over a value written apart",
        "behind an item inserted apart",
    ];
    for operations in cases.map(foreign) {
        let snapshot = forger.seal(ChangeKind::Snapshot, "clinic", &packed(&whole(operations)));
        deliver(machine.vault(), vec![snapshot]);
    }
    let (aside, waiting) = found(machine.vault());
    assert_eq!((aside.len(), waiting), (cases.len(), 0));
    assert!(aside.iter().all(|(_, reason)| reason == FOREIGN), "{aside:?}");
    let honest = forger.seal(ChangeKind::Snapshot, "clinic", &packed(&whole(scene.honest())));
    deliver(machine.vault(), vec![honest]);
    assert_eq!(found(machine.vault()), (aside, 1), "it waits for what it holds");
}

/// A change as no build of ours packs it: Automerge reads it, and would write it otherwise.
fn packed_oddly(actor: &ActorId) -> Vec<u8> {
    let mut body = vec![0, actor.to_bytes().len() as u8];
    body.extend(actor.to_bytes());
    body.extend([1, 1, 0, 0, 0]); // the first change, from operation 1 on, at no time, without words or other writers
    let columns: [(u8, &[u8]); 5] = [
        (0x15, &[0x7e, 1, b'x', 1, b'y']), // two keys
        (0x34, &[2]),                      // no insertions
        (0x42, &[0x7e, 1, 1]),             // put and put, where a run of two is shorter
        (0x56, &[2, 0]),                   // null
        (0x70, &[2, 0]),                   // in the place of none
    ];
    body.push(columns.len() as u8);
    columns
        .iter()
        .for_each(|(spec, column)| body.extend([*spec, column.len() as u8]));
    columns.iter().for_each(|(_, column)| body.extend(*column));
    let hashed = [&[1, body.len() as u8][..], &body].concat();
    [&[0x85, 0x6f, 0x4a, 0x83], &Sha256::digest(&hashed)[..4], &hashed].concat()
}

#[test]
fn of_a_document_that_cannot_be_read_back_no_snapshot_is_made_and_it_takes_edits_as_before() {
    let clinic = Clinic::with_devices(2);
    let machine = Machine::new(&clinic, 0);
    let mut forger = of_opening(&clinic, 9);
    let odd = forger.change("clinic", &packed_oddly(&forger.actor()));
    deliver(machine.vault(), vec![odd]);
    assert_eq!(found(machine.vault()), (vec![], 0));
    (0..210).for_each(|n| write(machine.vault(), |w| w.put_staff(&doctor(n))));
    assert_eq!(keep_house(machine.vault()).n_made, 0);
    assert_eq!(found(machine.vault()), (vec![], 0));
    write(machine.vault(), |w| w.put_staff(&doctor(211)));
    assert_eq!(read(machine.vault(), |r| r.all_staff()).len(), 211);
}

/// What two honest devices and a hostile one wrote into one document, apart; and what of that is to be put aside, and why.
fn everything(clinic: &Clinic, choice: usize) -> (Vec<Vec<u8>>, Vec<(seal::ChangeId, String)>) {
    let writers = [Machine::new(clinic, 0), Machine::new(clinic, 1)];
    let mut all = Vec::new();
    for n in 0..3 {
        write(writers[0].vault(), |w| w.put_staff(&doctor(n)));
        write(writers[1].vault(), |w| w.put_staff(&doctor(10 + n)));
    }
    for writer in &writers {
        all.extend(take_outbox(writer.vault()));
    }
    let scene = Scene::of(clinic);
    let mut first = of_opening(clinic, 9);
    all.push(first.change("clinic", scene.first.raw_bytes()));
    all.push(first.change("clinic", scene.more.raw_bytes()));
    all.push(of_opening(clinic, 10).change("clinic", scene.apart.raw_bytes()));
    let mut aside = Vec::new();
    let cases = scene.foreign();
    for (nth, opening) in (20..26).enumerate() {
        let mut forger = of_opening(clinic, opening);
        let actor = forger.actor();
        let foreign = by(&actor, &scene.change(cases[(choice + 5 * nth) % cases.len()].1.clone()));
        let sealed = forger.change("clinic", foreign.raw_bytes());
        let (id, mut reason) = (id_of(&sealed), FOREIGN);
        all.push(sealed);
        // What is based on it waits for ever.
        if nth == 0 {
            let child = ExpandedChange {
                actor_id: of_opening(clinic, 30).actor(),
                deps: vec![foreign.hash()],
                start_op: (foreign.max_op() + 1).try_into().unwrap(),
                operations: vec![put(None, key("child"), &[])],
                ..foreign.decode()
            };
            all.push(of_opening(clinic, 30).change("clinic", Change::from(child).raw_bytes()));
        }
        // It takes no place: another of that place lands. If that one's id is the lower one, it is a fork besides.
        if nth > 2 {
            let right = ExpandedChange {
                actor_id: actor,
                operations: vec![put(None, key(&format!("right {nth}")), &[])],
                ..foreign.decode()
            };
            let right = forger.change("clinic", Change::from(right).raw_bytes());
            if id_of(&right) < id {
                reason = "fork";
            }
            all.push(right);
        }
        aside.push((id, reason.to_owned()));
    }
    aside.sort();
    (all, aside)
}

proptest! {
    #![proptest_config(inputs(8))]

    #[test]
    fn whatever_comes_first_the_same_is_foreign_the_same_waits_and_the_tables_are_equal(
        seed in any::<u64>(),
        choice in 0usize..30,
        batch in 1usize..12,
    ) {
        let clinic = Clinic::with_devices(4);
        let (all, aside) = everything(&clinic, choice);
        let [one, other] = [2, 3].map(|device| Machine::new(&clinic, device));
        for (machine, seed) in [(&one, seed), (&other, !seed)] {
            for some in shuffled(&all, seed).chunks(batch) {
                deliver(machine.vault(), some.to_vec());
            }
        }
        assert_same(one.vault(), other.vault());
        let expected = (aside, 1);
        prop_assert_eq!(&found(one.vault()), &expected);
        prop_assert_eq!(&found(other.vault()), &expected);
        other.vault().made_again();
        prop_assert_eq!(&found(other.vault()), &expected);
        assert_same(one.vault(), other.vault());
        edit_on_and_snapshot(&one, &other);
        prop_assert_eq!(found(one.vault()), found(other.vault()));
    }
}
