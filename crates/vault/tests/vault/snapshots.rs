//! Snapshots: a document's history goes, its content and whoever comes later lose nothing.

pub mod hostile;
mod kills;
mod orders;
mod stragglers;

use std::io::Write;
use std::process::Command;
use std::sync::Arc;

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, ROOT};
use domain::Severity;
use flate2::{Compression, write::DeflateEncoder};
use minicbor::bytes::{ByteArray, ByteVec};
use proptest::prelude::*;
use seal::{ChangeKind, EpochSecrets, FORMAT_VERSION, Header, OpeningId, SealedChange};
use sync_protocol::{OutId, PeerSet, PeerStore, Prefix, SyncStore};
use vault::{Housekept, Vault, VaultError, kill};

use crate::killing::was_killed;
use crate::merging::{do_something, shuffled};
use crate::nouns::queued;
use crate::peers::meet;
use crate::removal::{remove, statements, take};
use crate::world::*;

pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn rename(vault: &Vault, n: u8, phone: &str) {
    let mut renamed = read(vault, |r| r.patient(patient_id(n))).unwrap_or_else(|| patient(n));
    renamed.phone = phone.into();
    write(vault, |w| w.put_patient(&renamed));
}

/// Edits of one patient's identity.
const EDITS: u64 = 30;

fn edit_much(vault: &Vault) {
    for n in 0..EDITS {
        rename(vault, 1, &format!("03-{n:07}"));
    }
}

pub fn keep_house(vault: &Vault) -> Housekept {
    let mut all = Housekept::default();
    loop {
        let some = vault.housekeeping(8).unwrap();
        all.n_made += some.n_made;
        all.n_confirmed += some.n_confirmed;
        all.n_dropped += some.n_dropped;
        if !some.more {
            return all;
        }
    }
}

/// A document is edited on by both, and a snapshot of it is made by the one and taken by the other.
pub fn edit_on_and_snapshot(one: &Machine, other: &Machine) {
    for machine in [one, other] {
        (0..120).for_each(|n| write(machine.vault(), |w| w.put_staff(&doctor(n))));
    }
    exchange(one.vault(), other.vault());
    assert!(keep_house(one.vault()).n_made > 0);
    deliver(other.vault(), take_outbox(one.vault()));
    assert!(keep_house(other.vault()).n_confirmed > 0);
    deliver(one.vault(), take_outbox(other.vault()));
    assert_same(one.vault(), other.vault());
}

/// Everything that waits to be sent; the changes, and how many are told to be covered.
fn take_all(vault: &Vault) -> (Vec<Vec<u8>>, usize) {
    let (mut changes, mut n_covered) = (Vec::new(), 0);
    loop {
        let items = vault.outbox(100, 1 << 20).unwrap();
        if items.is_empty() {
            return (changes, n_covered);
        }
        vault
            .mark_sent(&items.iter().map(|item| item.id).collect::<Vec<_>>())
            .unwrap();
        for item in items {
            match item.id {
                OutId::Change(_) => changes.push(item.bytes),
                OutId::Covered(_) => n_covered += 1,
                _ => {}
            }
        }
    }
}

fn kinds(changes: &[Vec<u8>]) -> Vec<ChangeKind> {
    let all = changes.iter().map(|bytes| SealedChange::decode(bytes).unwrap());
    all.map(|change| change.header().kind).collect()
}

pub fn only_snapshots(changes: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let all = changes.iter().zip(kinds(changes));
    all.filter(|(_, kind)| *kind == ChangeKind::Snapshot)
        .map(|(bytes, _)| bytes.clone())
        .collect()
}

fn same_tables(a: &Vault, b: &Vault) {
    assert_eq!(difference(&a.dump_tables().unwrap(), &b.dump_tables().unwrap()), None);
}

