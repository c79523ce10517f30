//! Changes that a broken or hostile member could write: quarantined with their reason, and nothing else suffers.

use std::io::Write;

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, AutoCommit, Change, ExpandedChange, ObjId, ObjType, ROOT, ReadDoc};
use flate2::{Compression, write::DeflateEncoder};
use seal::{ChangeKind, EpochSecrets, FORMAT_VERSION, Header, OpeningId, SealError, SealedChange};
use vault::Vault;

use crate::world::*;

/// A member who seals whatever it likes.
pub struct Forger<'c> {
    clinic: &'c Clinic,
    pub opening: OpeningId,
    number: u64,
}

impl<'c> Forger<'c> {
    pub fn new(clinic: &'c Clinic) -> Self {
        Self {
            clinic,
            opening: OpeningId::from_bytes([9; 16]),
            number: 1,
        }
    }

    pub fn actor(&self) -> ActorId {
        let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 automerge actor");
        hasher
            .update(self.clinic.devices[1].id().as_bytes())
            .update(self.opening.as_bytes());
        ActorId::from(&hasher.finalize().as_bytes()[..16])
    }

    pub fn seal(&mut self, kind: ChangeKind, named: &str, plain: &[u8]) -> Vec<u8> {
        let keys = &self.clinic.devices[1];
        let membership = self.clinic.membership();
        let epochs = EpochSecrets::unwrap(&membership, keys).unwrap();
        let header = Header {
            version: FORMAT_VERSION,
            tenant: self.clinic.tenant,
            document: seal::derive_document_id(epochs.naming_key(), named),
            epoch: membership.current_epoch(),
            device: keys.id(),
            opening: self.opening,
            number: self.number,
            kind,
        };
        self.number += 1;
        SealedChange::seal(header, plain, &epochs, keys, &mut rng(self.number))
            .unwrap()
            .encode()
    }

    pub fn change(&mut self, path: &str, chunk: &[u8]) -> Vec<u8> {
        self.seal(ChangeKind::Change, path, &payload(path, chunk))
    }
}

/// The payload of a change, written by hand.
pub fn payload(path: &str, chunk: &[u8]) -> Vec<u8> {
    let mut cbor = minicbor::Encoder::new(Vec::new());
    cbor.map(2)
        .unwrap()
        .u8(1)
        .unwrap()
        .str(path)
        .unwrap()
        .u8(2)
        .unwrap()
        .bytes(chunk)
        .unwrap();
    let mut deflate = DeflateEncoder::new(vec![1], Compression::default());
    deflate.write_all(&cbor.into_writer()).unwrap();
    deflate.finish().unwrap()
}

/// A first change that puts one container into a document that has none.
fn chunk(actor: ActorId, key: &str) -> Vec<u8> {
    let mut doc = AutoCommit::new().with_actor(actor);
    doc.put_object(ROOT, key, ObjType::Map).unwrap();
    let hash = doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
    doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
}

/// Two changes, the second on top of the first.
fn two_chunks(actor: ActorId, key: &str) -> [Vec<u8>; 2] {
    let mut doc = AutoCommit::new().with_actor(actor);
    [1, 2].map(|value: i64| {
        doc.put(ROOT, key, value).unwrap();
        let hash = doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
        doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
    })
}

/// The bytes with the first bit flipped that makes of them what is wanted.
fn bent(bytes: &[u8], wanted: impl Fn(Result<SealedChange, SealError>) -> bool) -> Vec<u8> {
    let bent = |place: usize| {
        let mut bytes = bytes.to_vec();
        bytes[place] ^= 1;
        bytes
    };
    (0..bytes.len())
        .map(bent)
        .find(|bytes| wanted(SealedChange::decode(bytes)))
        .unwrap()
}

fn reasons(vault: &Vault) -> Vec<String> {
    read(vault, |r| r.quarantined())
        .into_iter()
        .map(|quarantined| quarantined.reason)
        .collect()
}

