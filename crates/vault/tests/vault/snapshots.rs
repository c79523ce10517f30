//! Snapshots: a document's history goes, its content and whoever comes later lose nothing.

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

#[test]
fn a_confirmed_snapshot_covers_what_it_holds_and_a_new_device_needs_nothing_else() {
    let clinic = Clinic::with_devices(3);
    let (one, two, all) = pruned(&clinic);
    for vault in [one.vault(), two.vault()] {
        assert_eq!(vault.set_of_changes().unwrap().count, 2); // the snapshot, and the word for it
        healthy(vault);
    }
    assert_same(one.vault(), two.vault());
    two.vault().rebuild().unwrap();
    assert_eq!(take_all(two.vault()), (vec![], 0), "the relay was told");
    assert_eq!(keep_house(two.vault()), Housekept::default());
    let three = Machine::new(&clinic, 2);
    deliver(three.vault(), only_snapshots(&all));
    assert_same(three.vault(), one.vault());
    healthy(three.vault());
    three.vault().rebuild().unwrap();
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
    vault.rebuild().unwrap();
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
fn a_straggler_with_unsent_edits_of_a_history_that_is_gone_loses_nothing() {
    let clinic = Clinic::with_devices(3);
    let away = Machine::new(&clinic, 2);
    let (clock, ports) = still_clock(7);
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::create(
        &folder.path().join("clinic"),
        &clinic.secrets(0),
        &clinic.statements,
        ports,
    )
    .unwrap();
    let other = Machine::new(&clinic, 1);
    edit_much(&vault);
    let changes = take_outbox(&vault);
    deliver(other.vault(), changes.clone());
    deliver(away.vault(), changes[..20].to_vec());
    let mut moved = read(away.vault(), |r| r.patient(patient_id(1))).unwrap();
    moved.address.town = "Ipoh".into();
    write(away.vault(), |w| w.put_patient(&moved));
    vault.snapshot_everything().unwrap();
    exchange(&vault, other.vault());
    keep_house(other.vault());
    exchange(&vault, other.vault());
    keep_house(&vault);
    clock.set(40 * DAY_MS);
    assert_eq!(keep_house(&vault).n_dropped as u64, EDITS);

    // The relay gives it what is live; a peer takes all that it holds.
    let live = live_of(&vault);
    deliver(away.vault(), live);
    let held = take_outbox(away.vault());
    vault.absorb_changes_from_peer(changes[..20].to_vec()).unwrap();
    deliver(&vault, held);
    assert_same(&vault, away.vault());
    assert_eq!(read(&vault, |r| r.patient(patient_id(1))).unwrap().address.town, "Ipoh");
    healthy(&vault);
    healthy(away.vault());
    // What came again of the old history is not offered to anybody.
    assert_eq!(take_all(&vault).0.len(), 0);
}

#[test]
fn a_fork_against_a_covered_change_is_put_aside_also_when_its_id_is_lower() {
    // The first device's store is put back to an older copy in the middle of an opening: so it forks its own history.
    let clinic = Clinic::with_devices(3);
    let mut was_lower = [false; 2];
    for seed in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = forked(&clinic, folder.path(), seed);
        let [two, three] = [1, 2].map(|device| Machine::new(&clinic, device));
        let one = Vault::open(&folder.path().join("first"), &clinic.secrets(0), ports(77)).unwrap();
        deliver(two.vault(), first.clone());
        one.snapshot_everything().unwrap();
        let snapshot = take_outbox(&one);
        let last = first
            .iter()
            .map(|bytes| SealedChange::decode(bytes).unwrap())
            .next_back();
        let other = SealedChange::decode(&second[0]).unwrap().id();
        was_lower[usize::from(other < last.unwrap().id())] = true;
        assert_eq!(only_snapshots(&snapshot).len(), 1);
        deliver(two.vault(), only_snapshots(&snapshot));
        assert_eq!(keep_house(two.vault()).n_confirmed, 1);
        let word = take_outbox(two.vault());
        // Before the word, and after it.
        deliver(three.vault(), first.clone());
        deliver(three.vault(), second.clone());
        deliver(three.vault(), only_snapshots(&snapshot));
        deliver(three.vault(), word);
        deliver(two.vault(), second.clone());
        assert_same(two.vault(), three.vault());
        for vault in [two.vault(), three.vault()] {
            let aside = read(vault, |r| r.quarantined());
            assert_eq!((aside.len(), aside[0].reason.as_str()), (1, "fork"));
            assert_eq!(read(vault, |r| r.patient(patient_id(1))).unwrap().phone, "the last");
        }
    }
    assert_eq!(was_lower, [true; 2], "of both cases there is one");
}

