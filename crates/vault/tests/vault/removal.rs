//! A device is removed: what counts, what is put aside, who can read on, and that every device comes to the same.

mod asking;
pub mod grants;
mod rotations;
mod unsent;

use domain::{AccessMode, Category, ConsentEvidence, ConsentLanguage, HowAgreed, Purpose, Role, ShareTerms};
use proptest::prelude::*;
use seal::{DeviceId, EpochSecrets, Grant, GrantId, Membership, NewGrant, PersonKeys, SealedChange, Statement};
use sync_protocol::{Refusal, SyncStore};
use vault::{ConsentGranted, FACT_CONTEXT, FactBody, FactDraft, PutAside, StaffEnrolled, Standing, Vault, VaultError};

use crate::merging::{do_something, shuffled};
use crate::world::*;

pub fn statements(vault: &Vault) -> Vec<Statement> {
    read(vault, |r| r.own_statements())
}

/// Each hears the other's statements.
pub fn meet(a: &Vault, b: &Vault) {
    let (of_a, of_b) = (statements(a), statements(b));
    a.add_statements(&of_b).unwrap();
    b.add_statements(&of_a).unwrap();
}

/// All of them hear the statements of one.
fn hear_all(vaults: &[&Vault], one: &Vault) {
    for vault in vaults {
        vault.add_statements(&statements(one)).unwrap();
    }
}

/// `by` removes a device, as far as it has heard of it.
pub fn remove(by: &Vault, device: DeviceId) {
    write(by, |w| {
        let (belonging, ends, now_ms) = (w.belonging(), w.ends_of(&device)?, w.now().as_millisecond());
        let (membership, keys) = (&belonging.membership, &belonging.keys);
        let removal = seal::remove_device(membership, keys, device, &ends, now_ms, w.rng())?;
        w.add_statements(&removal)
    });
}

/// `by` lets everything count that is put aside of a device.
pub fn take(by: &Vault, device: DeviceId) {
    write(by, |w| {
        let aside = w.put_aside()?;
        let late = aside
            .iter()
            .find(|group| group.device == device && group.is_after_removal());
        let (belonging, now_ms) = (w.belonging(), w.now().as_millisecond());
        let (membership, keys) = (&belonging.membership, &belonging.keys);
        let further = seal::remove_device(membership, keys, device, &late.unwrap().ends, now_ms, w.rng())?;
        w.add_statements(&further)
    });
}

fn make_admin(by: &Vault, device: DeviceId) {
    write(by, |w| {
        let (belonging, now_ms) = (w.belonging(), w.now().as_millisecond());
        let made = seal::make_admin(&belonging.membership, &belonging.keys, device, now_ms)?;
        w.add_statements(&[made])
    });
}

fn rename(vault: &Vault, n: u8, phone: &str) {
    let mut renamed = patient(n);
    renamed.phone = phone.into();
    write(vault, |w| w.put_patient(&renamed));
}

fn move_house(vault: &Vault, n: u8, town: &str) {
    let mut moved = read(vault, |r| r.patient(patient_id(n))).unwrap();
    moved.address.town = town.into();
    write(vault, |w| w.put_patient(&moved));
}

fn aside(vault: &Vault) -> Vec<PutAside> {
    read(vault, |r| r.put_aside())
}

fn n_patients(vault: &Vault) -> u64 {
    read(vault, |r| r.n_patients())
}

fn n_waiting(vault: &Vault) -> u64 {
    read(vault, |r| r.sync_figures()).waiting
}

/// What a device can open of a change, with every key that all these statements ever gave it.
fn opens(keys: &seal::DeviceKeys, knowing: &Vault, change: &[u8]) -> bool {
    let belonging = knowing.belonging();
    let secrets = EpochSecrets::unwrap_given(&belonging.membership, keys).unwrap();
    SealedChange::decode(change).unwrap().open(&secrets).is_ok()
}

#[test]
fn what_was_written_after_a_removal_leaves_the_documents_whoever_heard_of_what_first() {
    let clinic = Clinic::with_devices(3);
    let [admin, lost, other] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let (admin, lost, other) = (admin.vault(), lost.vault(), other.vault());
    write(lost, |w| w.put_patient(&patient(1)));
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    deliver(other, early);
    rename(lost, 1, "03-9999 9999");
    write(lost, |w| w.put_patient(&patient(2)));
    let late = take_outbox(lost);
    deliver(other, late.clone()); // before the removal …
    assert_eq!(n_patients(other), 2);
    remove(admin, lost.device());
    deliver(admin, late); // … and after it
    meet(admin, other);

    assert_same(admin, other);
    assert_eq!(read(other, |r| r.patient(patient_id(1))), Some(patient(1)));
    assert_eq!(read(other, |r| r.patient(patient_id(2))), None);
    assert_eq!(read(other, |r| r.search_patients("ramli 2", 9)).len(), 0);
    for vault in [admin, other] {
        let aside = aside(vault);
        assert_eq!((aside.len(), aside[0].count, aside[0].device), (1, 2, lost.device()));
        assert_eq!(aside[0].reason, "after_removal");
        assert_eq!(aside[0].documents, [("identity", 2)].into());
        assert_eq!(vault.verify().unwrap().unsigned, []);
    }
    let before = other.dump_tables().unwrap();
    other.made_again();
    assert_eq!(difference(&before, &other.dump_tables().unwrap()), None);
}

