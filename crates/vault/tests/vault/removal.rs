//! A device is removed: what counts, what is put aside, who can read on, and that every device comes to the same.

use domain::{AccessMode, Category, ConsentEvidence, ConsentLanguage, Purpose, Role, ShareTerms};
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
    other.rebuild().unwrap();
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
fn a_device_that_was_removed_reads_on_and_writes_nothing() {
    let clinic = Clinic::with_devices(2);
    let (admin, mut lost) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(lost.vault(), |w| w.put_patient(&patient(1)));
    remove(admin.vault(), lost.vault().device());
    lost.vault().add_statements(&statements(admin.vault())).unwrap();
    for _ in 0..2 {
        let vault = lost.vault();
        assert_eq!(vault.belonging().standing, Standing::Removed);
        let refused = vault.write::<_, VaultError>(None, |w| w.put_patient(&patient(2)));
        assert!(matches!(refused, Err(VaultError::Removed)));
        write(vault, |w| w.put_setting("tries", "1"));
        assert_eq!(read(vault, |r| r.patient(patient_id(1))), Some(patient(1)));
        assert_eq!((n_patients(vault), vault.pending().unwrap()), (1, 1));
        vault.rebuild().unwrap();
        lost.reopen();
    }
    // What the others write now, it cannot read, whoever hands it over.
    write(admin.vault(), |w| w.put_patient(&patient(3)));
    let after = take_outbox(admin.vault());
    assert!(!opens(&clinic.devices[1], admin.vault(), &after[0]));
    deliver(lost.vault(), after);
    assert_eq!(aside(lost.vault())[0].reason, "unknown_epoch");
    assert_eq!(n_patients(lost.vault()), 1);
}

#[test]
fn a_device_revoked_while_offline_with_500_unsent_entries_loses_none_of_them() {
    let clinic = Clinic::with_devices(3);
    let [admin, lost, other] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let (admin, lost, other) = (admin.vault(), lost.vault(), other.vault());
    write(lost, |w| w.put_patient(&patient(1)));
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    deliver(other, early);
    for entry in 0..500 {
        rename(lost, 2, &format!("03-{entry:04}"));
    }
    remove(admin, lost.device());
    lost.add_statements(&statements(admin)).unwrap();

    let (file, n_entries) = lost.unsent().unwrap();
    assert_eq!(n_entries, 500);
    assert!(matches!(lost.take_in_unsent(&file), Err(VaultError::Removed)));
    for broken in [&file[..file.len() - 1], b"", &[0xff; 64]] {
        assert!(matches!(admin.take_in_unsent(broken), Err(VaultError::Malformed(_))));
    }
    assert_eq!(admin.take_in_unsent(&file).unwrap(), 500);
    assert_eq!(admin.take_in_unsent(&file).unwrap(), 0, "twice is once");
    meet(admin, other);
    exchange(admin, other);
    assert_same(admin, other);
    for vault in [admin, other] {
        assert_eq!(
            (n_patients(vault), aside(vault)[0].count),
            (1, 500),
            "kept, and not merged"
        );
        assert_eq!(aside(vault)[0].documents, [("identity", 500)].into());
    }
    take(admin, lost.device());
    meet(admin, other);
    for vault in [admin, other] {
        assert_eq!((n_patients(vault), aside(vault).len()), (2, 0));
        assert_eq!(read(vault, |r| r.patient(patient_id(2))).unwrap().phone, "03-0499");
    }
    assert_eq!(other.dump_tables().unwrap(), admin.dump_tables().unwrap());
}