/// Two histories of one opening that part at the last change; the first one's store lies in `dir/first`.
fn forked(clinic: &Clinic, dir: &std::path::Path, seed: u64) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let store =
        |name: &str| Vault::create(&dir.join(name), &clinic.secrets(0), &clinic.statements, ports(4 + seed)).unwrap();
    let (first, second) = (store("first"), store("second"));
    for n in 0..5 {
        for vault in [&first, &second] {
            rename(vault, 1, &format!("03-{n:07}"));
        }
    }
    rename(&first, 1, "the last");
    rename(&second, 1, "the other branch");
    let (first, second) = (take_outbox(&first), take_outbox(&second));
    (first, second[5..].to_vec())
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

proptest! {
    #![proptest_config(inputs(6))]

    /// Two write apart and meet; now and then one of them makes snapshots of everything it can, the other confirms, and
    /// a month goes by. Whoever heard of no snapshot at all has the same tables.
    #[test]
    fn whatever_is_heard_first_every_order_ends_alike(
        steps in prop::collection::vec((0usize..2, 0u64..60, 0u8..6), 1..40),
        seed in any::<u64>(),
        batch in 1usize..9,
    ) {
        every_order_ends_alike(&steps, seed, batch);
    }
}

#[test]
fn a_snapshot_stays_until_a_later_one_lists_all_that_it_lists() {
    let steps = [
        (0, 40, 0),
        (1, 57, 4),
        (1, 48, 4),
        (1, 45, 2),
        (1, 0, 4),
        (1, 49, 1),
        (1, 33, 2),
        (1, 5, 1),
        (1, 53, 0),
        (0, 17, 2),
        (0, 8, 1),
        (0, 27, 3),
        (1, 46, 4),
        (1, 52, 2),
        (1, 19, 1),
        (0, 46, 3),
        (1, 13, 0),
        (1, 33, 0),
        (1, 55, 1),
        (0, 39, 1),
        (1, 34, 0),
        (0, 56, 1),
        (1, 52, 1),
        (1, 0, 4),
    ];
    every_order_ends_alike(&steps, 14_751_083_850_265_803_660, 7);
}

