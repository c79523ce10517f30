//! Who comes with what was written before, or against, a history that is gone.

use super::*;

#[test]
fn a_straggler_with_unsent_edits_of_a_history_that_is_gone_loses_nothing() {
    let clinic = Clinic::with_devices(3);
    let away = Machine::new(&clinic, 2);
    let (clock, ports) = still_clock(7);
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::create(
        &folder.path().join("clinic"),
        &clinic.secrets(0),
        &clinic.statements,
        ports,
    )
    .unwrap();
    let other = Machine::new(&clinic, 1);
    edit_much(&vault);
    let changes = take_outbox(&vault);
    deliver(other.vault(), changes.clone());
    deliver(away.vault(), changes[..20].to_vec());
    let mut moved = read(away.vault(), |r| r.patient(patient_id(1))).unwrap();
    moved.address.town = "Ipoh".into();
    write(away.vault(), |w| w.put_patient(&moved));
    vault.snapshot_everything().unwrap();
    exchange(&vault, other.vault());
    keep_house(other.vault());
    exchange(&vault, other.vault());
    keep_house(&vault);
    clock.set(40 * DAY_MS);
    assert_eq!(keep_house(&vault).n_dropped as u64, EDITS);

    // The relay gives it what is live; a peer takes all that it holds.
    let live = live_of(&vault);
    deliver(away.vault(), live);
    let held = take_outbox(away.vault());
    vault.absorb_changes_from_peer(changes[..20].to_vec()).unwrap();
    deliver(&vault, held);
    assert_same(&vault, away.vault());
    assert_eq!(read(&vault, |r| r.patient(patient_id(1))).unwrap().address.town, "Ipoh");
    healthy(&vault);
    healthy(away.vault());
    // What came again of the old history is not offered to anybody.
    assert_eq!(take_all(&vault).0.len(), 0);
}

#[test]
fn a_fork_against_a_covered_change_is_put_aside_also_when_its_id_is_lower() {
    // The first device's store is put back to an older copy in the middle of an opening: so it forks its own history.
    let clinic = Clinic::with_devices(3);
    let mut was_lower = [false; 2];
    for seed in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = forked(&clinic, folder.path(), seed);
        let [two, three] = [1, 2].map(|device| Machine::new(&clinic, device));
        let one = Vault::open(&folder.path().join("first"), &clinic.secrets(0), ports(77)).unwrap();
        deliver(two.vault(), first.clone());
        one.snapshot_everything().unwrap();
        let snapshot = take_outbox(&one);
        let last = first
            .iter()
            .map(|bytes| SealedChange::decode(bytes).unwrap())
            .next_back();
        let other = SealedChange::decode(&second[0]).unwrap().id();
        was_lower[usize::from(other < last.unwrap().id())] = true;
        assert_eq!(only_snapshots(&snapshot).len(), 1);
        deliver(two.vault(), only_snapshots(&snapshot));
        assert_eq!(keep_house(two.vault()).n_confirmed, 1);
        let word = take_outbox(two.vault());
        // Before the word, and after it.
        deliver(three.vault(), first.clone());
        deliver(three.vault(), second.clone());
        deliver(three.vault(), only_snapshots(&snapshot));
        deliver(three.vault(), word);
        deliver(two.vault(), second.clone());
        assert_same(two.vault(), three.vault());
        for vault in [two.vault(), three.vault()] {
            let aside = read(vault, |r| r.quarantined());
            assert_eq!((aside.len(), aside[0].reason.as_str()), (1, "fork"));
            assert_eq!(read(vault, |r| r.patient(patient_id(1))).unwrap().phone, "the last");
        }
    }
    assert_eq!(was_lower, [true; 2], "of both cases there is one");
}

/// Two histories of one opening that part at the last change; the first one's store lies in `dir/first`.
fn forked(clinic: &Clinic, dir: &std::path::Path, seed: u64) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let store =
        |name: &str| Vault::create(&dir.join(name), &clinic.secrets(0), &clinic.statements, ports(4 + seed)).unwrap();
    let (first, second) = (store("first"), store("second"));
    for n in 0..5 {
        for vault in [&first, &second] {
            rename(vault, 1, &format!("03-{n:07}"));
        }
    }
    rename(&first, 1, "the last");
    rename(&second, 1, "the other branch");
    let (first, second) = (take_outbox(&first), take_outbox(&second));
    (first, second[5..].to_vec())
}