#[test]
fn every_kind_of_bad_change_is_quarantined_and_the_good_one_beside_it_lands() {
    let clinic = Clinic::with_devices(2);
    let (good, hearer) = (Machine::new(&clinic, 1), Machine::new(&clinic, 0));
    write(good.vault(), |w| w.put_patient(&patient(1)));
    let mut forger = Forger::new(&clinic);
    let own = forger.actor();
    let plain = chunk(own.clone(), "x");
    let mut compressed = plain.clone();
    compressed[8] = 2;
    let damaged = bent(&forger.change("clinic", &plain), |change| {
        change == Err(SealError::Damaged)
    });
    let bad_signature = bent(&forger.change("clinic", &plain), |change| {
        change.is_ok_and(|change| change.verify(&clinic.membership()) == Err(SealError::BadSignature))
    });

    let changes = [
        vec![b"no change at all".to_vec()],
        vec![forger.change("clinic", &chunk(ActorId::from([3u8; 16].as_slice()), "x"))],
        vec![forger.seal(ChangeKind::Change, "clinic", &payload("day/2026-11-21", &plain))],
        vec![forger.change("clinic", &compressed)],
        vec![forger.change("clinic", b"garbage!\x01garbage")],
        vec![forger.change("stock/amoxicillin", &plain)],
        vec![forger.seal(ChangeKind::Change, "clinic", &[7, 7, 7])],
        vec![forger.seal(ChangeKind::Fact, "clinic", &payload("clinic", &plain))],
        vec![forger.seal(ChangeKind::Unknown(77), "clinic", &payload("clinic", &plain))],
        vec![bad_signature],
        vec![damaged],
        take_outbox(good.vault()),
    ];
    deliver(hearer.vault(), changes.concat());
    let mut found = reasons(hearer.vault());
    found.sort();
    insta::assert_snapshot!(found.join("\n"), @r"
    bad_signature
    compressed_chunk
    damaged
    malformed
    malformed_change
    newer_document
    newer_kind
    newer_payload
    no_fact_inside
    wrong_actor
    wrong_document
    ");
    assert_eq!(read(hearer.vault(), |r| r.patient(patient_id(1))), Some(patient(1)));
    assert_eq!(
        hearer.vault().set_of_changes().unwrap().count,
        12,
        "what is quarantined is a member of the set"
    );
}

/// Automerge would keep a child whose parent is not here, take it along with the parent, and panic over the two.
#[test]
fn a_hostile_child_that_waits_costs_its_parent_nothing() {
    let clinic = Clinic::with_devices(2);
    let mut forger = Forger::new(&clinic);
    let mut doc = AutoCommit::new().with_actor(forger.actor());
    doc.put_object(ROOT, "x", ObjType::Map).unwrap();
    let hash = doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
    let parent = forger.change("clinic", doc.get_change_by_hash(&hash).unwrap().raw_bytes());
    let mut hostile = Forger {
        opening: OpeningId::from_bytes([8; 16]),
        ..Forger::new(&clinic)
    };
    let mut on_top_of = |doc: &mut AutoCommit, container: &ObjId, bend: &dyn Fn(&mut ExpandedChange)| {
        let mut child = doc.fork().with_actor(hostile.actor());
        child.put(container, "k", 1).unwrap();
        let made = child.commit_with(CommitOptions::default().with_time(0)).unwrap();
        let mut change = child.get_change_by_hash(&made).unwrap().decode();
        bend(&mut change);
        assert_eq!(change.deps, [hash]);
        hostile.change("clinic", Change::from(change).raw_bytes())
    };
    // A container that nobody ever made, for whoever has the parent alone.
    let mut elsewhere = doc.fork().with_actor(ActorId::from([3; 16].as_slice()));
    let nowhere = elsewhere.put_object(ROOT, "y", ObjType::Map).unwrap();
    elsewhere.commit();
    let into_nothing = on_top_of(&mut elsewhere, &nowhere, &|change| {
        change.deps = vec![hash];
        change.start_op = 2.try_into().unwrap();
    });
    let children = [into_nothing];
    for child in children {
        let heard = |order: [&Vec<u8>; 2]| {
            let machine = Machine::new(&clinic, 0);
            write(machine.vault(), |w| w.put_staff(&doctor(1)));
            for change in order {
                deliver(machine.vault(), vec![change.clone()]);
            }
            machine
        };
        for machine in [heard([&parent, &child]), heard([&child, &parent])] {
            assert_eq!(reasons(machine.vault()), ["foreign_operations"]);
            assert_eq!(read(machine.vault(), |r| r.quarantined()).len(), 1);
            assert_eq!(read(machine.vault(), |r| r.sync_figures()).waiting, 0);
            let found = read(machine.vault(), |r| r.quarantined())[0].id;
            assert_eq!(
                found,
                SealedChange::decode(&child).unwrap().id(),
                "the child, not its parent"
            );
            let mut machine = machine;
            machine.reopen();
            write(machine.vault(), |w| w.put_staff(&doctor(2)));
            assert_eq!(read(machine.vault(), |r| r.all_staff()).len(), 2);
        }
    }
}

#[test]
fn a_fork_ends_alike_whichever_branch_is_heard_of_first() {
    let clinic = Clinic::with_devices(2);
    let mut forger = Forger::new(&clinic);
    let own = forger.actor();
    let mut changes: Vec<Vec<u8>> = Vec::new();
    for key in ["x", "y", "z"] {
        let [first, second] = two_chunks(own.clone(), key);
        changes.push(forger.change("clinic", &first));
        changes.push(forger.change("clinic", &second));
    }
    let verdicts = |machine: &Machine| {
        let figures = read(machine.vault(), |r| r.sync_figures());
        let mut quarantined: Vec<_> = read(machine.vault(), |r| r.quarantined())
            .into_iter()
            .map(|q| q.id)
            .collect();
        quarantined.sort();
        (figures.waiting, quarantined)
    };
    let heard = |order: &[usize]| {
        let machine = Machine::new(&clinic, 0);
        for place in order {
            deliver(machine.vault(), vec![changes[*place].clone()]);
        }
        machine
    };
    let one = heard(&[0, 1, 2, 3, 4, 5]);
    assert!(reasons(one.vault()).iter().all(|reason| reason == "fork"));
    for order in [
        [5, 4, 3, 2, 1, 0],
        [2, 3, 0, 1, 4, 5],
        [4, 0, 2, 1, 3, 5],
        [1, 3, 5, 0, 4, 2],
    ] {
        let other = heard(&order);
        assert_same(one.vault(), other.vault());
        assert_eq!(verdicts(&one), verdicts(&other), "{order:?}");
        other.vault().made_again();
        assert_eq!(verdicts(&one), verdicts(&other), "{order:?}, rebuilt");
        write(other.vault(), |w| w.put_staff(&doctor(1)));
        assert_eq!(read(other.vault(), |r| r.all_staff()).len(), 1);
    }
}

#[test]
fn what_a_device_wrote_before_it_was_known_lands_when_its_statement_comes() {
    let full = Clinic::with_devices(2);
    let before = full.without_the_last_device();
    let (new, old) = (Machine::new(&full, 1), Machine::new(&before, 0));
    write(new.vault(), |w| w.put_patient(&patient(1)));
    deliver(old.vault(), take_outbox(new.vault()));
    assert_eq!(reasons(old.vault()), ["unknown_device"]);
    old.vault().add_statements(&full.statements).unwrap();
    assert_eq!(reasons(old.vault()), Vec::<String>::new());
    assert_same(old.vault(), new.vault());
    assert_eq!(old.vault().belonging().membership.devices().count(), 2);
}