/// Who does something, what, and what comes after it.
fn every_order_ends_alike(steps: &[(usize, u64, u8)], seed: u64, batch: usize) {
    let clinic = Clinic::with_devices(5);
    let folder = tempfile::tempdir().unwrap();
    let writers = [0, 1].map(|who| {
        let (clock, ports) = still_clock(who as u64);
        let dir = folder.path().join(who.to_string());
        (
            Vault::create(&dir, &clinic.secrets(who), &clinic.statements, ports).unwrap(),
            clock,
        )
    });
    let hearers = [2, 3].map(|device| Machine::new(&clinic, device));
    let plain = Machine::new(&clinic, 4);
    let mut all = Vec::new();
    for &(who, choice, then) in steps {
        let (vault, clock) = &writers[who];
        do_something(vault, choice);
        match then {
            1 => all.extend(swap(&writers)),
            2 => drop(vault.snapshot_everything().unwrap()),
            3 => drop(vault.housekeeping(99).unwrap()),
            4 => {
                vault.housekeeping(99).unwrap();
                clock.0.fetch_add(31 * DAY_MS, std::sync::atomic::Ordering::Relaxed);
                vault.housekeeping(99).unwrap();
            }
            _ => {}
        }
    }
    all.extend(swap(&writers));
    for (vault, _) in &writers {
        vault.snapshot_everything().unwrap();
    }
    all.extend(swap(&writers));
    for (vault, _) in &writers {
        vault.housekeeping(99).unwrap();
    }
    all.extend(swap(&writers));
    let [(one, _), (two, _)] = &writers;
    assert_same(one, two);

    let edits: Vec<Vec<u8>> = all
        .iter()
        .zip(kinds(&all))
        .filter(|(_, kind)| *kind != ChangeKind::Snapshot)
        .map(|(bytes, _)| bytes.clone())
        .collect();
    deliver(plain.vault(), edits);
    for (place, hearer) in hearers.iter().enumerate() {
        for some in shuffled(&all, seed ^ place as u64).chunks(batch) {
            deliver(hearer.vault(), some.to_vec());
        }
        deliver(hearer.vault(), all.clone());
        assert_same(hearer.vault(), one);
        same_tables(hearer.vault(), plain.vault());
        healthy(hearer.vault());
    }
    hearers[0].vault().rebuild().unwrap();
    two.rebuild().unwrap();
    assert_same(hearers[0].vault(), hearers[1].vault());
    let fresh = Machine::new(&clinic, 4);
    let live = live_of(one);
    for some in shuffled(&live, seed).chunks(batch) {
        deliver(fresh.vault(), some.to_vec());
    }
    assert_same(fresh.vault(), two);
    healthy(fresh.vault());
}

fn swap(writers: &[(Vault, Arc<MovedClock>); 2]) -> Vec<Vec<u8>> {
    let [(one, _), (two, _)] = writers;
    let (from_first, from_second) = (take_outbox(one), take_outbox(two));
    deliver(one, from_second.clone());
    deliver(two, from_first.clone());
    from_first.into_iter().chain(from_second).collect()
}

#[test]
fn what_a_removed_device_wrote_too_late_is_judged_one_by_one_as_long_as_it_is_here() {
    let clinic = Clinic::with_devices(4);
    let [admin, lost, other] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let (admin, lost, other) = (admin.vault(), lost.vault(), other.vault());
    edit_much(lost);
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    rename(lost, 1, "too late");
    let late = take_outbox(lost);
    deliver(other, [early, late.clone()].concat());
    // Two who had not heard of the removal made and confirmed a snapshot of all of it.
    let third = Machine::new(&clinic, 3);
    deliver(third.vault(), live_of(other));
    other.snapshot_everything().unwrap();
    let snapshot = take_outbox(other);
    deliver(third.vault(), snapshot.clone());
    assert_eq!(keep_house(third.vault()).n_confirmed, 1);
    let word = take_outbox(third.vault());
    deliver(other, word.clone());
    assert_eq!(other.set_of_changes().unwrap().count, 2);

    remove(admin, lost.device());
    deliver(admin, [late, only_snapshots(&snapshot), word].concat());
    for vault in [other, third.vault()] {
        vault.add_statements(&statements(admin)).unwrap();
        assert_same(vault, admin);
        assert_eq!(read(vault, |r| r.patient(patient_id(1))).unwrap().phone, "03-0000029");
        assert_eq!(read(vault, |r| r.put_aside())[0].count, 1);
        vault.rebuild().unwrap();
        assert_same(vault, admin);
    }
    // A person takes it: then the snapshot is what it was.
    take(admin, lost.device());
    for vault in [other, third.vault()] {
        vault.add_statements(&statements(admin)).unwrap();
        assert_same(vault, admin);
        assert_eq!(read(vault, |r| r.patient(patient_id(1))).unwrap().phone, "too late");
        assert_eq!(vault.set_of_changes().unwrap().count, 2);
    }
}