pub fn healthy(vault: &Vault) {
    let figures = read(vault, |r| r.sync_figures());
    assert_eq!(
        (figures.waiting, figures.quarantined, figures.missing.len()),
        (0, 0, 0),
        "{figures:?}"
    );
    let report = vault.verify().unwrap();
    assert!(report.trees_hold && report.altered.is_empty() && report.unsigned.is_empty());
}

/// Two devices of which the second has confirmed the first one's snapshot; everything that was ever sent.
pub fn pruned(clinic: &Clinic) -> (Machine, Machine, Vec<Vec<u8>>) {
    let (one, two) = (Machine::new(clinic, 0), Machine::new(clinic, 1));
    edit_much(one.vault());
    let mut all = take_outbox(one.vault());
    deliver(two.vault(), all.clone());
    assert_eq!(one.vault().snapshot_everything().unwrap(), 1);
    let snapshot = take_outbox(one.vault());
    assert_eq!(kinds(&snapshot), [ChangeKind::Snapshot]);
    deliver(two.vault(), snapshot.clone());
    assert_eq!(keep_house(two.vault()).n_confirmed, 1);
    let (word, n_covered) = take_all(two.vault());
    assert_eq!((word.len(), n_covered as u64), (1, EDITS));
    deliver(one.vault(), word.clone());
    all.extend(snapshot);
    all.extend(word);
    (one, two, all)
}

/// What this device would give to a relay that has nothing.
fn live_of(vault: &Vault) -> Vec<Vec<u8>> {
    let ids = vault
        .ids_under(PeerSet::Changes, Prefix::ROOT, None, usize::MAX)
        .unwrap();
    let changes = vault.changes(&ids, usize::MAX).unwrap();
    changes.into_iter().map(Option::unwrap).collect()
}

#[test]
fn a_confirmed_snapshot_covers_what_it_holds_and_a_new_device_needs_nothing_else() {
    let clinic = Clinic::with_devices(3);
    let (one, two, all) = pruned(&clinic);
    for vault in [one.vault(), two.vault()] {
        assert_eq!(vault.set_of_changes().unwrap().count, 2); // the snapshot, and the word for it
        healthy(vault);
    }
    assert_same(one.vault(), two.vault());
    two.vault().made_again();
    assert_eq!(take_all(two.vault()), (vec![], 0), "the relay was told");
    assert_eq!(keep_house(two.vault()), Housekept::default());
    let three = Machine::new(&clinic, 2);
    deliver(three.vault(), only_snapshots(&all));
    assert_same(three.vault(), one.vault());
    healthy(three.vault());
    three.vault().made_again();
    assert_same(three.vault(), one.vault());
    // And the work goes on, in each direction.
    rename(three.vault(), 1, "07-777");
    exchange(three.vault(), one.vault());
    assert_same(three.vault(), one.vault());
    assert_eq!(read(one.vault(), |r| r.patient(patient_id(1))).unwrap().phone, "07-777");
}

#[test]
fn what_is_covered_goes_after_thirty_days_and_not_before() {
    let clinic = Clinic::with_devices(2);
    let (clock, ports) = still_clock(7);
    let folder = tempfile::tempdir().unwrap();
    let other = Machine::new(&clinic, 1);
    let vault = Vault::create(
        &folder.path().join("clinic"),
        &clinic.secrets(0),
        &clinic.statements,
        ports,
    )
    .unwrap();
    edit_much(&vault);
    deliver(other.vault(), take_outbox(&vault));
    vault.snapshot_everything().unwrap();
    exchange(&vault, other.vault());
    assert_eq!(keep_house(other.vault()).n_confirmed, 1);
    exchange(&vault, other.vault());
    assert_eq!(keep_house(&vault).n_dropped, 0);
    clock.set(29 * DAY_MS);
    assert_eq!(keep_house(&vault).n_dropped, 0);
    let before = vault.dump_tables().unwrap();
    clock.set(31 * DAY_MS);
    assert_eq!(keep_house(&vault).n_dropped as u64, EDITS);
    healthy(&vault);
    vault.made_again();
    assert_eq!(difference(&before, &vault.dump_tables().unwrap()), None);
    assert_same(&vault, other.vault());
    // It writes on, in the same history.
    rename(&vault, 1, "1");
    exchange(&vault, other.vault());
    assert_same(&vault, other.vault());
    healthy(other.vault());
}

