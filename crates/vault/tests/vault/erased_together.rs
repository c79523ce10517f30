//! What comes in one batch with its own erasure, and what waits for a parent that a snapshot holds.

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{AutoCommit, ObjType, ROOT};
use domain::Role;
use seal::{OpeningId, SealedChange};
use sync_protocol::{Incarnation, OutId, SyncStore, WantedFirst};
use vault::{FactBody, Vault};

use crate::erasing::{all_of, erase, person};
use crate::poison::Forger;
use crate::snapshots::{healthy, only_snapshots, pruned};
use crate::world::*;

const OWNER: u8 = 9;

fn rename(vault: &Vault, phone: &str) {
    let mut renamed = patient(1);
    renamed.phone = phone.into();
    write(vault, |w| w.put_patient(&renamed));
}

/// What a device forgets in the middle of a batch it must not go on with: the parent's body is gone by then.
#[test]
fn a_change_that_comes_right_before_its_own_erasure_is_erased_and_waits_for_nothing() {
    let clinic = Clinic::with_devices(3);
    let [writer, two, three] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let (two, three) = (two.vault(), three.vault());
    let keys = person(writer.vault(), OWNER, Role::Owner);
    write(writer.vault(), |w| w.put_patient(&patient(1)));
    let early = take_outbox(writer.vault());
    rename(writer.vault(), "03-1");
    rename(writer.vault(), "03-2");
    // With their bodies, as a relay has them that has not heard of the erasure.
    let edits = take_outbox(writer.vault());
    erase(writer.vault(), &keys, all_of(writer.vault(), 1));
    let erasure = take_outbox(writer.vault());
    deliver(two, early.clone());
    deliver(two, [edits.clone(), erasure.clone()].concat());
    deliver(three, [early, edits, erasure].concat());
    for vault in [two, three] {
        assert_same(writer.vault(), vault);
        healthy(vault);
        assert_eq!(read(vault, |r| r.patient(patient_id(1))), None);
        assert_eq!(read(vault, |r| r.sync_figures()).to_be_read, 0);
        vault.made_again();
        assert_same(writer.vault(), vault);
        healthy(vault);
    }
}

/// Nobody gives the body of the parent any more: who waited for it would wait for ever.
#[test]
fn a_change_whose_parent_is_not_here_waits_for_nothing_once_its_erasure_came_with_it() {
    let clinic = Clinic::with_devices(2);
    let [writer, two] = [0, 1].map(|device| Machine::new(&clinic, device));
    let (writer, two) = (writer.vault(), two.vault());
    let keys = person(writer, OWNER, Role::Owner);
    deliver(two, take_outbox(writer));
    write(writer, |w| w.put_patient(&patient(1)));
    let parent = take_outbox(writer);
    rename(writer, "03-1");
    let child = take_outbox(writer);
    erase(writer, &keys, all_of(writer, 1));
    let erasure = take_outbox(writer);
    deliver(two, [child, erasure].concat());
    let figures = read(two, |r| r.sync_figures());
    assert_eq!((figures.waiting, figures.to_be_read, figures.quarantined), (0, 0, 0));
    deliver(two, parent);
    assert_same(writer, two);
    healthy(two);
}

#[test]
fn a_snapshot_that_comes_together_with_the_erasure_of_its_document_leaves_nothing_unjudged() {
    let clinic = Clinic::with_devices(4);
    let (one, _two, all) = pruned(&clinic);
    let one = one.vault();
    rename(one, "04-4");
    let on_top = take_outbox(one);
    let keys = person(one, OWNER, Role::Owner);
    erase(one, &keys, all_of(one, 1));
    let erasure = take_outbox(one);
    let three = Machine::new(&clinic, 2);
    deliver(
        three.vault(),
        [only_snapshots(&all), on_top.clone(), erasure.clone()].concat(),
    );
    healthy(three.vault());
    assert_eq!(read(three.vault(), |r| r.patient(patient_id(1))), None);
    assert_eq!(read(three.vault(), |r| r.sync_figures()).to_be_read, 0);
    let tables = three.vault().dump_tables().unwrap();
    three.vault().made_again();
    assert_eq!(difference(&tables, &three.vault().dump_tables().unwrap()), None);
    healthy(three.vault());
    assert_eq!(difference(&tables, &one.dump_tables().unwrap()), None);
}

