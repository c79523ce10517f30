//! What a new device takes first: with the named changes alone it has what today's work needs, and the end is the same.

mod apart;
mod kills;
mod steps;

use std::collections::HashSet;

use domain::{Day, Role};
use seal::{ChangeId, DocumentId, EpochSecrets, MAX_FIRST_CHANGES, SealedChange};
use sync_protocol::{ItemId, PeerSet, PeerStore, SyncStore, WantedFirst};
use vault::{AuditLine, ClinicProfile, FactBody, FactDraft, NewVisit, Vault, Writing};

use crate::erasing::{person, says};
use crate::nouns::queued;
use crate::peers::meet;
use crate::removal::grants::agreement;
use crate::world::*;

const OWNER: u8 = 9;
/// Everybody.
const N: u8 = 60;
const IN_TODAYS_QUEUE: [u8; 2] = [7, 9];
const COMES_TOMORROW: u8 = 11;
const CAME_YESTERDAY: u8 = 12;
/// As many come at once; more than are judged as they come.
const BATCH: usize = 73;

fn today(vault: &Vault) -> Day {
    read(vault, |r| r.today())
}

fn an_older_visit(n: u8) -> NewVisit {
    NewVisit {
        id: visit_id(100 + n),
        day: day("2020-01-06"),
        opened_at: at(-1),
        ..visit(n)
    }
}

fn record(w: &mut Writing<'_>, body: FactBody) -> Result<(), vault::VaultError> {
    let (at, by) = (at(1), Some(staff_id(1)));
    w.record_fact(&FactDraft { at, by, body }, None).map(drop)
}

fn seen(n: u8) -> FactBody {
    FactBody::Audit(AuditLine {
        action: "record.opened".into(),
        patient: Some(patient_id(n)),
        visit: None,
        detail: String::new(),
    })
}

/// A clinic's work: everybody with an identity, an allergy, an agreement and two visits, and of all of it lines in the audit.
fn work(vault: &Vault) -> seal::PersonKeys {
    work_for(vault, N)
}

/// The same for fewer.
fn work_for(vault: &Vault, n_patients: u8) -> seal::PersonKeys {
    let keys = person(vault, OWNER, Role::Owner);
    let profile = ClinicProfile {
        name: "Klinik Mawar".into(),
        ..ClinicProfile::default()
    };
    write(vault, |w| {
        w.put_clinic_profile(&profile)?;
        w.put_device_name(w.belonging().device, "Kaunter")?;
        w.put_staff(&doctor(1))?;
        w.put_staff(&doctor(2))
    });
    for n in 1..=n_patients {
        write(vault, |w| {
            w.put_patient(&patient(n))?;
            w.record_allergy(patient_id(n), &allergy(1, domain::Severity::Severe))?;
            w.open_visit(&an_older_visit(n))?;
            w.open_visit(&visit(n))?;
            record(w, FactBody::ConsentGranted(agreement(n, w.belonging().tenant)))
        });
        for of in [n, 100 + n] {
            write(vault, |w| w.put_note(visit_id(of), &note(&["cough", "three days"])));
        }
        says(vault, n, "Came back for her results.");
        write(vault, |w| (0..3).try_for_each(|_| record(w, seen(n))));
    }
    let Day(day) = today(vault);
    for (of, n) in [
        (day.yesterday().unwrap(), CAME_YESTERDAY),
        (day.tomorrow().unwrap(), COMES_TOMORROW),
    ] {
        write(vault, |w| w.add_to_queue(Day(of), &queued(n)).map(drop));
    }
    for n in IN_TODAYS_QUEUE {
        write(vault, |w| w.add_to_queue(Day(day), &queued(n)).map(drop));
    }
    keys
}

/// A clinic of three devices, of which the first has worked.
fn clinic_at_work() -> (Clinic, Machine) {
    let clinic = Clinic::with_devices(3);
    let old = Machine::new(&clinic, 0);
    work(old.vault());
    (clinic, old)
}

