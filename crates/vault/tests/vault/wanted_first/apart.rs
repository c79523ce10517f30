//! What is named where documents have snapshots, where somebody was erased, and where a device was removed.

use std::collections::BTreeSet;

use super::*;
use crate::erasing::{all_of, erase};
use crate::poison::Forger;
use crate::removal::{remove, statements};
use crate::snapshots::keep_house;
use seal::ChangeKind;

/// As many as it takes for every kind of document.
const FEW: u8 = 16;

/// Of every document a snapshot is in force; gives how many.
fn all_in_snapshots(by: &Vault, other: &Vault) -> usize {
    exchange(by, other);
    let n_made = by.snapshot_everything().unwrap();
    deliver(other, take_outbox(by));
    assert_eq!(keep_house(other).n_confirmed, n_made);
    deliver(by, take_outbox(other));
    assert_same(by, other);
    n_made
}

fn rename(vault: &Vault, n: u8, phone: &str) {
    let mut renamed = patient(n);
    renamed.phone = phone.into();
    write(vault, |w| w.put_patient(&renamed));
}

/// Something new in each kind of document.
fn work_on(vault: &Vault, nth: u8) {
    write(vault, |w| w.put_staff(&doctor(10 + nth)));
    for n in [3, IN_TODAYS_QUEUE[0]] {
        rename(vault, n, &format!("03-{nth:07}"));
        let severe = domain::Severity::Anaphylaxis;
        write(vault, |w| w.record_allergy(patient_id(n), &allergy(10 + nth, severe)));
        write(vault, |w| {
            w.put_note(visit_id(n), &note(&["cough", &format!("for {nth} days")]))
        });
    }
    let day = today(vault);
    write(vault, |w| w.add_to_queue(day, &queued(13 + nth)).map(drop));
}

#[test]
fn a_document_that_is_a_snapshot_is_whole_from_the_names_alone_and_what_it_covers_is_not_named() {
    let clinic = Clinic::with_devices(4);
    let [one, other] = [0, 1].map(|device| Machine::new(&clinic, device));
    let (one, other) = (one.vault(), other.vault());
    work_for(one, FEW);
    assert!(all_in_snapshots(one, other) > 3 * usize::from(FEW));
    for nth in 0..3 {
        let names = names_of(one);
        let covered: BTreeSet<ChangeId> = one.covered_changes().unwrap().into_iter().collect();
        assert!(covered.len() > names.len());
        assert_eq!(names.iter().find(|id| covered.contains(id)), None);
        let once: BTreeSet<ChangeId> = names.iter().copied().collect();
        assert_eq!(once.len(), names.len(), "a word for many snapshots is named once");
        let changes = given(one, &names);
        assert_eq!(changes.len(), names.len(), "a relay has all of them");

        let new = with_the_named_alone(&clinic, 2, one);
        assert_of_use(new.vault(), one);
        let figures = read(new.vault(), |r| r.sync_figures());
        assert_eq!((figures.to_be_read, figures.waiting), (0, 0));
        assert_eq!(read(new.vault(), |r| r.visits_of(patient_id(3))), []);
        // The last first, and one by one.
        let slow = Machine::new(&clinic, 3);
        for change in changes.into_iter().rev() {
            slow.vault().absorb_first(vec![change]).unwrap();
        }
        assert_of_use(slow.vault(), one);
        for new in [new.vault(), slow.vault()] {
            take_the_rest(new, one);
            assert_same(new, one);
            let figures = read(new, |r| r.sync_figures());
            assert_eq!((figures.missing.len(), figures.waiting, figures.quarantined), (0, 0, 0));
        }
        // On top of snapshots; and then there are others, which cover these and the words for them.
        match nth {
            0 => work_on(one, nth),
            _ => {
                work_on(other, nth);
                all_in_snapshots(other, one);
            }
        }
    }
}

#[test]
fn the_clinics_own_document_is_whole_where_one_word_is_for_its_snapshot_alone() {
    let clinic = Clinic::with_devices(3);
    let [one, other] = [0, 1].map(|device| Machine::new(&clinic, device));
    let (one, other) = (one.vault(), other.vault());
    (1..6).for_each(|n| write(one, |w| w.put_staff(&doctor(n))));
    assert_eq!(all_in_snapshots(one, other), 1);
    let names = names_of(one);
    assert_eq!(names.len(), 2, "the snapshot, and the word for it");
    let new = with_the_named_alone(&clinic, 2, one);
    assert_eq!(read(new.vault(), |r| r.all_staff()).len(), 5);
    assert_of_use(new.vault(), one);
}