/// Automerge takes a waiting child along with its parent. Where the parent is in a snapshot that comes into force, the
/// child is judged beside it, and a hostile one costs nobody the document.
#[test]
fn a_hostile_child_whose_parent_comes_in_a_snapshot_is_put_aside_and_the_document_opens() {
    let clinic = Clinic::with_devices(4);
    let [one, two] = [0, 3].map(|device| Machine::new(&clinic, device));
    let (one, two) = (one.vault(), two.vault());
    let path = format!("patient/{}/identity", patient_id(1));
    let mut hostile = Forger::new(&clinic);
    let mut doc = AutoCommit::new().with_actor(hostile.actor());
    doc.put_object(ROOT, "x", ObjType::Map).unwrap();
    let hash = doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
    let parent = doc.get_change_by_hash(&hash).unwrap();
    deliver(one, vec![hostile.change(&path, parent.raw_bytes())]);
    write(one, |w| w.put_patient(&patient(1)));
    let mut all = vec![hostile_again(&clinic, &path, &parent)];
    all.extend(take_outbox(one));
    deliver(two, all.clone());
    one.snapshot_everything().unwrap();
    let snapshot = take_outbox(one);
    deliver(two, snapshot.clone());
    assert_eq!(two.housekeeping(8).unwrap().n_confirmed, 1);
    all.extend(snapshot);
    all.extend(take_outbox(two));
    let child = |hostile: &mut Forger<'_>, seq: u64, n: u8| {
        hostile.opening = OpeningId::from_bytes([n; 16]);
        let mut apart = AutoCommit::new().with_actor(hostile.actor());
        apart.put_object(ROOT, "nothing", ObjType::Map).unwrap();
        let made = apart.commit_with(CommitOptions::default().with_time(0)).unwrap();
        let mut change = apart.get_change_by_hash(&made).unwrap().decode();
        change.deps = vec![parent.hash()];
        change.start_op = 2.try_into().unwrap();
        change.seq = seq;
        hostile.change(&path, automerge::Change::from(change).raw_bytes())
    };
    // One that skips a number, and one that is well made.
    let children = [child(&mut hostile, 5, 7), child(&mut hostile, 1, 8)];
    for order in [[0, 1], [1, 0]] {
        let mut machine = Machine::new(&clinic, 2);
        for place in order {
            deliver(machine.vault(), vec![children[place].clone()]);
        }
        assert_eq!(read(machine.vault(), |r| r.sync_figures()).waiting, 2);
        deliver(machine.vault(), only_snapshots(&all));
        let aside = |machine: &Machine| {
            let aside = read(machine.vault(), |r| r.quarantined());
            aside.into_iter().map(|one| (one.id, one.reason)).collect::<Vec<_>>()
        };
        let skipped = SealedChange::decode(&children[0]).unwrap().id();
        assert_eq!(aside(&machine), [(skipped, "wrong_numbers".to_owned())]);
        assert_eq!(read(machine.vault(), |r| r.sync_figures()).waiting, 0);
        machine.reopen();
        rename(machine.vault(), "05-5");
        assert_eq!(
            read(machine.vault(), |r| r.patient(patient_id(1))).unwrap().phone,
            "05-5"
        );
        machine.vault().made_again();
        assert_eq!(aside(&machine).len(), 1);
    }
}

/// The same sealed change once more: it is made from the same seed.
fn hostile_again(clinic: &Clinic, path: &str, change: &automerge::Change) -> Vec<u8> {
    Forger::new(clinic).change(path, change.raw_bytes())
}

fn told(vault: &Vault) -> Vec<OutId> {
    let mut told = Vec::new();
    loop {
        let items = vault.outbox(100, 1 << 20).unwrap();
        if items.is_empty() {
            return told;
        }
        let ids: Vec<OutId> = items.iter().map(|item| item.id).collect();
        vault.mark_sent(&ids).unwrap();
        told.extend(ids);
    }
}

/// A relay that was put back has what is covered and erased once more, and would give it to every new device.
#[test]
fn a_relay_in_a_new_life_is_told_again_what_is_covered_and_what_is_erased() {
    let clinic = Clinic::with_devices(4);
    let (_one, two, all) = pruned(&clinic);
    let two = two.vault();
    let keys = person(two, OWNER, Role::Owner);
    write(two, |w| w.put_patient(&patient(2)));
    erase(two, &keys, all_of(two, 2));
    two.begin_incarnation(&INCARNATION).unwrap();
    told(two);
    two.begin_incarnation(&Incarnation([2; 16])).unwrap();
    // It would give neither what a snapshot covers nor the snapshot, were that not with it yet.
    let at_once = told(two);
    assert!(!at_once.iter().any(|id| matches!(id, OutId::Covered(_))));
    two.came_to(0, 0).unwrap();
    let again = [at_once, told(two)].concat();
    let n = |of: fn(&OutId) -> bool| again.iter().filter(|id| of(id)).count();
    let n_edits = all.len() - only_snapshots(&all).len();
    assert_eq!(n(|id| matches!(id, OutId::Covered(_))), n_edits);
    assert_eq!(n(|id| matches!(id, OutId::Erased(_))), 1);

    // Whoever gets from the relay what a snapshot holds says so, too: the one that confirmed it may never come again.
    let three = Machine::new(&clinic, 2);
    deliver(three.vault(), all.clone());
    let said = told(three.vault());
    assert_eq!(
        said.iter().filter(|id| matches!(id, OutId::Covered(_))).count(),
        n_edits
    );
    deliver(three.vault(), all);
    three.vault().made_again();
    assert_eq!(told(three.vault()), [], "once");
}

/// A fact and its erasure in one batch, in either order.
#[test]
fn a_fact_that_comes_together_with_its_erasure_has_no_row_and_no_body() {
    let clinic = Clinic::with_devices(3);
    let one = Machine::new(&clinic, 0);
    let keys = person(one.vault(), OWNER, Role::Owner);
    write(one.vault(), |w| {
        w.put_patient(&patient(1))?;
        w.open_visit(&visit(1))
    });
    let said = crate::erasing::says(one.vault(), 1, "Addendum: quietude was advised.");
    let all = take_outbox(one.vault());
    let mut what = all_of(one.vault(), 1);
    what.documents.clear();
    what.attachments.clear();
    assert_eq!(what.facts, [said]);
    erase(one.vault(), &keys, what);
    let erasure = take_outbox(one.vault());
    for batch in [[all.clone(), erasure.clone()].concat(), [erasure, all].concat()] {
        let other = Machine::new(&clinic, 1);
        deliver(other.vault(), batch);
        assert_same(one.vault(), other.vault());
        let facts = read(other.vault(), |r| r.facts_of_visit(visit_id(1)));
        assert!(!facts.iter().any(|fact| matches!(fact.body, FactBody::Addendum(_))));
        healthy(other.vault());
    }
}