/// What a clinic needs to work today, as this device has it.
fn of_use(vault: &Vault) -> String {
    read(vault, |r| {
        let today = r.today()?;
        let Day(day) = today;
        let mut all = vec![
            format!("{:#?}", (r.clinic_profile()?, r.all_staff()?, r.device_names()?)),
            format!("{:#?}", (r.enrolments()?, r.n_patients()?)),
            format!("{:#?}", (r.queue(today)?, r.queue(Day(day.tomorrow().unwrap()))?)),
            format!("{:#?}", r.search_patients("aisyah", 400)?),
        ];
        for patient in r.queue(today)?.into_iter().map(|entry| entry.patient) {
            let mut facts = r.facts_of_patient(patient)?;
            facts.retain(|fact| !matches!(fact.body, FactBody::Audit(_)));
            all.push(format!("{:#?}", (r.patient(patient)?, r.allergies(patient)?)));
            all.push(format!("{:#?}", (r.visits_of(patient)?, r.consents(patient)?, facts)));
        }
        Ok(all.join("\n"))
    })
}

fn assert_of_use(new: &Vault, old: &Vault) {
    let (here, there) = (of_use(new), of_use(old));
    let (here, there): (Vec<_>, Vec<_>) = (here.lines().collect(), there.lines().collect());
    let apart = here.iter().zip(&there).position(|(one, other)| one != other);
    let around = |lines: &[&str]| apart.map(|at| lines[at.saturating_sub(3)..lines.len().min(at + 4)].join("\n"));
    assert_eq!(around(&here), around(&there));
    assert_eq!(here.len(), there.len());
}

fn names_of(vault: &Vault) -> Vec<ChangeId> {
    read(vault, |r| r.first_for_a_new_device(MAX_FIRST_CHANGES))
}

/// What is live at this device, in the order in which it came: what its relay gives.
fn feed_of(vault: &Vault) -> Vec<Vec<u8>> {
    let (_, ids) = vault.since(PeerSet::Changes, 0, usize::MAX).unwrap();
    let changes = PeerStore::changes(vault, &ids, usize::MAX).unwrap();
    changes.into_iter().map(Option::unwrap).collect()
}

fn id_of(change: &[u8]) -> ChangeId {
    SealedChange::decode(change).unwrap().id()
}

/// What a relay gives under these names: what is covered it has no more.
fn given(from: &Vault, names: &[ChangeId]) -> Vec<Vec<u8>> {
    let (_, live) = from.since(PeerSet::Changes, 0, usize::MAX).unwrap();
    let live: HashSet<ItemId> = live.into_iter().collect();
    let ids: Vec<ItemId> = names.iter().copied().map(ItemId::from).collect();
    let ids: Vec<ItemId> = ids.into_iter().filter(|id| live.contains(id)).collect();
    let changes = PeerStore::changes(from, &ids, usize::MAX).unwrap();
    changes.into_iter().flatten().collect()
}

/// A new device that reads in the background, and has taken nothing but what is named.
fn with_the_named_alone(clinic: &Clinic, device: usize, from: &Vault) -> Machine {
    let new = Machine::new(clinic, device);
    new.vault().read_in_background();
    let names = names_of(from);
    new.vault().want_first(&names).unwrap();
    for some in given(from, &names).chunks(BATCH) {
        new.vault().absorb_first(some.to_vec()).unwrap();
    }
    new
}

/// Everything else comes, and is read.
fn take_the_rest(new: &Vault, from: &Vault) {
    feed_of(from).chunks(BATCH).for_each(|some| deliver(new, some.to_vec()));
    while new.read_on().unwrap() > 0 {}
}

fn left(vault: &Vault) -> u64 {
    read(vault, |r| r.sync_figures()).to_be_read
}