#[test]
fn who_wrote_on_top_of_it_waits_goes_on_and_loses_nothing_when_it_is_taken() {
    let clinic = Clinic::with_devices(3);
    let [admin, lost, other] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let (admin, lost, other) = (admin.vault(), lost.vault(), other.vault());
    write(lost, |w| w.put_patient(&patient(1)));
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    deliver(other, early);
    rename(lost, 1, "03-9999 9999");
    write(lost, |w| w.open_visit(&visit(1)));
    let late = take_outbox(lost);
    deliver(other, late.clone());
    move_house(other, 1, "Ipoh"); // on top of what is about to be put aside
    write(other, |w| w.put_note(visit_id(1), &note(&["on top"])));
    remove(admin, lost.device());
    meet(admin, other);
    assert_eq!((n_waiting(other), aside(other)[0].n_held_up), (2, 2));
    assert!(
        read(other, |r| r.visit(visit_id(1))).is_none(),
        "who opened it is put aside"
    );
    assert_eq!(read(other, |r| r.patient(patient_id(1))), Some(patient(1)));

    move_house(other, 1, "Klang"); // in the same opening of the program
    exchange(admin, other);
    deliver(admin, late);
    assert_same(admin, other);
    assert_eq!(read(admin, |r| r.patient(patient_id(1))).unwrap().address.town, "Klang");
    assert!(
        aside(admin).iter().all(PutAside::is_after_removal),
        "{:?}",
        aside(admin)
    );

    take(admin, lost.device());
    meet(admin, other);
    assert_same(admin, other);
    for vault in [admin, other] {
        assert_eq!((n_waiting(vault), aside(vault)), (0, Vec::new()));
        assert!(read(vault, |r| r.sync_figures()).missing.is_empty());
        assert_eq!(read(vault, |r| r.patient(patient_id(1))).unwrap().phone, "03-9999 9999");
        assert_eq!(read(vault, |r| r.visit(visit_id(1))).unwrap().note, note(&["on top"]));
    }
}

#[test]
fn a_name_of_a_device_is_heard_by_all() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.put_device_name(two.vault().device(), "Kaunter"));
    write(two.vault(), |w| w.put_device_name(one.vault().device(), "Bilik 1"));
    exchange(one.vault(), two.vault());
    assert_same(one.vault(), two.vault());
    assert_eq!(read(one.vault(), |r| r.device_names()).len(), 2);
    write(one.vault(), |w| w.put_device_name(two.vault().device(), ""));
    assert_eq!(read(one.vault(), |r| r.device_names()).len(), 1);
}

/// What happens next in the clinic.
#[derive(Debug, Clone)]
enum Step {
    /// Somebody writes.
    Write(usize, u64),
    /// One hears what another has written so far, statements or changes or both.
    Hear(usize, usize, bool, bool),
    /// The admin removes the device that will be lost.
    Remove,
    /// The admin takes what was put aside.
    Take,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0usize..3, 0u64..60).prop_map(|(who, what)| Step::Write(who, what)),
        4 => (0usize..3, 0usize..3, any::<bool>(), any::<bool>())
            .prop_map(|(who, whom, statements, changes)| Step::Hear(who, whom, statements, changes)),
        1 => Just(Step::Remove),
        1 => Just(Step::Take),
    ]
}

proptest! {
    #![proptest_config(inputs(12))]

    #[test]
    fn whenever_a_removal_is_heard_of_every_order_ends_alike(
        steps in prop::collection::vec(step(), 4..40),
        seed in any::<u64>(),
        batch in 1usize..9,
    ) {
        let clinic = Clinic::with_devices(5);
        let writers = [0, 1, 2].map(|device| Machine::new(&clinic, device));
        let hearers = [3, 4].map(|device| Machine::new(&clinic, device));
        let vaults = [0, 1, 2].map(|who: usize| writers[who].vault());
        let lost = vaults[1].device();
        let mut written: [Vec<Vec<u8>>; 3] = Default::default();
        let mut removals: Vec<Vec<Statement>> = Vec::new();
        for step in steps {
            match step {
                Step::Write(who, what) if vaults[who].belonging().is_member() => {
                    do_something(vaults[who], what);
                    written[who].extend(take_outbox(vaults[who]));
                }
                Step::Hear(who, whom, hears_statements, hears_changes) => {
                    if hears_changes {
                        deliver(vaults[who], written[whom].clone());
                    }
                    if hears_statements {
                        vaults[who].add_statements(&statements(vaults[whom])).unwrap();
                    }
                }
                Step::Remove if !vaults[0].belonging().membership.is_removed(&lost) => {
                    remove(vaults[0], lost);
                    removals.push(statements(vaults[0]));
                }
                Step::Take if aside(vaults[0]).iter().any(PutAside::is_after_removal) => {
                    take(vaults[0], lost);
                    removals.push(statements(vaults[0]));
                }
                _ => {}
            }
        }
        for who in [0, 2] {
            removals.push(statements(vaults[who]));
        }
        let all: Vec<Vec<u8>> = written.concat();
        for who in [0, 2] {
            for heard in &removals {
                vaults[who].add_statements(heard).unwrap();
            }
            deliver(vaults[who], shuffled(&all, seed));
        }
        for (place, hearer) in hearers.iter().enumerate() {
            let salt = seed ^ (place as u64 + 1);
            let mut removals = shuffled(&removals, salt);
            for (turn, some) in shuffled(&all, salt).chunks(batch).enumerate() {
                if (salt >> (turn % 60)) & 1 == 0 && let Some(heard) = removals.pop() {
                    hearer.vault().add_statements(&heard).unwrap();
                }
                deliver(hearer.vault(), some.to_vec());
            }
            for heard in removals {
                hearer.vault().add_statements(&heard).unwrap();
            }
            assert_same(hearer.vault(), vaults[0]);
        }
        assert_same(vaults[2], vaults[0]);
        hearers[0].vault().made_again();
        assert_same(hearers[0].vault(), hearers[1].vault());
        let aside = aside(vaults[2]);
        prop_assert!(aside.iter().all(PutAside::is_after_removal), "{:?}", aside);
    }
}