#[test]
fn a_removal_heard_of_after_a_month_ends_alike_once_what_was_thrown_away_is_here_again() {
    let clinic = Clinic::with_devices(4);
    let [admin, lost, third] = [0, 1, 3].map(|device| Machine::new(&clinic, device));
    let (admin, lost, third) = (admin.vault(), lost.vault(), third.vault());
    let (clock, ports) = still_clock(7);
    let folder = tempfile::tempdir().unwrap();
    let other = Vault::create(
        &folder.path().join("clinic"),
        &clinic.secrets(2),
        &clinic.statements,
        ports,
    )
    .unwrap();
    edit_much(lost);
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    rename(lost, 1, "too late");
    let late = take_outbox(lost);
    for vault in [&other, third] {
        deliver(vault, [early.clone(), late.clone()].concat());
    }
    other.snapshot_everything().unwrap();
    let snapshot = only_snapshots(&take_outbox(&other));
    deliver(third, snapshot.clone());
    assert_eq!(keep_house(third).n_confirmed, 1);
    let word = take_outbox(third);
    deliver(&other, word.clone());
    keep_house(&other);
    clock.set(40 * DAY_MS);
    assert_eq!(keep_house(&other).n_dropped as u64, EDITS + 1);

    remove(admin, lost.device());
    deliver(admin, [late.clone(), snapshot, word].concat());
    other.add_statements(&statements(admin)).unwrap();
    let phone = |vault: &Vault| read(vault, |r| r.patient(patient_id(1))).unwrap().phone;
    assert_eq!(phone(&other), "too late", "nobody else may have what it holds");
    let (last, before): (Vec<_>, Vec<_>) = live_of(admin).into_iter().partition(|bytes| late.contains(bytes));
    other.absorb_changes_from_peer(before).unwrap();
    assert_eq!(phone(&other), "too late");
    other.absorb_changes_from_peer(last).unwrap();
    assert_same(&other, admin);
    assert_eq!(phone(&other), "03-0000029");
    other.rebuild().unwrap();
    assert_same(&other, admin);
}

/// A member who seals whatever it likes.
struct Forger<'c> {
    clinic: &'c Clinic,
    number: u64,
}

impl Forger<'_> {
    fn opening(&self) -> OpeningId {
        OpeningId::from_bytes([9; 16])
    }

    fn actor(&self) -> ActorId {
        let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 automerge actor");
        hasher
            .update(self.clinic.devices[1].id().as_bytes())
            .update(self.opening().as_bytes());
        ActorId::from(&hasher.finalize().as_bytes()[..16])
    }

    fn seal(&mut self, kind: ChangeKind, named: &str, plain: &[u8]) -> Vec<u8> {
        let keys = &self.clinic.devices[1];
        let membership = self.clinic.membership();
        let epochs = EpochSecrets::unwrap(&membership, keys).unwrap();
        self.number += 1;
        let header = Header {
            version: FORMAT_VERSION,
            tenant: self.clinic.tenant,
            document: seal::derive_document_id(epochs.naming_key(), named),
            epoch: membership.current_epoch(),
            device: keys.id(),
            opening: self.opening(),
            number: self.number,
            kind,
        };
        let sealed = SealedChange::seal(header, plain, &epochs, keys, &mut rng(self.number));
        sealed.unwrap().encode()
    }

    /// A snapshot as it is sealed; what does not hold of it is changed by whoever calls.
    fn snapshot(&self, doc: &mut AutoCommit) -> Snapshot {
        Snapshot {
            path: "clinic".into(),
            document: doc.save_nocompress(),
            heads: doc.get_heads().iter().map(|head| head.0.into()).collect(),
            n_changes: doc.get_changes_meta(&[]).len() as u64,
            held: vec![Held {
                device: (*self.clinic.devices[1].id().as_bytes()).into(),
                opening: (*self.opening().as_bytes()).into(),
                numbers: vec![1, 8].into(),
            }],
        }
    }
}