#[test]
fn a_file_of_unsent_work_brings_the_epoch_that_its_device_began_and_no_flood_of_statements() {
    let clinic = Clinic::with_devices(4);
    let [admin, lost] = [0, 1].map(|device| Machine::new(&clinic, device));
    let (admin, lost) = (admin.vault(), lost.vault());
    // It hears of a removal without its epoch, and begins one of its own before it is removed itself.
    remove(admin, clinic.devices[3].id());
    let (removal, epoch): (Vec<_>, Vec<_>) = statements(admin)
        .into_iter()
        .partition(|one| !matches!(one.kind(), seal::StatementKind::NewEpoch(_)) || one.made_at_ms() == 1000);
    assert_eq!(epoch.len(), 1);
    lost.add_statements(&removal).unwrap();
    write(lost, |w| w.put_patient(&patient(1)));
    remove(admin, lost.device());
    assert_eq!(admin.take_in_unsent(&lost.unsent().unwrap().0).unwrap(), 1);
    take(admin, lost.device());
    assert_eq!((n_patients(admin), aside(admin)), (1, Vec::new()));

    let before = statements(admin).len();
    let belonging = lost.belonging();
    for n in 0..65 {
        let more = seal::new_epoch(&belonging.membership, &belonging.keys, n, &mut rng(n as u64)).unwrap();
        lost.add_statements(&[more]).unwrap();
    }
    let flood = admin.take_in_unsent(&lost.unsent().unwrap().0);
    assert!(matches!(flood, Err(VaultError::Malformed(_))));
    assert_eq!(statements(admin).len(), before);
}

#[test]
fn two_admins_apart_who_remove_each_other_are_both_out_and_the_others_go_on() {
    let clinic = Clinic::with_devices(4);
    let [one, two, three, four] = [0, 1, 2, 3].map(|device| Machine::new(&clinic, device));
    let (one, two, three, four) = (one.vault(), two.vault(), three.vault(), four.vault());
    make_admin(one, two.device());
    hear_all(&[two, three, four], one);

    remove(one, two.device());
    write(one, |w| w.put_patient(&patient(1)));
    remove(two, one.device());
    write(two, |w| w.put_patient(&patient(2)));
    let (of_one, of_two) = (take_outbox(one), take_outbox(two));
    three.add_statements(&statements(one)).unwrap();
    deliver(three, of_one.clone());
    assert_eq!(n_patients(three), 1);
    three.add_statements(&statements(two)).unwrap();
    deliver(three, of_two.clone());
    deliver(four, [of_two, of_one].concat());
    four.add_statements(&statements(two)).unwrap();
    four.add_statements(&statements(one)).unwrap();
    assert_same(three, four);
    assert_eq!((n_patients(three), aside(three).len()), (0, 2));
    meet(one, two);
    for out in [one, two] {
        assert_eq!(out.belonging().standing, Standing::Removed);
    }

    // Neither epoch is clean: who writes first begins one, in that very write.
    assert_eq!(
        three.belonging().membership.writing_epoch(&three.belonging().epochs),
        None
    );
    let n_statements = statements(three).len();
    write(three, |w| w.put_patient(&patient(3)));
    assert_eq!(statements(three).len(), n_statements + 1);
    let written = take_outbox(three);
    for out in 0..2 {
        assert!(!opens(&clinic.devices[out], three, &written[0]));
    }
    four.add_statements(&statements(three)).unwrap();
    deliver(four, written);
    assert_same(three, four);
    assert_eq!(n_patients(four), 1);
}

#[test]
fn a_rotation_that_races_an_offline_writer_and_a_second_rotation_leaves_nobody_behind() {
    let clinic = Clinic::with_devices(6);
    let machines: Vec<Machine> = (0..6).map(|device| Machine::new(&clinic, device)).collect();
    let all: Vec<&Vault> = machines.iter().map(Machine::vault).collect();
    make_admin(all[0], all[1].device());
    hear_all(&all[1..], all[0]);
    let left = [all[0], all[1], all[2], all[3]];

    write(all[2], |w| w.put_patient(&patient(1))); // offline, under the old epoch
    remove(all[0], all[4].device());
    write(all[0], |w| w.put_patient(&patient(2)));
    remove(all[1], all[5].device());
    write(all[1], |w| w.put_patient(&patient(3)));
    let settle = || {
        for a in left {
            left.iter().for_each(|b| meet(a, b));
        }
        let written: Vec<Vec<u8>> = left.iter().flat_map(|vault| take_outbox(vault)).collect();
        left.iter().for_each(|vault| deliver(vault, written.clone()));
        left.iter().for_each(|vault| assert_same(left[0], vault));
        written
    };
    settle();
    assert_eq!(n_patients(all[3]), 3);

    // Two of them write before they have met: each begins an epoch, and afterwards all write under the same.
    let before = [all[2], all[3]].map(|vault| statements(vault).len());
    write(all[2], |w| w.put_patient(&patient(4)));
    write(all[3], |w| w.put_patient(&patient(5)));
    assert_eq!(
        [all[2], all[3]].map(|vault| statements(vault).len()),
        before.map(|n| n + 1)
    );
    let written = settle();
    assert_eq!(n_patients(all[0]), 5);
    let epochs = left.map(|vault| vault.belonging().membership.writing_epoch(&vault.belonging().epochs));
    assert!(epochs[0].is_some() && epochs.iter().all(|epoch| *epoch == epochs[0]));
    for change in written {
        assert!(![4, 5].iter().any(|out| opens(&clinic.devices[*out], all[0], &change)));
    }
}

