//! In whatever order snapshots, confirmations and removals are heard of, all end alike.

use super::*;

proptest! {
    #![proptest_config(inputs(6))]

    /// Two write apart and meet; now and then one of them makes snapshots of everything it can, the other confirms, and
    /// a month goes by. Whoever heard of no snapshot at all has the same tables.
    #[test]
    fn whatever_is_heard_first_every_order_ends_alike(
        steps in prop::collection::vec((0usize..2, 0u64..60, 0u8..6), 1..40),
        seed in any::<u64>(),
        batch in 1usize..9,
    ) {
        every_order_ends_alike(&steps, seed, batch);
    }
}

#[test]
fn a_snapshot_stays_until_a_later_one_lists_all_that_it_lists() {
    let steps = [
        (0, 40, 0),
        (1, 57, 4),
        (1, 48, 4),
        (1, 45, 2),
        (1, 0, 4),
        (1, 49, 1),
        (1, 33, 2),
        (1, 5, 1),
        (1, 53, 0),
        (0, 17, 2),
        (0, 8, 1),
        (0, 27, 3),
        (1, 46, 4),
        (1, 52, 2),
        (1, 19, 1),
        (0, 46, 3),
        (1, 13, 0),
        (1, 33, 0),
        (1, 55, 1),
        (0, 39, 1),
        (1, 34, 0),
        (0, 56, 1),
        (1, 52, 1),
        (1, 0, 4),
    ];
    every_order_ends_alike(&steps, 14_751_083_850_265_803_660, 7);
}

/// Who does something, what, and what comes after it.
fn every_order_ends_alike(steps: &[(usize, u64, u8)], seed: u64, batch: usize) {
    let clinic = Clinic::with_devices(5);
    let folder = tempfile::tempdir().unwrap();
    let writers = [0, 1].map(|who| {
        let (clock, ports) = still_clock(who as u64);
        let dir = folder.path().join(who.to_string());
        (
            Vault::create(&dir, &clinic.secrets(who), &clinic.statements, ports).unwrap(),
            clock,
        )
    });
    let hearers = [2, 3].map(|device| Machine::new(&clinic, device));
    let plain = Machine::new(&clinic, 4);
    let mut all = Vec::new();
    for &(who, choice, then) in steps {
        let (vault, clock) = &writers[who];
        do_something(vault, choice);
        match then {
            1 => all.extend(swap(&writers)),
            2 => drop(vault.snapshot_everything().unwrap()),
            3 => drop(vault.housekeeping(99).unwrap()),
            4 => {
                vault.housekeeping(99).unwrap();
                clock.0.fetch_add(31 * DAY_MS, std::sync::atomic::Ordering::Relaxed);
                vault.housekeeping(99).unwrap();
            }
            _ => {}
        }
    }
    all.extend(swap(&writers));
    for (vault, _) in &writers {
        vault.snapshot_everything().unwrap();
    }
    all.extend(swap(&writers));
    for (vault, _) in &writers {
        vault.housekeeping(99).unwrap();
    }
    all.extend(swap(&writers));
    let [(one, _), (two, _)] = &writers;
    assert_same(one, two);

    let edits: Vec<Vec<u8>> = all
        .iter()
        .zip(kinds(&all))
        .filter(|(_, kind)| *kind != ChangeKind::Snapshot)
        .map(|(bytes, _)| bytes.clone())
        .collect();
    deliver(plain.vault(), edits);
    for (place, hearer) in hearers.iter().enumerate() {
        for some in shuffled(&all, seed ^ place as u64).chunks(batch) {
            deliver(hearer.vault(), some.to_vec());
        }
        deliver(hearer.vault(), all.clone());
        assert_same(hearer.vault(), one);
        same_tables(hearer.vault(), plain.vault());
        healthy(hearer.vault());
    }
    hearers[0].vault().made_again();
    two.made_again();
    assert_same(hearers[0].vault(), hearers[1].vault());
    let fresh = Machine::new(&clinic, 4);
    let live = live_of(one);
    for some in shuffled(&live, seed).chunks(batch) {
        deliver(fresh.vault(), some.to_vec());
    }
    assert_same(fresh.vault(), two);
    healthy(fresh.vault());
}