#[derive(Clone, minicbor::Encode)]
#[cbor(map)]
struct Snapshot {
    #[n(0)]
    path: String,
    #[cbor(n(1), with = "minicbor::bytes")]
    document: Vec<u8>,
    #[n(2)]
    heads: Vec<ByteArray<32>>,
    #[n(3)]
    n_changes: u64,
    #[n(4)]
    held: Vec<Held>,
}

#[derive(Clone, minicbor::Encode)]
#[cbor(map)]
struct Held {
    #[n(0)]
    device: ByteArray<32>,
    #[n(1)]
    opening: ByteArray<16>,
    #[n(2)]
    numbers: ByteVec,
}

fn packed(payload: &impl minicbor::Encode<()>) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(vec![1], Compression::default());
    deflate.write_all(&minicbor::to_vec(payload).unwrap()).unwrap();
    deflate.finish().unwrap()
}

#[test]
fn a_hostile_snapshot_is_put_aside_with_its_reason() {
    let clinic = Clinic::with_devices(2);
    let mut forger = Forger {
        clinic: &clinic,
        number: 20,
    };
    let mut doc = AutoCommit::new().with_actor(forger.actor());
    doc.put(ROOT, "name", "Klinik").unwrap();
    let good = forger.snapshot(&mut doc);
    let mut foreign = AutoCommit::new().with_actor(ActorId::from([5; 16]));
    foreign.put(ROOT, "name", "Klinik").unwrap();
    let deflated = {
        let mut doc = doc.clone();
        for n in 0..300_i64 {
            doc.put(ROOT, "n", n).unwrap();
        }
        let mut snapshot = forger.snapshot(&mut doc);
        snapshot.document = doc.save();
        snapshot
    };
    let named = |change: &dyn Fn(&mut Snapshot)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad
    };
    let too_large = vec![0_u8; 8 * 1024 * 1024 + 1];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "wrong_document",
            packed(&named(&|bad| bad.path = "patient/x/identity".into())),
        ),
        ("wrong_actor", packed(&forger.snapshot(&mut foreign))),
        ("wrong_actor", packed(&named(&|bad| bad.held.clear()))),
        ("wrong_heads", packed(&named(&|bad| bad.heads[0] = [3; 32].into()))),
        ("wrong_count", packed(&named(&|bad| bad.n_changes += 1))),
        ("compressed_chunk", packed(&deflated)),
        (
            "malformed_payload",
            packed(&named(&|bad| bad.held[0].numbers = vec![0, 0].into())),
        ),
        ("malformed_document", packed(&named(&|bad| bad.document.truncate(40)))),
        ("inflates_too_far", {
            let mut deflate = DeflateEncoder::new(vec![1], Compression::default());
            deflate.write_all(&too_large).unwrap();
            deflate.finish().unwrap()
        }),
    ];
    let machine = Machine::new(&clinic, 0);
    for (reason, plain) in &cases {
        deliver(
            machine.vault(),
            vec![forger.seal(ChangeKind::Snapshot, "clinic", plain)],
        );
        let aside = read(machine.vault(), |r| r.quarantined());
        assert_eq!(&aside.last().unwrap().reason, reason);
    }
    // The good one waits for what it holds; a confirmation by its own writer makes nothing of it.
    let sealed = forger.seal(ChangeKind::Snapshot, "clinic", &packed(&good));
    let mut word = minicbor::Encoder::new(Vec::new());
    let id = SealedChange::decode(&sealed).unwrap().id();
    word.map(2)
        .unwrap()
        .u8(0)
        .unwrap()
        .str("snapshots")
        .unwrap()
        .u8(5)
        .unwrap();
    word.array(1).unwrap().bytes(id.as_bytes()).unwrap();
    let mut deflate = DeflateEncoder::new(vec![1], Compression::default());
    deflate.write_all(&word.into_writer()).unwrap();
    let word = forger.seal(ChangeKind::Snapshot, "snapshots", &deflate.finish().unwrap());
    deliver(machine.vault(), vec![sealed, word]);
    assert_eq!(keep_house(machine.vault()).n_confirmed, 0);
    let figures = read(machine.vault(), |r| r.sync_figures());
    assert_eq!((figures.waiting, figures.quarantined), (1, cases.len() as u64));
    assert_eq!(machine.vault().verify().unwrap().unsigned, []);
    machine.vault().rebuild().unwrap();
    assert_eq!(
        read(machine.vault(), |r| r.sync_figures()).quarantined,
        cases.len() as u64
    );
}

