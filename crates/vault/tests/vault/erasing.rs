//! Erasing: what is left of it nowhere, and that no order of hearing, no peer and no backup brings it back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use domain::{Role, Severity, StaffId};
use proptest::prelude::*;
use seal::{ChangeId, PersonKeys, SealedChange};
use sync_protocol::{ChunkId, ChunkSource, ChunkStore, ItemId, OutId, PeerSet, PeerStore, SyncStore};
use vault::{Addendum, Erased, ErasureReason, FACT_CONTEXT, FactBody, FactDraft, StaffEnrolled, Vault, VaultError};

use crate::backup::{back_up, restored};
use crate::fetching::{LIFE, recorded};
use crate::merging::{do_something, shuffled};
use crate::nouns::queued;
use crate::peers::meet;
use crate::removal::{remove, statements, take};
use crate::snapshots::{healthy, only_snapshots, pruned};
use crate::sound::{RECORDING, recording};
use crate::world::*;

const OWNER: u8 = 9;

fn sign(vault: &Vault, by: u8, keys: &PersonKeys, body: FactBody) -> ChangeId {
    let by = Some(staff_id(by));
    let draft = FactDraft { at: at(0), by, body };
    let bytes = draft.bytes_to_sign(&vault.tenant(), &vault.device()).unwrap();
    let signature = keys.sign(FACT_CONTEXT, &bytes);
    write(vault, |w| w.record_fact(&draft, Some(signature)))
}

fn enrolment(staff: StaffId, role: Role, vault: &Vault, keys: &PersonKeys) -> FactBody {
    FactBody::StaffEnrolled(StaffEnrolled {
        staff,
        role,
        device: vault.device(),
        person_public: keys.public(),
    })
}

/// A person with a key on this device.
pub fn person(vault: &Vault, n: u8, role: Role) -> PersonKeys {
    let keys = PersonKeys::make(&mut rng(500 + u64::from(n)));
    sign(vault, n, &keys, enrolment(staff_id(n), role, vault, &keys));
    keys
}

/// Everything of a patient that an erasure can name.
pub fn all_of(vault: &Vault, n: u8) -> Erased {
    let held = read(vault, |r| r.held_of_patient(patient_id(n)));
    let facts = held.facts.iter().map(|fact| fact.id).collect();
    Erased::of(ErasureReason::PatientsRight, patient_id(n), held.documents, facts)
}

pub fn erase(vault: &Vault, keys: &PersonKeys, what: Erased) -> ChangeId {
    sign(vault, OWNER, keys, FactBody::Erased(what))
}

pub fn says(vault: &Vault, n: u8, text: &str) -> ChangeId {
    let body = FactBody::Addendum(Addendum {
        patient: patient_id(n),
        visit: visit_id(n),
        text: text.into(),
    });
    let draft = FactDraft {
        at: at(1),
        by: None,
        body,
    };
    write(vault, |w| w.record_fact(&draft, None))
}

/// A patient with something of everything.
fn treat(vault: &Vault, n: u8) {
    write(vault, |w| {
        w.put_patient(&patient(n))?;
        w.record_allergy(patient_id(n), &allergy(n, Severity::Severe))?;
        w.open_visit(&visit(n))?;
        w.put_note(visit_id(n), &note(&["Her heart murmurs quietly."]))?;
        w.put_line(visit_id(n), &line(n))
    });
    says(vault, n, "Addendum: quietude was advised.");
}