fn document(clinic: &Clinic, path: &str) -> DocumentId {
    let epochs = EpochSecrets::unwrap(&clinic.membership(), &clinic.devices[0]).unwrap();
    seal::derive_document_id(epochs.naming_key(), path)
}

#[test]
fn with_the_named_alone_a_new_device_is_of_use_and_the_rest_follows() {
    let (clinic, old) = clinic_at_work();
    let new = with_the_named_alone(&clinic, 1, old.vault());
    let (new, old) = (new.vault(), old.vault());
    assert_of_use(new, old);
    assert_eq!(read(new, |r| r.search_patients("aisyah", 400)).len(), usize::from(N));
    assert_eq!(left(new), 0, "what is wanted first is read at once");

    let (n_named, n_all) = (names_of(old).len() as u64, read(old, |r| r.sync_figures()).n_changes);
    assert_eq!(read(new, |r| r.sync_figures()).n_changes, n_named);
    assert!(n_named * 2 < n_all, "{n_named} of {n_all}");
    assert_eq!(
        read(new, |r| r.audit(400)),
        [],
        "nobody looks at the audit while she works"
    );
    for n in (1..=N).filter(|n| !IN_TODAYS_QUEUE.contains(n)) {
        assert_eq!(
            read(new, |r| r.visits_of(patient_id(n))),
            [],
            "of others it is enough who they are"
        );
    }

    take_the_rest(new, old);
    assert_same(new, old);
    let figures = read(new, |r| r.sync_figures());
    assert_eq!((figures.missing.len(), figures.waiting, figures.quarantined), (0, 0, 0));
    new.made_again();
    assert_same(new, old);
}

#[test]
fn of_few_names_they_are_the_first_and_today_stands_before_everybody_else() {
    let (clinic, old) = clinic_at_work();
    let names = names_of(old.vault());
    for max in [0, 1, 2, 30, names.len() - 1, names.len(), names.len() + 1] {
        let few = read(old.vault(), |r| r.first_for_a_new_device(max));
        assert_eq!(few, names[..max.min(names.len())], "at most {max}");
    }
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len(), "no name twice");

    let changes: Vec<SealedChange> = given(old.vault(), &names)
        .iter()
        .map(|bytes| SealedChange::decode(bytes).unwrap())
        .collect();
    assert_eq!(changes.len(), names.len());
    let place = |path: &str| {
        let document = document(&clinic, path);
        let places = (0..names.len()).filter(|nth| changes[*nth].header().document == document);
        let places: Vec<usize> = places.collect();
        (*places.first().unwrap(), *places.last().unwrap())
    };
    let identity = |n: u8| place(&format!("patient/{}/identity", patient_id(n)));
    let Day(day) = today(old.vault());
    let mut in_order = vec![
        place("clinic"),
        place(&format!("day/{day}")),
        place(&format!("day/{}", day.tomorrow().unwrap())),
    ];
    for n in IN_TODAYS_QUEUE {
        let of = patient_id(n);
        in_order.push(identity(n));
        in_order.push(place(&format!("patient/{of}/allergies")));
        in_order.push(place(&format!("patient/{of}/consents")));
        in_order.push(place(&format!("patient/{of}/visit/{}", visit_id(n))));
        in_order.push(place(&format!("patient/{of}/visit/{}", visit_id(100 + n))));
    }
    // Ids begin with the time at which they were made.
    let others = (1..=N).rev().filter(|n| !IN_TODAYS_QUEUE.contains(n));
    in_order.extend(others.clone().map(identity));
    in_order.extend(others.map(|n| place(&format!("patient/{}/allergies", patient_id(n)))));
    let ends: Vec<usize> = in_order.into_iter().flat_map(|(first, last)| [first, last]).collect();
    assert!(ends.is_sorted(), "{ends:?}");
    assert_eq!((ends[0], ends[ends.len() - 1]), (0, names.len() - 1));
}

