//! Statements that admins make apart: removals, epochs, admissions.

use super::*;

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
