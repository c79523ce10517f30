//! A new device says how much of its clinic's records has come, until all of it is here and read; never again after that.

use seal::ChangeId;
use sync_protocol::{Cursor, Incarnation, Scope, SyncStore, WantedFirst};
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
