//! Snapshots: a document's history goes, its content and whoever comes later lose nothing.

use std::sync::Arc;

use domain::Severity;
use proptest::prelude::*;
use seal::{ChangeKind, SealedChange};
use sync_protocol::{OutId, PeerSet, PeerStore, Prefix, SyncStore};
use vault::{Housekept, Vault, VaultError};

use crate::merging::{do_something, shuffled};
use crate::nouns::queued;
use crate::world::*;

const TODAY: &str = "2026-11-21";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

fn rename(vault: &Vault, n: u8, phone: &str) {
    let mut renamed = read(vault, |r| r.patient(patient_id(n))).unwrap_or_else(|| patient(n));
    renamed.phone = phone.into();
    write(vault, |w| w.put_patient(&renamed));
}

/// As many edits of one patient's identity as make a snapshot due for everybody.
fn edit_much(vault: &Vault) {
    for n in 0..300 {
        rename(vault, 1, &format!("03-{n:07}"));
    }
}

fn keep_house(vault: &Vault) -> Housekept {
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
        vault.mark_sent(&items.iter().map(|item| item.id).collect::<Vec<_>>()).unwrap();
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
    assert_eq!(keep_house(one.vault()).n_made, 1);
    let snapshot = take_outbox(one.vault());
    assert_eq!(kinds(&snapshot), [ChangeKind::Snapshot]);
    deliver(two.vault(), snapshot.clone());
    assert_eq!(keep_house(two.vault()).n_confirmed, 1);
    let (word, n_covered) = take_all(two.vault());
    assert_eq!((word.len(), n_covered), (1, 300));
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
    let vault = Vault::create(&folder.path().join("clinic"), &clinic.secrets(0), &clinic.statements, ports).unwrap();
    edit_much(&vault);
    deliver(other.vault(), take_outbox(&vault));
    assert_eq!(keep_house(&vault).n_made, 1);
    exchange(&vault, other.vault());
    assert_eq!(keep_house(other.vault()).n_confirmed, 1);
    exchange(&vault, other.vault());
    assert_eq!(keep_house(&vault).n_dropped, 0);
    clock.set(29 * DAY_MS);
    assert_eq!(keep_house(&vault).n_dropped, 0);
    let before = vault.dump_tables().unwrap();
    clock.set(31 * DAY_MS);
    assert_eq!(keep_house(&vault).n_dropped, 300);
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
    keep_house(one.vault());
    let snapshot = take_outbox(one.vault());
    // The last one is missing; then one in the middle, so that all after it wait.
    for (vault, missing) in [(two.vault(), 299), (three.vault(), 150)] {
        let mut some = changes.clone();
        let late = some.remove(missing);
        deliver(vault, some);
        deliver(vault, snapshot.clone());
        let kept = keep_house(vault);
        assert_eq!(kept.n_confirmed, 0);
        assert_eq!(vault.set_of_changes().unwrap().count, 300 + kept.n_made as u64);
        deliver(vault, vec![late]);
        assert_eq!(keep_house(vault).n_confirmed, 1);
        assert_eq!(vault.set_of_changes().unwrap().count, 2 + kept.n_made as u64);
        healthy(vault);
    }
}

#[test]
fn what_a_snapshot_does_not_hold_stays_live_whoever_confirmed_it() {
    let clinic = Clinic::with_devices(3);
    let (one, two, all) = pruned(&clinic);
    let three = Machine::new(&clinic, 2);
    // It had heard of half, wrote on top of that, and hears of the snapshot only now.
    deliver(three.vault(), all[..150].to_vec());
    let mut moved = read(three.vault(), |r| r.patient(patient_id(1))).unwrap();
    moved.address.town = "Ipoh".into();
    write(three.vault(), |w| w.put_patient(&moved));
    deliver(three.vault(), all[150..].to_vec());
    exchange(three.vault(), one.vault());
    assert_same(three.vault(), one.vault());
    assert_eq!(three.vault().set_of_changes().unwrap().count, 3);
    let here = read(one.vault(), |r| r.patient(patient_id(1))).unwrap();
    assert_eq!((here.address.town.as_str(), here.phone.as_str()), ("Ipoh", "03-0000299"));
    let _ = two;
}