fn swap(writers: &[(Vault, Arc<MovedClock>); 2]) -> Vec<Vec<u8>> {
    let [(one, _), (two, _)] = writers;
    let (from_first, from_second) = (take_outbox(one), take_outbox(two));
    deliver(one, from_second.clone());
    deliver(two, from_first.clone());
    from_first.into_iter().chain(from_second).collect()
}

#[test]
fn what_a_removed_device_wrote_too_late_is_judged_one_by_one_as_long_as_it_is_here() {
    let clinic = Clinic::with_devices(4);
    let [admin, lost, other] = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let (admin, lost, other) = (admin.vault(), lost.vault(), other.vault());
    edit_much(lost);
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    rename(lost, 1, "too late");
    let late = take_outbox(lost);
    deliver(other, [early, late.clone()].concat());
    // Two who had not heard of the removal made and confirmed a snapshot of all of it.
    let third = Machine::new(&clinic, 3);
    deliver(third.vault(), live_of(other));
    other.snapshot_everything().unwrap();
    let snapshot = take_outbox(other);
    deliver(third.vault(), snapshot.clone());
    assert_eq!(keep_house(third.vault()).n_confirmed, 1);
    let word = take_outbox(third.vault());
    deliver(other, word.clone());
    assert_eq!(other.set_of_changes().unwrap().count, 2);

    remove(admin, lost.device());
    deliver(admin, [late, only_snapshots(&snapshot), word].concat());
    for vault in [other, third.vault()] {
        vault.add_statements(&statements(admin)).unwrap();
        assert_same(vault, admin);
        assert_eq!(read(vault, |r| r.patient(patient_id(1))).unwrap().phone, "03-0000029");
        assert_eq!(read(vault, |r| r.put_aside())[0].count, 1);
        vault.made_again();
        assert_same(vault, admin);
    }
    // A person takes it: then the snapshot is what it was.
    take(admin, lost.device());
    for vault in [other, third.vault()] {
        vault.add_statements(&statements(admin)).unwrap();
        assert_same(vault, admin);
        assert_eq!(read(vault, |r| r.patient(patient_id(1))).unwrap().phone, "too late");
        assert_eq!(vault.set_of_changes().unwrap().count, 2);
    }
}

#[test]
fn a_removal_heard_of_after_a_month_ends_alike_once_what_was_thrown_away_is_here_again() {
    let clinic = Clinic::with_devices(4);
    let [admin, lost, third] = [0, 1, 3].map(|device| Machine::new(&clinic, device));
    let (admin, lost, third) = (admin.vault(), lost.vault(), third.vault());
    let (clock, ports) = still_clock(7);
    let folder = tempfile::tempdir().unwrap();
    let other = Vault::create(
        &folder.path().join("clinic"),
        &clinic.secrets(2),
        &clinic.statements,
        ports,
    )
    .unwrap();
    edit_much(lost);
    let early = take_outbox(lost);
    deliver(admin, early.clone());
    rename(lost, 1, "too late");
    let late = take_outbox(lost);
    for vault in [&other, third] {
        deliver(vault, [early.clone(), late.clone()].concat());
    }
    other.snapshot_everything().unwrap();
    let snapshot = only_snapshots(&take_outbox(&other));
    deliver(third, snapshot.clone());
    assert_eq!(keep_house(third).n_confirmed, 1);
    let word = take_outbox(third);
    deliver(&other, word.clone());
    keep_house(&other);
    clock.set(40 * DAY_MS);
    assert_eq!(keep_house(&other).n_dropped as u64, EDITS + 1);

    remove(admin, lost.device());
    deliver(admin, [late.clone(), snapshot, word].concat());
    other.add_statements(&statements(admin)).unwrap();
    let phone = |vault: &Vault| read(vault, |r| r.patient(patient_id(1))).unwrap().phone;
    assert_eq!(phone(&other), "too late", "nobody else may have what it holds");
    let (last, before): (Vec<_>, Vec<_>) = live_of(admin).into_iter().partition(|bytes| late.contains(bytes));
    other.absorb_changes_from_peer(before).unwrap();
    assert_eq!(phone(&other), "too late");
    other.absorb_changes_from_peer(last).unwrap();
    assert_same(&other, admin);
    assert_eq!(phone(&other), "03-0000029");
    other.made_again();
    assert_same(&other, admin);
}
