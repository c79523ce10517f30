use sync_protocol::{Cursor, Incarnation, OutId, Refusal, Scope, SyncStore, WantedFirst};

use crate::world::*;

fn waiting(vault: &vault::Vault) -> Vec<OutId> {
    vault
        .outbox(1000, 1 << 20)
        .unwrap()
        .into_iter()
        .map(|item| item.id)
        .collect()
}

#[test]
fn what_is_written_waits_in_its_order_until_the_relay_has_it() {
    let mut machine = Machine::only();
    for n in 1..4 {
        write(machine.vault(), |w| w.put_patient(&patient(n)));
    }
    machine.reopen();
    let ids = waiting(machine.vault());
    assert_eq!((ids.len(), machine.vault().pending().unwrap()), (3, 3));
    machine.vault().mark_sent(&[ids[1], ids[1]]).unwrap();
    assert_eq!(waiting(machine.vault()), [ids[0], ids[2]]);
    assert_eq!(read(machine.vault(), |r| r.sync_figures()).pending, 2);
}

#[test]
fn a_batch_keeps_to_both_limits_but_never_to_nothing() {
    let machine = Machine::only();
    for n in 1..6 {
        write(machine.vault(), |w| w.put_patient(&patient(n)));
    }
    assert_eq!(machine.vault().outbox(2, 1 << 20).unwrap().len(), 2);
    assert_eq!(machine.vault().outbox(100, 1).unwrap().len(), 1);
    let size = machine.vault().outbox(1, 1 << 20).unwrap()[0].bytes.len();
    assert_eq!(machine.vault().outbox(100, size * 3).unwrap().len(), 3);
}

#[test]
fn what_came_from_outside_is_not_sent_back() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.put_patient(&patient(1)));
    deliver(two.vault(), take_outbox(one.vault()));
    assert_eq!(two.vault().pending().unwrap(), 0);
}

#[test]
fn the_cursor_moves_with_what_it_counts_and_belongs_to_one_incarnation() {
    let machine = Machine::only();
    let vault = machine.vault();
    let cursor = Cursor::at(INCARNATION, Scope::Changes, 17);
    vault.absorb_changes(&cursor, Vec::new()).unwrap();
    assert_eq!(vault.cursor(&INCARNATION, &Scope::Changes), Ok(17));
    assert_eq!(vault.cursor(&INCARNATION, &Scope::Consents), Ok(0));
    assert_eq!(vault.cursor(&Incarnation([2; 16]), &Scope::Changes), Ok(0));
}

#[test]
fn a_relay_that_was_restored_is_told_everything_again() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(one.vault(), |w| w.put_patient(&patient(1)));
    write(two.vault(), |w| w.put_patient(&patient(2)));
    one.vault().begin_incarnation(&INCARNATION).unwrap();
    exchange(one.vault(), two.vault());
    one.vault().begin_incarnation(&INCARNATION).unwrap();
    assert_eq!(one.vault().pending().unwrap(), 0);
    one.vault().begin_incarnation(&Incarnation([2; 16])).unwrap();
    assert_eq!(waiting(one.vault()), [], "its feed tells first what it still has");
    assert_eq!(one.vault().pending().unwrap(), 2);
    one.vault().came_to(0, 0).unwrap();
    assert_eq!(
        waiting(one.vault()).len(),
        2,
        "others' changes too: the relay may have lost them all"
    );
}