#[test]
fn who_everybody_is_stands_before_the_older_visits_of_todays_patients() {
    let (clinic, old) = clinic_at_work();
    let n = IN_TODAYS_QUEUE[0];
    let names_before = names_of(old.vault());
    let often = 200..225;
    for nth in often.clone() {
        let more = NewVisit {
            id: visit_id(nth),
            opened_at: at(-10 * i64::from(nth)),
            ..visit(n)
        };
        write(old.vault(), |w| w.open_visit(&more));
    }
    let names = names_of(old.vault());
    // Ten with the two of before.
    let n_older = often.len() - 8;
    assert_eq!(names.len(), names_before.len() + often.len());
    let n_last = usize::from(N) - IN_TODAYS_QUEUE.len();
    let begin = names.len() - n_older - n_last;
    let (older, last) = names[begin..].split_at(n_older);
    assert_eq!(
        last,
        &names_before[names_before.len() - n_last..],
        "the others' allergies"
    );
    let first = &names_before[..names_before.len() - n_last];
    assert!(first.iter().all(|id| names[..begin].contains(id)));
    let path = |nth: u8| document(&clinic, &format!("patient/{}/visit/{}", patient_id(n), visit_id(nth)));
    let of_hers: Vec<DocumentId> = often.map(path).collect();
    for change in given(old.vault(), older) {
        let document = SealedChange::decode(&change).unwrap().header().document;
        assert!(of_hers.contains(&document));
    }
    let new = with_the_named_alone(&clinic, 1, old.vault());
    assert_of_use(new.vault(), old.vault());
}

#[test]
fn names_are_kept_over_a_restart_until_all_were_asked_for_and_nonsense_harms_nothing() {
    let (clinic, old) = clinic_at_work();
    let mut new = Machine::new(&clinic, 1);
    let names = names_of(old.vault());
    new.vault().want_first(&names).unwrap();
    new.reopen();
    assert_eq!(new.vault().wanted_first().unwrap(), names);
    let nobodys = [ChangeId::from_bytes([0xee; 32]), ChangeId::from_bytes([0; 32])];
    let asked = [&nobodys[..1], &names[..10], &nobodys[1..]].concat();
    assert_eq!(new.vault().lacking_of(&asked).unwrap(), asked);
    let some = given(old.vault(), &names[..10]);
    new.vault().absorb_first(some.clone()).unwrap();
    assert_eq!(new.vault().lacking_of(&asked).unwrap(), nobodys);
    assert_eq!(new.vault().wanted_first().unwrap(), names, "also what is here by now");
    // Once more, and twice in one answer.
    let before = (
        new.vault().set_of_changes().unwrap(),
        new.vault().dump_tables().unwrap(),
    );
    new.vault().absorb_first([some.clone(), some].concat()).unwrap();
    assert_eq!(
        (
            new.vault().set_of_changes().unwrap(),
            new.vault().dump_tables().unwrap()
        ),
        before
    );

    new.vault().forget_wanted_first().unwrap();
    assert_eq!(new.vault().wanted_first().unwrap(), []);
    new.vault().want_first(&[&nobodys[..], &nobodys[..]].concat()).unwrap();
    new.reopen();
    assert_eq!(new.vault().wanted_first().unwrap(), [nobodys, nobodys].concat());
    new.vault().forget_wanted_first().unwrap();
    new.reopen();
    assert_eq!(new.vault().wanted_first().unwrap(), []);
    new.vault().absorb_first(Vec::new()).unwrap();
    take_the_rest(new.vault(), old.vault());
    assert_same(new.vault(), old.vault());
}