#[test]
fn one_device_makes_no_snapshot_and_throws_nothing_away() {
    let machine = Machine::only();
    edit_much(machine.vault());
    assert_eq!(keep_house(machine.vault()), Housekept::default());
    assert_eq!(machine.vault().set_of_changes().unwrap().count, 300);
}

#[test]
fn nobody_confirms_her_own_snapshot() {
    let clinic = Clinic::with_devices(2);
    let one = Machine::new(&clinic, 0);
    edit_much(one.vault());
    let kept = keep_house(one.vault());
    assert_eq!((kept.n_made, kept.n_confirmed), (1, 0));
    assert_eq!(keep_house(one.vault()), Housekept::default());
    assert_eq!(one.vault().set_of_changes().unwrap().count, 301);
    healthy(one.vault());
}

#[test]
fn a_straggler_with_unsent_edits_of_a_history_that_is_gone_loses_nothing() {
    let clinic = Clinic::with_devices(3);
    let away = Machine::new(&clinic, 2);
    let (clock, ports) = still_clock(7);
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::create(&folder.path().join("clinic"), &clinic.secrets(0), &clinic.statements, ports).unwrap();
    let other = Machine::new(&clinic, 1);
    edit_much(&vault);
    let changes = take_outbox(&vault);
    deliver(other.vault(), changes.clone());
    deliver(away.vault(), changes[..200].to_vec());
    let mut moved = read(away.vault(), |r| r.patient(patient_id(1))).unwrap();
    moved.address.town = "Ipoh".into();
    write(away.vault(), |w| w.put_patient(&moved));
    keep_house(&vault);
    exchange(&vault, other.vault());
    keep_house(other.vault());
    exchange(&vault, other.vault());
    keep_house(&vault);
    clock.set(40 * DAY_MS);
    assert_eq!(keep_house(&vault).n_dropped, 300);

    // The relay gives it what is live; a peer takes all that it holds.
    let live = live_of(&vault);
    deliver(away.vault(), live);
    let held = take_outbox(away.vault());
    vault.absorb_changes_from_peer(changes[..200].to_vec()).unwrap();
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
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = forked(&clinic, folder.path(), seed);
        let [two, three] = [1, 2].map(|device| Machine::new(&clinic, device));
        let one = Vault::open(&folder.path().join("first"), &clinic.secrets(0), ports(77)).unwrap();
        deliver(two.vault(), first.clone());
        keep_house(&one);
        let snapshot = take_outbox(&one);
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
            assert_eq!(read(vault, |r| r.patient(patient_id(1))).unwrap().phone, "03-0000299");
        }
    }
}

/// Two histories of one opening that part at the last change; the first one's store lies in `dir/first`.
fn forked(clinic: &Clinic, dir: &std::path::Path, seed: u64) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let store = |name: &str| {
        Vault::create(&dir.join(name), &clinic.secrets(0), &clinic.statements, ports(4 + seed)).unwrap()
    };
    let (first, second) = (store("first"), store("second"));
    for n in 0..299 {
        for vault in [&first, &second] {
            rename(vault, 1, &format!("03-{n:07}"));
        }
    }
    rename(&first, 1, "03-0000299");
    rename(&second, 1, "the other branch");
    let (first, second) = (take_outbox(&first), take_outbox(&second));
    (first, second[299..].to_vec())
}

/// What this device would give to a relay that has nothing.
fn live_of(vault: &Vault) -> Vec<Vec<u8>> {
    let ids = vault.ids_under(PeerSet::Changes, Prefix::ROOT, None, usize::MAX).unwrap();
    let changes = vault.changes(&ids, usize::MAX).unwrap();
    changes.into_iter().map(Option::unwrap).collect()
}