/// What whoever has the key reads in a file of SQLCipher's pages (version 4, raw key), slack and free pages included.
fn plain_pages(file: &[u8], header: usize, key: &[u8; 32]) -> Vec<u8> {
    const PAGE: usize = 4096;
    const RESERVED: usize = 80; // 16 bytes of the vector, 64 of the authentication
    let cipher = Aes256::new(&(*key).into());
    let mut plain = Vec::new();
    for page in file
        .chunks(PAGE + header)
        .map(|frame| &frame[header.min(frame.len())..])
    {
        let Some(body) = page.get(..PAGE - RESERVED) else {
            continue;
        };
        let mut before: [u8; 16] = page[PAGE - RESERVED..][..16].try_into().unwrap();
        for sealed in body.as_chunks::<16>().0 {
            let mut block = aes::Block::from(*sealed);
            cipher.decrypt_block(&mut block);
            plain.extend(block.iter().zip(before).map(|(byte, mask)| byte ^ mask));
            before = *sealed;
        }
    }
    plain
}

/// Which of these words stand somewhere in the store's file or in its log.
fn found(machine: &Machine, words: &[&'static str]) -> Vec<&'static str> {
    let log = fs::read(machine.dir.join("vault.db-wal")).unwrap_or_default();
    let mut plain = plain_pages(&fs::read(machine.file()).unwrap(), 0, &machine.secrets.db_key);
    // A log has a head of 32 bytes, and one of 24 before each page.
    plain.extend(plain_pages(
        log.get(32..).unwrap_or_default(),
        24,
        &machine.secrets.db_key,
    ));
    let is_in = |word: &str| {
        plain
            .windows(word.len())
            .any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
    };
    words.iter().copied().filter(|word| is_in(word)).collect()
}

/// Whole words of patient 1: not such as an index of beginnings keeps for others.
const WORDS: [&str; 6] = ["aisyah", "900101145501", "mawar", "penicillin", "murmurs", "quietude"];

fn n_bodies(vault: &Vault, of: impl Fn(&SealedChange) -> bool) -> usize {
    every_change(vault)
        .iter()
        .filter(|change| change.body().is_some() && of(change))
        .count()
}

/// Everything that this store would give to a peer.
fn every_change(vault: &Vault) -> Vec<SealedChange> {
    let (_, ids) = vault.since(PeerSet::Changes, 0, usize::MAX).unwrap();
    let given = PeerStore::changes(vault, &ids, usize::MAX).unwrap();
    let decoded = given
        .into_iter()
        .flatten()
        .map(|bytes| SealedChange::decode(&bytes).unwrap());
    decoded.collect()
}

fn ids(changes: &[SealedChange]) -> Vec<ItemId> {
    let mut ids: Vec<ItemId> = changes.iter().map(|change| change.id().into()).collect();
    ids.sort();
    ids
}

#[test]
fn what_is_erased_is_in_no_page_of_the_store_nor_of_its_log_nor_in_a_backup() {
    let clinic = Clinic::with_devices(1);
    let machine = Machine::new(&clinic, 0);
    let vault = machine.vault();
    let keys = person(vault, OWNER, Role::Owner);
    treat(vault, 1);
    write(vault, |w| w.start_recording(&recording()));
    vault.append_chunk(RECORDING, &[1; 32_000], 1000).unwrap();
    write(vault, |w| w.finish_recording(RECORDING, at(5)));
    let folder = machine.dir.join("attachments").join(recording().attachment.to_string());
    assert!(folder.exists());
    assert_eq!(found(&machine, &WORDS), WORDS, "this test can see");
    let before = every_change(vault);
    let copy = machine.dir.join("vault.db.before-2");
    fs::copy(machine.file(), &copy).unwrap();

    let what = all_of(vault, 1);
    assert_eq!(what.documents.len(), 4);
    assert_eq!((what.facts.len(), what.attachments.len()), (1, 1));
    erase(vault, &keys, what);

    assert_eq!(found(&machine, &WORDS), [] as [&str; 0]);
    assert!(!folder.exists() && !copy.exists());
    assert!(matches!(vault.read_chunk(RECORDING, 0), Err(VaultError::NotFound(_))));
    assert_eq!(read(vault, |r| r.patient(patient_id(1))), None);
    assert_eq!(read(vault, |r| r.search_patients("aisyah", 9)), []);
    assert_eq!(read(vault, |r| r.facts_of_visit(visit_id(1))), []);
    // Every change is still a member, under its id and with its signature.
    let after = every_change(vault);
    assert_eq!(after.len(), before.len() + 1);
    assert!(ids(&before).iter().all(|id| ids(&after).contains(id)));
    let report = vault.verify().unwrap();
    assert!(report.pages_hold && report.trees_hold && report.altered.is_empty() && report.unsigned.is_empty());
    assert_eq!(report.missing, []);
    let tables = vault.dump_tables().unwrap();
    vault.rebuild().unwrap();
    assert_eq!(difference(&tables, &vault.dump_tables().unwrap()), None);

    // A backup holds exactly that, and stands its own test.
    let stick = tempfile::tempdir().unwrap();
    let report = back_up(vault, stick.path());
    let home = tempfile::tempdir().unwrap();
    let new = restored(&report.file, &home.path().join("clinic")).unwrap().vault;
    assert_eq!(read(&new, |r| r.patient(patient_id(1))), None);
    assert_eq!(ids(&every_change(&new)), ids(&after));
    assert_eq!(new.set_of_changes().unwrap(), vault.set_of_changes().unwrap());
}

#[test]
fn an_old_backup_does_not_bring_it_back_once_the_erasure_is_there() {
    let clinic = Clinic::with_devices(1);
    let machine = Machine::new(&clinic, 0);
    let vault = machine.vault();
    let keys = person(vault, OWNER, Role::Admin);
    treat(vault, 1);
    let stick = tempfile::tempdir().unwrap();
    let old = back_up(vault, stick.path());
    erase(vault, &keys, all_of(vault, 1));
    let home = tempfile::tempdir().unwrap();
    let new = restored(&old.file, &home.path().join("clinic")).unwrap().vault;
    assert!(
        read(&new, |r| r.patient(patient_id(1))).is_some(),
        "the backup is older"
    );
    vault.add_statements(&statements(&new)).unwrap();

    exchange(vault, &new);

    assert_same(vault, &new);
    assert_eq!(read(&new, |r| r.patient(patient_id(1))), None);
    assert_eq!(read(vault, |r| r.patient(patient_id(1))), None);
    assert_eq!(
        n_bodies(&new, |change| change.header().kind == seal::ChangeKind::Change),
        0
    );
}

#[test]
fn the_relay_is_told_and_what_it_gives_again_is_not_kept() {
    let clinic = Clinic::with_devices(2);
    let [one, two] = [0, 1].map(|device| Machine::new(&clinic, device));
    let (one, two) = (one.vault(), two.vault());
    let keys = person(one, OWNER, Role::Owner);
    treat(one, 1);
    let with_bodies = take_outbox(one);
    deliver(two, with_bodies.clone());
    let said = erase(one, &keys, all_of(one, 1));

    let items = one.outbox(100, 1 << 20).unwrap();
    let told: Vec<ChangeId> = items
        .iter()
        .filter_map(|item| match item.id {
            OutId::Erased(id) => Some(id),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 4, "three documents and a fact");
    let fact = items.iter().position(|item| item.id == OutId::Change(said)).unwrap();
    one.mark_sent(&items.iter().map(|item| item.id).collect::<Vec<_>>())
        .unwrap();
    deliver(two, vec![items[fact].bytes.clone()]);
    assert_same(one, two);

    // A relay that was put back has the bodies again: nobody keeps them, and it is told once more.
    deliver(one, with_bodies.clone());
    deliver(two, with_bodies);
    assert_same(one, two);
    assert_eq!(
        n_bodies(one, |change| change.header().kind == seal::ChangeKind::Change),
        0
    );
    let again = one.outbox(100, 1 << 20).unwrap();
    assert_eq!(
        again.iter().filter(|item| matches!(item.id, OutId::Erased(_))).count(),
        told.len()
    );
}

#[test]
fn what_comes_without_its_body_counts_only_once_an_erasure_names_it() {
    let clinic = Clinic::with_devices(2);
    let [one, two] = [0, 1].map(|device| Machine::new(&clinic, device));
    let (one, two) = (one.vault(), two.vault());
    let keys = person(one, OWNER, Role::Owner);
    let enrolled = take_outbox(one);
    treat(one, 1);
    let with_bodies = take_outbox(one);
    let bare: Vec<Vec<u8>> = with_bodies
        .iter()
        .map(|bytes| SealedChange::decode(bytes).unwrap().without_body().encode())
        .collect();

    // A member that sends headers makes nobody forget …
    two.absorb_changes_from_peer(bare.clone()).unwrap();
    assert_eq!(every_change(two).len(), 0);
    let named: Vec<ItemId> = with_bodies
        .iter()
        .map(|bytes| SealedChange::decode(bytes).unwrap().id().into())
        .collect();
    assert_eq!(two.lacking(PeerSet::Changes, &named).unwrap(), named);
    two.absorb_changes_from_peer(with_bodies[..1].to_vec()).unwrap();
    two.absorb_changes_from_peer(bare.clone()).unwrap();
    assert!(read(two, |r| r.patient(patient_id(1))).is_some());

    // … and a device that is new to the clinic gets from the relay what is left: the bare ones first.
    let third = Machine::new(&clinic, 1);
    let third = third.vault();
    deliver(third, bare.clone());
    assert_eq!(third.set_of_changes().unwrap().count, 0);
    erase(one, &keys, all_of(one, 1));
    let fact = take_outbox(one);
    deliver(third, fact.clone());
    assert_eq!(third.set_of_changes().unwrap().count, 1, "nobody is known yet who may");
    deliver(third, enrolled);
    assert_same(one, third);
    third.rebuild().unwrap();
    assert_same(one, third);
    assert!(third.verify().unwrap().trees_hold);
}

#[test]
fn only_who_may_erases_and_never_what_the_clinic_is() {
    let machine = Machine::only();
    let vault = machine.vault();
    let doctor = person(vault, 2, Role::Doctor);
    let desk = person(vault, 3, Role::Receptionist);
    treat(vault, 1);
    write(vault, |w| w.start_recording(&recording()));
    for (n, keys) in [(2, &doctor), (3, &desk)] {
        sign(vault, n, keys, FactBody::Erased(all_of(vault, 1)));
        let forged = FactBody::Erased(all_of(vault, 1));
        sign(vault, OWNER, keys, forged); // in the name of somebody who has no key here
    }
    assert!(read(vault, |r| r.patient(patient_id(1))).is_some());

    // The doctor who signs lets the sound go, and nothing beside it.
    let sound = |documents: Vec<String>| Erased {
        reason: ErasureReason::AudioAtSignOff,
        documents,
        facts: Vec::new(),
        ..all_of(vault, 1)
    };
    let paths = all_of(vault, 1).documents;
    sign(vault, 2, &doctor, FactBody::Erased(sound(paths.clone())));
    assert!(read(vault, |r| r.recording(RECORDING)).is_some());
    let only_sound = paths.into_iter().filter(|path| path.contains("/recording/")).collect();
    sign(vault, 2, &doctor, FactBody::Erased(sound(only_sound)));
    assert_eq!(read(vault, |r| r.recording(RECORDING)), None);
    assert!(read(vault, |r| r.patient(patient_id(1))).is_some());

    let owner = person(vault, OWNER, Role::Owner);
    write(vault, |w| w.put_staff(&crate::world::doctor(4)));
    let facts = every_change(vault).iter().map(SealedChange::id).collect();
    let everything = Erased {
        documents: vec!["clinic".into(), "snapshots".into()],
        facts,
        ..all_of(vault, 1)
    };
    erase(vault, &owner, everything);
    assert!(read(vault, |r| r.staff(staff_id(4))).is_some());
    assert_eq!(read(vault, |r| r.enrolments()).len(), 3);
    assert_eq!(read(vault, |r| r.facts_of_visit(visit_id(1))), []);
}

#[test]
fn who_was_away_writes_on_in_what_was_erased_and_it_is_erased_when_it_comes() {
    let clinic = Clinic::with_devices(2);
    let [one, two] = [0, 1].map(|device| Machine::new(&clinic, device));
    let (one, two) = (one.vault(), two.vault());
    let keys = person(one, OWNER, Role::Owner);
    treat(one, 1);
    exchange(one, two);
    erase(one, &keys, all_of(one, 1));
    let mut moved = patient(1);
    moved.address.town = "Ipoh".into();
    write(two, |w| w.put_patient(&moved));
    exchange(one, two);
    assert_same(one, two);
    assert_eq!(read(one, |r| r.patient(patient_id(1))), None);
    // From now on nothing is written in it; everything else is.
    let refused = two.write::<_, VaultError>(None, |w| w.put_patient(&moved));
    assert!(matches!(refused, Err(VaultError::NotFound("document"))));
    treat(two, 2);
    treat(one, 3);
    exchange(one, two);
    assert_same(one, two);
    assert_eq!(read(one, |r| r.n_patients()), 2);
}

#[test]
fn peers_that_hold_it_and_peers_that_erased_it_end_with_one_set() {
    let clinic = Clinic::with_devices(2);
    let [one, two] = [0, 1].map(|device| Machine::new(&clinic, device));
    let (one, two) = (one.vault(), two.vault());
    let keys = person(one, OWNER, Role::Owner);
    treat(one, 1);
    write(one, |w| w.add_to_queue(day("2026-11-21"), &queued(1)).map(drop));
    meet(&clinic, [(one, 0), (two, 1)]);
    assert_same(one, two);
    erase(one, &keys, all_of(one, 1));
    treat(two, 2);
    meet(&clinic, [(one, 0), (two, 1)]);
    assert_same(one, two);
    assert_eq!(read(two, |r| r.patient(patient_id(1))), None);
    // A third one gets the bare ones in whatever order, and all of it in one meeting.
    let third = Clinic::with_devices(2);
    let third = Machine::new(&third, 1);
    meet(&clinic, [(one, 0), (third.vault(), 1)]);
    assert_same(one, third.vault());
}

#[test]
fn a_documents_snapshots_go_with_it_and_what_was_thrown_away_under_them_is_no_hole() {
    let clinic = Clinic::with_devices(4);
    let (one, _two, all) = pruned(&clinic);
    let three = Machine::new(&clinic, 2);
    let (one, three) = (one.vault(), three.vault());
    deliver(three, only_snapshots(&all));
    let keys = person(three, OWNER, Role::Owner);
    assert!(read(three, |r| r.patient(patient_id(1))).is_some());
    erase(three, &keys, all_of(three, 1));
    assert_eq!(read(three, |r| r.patient(patient_id(1))), None);
    healthy(three);

    let new = Machine::new(&clinic, 3);
    meet(&clinic, [(three, 2), (new.vault(), 3)]);
    assert_same(three, new.vault());
    healthy(new.vault());
    // Who still has what was covered lets it go as well, and gives the headers.
    meet(&clinic, [(one, 0), (three, 2)]); // the erasure; what is live through it is compared in the next meeting
    meet(&clinic, [(one, 0), (three, 2)]);
    meet(&clinic, [(new.vault(), 3), (three, 2)]);
    for vault in [one, new.vault()] {
        assert_same(three, vault);
        healthy(vault);
        assert_eq!(
            n_bodies(vault, |change| change.header().kind == seal::ChangeKind::Change),
            0
        );
    }
    one.rebuild().unwrap();
    assert_same(three, one);
}

#[test]
fn an_erasure_by_a_stolen_device_after_its_end_is_taken_back_and_others_give_the_bodies() {
    let clinic = Clinic::with_devices(3);
    let [admin, lost, other] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let (admin, lost, other) = (admin.vault(), lost.vault(), other.vault());
    treat(admin, 1);
    write(admin, |w| w.put_patient(&patient(2)));
    exchange(admin, lost);
    let keys = person(lost, OWNER, Role::Owner);
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    erase(lost, &keys, all_of(lost, 1));
    let late = take_outbox(lost);
    meet(&clinic, [(admin, 0), (other, 2)]);
    deliver(other, late.clone());
    assert_eq!(
        read(other, |r| r.patient(patient_id(1))),
        None,
        "it is believed at first"
    );

    remove(admin, lost.device());
    other.add_statements(&statements(admin)).unwrap();
    let figures = read(other, |r| r.sync_figures());
    assert!(
        !figures.missing.is_empty(),
        "what lost its body is missing, and said to be"
    );
    deliver(admin, late);
    meet(&clinic, [(admin, 0), (other, 2)]);
    assert_same(admin, other);
    assert!(read(other, |r| r.patient(patient_id(1))).is_some());
    assert_eq!(read(other, |r| r.sync_figures()).missing, []);

    // A person looks at it, and lets it count after all.
    take(admin, lost.device());
    other.add_statements(&statements(admin)).unwrap();
    meet(&clinic, [(admin, 0), (other, 2)]);
    assert_same(admin, other);
    assert_eq!(read(other, |r| r.patient(patient_id(1))), None);
}

#[test]
fn a_document_that_this_very_write_has_open_is_not_erased_by_it() {
    let machine = Machine::only();
    let vault = machine.vault();
    let keys = person(vault, OWNER, Role::Owner);
    treat(vault, 1);
    let what = all_of(vault, 1);
    let draft = FactDraft {
        at: at(0),
        by: Some(staff_id(OWNER)),
        body: FactBody::Erased(what),
    };
    let bytes = draft.bytes_to_sign(&vault.tenant(), &vault.device()).unwrap();
    let signature = keys.sign(FACT_CONTEXT, &bytes);
    let refused = vault.write::<_, VaultError>(None, |w| {
        w.put_patient(&patient(1))?;
        w.record_fact(&draft, Some(signature)).map(drop)
    });
    assert!(refused.is_err());
    assert!(read(vault, |r| r.patient(patient_id(1))).is_some());
}

#[test]
fn sound_that_a_kill_left_behind_goes_when_the_store_is_opened() {
    let mut machine = Machine::only();
    let keys = person(machine.vault(), OWNER, Role::Owner);
    write(machine.vault(), |w| w.start_recording(&recording()));
    machine.vault().append_chunk(RECORDING, &[1; 32_000], 1000).unwrap();
    let folder = machine.dir.join("attachments").join(recording().attachment.to_string());
    let aside = machine.dir.join("aside");
    copy_folder(&folder, &aside);
    let what = all_of(machine.vault(), 1);
    erase(machine.vault(), &keys, what);
    assert!(!folder.exists());
    // As after a kill between the commit and the taking away.
    machine.close();
    copy_folder(&aside, &folder);
    let raw = rusqlite::Connection::open(machine.file()).unwrap();
    raw.pragma_update(None, "key", format!("x'{}'", hex::encode(*machine.secrets.db_key)))
        .unwrap();
    raw.execute(
        "INSERT INTO files_to_erase (attachment) VALUES (?1)",
        [recording().attachment.as_bytes()],
    )
    .unwrap();
    raw.execute("INSERT INTO meta (key, value) VALUES ('traces', 1)", [])
        .unwrap();
    drop(raw);
    machine.try_open().unwrap();
    assert!(!folder.exists());
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap().map(|file| file.unwrap().path()) {
        fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

proptest! {
    #![proptest_config(inputs(12))]

    #[test]
    fn whatever_is_erased_whoever_hears_of_it_in_whatever_order_ends_alike(
        steps in prop::collection::vec((0usize..2, 0u64..60, any::<bool>(), 0u8..9), 4..24),
        seed in any::<u64>(),
        batch in 1usize..7,
    ) {
        let clinic = Clinic::with_devices(4);
        let writers = [Machine::new(&clinic, 0), Machine::new(&clinic, 1)];
        let hearers = [Machine::new(&clinic, 2), Machine::new(&clinic, 3)];
        let owners = [person(writers[0].vault(), OWNER, Role::Owner), person(writers[1].vault(), OWNER, Role::Owner)];
        let mut all = Vec::new();
        for (who, choice, together, erased) in steps {
            let vault = writers[who].vault();
            // In what was erased nothing can be written any more.
            let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| do_something(vault, choice)));
            drop(written);
            if erased < 2 {
                let what = all_of(vault, 1 + erased);
                erase(vault, &owners[who], what);
            }
            if together {
                let [of_one, of_two] = [0, 1].map(|who| take_outbox(writers[who].vault()));
                deliver(writers[0].vault(), of_two.clone());
                deliver(writers[1].vault(), of_one.clone());
                all.extend(of_one.into_iter().chain(of_two));
            }
        }
        let [of_one, of_two] = [0, 1].map(|who| take_outbox(writers[who].vault()));
        deliver(writers[0].vault(), of_two.clone());
        deliver(writers[1].vault(), of_one.clone());
        all.extend(of_one.into_iter().chain(of_two));
        assert_same(writers[0].vault(), writers[1].vault());
        for (n, hearer) in hearers.iter().enumerate() {
            for some in shuffled(&all, seed.wrapping_add(n as u64)).chunks(batch) {
                deliver(hearer.vault(), some.to_vec());
            }
            assert_same(writers[0].vault(), hearer.vault());
        }
        hearers[0].vault().rebuild().unwrap();
        assert_same(writers[0].vault(), hearers[0].vault());
        prop_assert!(hearers[0].vault().verify().unwrap().trees_hold);
    }
}

#[test]
fn sound_that_is_being_fetched_goes_when_it_is_erased_and_the_relay_is_told() {
    let (_clinic, one, two) = recorded(3);
    let keys = person(one.vault(), OWNER, Role::Owner);
    exchange(one.vault(), two.vault());
    two.vault().begin_attachments(&LIFE).unwrap();
    two.vault().want_recording(RECORDING).unwrap();
    let none = BTreeSet::new();
    let sealed = |chunk: &ChunkId| one.vault().chunk(chunk).unwrap().unwrap();
    let (first, _) = two.vault().wanted_chunk(&none).unwrap().unwrap();
    two.vault()
        .absorb_chunk(&first, &sealed(&first), ChunkSource::Peer)
        .unwrap();
    let (second, claim) = two.vault().wanted_chunk(&none).unwrap().unwrap();
    let second_sealed = sealed(&second);
    let folder = two.dir.join("attachments").join(recording().attachment.to_string());
    assert!(folder.exists());

    erase(one.vault(), &keys, all_of(one.vault(), 1));
    exchange(one.vault(), two.vault());
    // It was on its way.
    two.vault()
        .absorb_chunk(&second, &second_sealed, ChunkSource::Peer)
        .unwrap();
    drop(claim);
    assert!(!folder.exists());
    for vault in [one.vault(), two.vault()] {
        assert!(matches!(vault.want_recording(RECORDING), Err(VaultError::NotFound(_))));
        assert!(vault.wanted_chunk(&none).unwrap().is_none());
        assert_eq!(vault.chunk(&first).unwrap(), None);
        assert_eq!(vault.chunks_to_offer(9).unwrap(), None);
        assert_eq!(vault.attachment_to_forget().unwrap(), Some(first.attachment));
        vault.attachment_forgotten(&first.attachment).unwrap();
        assert_eq!(vault.attachment_to_forget().unwrap(), None);
    }
    // A relay that was put back has to be told again.
    two.vault().begin_attachments(&INCARNATION).unwrap();
    assert_eq!(two.vault().attachment_to_forget().unwrap(), Some(first.attachment));
}