#[test]
fn a_device_that_lacks_one_change_confirms_nothing() {
    let clinic = Clinic::with_devices(3);
    let [one, two, three] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    edit_much(one.vault());
    let changes = take_outbox(one.vault());
    one.vault().snapshot_everything().unwrap();
    let snapshot = take_outbox(one.vault());
    // The last one is missing; then one in the middle, so that all after it wait.
    for (vault, missing) in [(two.vault(), EDITS as usize - 1), (three.vault(), EDITS as usize / 2)] {
        let mut some = changes.clone();
        let late = some.remove(missing);
        deliver(vault, some);
        deliver(vault, snapshot.clone());
        assert_eq!(keep_house(vault), Housekept::default());
        assert_eq!(vault.set_of_changes().unwrap().count, EDITS);
        deliver(vault, vec![late]);
        assert_eq!(keep_house(vault).n_confirmed, 1);
        assert_eq!(vault.set_of_changes().unwrap().count, 2);
        healthy(vault);
    }
}

#[test]
fn what_a_snapshot_does_not_hold_stays_live_whoever_confirmed_it() {
    let clinic = Clinic::with_devices(3);
    let (one, two, all) = pruned(&clinic);
    let three = Machine::new(&clinic, 2);
    // It had heard of half, wrote on top of that, and hears of the snapshot only now.
    deliver(three.vault(), all[..EDITS as usize / 2].to_vec());
    let mut moved = read(three.vault(), |r| r.patient(patient_id(1))).unwrap();
    moved.address.town = "Ipoh".into();
    write(three.vault(), |w| w.put_patient(&moved));
    deliver(three.vault(), all[EDITS as usize / 2..].to_vec());
    exchange(three.vault(), one.vault());
    assert_same(three.vault(), one.vault());
    assert_eq!(three.vault().set_of_changes().unwrap().count, 3);
    let here = read(one.vault(), |r| r.patient(patient_id(1))).unwrap();
    assert_eq!(
        (here.address.town.as_str(), here.phone.as_str()),
        ("Ipoh", "03-0000029")
    );
    let _ = two;
}

#[test]
fn two_hundred_changes_make_a_snapshot_due_but_not_for_one_device_alone_and_nobody_confirms_her_own() {
    let clinic = Clinic::with_devices(2);
    let (alone, one) = (Machine::only(), Machine::new(&clinic, 0));
    for vault in [alone.vault(), one.vault()] {
        for n in 0..100 {
            rename(vault, 1, &format!("03-{n:07}"));
        }
        assert_eq!(keep_house(vault), Housekept::default());
        for n in 100..200 {
            rename(vault, 1, &format!("03-{n:07}"));
        }
    }
    assert_eq!(keep_house(alone.vault()), Housekept::default());
    let kept = keep_house(one.vault());
    assert_eq!((kept.n_made, kept.n_confirmed), (1, 0));
    assert_eq!(keep_house(one.vault()), Housekept::default());
    assert_eq!(one.vault().set_of_changes().unwrap().count, 201);
    healthy(one.vault());
}

#[test]
fn a_second_snapshot_covers_the_first_and_the_word_for_it() {
    let clinic = Clinic::with_devices(3);
    let (one, two, _) = pruned(&clinic);
    edit_much(two.vault());
    exchange(one.vault(), two.vault());
    two.vault().snapshot_everything().unwrap();
    exchange(one.vault(), two.vault());
    assert_eq!(keep_house(one.vault()).n_confirmed, 1);
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(one.vault().set_of_changes().unwrap().count, 2);
    let three = Machine::new(&clinic, 2);
    deliver(three.vault(), live_of(one.vault()));
    assert_same(three.vault(), one.vault());
    healthy(three.vault());
}