#[test]
fn a_second_snapshot_covers_the_first_and_the_word_for_it() {
    let clinic = Clinic::with_devices(3);
    let (one, two, _) = pruned(&clinic);
    edit_much(two.vault());
    exchange(one.vault(), two.vault());
    assert_eq!(keep_house(two.vault()).n_made, 1);
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
    let vault = Vault::create(&folder.path().join("clinic"), &clinic.secrets(0), &clinic.statements, ports).unwrap();
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
    let (before, set) = (one.vault().dump_tables().unwrap(), one.vault().set_of_changes().unwrap());
    assert!(matches!(one.vault().housekeeping(8), Err(VaultError::DiskFull)));
    assert_eq!(difference(&before, &one.vault().dump_tables().unwrap()), None);
    assert_eq!(one.vault().set_of_changes().unwrap(), set);
    one.vault().limit_pages(1 << 30).unwrap();
    assert!(keep_house(one.vault()).n_made >= 1);
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
    let report = one.vault().back_up(&options, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert_eq!(report.n_changes, 302);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    /// Two write apart and meet; now and then one of them makes snapshots of everything it can, and the other confirms.
    #[test]
    fn whatever_is_heard_first_every_order_ends_alike(
        steps in prop::collection::vec((0usize..2, 0u64..60, 0u8..5), 1..40),
        seed in any::<u64>(),
        batch in 1usize..9,
    ) {
        let clinic = Clinic::with_devices(5);
        let writers = [Machine::new(&clinic, 0), Machine::new(&clinic, 1)];
        let hearers = [2, 3].map(|device| Machine::new(&clinic, device));
        let plain = Machine::new(&clinic, 4);
        let mut all = Vec::new();
        for (who, choice, then) in steps {
            do_something(writers[who].vault(), choice);
            if then == 1 {
                all.extend(meet(&writers));
            }
            if then == 2 {
                writers[who].vault().snapshot_everything().unwrap();
            }
            if then == 3 {
                writers[who].vault().housekeeping(99).unwrap();
            }
        }
        all.extend(meet(&writers));
        for writer in &writers {
            writer.vault().snapshot_everything().unwrap();
        }
        all.extend(meet(&writers));
        for writer in &writers {
            writer.vault().housekeeping(99).unwrap();
        }
        all.extend(meet(&writers));
        assert_same(writers[0].vault(), writers[1].vault());

        let edits: Vec<Vec<u8>> = all.iter().zip(kinds(&all)).filter(|(_, kind)| *kind != ChangeKind::Snapshot)
            .map(|(bytes, _)| bytes.clone()).collect();
        deliver(plain.vault(), edits);
        for (place, hearer) in hearers.iter().enumerate() {
            for some in shuffled(&all, seed ^ place as u64).chunks(batch) {
                deliver(hearer.vault(), some.to_vec());
            }
            deliver(hearer.vault(), all.clone());
            assert_same(hearer.vault(), writers[0].vault());
            same_tables(hearer.vault(), plain.vault());
            healthy(hearer.vault());
        }
        hearers[0].vault().rebuild().unwrap();
        assert_same(hearers[0].vault(), hearers[1].vault());
        let fresh = Machine::new(&Clinic::with_devices(5), 4);
        let live = live_of(writers[0].vault());
        for some in shuffled(&live, seed).chunks(batch) {
            deliver(fresh.vault(), some.to_vec());
        }
        assert_same(fresh.vault(), writers[0].vault());
        healthy(fresh.vault());
    }
}

fn meet(writers: &[Machine; 2]) -> Vec<Vec<u8>> {
    let [from_first, from_second] = [0, 1].map(|who: usize| take_outbox(writers[who].vault()));
    deliver(writers[0].vault(), from_second.clone());
    deliver(writers[1].vault(), from_first.clone());
    from_first.into_iter().chain(from_second).collect()
}

#[test]
fn two_severities_written_apart_are_still_two_after_a_snapshot() {
    let clinic = Clinic::with_devices(3);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.record_allergy(patient_id(1), &allergy(1, Severity::Unknown)));
    exchange(one.vault(), two.vault());
    write(one.vault(), |w| w.record_allergy(patient_id(1), &allergy(1, Severity::Mild)));
    write(two.vault(), |w| w.record_allergy(patient_id(1), &allergy(1, Severity::Severe)));
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
fn still_clock(seed: u64) -> (Arc<MovedClock>, vault::Ports) {
    let clock = Arc::new(MovedClock::default());
    let ports = vault::Ports {
        clock: Arc::clone(&clock) as Arc<dyn vault::Clock>,
        rng: Box::new(rng(seed)),
    };
    (clock, ports)
}

#[derive(Default)]
struct MovedClock(std::sync::atomic::AtomicI64);

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