#[test]
fn a_relay_from_last_week_is_offered_what_its_feed_does_not_bring_after_what_was_just_written() {
    let mut machine = Machine::only();
    let vault = machine.vault();
    vault.begin_incarnation(&INCARNATION).unwrap();
    for n in 1..4 {
        write(vault, |w| w.put_patient(&patient(n)));
    }
    let old = take_outbox(vault);
    write(vault, |w| w.put_patient(&patient(4)));
    let unsent = waiting(vault);
    let life = Incarnation([2; 16]);
    vault.begin_incarnation(&life).unwrap();
    assert_eq!(waiting(vault), unsent);
    assert_eq!(vault.pending().unwrap(), 4);
    vault.came_to(0, 2).unwrap();
    machine.reopen();
    let vault = machine.vault();
    assert_eq!(waiting(vault), unsent, "also after a restart");
    vault
        .absorb_changes(&Cursor::at(life, Scope::Changes, 2), old[..2].to_vec())
        .unwrap();
    assert_eq!(vault.pending().unwrap(), 2, "what it brought is there");
    vault.came_to(2, 2).unwrap();
    let offered: Vec<Vec<u8>> = take_outbox(vault);
    assert_eq!(offered.len(), 2);
    assert_eq!(offered[0], old[2]);
    assert_eq!(vault.pending().unwrap(), 0);
    vault.came_to(2, 2).unwrap();
    assert_eq!(vault.pending().unwrap(), 0, "once");
}

#[test]
fn what_the_relay_refuses_leaves_the_line_and_is_counted() {
    let machine = Machine::only();
    write(machine.vault(), |w| w.put_patient(&patient(1)));
    let id = waiting(machine.vault())[0];
    machine.vault().mark_refused(&[(id, Refusal::UnknownDevice)]).unwrap();
    let figures = read(machine.vault(), |r| r.sync_figures());
    assert_eq!((figures.pending, figures.refused), (0, 1));
    assert_eq!(machine.vault().set_of_changes().unwrap().count, 1);
}

#[test]
fn a_hole_in_what_a_device_wrote_is_shown_until_it_is_filled() {
    let clinic = Clinic::with_devices(2);
    let (one, two) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    for n in 1..5 {
        write(one.vault(), |w| w.put_patient(&patient(n)));
    }
    let mut changes = take_outbox(one.vault());
    let third = changes.remove(2);
    deliver(two.vault(), changes);
    let missing = read(two.vault(), |r| r.sync_figures()).missing;
    assert_eq!(
        missing
            .iter()
            .map(|hole| (hole.device, hole.number))
            .collect::<Vec<_>>(),
        [(one.vault().device(), 3)]
    );
    deliver(two.vault(), vec![third]);
    assert!(read(two.vault(), |r| r.sync_figures()).missing.is_empty());
}

#[test]
fn each_opening_numbers_its_changes_from_one() {
    let mut machine = Machine::only();
    for n in 1..4 {
        write(machine.vault(), |w| w.put_patient(&patient(n)));
        machine.reopen();
    }
    let report = machine.vault().verify().unwrap();
    assert!(report.pages_hold && report.altered.is_empty() && report.unsigned.is_empty() && report.missing.is_empty());
    assert_eq!(report.set.count, 3);
}

#[test]
fn a_store_from_yesterday_takes_in_its_own_lost_tail_and_goes_on() {
    let clinic = Clinic::with_devices(2);
    let (mut lost, other) = (Machine::new(&clinic, 0), Machine::new(&clinic, 1));
    write(lost.vault(), |w| w.put_patient(&patient(1)));
    lost.close();
    let yesterday = std::fs::read(lost.file()).unwrap();
    lost.try_open().unwrap();
    write(lost.vault(), |w| w.put_patient(&patient(2)));
    exchange(lost.vault(), other.vault());
    lost.close();
    std::fs::write(lost.file(), yesterday).unwrap();
    vault::forget_mark(&lost.dir).unwrap();
    lost.try_open().unwrap();
    write(lost.vault(), |w| w.put_patient(&patient(3))); // before it heard of anything
    other.vault().begin_incarnation(&INCARNATION).unwrap();
    other.vault().begin_incarnation(&Incarnation([2; 16])).unwrap();
    other.vault().came_to(0, 0).unwrap();
    exchange(lost.vault(), other.vault());
    assert_same(lost.vault(), other.vault());
    assert_eq!(read(other.vault(), |r| r.n_patients()), 3);
    assert!(read(other.vault(), |r| r.quarantined()).is_empty());
}