#[test]
fn a_member_that_was_let_in_apart_from_a_rotation_is_handed_the_keys() {
    let clinic = Clinic::with_devices(3);
    let (admin, lost) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    let (admin, lost) = (admin.vault(), lost.vault());
    make_admin(admin, lost.device());
    lost.add_statements(&statements(admin)).unwrap();
    // One removes a device while the other lets one in.
    remove(lost, clinic.devices[2].id());
    let new = seal::DeviceKeys::make(&mut rng(77));
    write(admin, |w| {
        let (belonging, now_ms) = (w.belonging(), w.now().as_millisecond());
        let (membership, epochs) = (&belonging.membership, &belonging.epochs);
        let added = seal::add_device(
            membership,
            epochs,
            &belonging.keys,
            &new.public(),
            false,
            now_ms,
            w.rng(),
        )?;
        w.add_statements(&[added])
    });
    let folder = tempfile::tempdir().unwrap();
    let secrets = vault::MachineSecrets::make(&new, &mut rng(78));
    let third = Vault::create(&folder.path().join("new"), &secrets, &statements(admin), ports(79)).unwrap();

    write(lost, |w| w.put_patient(&patient(1)));
    meet(admin, lost);
    meet(&third, lost);
    deliver(&third, take_outbox(lost));
    assert_eq!(aside(&third)[0].reason, "unknown_epoch");
    assert_eq!(lost.hand_on_keys().unwrap(), 1);
    assert_eq!(lost.hand_on_keys().unwrap(), 0);
    meet(&third, lost);
    assert_eq!((aside(&third), n_patients(&third)), (Vec::new(), 1));
}

#[test]
fn too_many_statements_are_refused_as_a_whole_and_the_store_opens_again() {
    let mut machine = Machine::only();
    let before = statements(machine.vault());
    let belonging = machine.vault().belonging();
    let (membership, keys) = (&belonging.membership, &belonging.keys);
    let many = (0..seal::MAX_STATEMENTS as i64).map(|n| seal::make_admin(membership, keys, keys.id(), n).unwrap());
    let refused = machine.vault().add_statements(&many.collect::<Vec<_>>());
    assert!(matches!(refused, Err(VaultError::Seal(seal::SealError::TooLarge))));
    drop(belonging);
    machine.reopen();
    assert_eq!(statements(machine.vault()), before);
}

#[test]
fn what_is_not_founded_is_not_stored_and_a_void_admission_moves_nobodys_letter() {
    let clinic = Clinic::with_devices(3);
    let [admin, two, three] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let (admin, two, three) = (admin.vault(), two.vault(), three.vault());
    make_admin(admin, two.device());
    two.add_statements(&statements(admin)).unwrap();

    // Let in by one who is removed by somebody who had not heard of it.
    let new = seal::DeviceKeys::make(&mut rng(77));
    let (belonging, now_ms) = (two.belonging(), two.now().as_millisecond());
    let (membership, epochs) = (&belonging.membership, &belonging.epochs);
    let added = seal::add_device(
        membership,
        epochs,
        &belonging.keys,
        &new.public(),
        false,
        now_ms,
        &mut rng(5),
    );
    let added = added.unwrap();
    two.add_statements(std::slice::from_ref(&added)).unwrap();
    let letters = |vault: &Vault| {
        let devices = read(vault, |r| r.devices());
        devices
            .into_iter()
            .map(|device| (device.letter, device.id, device.standing))
            .collect::<Vec<_>>()
    };
    let before = letters(two);
    assert_eq!((before.len(), before[3].1), (4, new.id()));
    remove(admin, two.device());
    meet(admin, two);
    let after = letters(admin);
    assert_eq!(letters(two), after);
    assert_eq!(
        after.iter().map(|one| one.1).collect::<Vec<_>>(),
        before.iter().map(|one| one.1).collect::<Vec<_>>()
    );
    assert_eq!((after[1].2, after[3].2), (Standing::Removed, Standing::Void));

    // A statement whose past is not here is left out, and comes again with its past.
    let n_before = statements(three).len();
    three.add_statements(&[added]).unwrap();
    assert_eq!(statements(three).len(), n_before);
    three.add_statements(&statements(two)).unwrap();
    assert_eq!(statements(three), statements(two));
}