#[test]
fn the_largest_snapshot_there_may_be_and_kinds_of_a_newer_build_go_between_peers() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let mut forger = Forger {
        clinic: &clinic,
        number: 0,
    };
    let largest = forger.seal(ChangeKind::Snapshot, "clinic", &vec![1; seal::MAX_SNAPSHOT_BYTES]);
    let newer = forger.seal(ChangeKind::Unknown(77), "clinic", b"of a newer build");
    deliver(one.vault(), vec![largest, newer]);
    meet(&clinic, [(one.vault(), 0), (two.vault(), 1)]);
    assert_same(one.vault(), two.vault());
    assert_eq!(two.vault().set_of_changes().unwrap().count, 2);
    // No relay takes the large one: it must not hold up the rest of the line.
    assert_eq!(take_outbox(two.vault()).len(), 1);
    let reasons = read(two.vault(), |r| r.quarantined());
    assert!(reasons.iter().any(|one| one.reason == "newer_kind"), "{reasons:?}");
}

const PROBE: &str = "snapshots::the_probe_makes_confirms_and_throws_away";
const BASE: &str = "MEDIECO_SNAPSHOT_PROBE";

#[test]
fn the_probe_makes_confirms_and_throws_away() {
    let Some(dir) = std::env::var_os(BASE) else {
        return;
    };
    let clinic = Clinic::with_devices(2);
    let (clock, ports) = still_clock(50);
    let vault = Vault::open(std::path::Path::new(&dir), &clinic.secrets(0), ports).unwrap();
    let other = Machine::new(&clinic, 1);
    deliver(other.vault(), live_of(&vault));
    vault.snapshot_everything().unwrap();
    exchange(&vault, other.vault());
    keep_house(other.vault());
    exchange(&vault, other.vault());
    keep_house(&vault);
    rename(&vault, 1, "once more");
    deliver(other.vault(), take_outbox(&vault));
    other.vault().snapshot_everything().unwrap();
    deliver(&vault, take_outbox(other.vault()));
    keep_house(&vault);
    clock.set(31 * DAY_MS);
    assert!(keep_house(&vault).n_dropped as u64 > EDITS);
}

#[test]
fn a_kill_at_any_place_of_making_confirming_and_throwing_away_loses_nothing() {
    let clinic = Clinic::with_devices(2);
    for (point, passing) in kill::SNAPSHOT_POINTS.iter().flat_map(|point| [(point, 1), (point, 2)]) {
        let mut machine = Machine::new(&clinic, 0);
        edit_much(machine.vault());
        machine.close();
        let outcome = Command::new(std::env::current_exe().unwrap())
            .args([PROBE, "--exact"])
            .env(BASE, &machine.dir)
            .env("MEDIECO_KILL_AT", format!("{point}:{passing}"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&outcome.stdout);
        assert!(
            was_killed(outcome.status),
            "nothing passes {point} {passing} times: {said}"
        );
        machine.try_open().unwrap();
        let vault = machine.vault();
        let phone = read(vault, |r| r.patient(patient_id(1))).unwrap().phone;
        assert!(["03-0000029", "once more"].contains(&phone.as_str()), "{phone}");
        healthy(vault);
        let tables = vault.dump_tables().unwrap();
        vault.rebuild().unwrap();
        assert_eq!(difference(&tables, &vault.dump_tables().unwrap()), None, "{point}");
        healthy(vault);
        // It goes on, and whoever comes gets all of it.
        rename(vault, 1, "after the cut");
        let two = Machine::new(&clinic, 1);
        deliver(two.vault(), live_of(vault));
        assert_same(vault, two.vault());
    }
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
