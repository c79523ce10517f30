//! A new device says how much of its clinic's records has come, until all of it is here and read; never again after that.

use seal::ChangeId;
use sync_protocol::{Cursor, Incarnation, PeerStore, Scope, SyncStore, WantedFirst};
use vault::Vault;

use crate::backlog::clinic_at_work;
use crate::world::*;

const RELAY: Incarnation = Incarnation([7; 16]);

fn arriving(vault: &Vault) -> Option<u8> {
    let figures = read(vault, |r| r.sync_figures());
    assert_eq!(figures.arriving, read(vault, |r| r.arriving()));
    figures.arriving
}

/// The relay gave what there is up to `position`, of `of`.
fn came(vault: &Vault, position: u64, of: u64) -> Option<u8> {
    vault
        .absorb_changes(&Cursor::at(RELAY, Scope::Changes, position), vec![])
        .unwrap();
    vault.came_to(position, of).unwrap();
    arriving(vault)
}

#[test]
fn a_new_device_is_arriving_until_all_is_here_and_read() {
    let (clinic, writer, changes) = clinic_at_work();
    assert_eq!(
        came(writer.vault(), 3, 9),
        None,
        "whoever was there from the start is not"
    );

    let mut new = Machine::new(&clinic, 1);
    new.vault().begin_incarnation(&RELAY).unwrap();
    new.vault().begin_arriving().unwrap();
    assert_eq!(arriving(new.vault()), Some(0));
    assert_eq!(came(new.vault(), 0, 0), None, "a clinic that has nothing yet");
    new.vault().begin_arriving().unwrap();
    assert_eq!(came(new.vault(), 0, 200), Some(0));
    assert_eq!(came(new.vault(), 50, 200), Some(25));
    new.reopen();
    assert_eq!(arriving(new.vault()), Some(25), "also after a restart");
    assert_eq!(came(new.vault(), 199, 200), Some(99));
    assert_eq!(came(new.vault(), 200, 300), Some(66), "there is more by now");

    let vault = new.vault();
    vault.want_first(&[ChangeId::from_bytes([5; 32])]).unwrap();
    vault.read_in_background();
    vault
        .absorb_changes(&Cursor::at(RELAY, Scope::Changes, 300), changes)
        .unwrap();
    vault.came_to(300, 300).unwrap();
    assert_eq!(arriving(vault), Some(99), "it is here, and not read");
    while vault.read_on().unwrap() > 0 {
        assert_eq!(arriving(vault), Some(99));
    }
    assert_eq!(arriving(vault), None);
    assert_eq!(vault.wanted_first().unwrap().len(), 1, "an older relay was never asked");
    assert_eq!(came(vault, 300, 300), None);
    assert_eq!(vault.wanted_first().unwrap(), []);
    assert_eq!(came(vault, 300, 900), None, "who was away for a while is not new");
    new.reopen();
    assert_eq!(came(new.vault(), 300, 900), None);
}

/// What it was given on the LAN is on its way from the relay, too: to send it up once more would take a clinic's line for an hour.
#[test]
fn what_another_device_gives_a_new_one_is_offered_only_if_the_relay_turns_out_not_to_have_it() {
    let (clinic, _writer, changes) = clinic_at_work();
    let mut new = Machine::new(&clinic, 1);
    new.vault().begin_arriving().unwrap();
    new.vault().absorb_changes_from_peer(changes.clone()).unwrap();
    assert_eq!(
        new.vault().outbox(1000, 1 << 24).unwrap(),
        [],
        "before the relay was ever met"
    );
    assert_eq!(new.vault().pending().unwrap(), 0);

    write(new.vault(), |w| w.put_patient(&patient(77)));
    let own = new.vault().outbox(1000, 1 << 24).unwrap();
    assert_eq!(own.len(), 1, "what is written here does not wait");
    new.vault().begin_incarnation(&RELAY).unwrap();
    let all = changes.len() as u64;
    new.vault().came_to(0, all).unwrap();
    new.reopen();
    assert_eq!(new.vault().outbox(1000, 1 << 24).unwrap(), own, "also after a restart");

    let (lost, has) = changes.split_at(3);
    let vault = new.vault();
    vault
        .absorb_changes(&Cursor::at(RELAY, Scope::Changes, all), has.to_vec())
        .unwrap();
    vault.came_to(all, all).unwrap();
    let offered = vault.outbox(1000, 1 << 24).unwrap();
    assert_eq!(vault.pending().unwrap(), 4);
    let offered: Vec<Vec<u8>> = offered.into_iter().map(|item| item.bytes).collect();
    assert_eq!(offered.len(), 4);
    assert!(lost.iter().all(|change| offered.contains(change)));

    // From now on it offers what it is given at once, as everybody does.
    let other = Machine::new(&clinic, 2);
    write(other.vault(), |w| w.put_patient(&patient(78)));
    vault
        .absorb_changes_from_peer(vec![other.vault().outbox(9, 1 << 20).unwrap().remove(0).bytes])
        .unwrap();
    assert_eq!(vault.pending().unwrap(), 5);
}