fn record(vault: &Vault, by: u8, keys: &PersonKeys, body: FactBody) {
    let by = Some(staff_id(by));
    let draft = FactDraft { at: at(0), by, body };
    let bytes = draft.bytes_to_sign(&vault.tenant(), &vault.device()).unwrap();
    let signature = keys.sign(FACT_CONTEXT, &bytes);
    write(vault, |w| w.record_fact(&draft, Some(signature)).map(drop));
}

fn enrols(n: u8, device: DeviceId, keys: &PersonKeys) -> FactBody {
    FactBody::StaffEnrolled(StaffEnrolled {
        staff: staff_id(n),
        role: Role::Doctor,
        device,
        person_public: keys.public(),
    })
}

#[test]
fn a_signature_falls_with_the_enrolment_that_it_stood_on_and_rises_with_it() {
    let clinic = Clinic::with_devices(4);
    let [admin, lost, other, hearer] = [0, 1, 2, 3].map(|device| Machine::new(&clinic, device));
    let (admin, lost, other, hearer) = (admin.vault(), lost.vault(), other.vault(), hearer.vault());
    let (first, second) = (PersonKeys::make(&mut rng(5)), PersonKeys::make(&mut rng(6)));
    record(lost, 1, &first, enrols(1, lost.device(), &first));
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    record(lost, 1, &first, enrols(2, other.device(), &second));
    let late = take_outbox(lost);
    let addendum = FactBody::Addendum(vault::Addendum {
        patient: patient_id(1),
        visit: visit_id(1),
        text: "rest".into(),
    });
    record(other, 2, &second, addendum);
    let written = take_outbox(other);
    let verified = |vault: &Vault| read(vault, |r| r.facts_of_visit(visit_id(1)))[0].verified;

    for vault in [admin, other, hearer] {
        deliver(vault, [early.clone(), written.clone()].concat());
    }
    assert!(!verified(other));
    deliver(other, late.clone());
    assert!(verified(other));
    remove(admin, lost.device());
    other.add_statements(&statements(admin)).unwrap();
    assert!(!verified(other));
    hearer.add_statements(&statements(admin)).unwrap();
    deliver(admin, late.clone());
    deliver(hearer, late);
    assert_same(admin, other);
    assert_same(hearer, other);
    take(admin, lost.device());
    hear_all(&[other, hearer], admin);
    assert!([admin, other, hearer].into_iter().all(verified));
    assert_same(hearer, other);
}

#[test]
fn what_the_relay_refused_for_want_of_a_statement_is_offered_again_when_one_comes() {
    let clinic = Clinic::with_devices(2);
    let (admin, other) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(other.vault(), |w| w.put_patient(&patient(1)));
    let waits = || {
        other
            .vault()
            .outbox(10, 1 << 20)
            .unwrap()
            .into_iter()
            .map(|item| item.id)
            .collect::<Vec<_>>()
    };
    let before = waits();
    other
        .vault()
        .mark_refused(&[(before[0], Refusal::UnknownDevice)])
        .unwrap();
    assert_eq!(waits(), []);
    make_admin(admin.vault(), other.vault().device());
    other.vault().add_statements(&statements(admin.vault())).unwrap();
    assert_eq!(waits(), before);
    assert_eq!(read(other.vault(), |r| r.sync_figures()).refused, 0);
}

