//! Erasing while devices are apart: whoever hears of what when, all end alike.

use super::*;

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
    one.made_again();
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
        hearers[0].vault().made_again();
        assert_same(writers[0].vault(), hearers[0].vault());
        prop_assert!(hearers[0].vault().verify().unwrap().trees_hold);
    }
}
