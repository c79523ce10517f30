//! Erasing: what is left of it nowhere, and that no order of hearing, no peer and no backup brings it back.

mod apart;
mod chunks;
mod pages;

use std::collections::BTreeSet;
use std::fs;

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
    third.made_again();
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