#[test]
fn nothing_is_named_of_who_was_erased_but_that_she_was() {
    let clinic = Clinic::with_devices(3);
    let old = Machine::new(&clinic, 0);
    let old = old.vault();
    let keys = work(old);
    let before = take_outbox(old);
    let erased = [3, IN_TODAYS_QUEUE[0]].map(|n| erase(old, &keys, all_of(old, n)));

    let (names, bodies) = (names_of(old), feed_of(old));
    let without_body = |change: &&Vec<u8>| SealedChange::decode(change).unwrap().body().is_none();
    let gone: Vec<ChangeId> = bodies.iter().filter(without_body).map(|change| id_of(change)).collect();
    assert!(gone.len() > 10);
    assert_eq!(names.iter().find(|id| gone.contains(id)), None);
    assert!(
        erased.iter().all(|fact| names[..10].contains(fact)),
        "before any patient"
    );

    let new = with_the_named_alone(&clinic, 1, old);
    let new = new.vault();
    assert_of_use(new, old);
    assert_eq!(read(new, |r| r.n_patients()), u64::from(N) - 2);
    // A relay that was put back has the bodies again.
    before.chunks(BATCH).for_each(|some| deliver(new, some.to_vec()));
    while new.read_on().unwrap() > 0 {}
    let is_bare = |id: &ChangeId| {
        let here = PeerStore::changes(new, &[ItemId::from(*id)], usize::MAX)
            .unwrap()
            .remove(0);
        without_body(&&here.unwrap())
    };
    assert!(gone.iter().all(is_bare));
    take_the_rest(new, old);
    assert_same(new, old);
    new.made_again();
    assert_same(new, old);
}

#[test]
fn what_came_after_a_removal_or_cannot_be_read_is_judged_under_a_name_as_by_any_other_road() {
    let clinic = Clinic::with_devices(5);
    let (old, lost) = (Machine::new(&clinic, 0), Machine::new(&clinic, 3));
    let (old, lost) = (old.vault(), lost.vault());
    work(old);
    deliver(lost, take_outbox(old));
    let n = IN_TODAYS_QUEUE[0];
    rename(lost, n, "03-1111111");
    deliver(old, take_outbox(lost));
    rename(lost, n, "03-2222222");
    write(lost, |w| {
        w.record_allergy(patient_id(n), &allergy(3, domain::Severity::Mild))
    });
    let late = take_outbox(lost);
    remove(old, lost.device());
    let path = format!("patient/{}/identity", patient_id(n));
    let unreadable = Forger::new(&clinic).seal(ChangeKind::Change, &path, &[9, 9, 9]);
    let doubtful = [late, vec![unreadable]].concat();
    deliver(old, doubtful.clone());

    let names = names_of(old);
    assert!(doubtful.iter().all(|change| names.contains(&id_of(change))));
    for (device, hears_before) in [(2, true), (4, false)] {
        let new = Machine::new(&clinic, device);
        let new = new.vault();
        let hear = || new.add_statements(&statements(old)).unwrap();
        if hears_before {
            hear();
        }
        new.read_in_background();
        let mut came = given(old, &names);
        came.push(b"no change at all".to_vec());
        new.absorb_first(came).unwrap();
        if !hears_before {
            assert_eq!(read(new, |r| r.patient(patient_id(n))).unwrap().phone, "03-2222222");
            hear();
        }
        assert_of_use(new, old);
        assert_eq!(read(new, |r| r.patient(patient_id(n))).unwrap().phone, "03-1111111");
        let aside = |vault: &Vault| {
            let mut aside = read(vault, |r| r.put_aside());
            aside.retain(|group| group.reason != "malformed");
            aside
        };
        assert_eq!((aside(new), aside(old).len()), (aside(old), 2));
        assert_eq!(read(new, |r| r.quarantined()).len(), doubtful.len() + 1);
        take_the_rest(new, old);
        deliver(old, vec![b"no change at all".to_vec()]);
        assert_same(new, old);
        // What of it was opened before the removal was heard of is each device's own.
        let verdicts = |vault: &Vault| {
            let all = vault.dump_verdicts().unwrap().into_iter();
            all.map(|row| row.splitn(4, ' ').take(3).collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        };
        assert_eq!(difference(&verdicts(new), &verdicts(old)), None);
    }
}