#[test]
fn what_another_device_gave_first_is_queued_for_the_relay_and_what_the_relay_gave_is_not() {
    let (clinic, old) = clinic_at_work();
    let names = names_of(old.vault());
    let mut of_relay = given(old.vault(), &names);
    let of_peer = of_relay.split_off(names.len() / 2);
    let new = Machine::new(&clinic, 1);
    let new = new.vault();
    new.read_in_background();
    new.absorb_first(of_relay.clone()).unwrap();
    assert_eq!(new.pending().unwrap(), 0);
    // What it has from the relay is no news to it.
    new.absorb_first_from_peer([of_relay, of_peer.clone()].concat())
        .unwrap();
    assert_eq!(new.pending().unwrap(), of_peer.len() as u64);
    assert_of_use(new, old.vault());
    assert_eq!(left(new), 0);
    new.absorb_first_from_peer(of_peer.clone()).unwrap();
    assert_eq!(new.pending().unwrap(), of_peer.len() as u64);
    // The relay had it all the same.
    new.absorb_first(of_peer).unwrap();
    assert_eq!(new.pending().unwrap(), 0);
}

#[test]
fn what_came_in_its_turn_and_is_unread_is_asked_for_by_name_and_read() {
    let (clinic, old) = clinic_at_work();
    for (device, from_peer) in [(1, false), (2, true)] {
        let new = Machine::new(&clinic, device);
        let (new, names) = (new.vault(), names_of(old.vault()));
        new.read_in_background();
        // The relay does not wait with the beginning of the feed until a device has asked.
        feed_of(old.vault())
            .chunks(BATCH)
            .for_each(|some| deliver(new, some.to_vec()));
        let n_left = left(new);
        let unread = new.lacking_of(&names).unwrap();
        assert!(unread.len() > 10 && (unread.len() as u64) < n_left);
        let came = given(old.vault(), &unread);
        match from_peer {
            true => new.absorb_first_from_peer(came).unwrap(),
            false => new.absorb_first(came).unwrap(),
        }
        assert_of_use(new, old.vault());
        assert_eq!(new.lacking_of(&names).unwrap(), []);
        assert_eq!(left(new), n_left - unread.len() as u64);
        assert_eq!(new.pending().unwrap(), 0);
        while new.read_on().unwrap() > 0 {}
        assert_same(new, old.vault());
    }
}

#[test]
fn two_devices_that_meet_begin_with_what_the_new_one_wants_first() {
    let (clinic, old) = clinic_at_work();
    let names = names_of(old.vault());
    let nobodys = ChangeId::from_bytes([0xee; 32]);
    for (device, n_stored) in [(1, 0), (2, usize::MAX)] {
        let new = Machine::new(&clinic, device);
        let new = new.vault();
        new.read_in_background();
        let feed = feed_of(old.vault());
        // Nothing yet, or all of it and most of that unread.
        feed[..n_stored.min(feed.len())]
            .chunks(BATCH)
            .for_each(|some| deliver(new, some.to_vec()));
        new.want_first(&[&[nobodys], &names[..]].concat()).unwrap();
        meet(&clinic, [(new, device), (old.vault(), 0)]);
        assert!(left(new) > 0, "the rest is stored first");
        assert_of_use(new, old.vault());
        assert_eq!(new.lacking_of(&names).unwrap(), []);
        while new.read_on().unwrap() > 0 {}
        assert_same(new, old.vault());
    }
}

#[test]
fn what_is_wanted_first_may_come_while_the_rest_is_being_read() {
    let (clinic, old) = clinic_at_work();
    let new = Machine::new(&clinic, 1);
    let (new, names) = (new.vault(), names_of(old.vault()));
    new.read_in_background();
    feed_of(old.vault())
        .chunks(BATCH)
        .for_each(|some| deliver(new, some.to_vec()));
    std::thread::scope(|scope| {
        scope.spawn(|| while new.read_on().unwrap() > 0 {});
        for some in given(old.vault(), &names).chunks(5) {
            new.absorb_first(some.to_vec()).unwrap();
        }
        assert_of_use(new, old.vault());
    });
    assert_eq!(left(new), 0);
    assert_same(new, old.vault());
    let tables = new.dump_tables().unwrap();
    new.made_again();
    assert_eq!(new.dump_tables().unwrap(), tables);
}