fn agreement(n: u8, recipient: seal::TenantId) -> ConsentGranted {
    ConsentGranted {
        patient: patient_id(n),
        grant: GrantId::from_bytes([n; 16]),
        recipient,
        recipient_name: "Klinik Sentosa".into(),
        terms: ShareTerms {
            categories: vec![Category::Allergies],
            data_from: None,
            data_to: None,
            sensitive: Vec::new(),
            mode: AccessMode::Keep,
            purpose: Purpose::Treatment,
            until: day("2027-11-21"),
            erase_at: day("2027-11-21"),
            onward: false,
        },
        evidence: ConsentEvidence {
            form_version: "1".into(),
            language: ConsentLanguage::Malay,
            signature_svg: "M0 0".into(),
            witness: "Dr 1".into(),
            guardian: None,
            signed_at: at(0),
        },
    }
}

/// A patient of the giver's agrees that the other clinic may have something: grant and fact in one write.
fn grant(giver: &Vault, n: u8, recipient: &Membership) -> Grant {
    write(giver, |w| {
        let belonging = w.belonging();
        let new = NewGrant {
            id: GrantId::from_bytes([n; 16]),
            recipient: recipient.tenant(),
            purpose: 0,
            mode: 1,
            from_ms: 0,
            until_ms: i64::MAX,
            erase_at_ms: i64::MAX,
        };
        let grant = Grant::make(new, belonging.tenant, b"terms", recipient, &belonging.keys, w.rng())?;
        w.send_grant(&grant)?;
        let body = FactBody::ConsentGranted(agreement(n, recipient.tenant()));
        let draft = FactDraft {
            at: at(0),
            by: None,
            body,
        };
        w.record_fact(&draft, None)?;
        Ok(grant)
    })
}

#[test]
fn a_rotation_while_a_grant_is_being_made_costs_neither_clinic_anything() {
    let (giving, receiving) = (Clinic::from_seed(5, 1), Clinic::from_seed(2, 2));
    let [one, two, three] = [0, 1, 2].map(|device| Machine::new(&giving, device));
    let (one, two, three) = (one.vault(), two.vault(), three.vault());
    let (recipient, lost) = (Machine::new(&receiving, 0), Machine::new(&receiving, 1));
    let (recipient, lost) = (recipient.vault(), lost.vault());
    make_admin(one, two.device());
    hear_all(&[two, three], one);

    // The giver's clinic: two rotations apart, and the grant is the first thing that is written after them.
    remove(one, giving.devices[3].id());
    remove(two, giving.devices[4].id());
    hear_all(&[three], one);
    hear_all(&[three], two);
    let n_statements = statements(three).len();
    let before = receiving.membership();
    let early = grant(three, 1, &before);
    assert_eq!(
        statements(three).len(),
        n_statements + 1,
        "in one write with the epoch that it needed"
    );
    two.add_statements(&statements(three)).unwrap();
    let fact = take_outbox(three);
    deliver(two, fact.clone());
    assert_eq!(read(two, |r| r.consents(patient_id(1))).len(), 1);
    assert!(!opens(&giving.devices[3], two, &fact[0]) && !opens(&giving.devices[4], two, &fact[0]));

    // The receiving clinic rotates before the grant, which was sealed for its older key, arrives.
    remove(recipient, lost.device());
    lost.add_statements(&statements(recipient)).unwrap();
    assert_eq!(
        early.open_terms(&recipient.belonging().epochs).unwrap().as_slice(),
        b"terms"
    );
    let now = recipient.belonging();
    assert_ne!(now.membership.clinic_key(), before.clinic_key());
    let late = grant(three, 2, &now.membership);
    assert!(late.open_terms(&now.epochs).is_ok());
    assert!(late.open_terms(&lost.belonging().epochs).is_err());
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
        hearers[0].vault().rebuild().unwrap();
        assert_same(hearers[0].vault(), hearers[1].vault());
        let aside = aside(vaults[2]);
        prop_assert!(aside.iter().all(PutAside::is_after_removal), "{:?}", aside);
    }
}
