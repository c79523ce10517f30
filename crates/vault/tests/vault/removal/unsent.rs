//! What a removed device reads, and what it could not send.

use super::*;

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
        vault.made_again();
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