#[test]
fn a_signed_visit_and_a_day_that_is_over_are_closed_by_one_snapshot_each() {
    let clinic = Clinic::with_devices(2);
    let (clock, ports) = still_clock(7);
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::create(
        &folder.path().join("clinic"),
        &clinic.secrets(0),
        &clinic.statements,
        ports,
    )
    .unwrap();
    let today = read(&vault, |r| r.today());
    for n in 1..6 {
        write(&vault, |w| w.add_to_queue(today, &queued(n)).map(drop));
    }
    assert_eq!(keep_house(&vault).n_made, 0);
    clock.set(DAY_MS);
    assert_eq!(keep_house(&vault).n_made, 1);
    assert_eq!(keep_house(&vault).n_made, 0);
}

#[test]
fn a_full_disk_stops_housekeeping_and_nothing_else() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    edit_much(one.vault());
    deliver(two.vault(), take_outbox(one.vault()));
    one.vault().limit_pages(1).unwrap();
    let mut phone = 0;
    let full = loop {
        let mut renamed = patient(2);
        renamed.phone = phone.to_string();
        phone += 1;
        if let Err(error) = one.vault().write(None, |w| w.put_patient(&renamed)) {
            break error;
        }
    };
    assert!(matches!(full, VaultError::DiskFull));
    let (before, set) = (
        one.vault().dump_tables().unwrap(),
        one.vault().set_of_changes().unwrap(),
    );
    assert!(matches!(one.vault().snapshot_everything(), Err(VaultError::DiskFull)));
    assert_eq!(difference(&before, &one.vault().dump_tables().unwrap()), None);
    assert_eq!(one.vault().set_of_changes().unwrap(), set);
    one.vault().limit_pages(1 << 30).unwrap();
    assert!(one.vault().snapshot_everything().unwrap() >= 1);
    healthy(one.vault());
}

#[test]
fn a_backup_holds_the_snapshots_and_stands_its_test() {
    let clinic = Clinic::with_devices(2);
    let (one, _two, _) = pruned(&clinic);
    let folder = tempfile::tempdir().unwrap();
    let options = vault::BackupOptions {
        folder: folder.path().to_owned(),
        with_sound: false,
        relay: None,
    };
    let report = one
        .vault()
        .back_up(&options, &mut |_| std::ops::ControlFlow::Continue(()))
        .unwrap();
    assert_eq!(report.n_changes, EDITS + 2);
}

#[test]
fn two_severities_written_apart_are_still_two_after_a_snapshot() {
    let clinic = Clinic::with_devices(3);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Unknown))
    });
    exchange(one.vault(), two.vault());
    write(one.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Mild))
    });
    write(two.vault(), |w| {
        w.record_allergy(patient_id(1), &allergy(1, Severity::Severe))
    });
    exchange(one.vault(), two.vault());
    one.vault().snapshot_everything().unwrap();
    exchange(one.vault(), two.vault());
    keep_house(two.vault());
    let three = Machine::new(&clinic, 2);
    deliver(three.vault(), live_of(two.vault()));
    assert_same(three.vault(), two.vault());
    assert_eq!(read(three.vault(), |r| r.sync_figures()).conflicts, 1);
}

/// A clock that a test moves, and ports with it.
pub fn still_clock(seed: u64) -> (Arc<MovedClock>, vault::Ports) {
    let clock = Arc::new(MovedClock::default());
    let ports = vault::Ports {
        clock: Arc::clone(&clock) as Arc<dyn vault::Clock>,
        rng: Box::new(rng(seed)),
    };
    (clock, ports)
}

#[derive(Default)]
pub struct MovedClock(pub std::sync::atomic::AtomicI64);

impl MovedClock {
    fn set(&self, ms: i64) {
        self.0.store(ms, std::sync::atomic::Ordering::Relaxed);
    }
}

impl vault::Clock for MovedClock {
    fn now(&self) -> domain::Instant {
        at(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}
