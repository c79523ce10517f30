//! What a device keeps of its relay: the key, the newest receipt, and how it was found out.

use sync_protocol::{Cursor, FormerLife, Incarnation, RelayLie, RelayStanding, Scope, SignedReceipt, SyncStore};
use vault::Vault;

use crate::world::Machine;

const FIRST: Incarnation = Incarnation([1; 16]);
const SECOND: Incarnation = Incarnation([2; 16]);
const KEY: [u8; 32] = [7; 32];

fn receipt(changes: u64) -> SignedReceipt {
    SignedReceipt {
        changes,
        changes_chain: [3; 32],
        consents: 0,
        consents_chain: [0; 32],
        at_ms: 1_795_000_000_000,
        signature: [4; 64],
    }
}

fn lie(vault: &Vault) -> Option<RelayLie> {
    vault.read(|r| r.sync_figures()).unwrap().relay_lie
}

#[test]
fn the_receipt_and_the_chain_come_with_the_cursor_that_they_belong_to_and_stay() {
    let mut machine = Machine::only();
    let vault = machine.vault();
    vault.begin_incarnation(&FIRST).unwrap();
    vault.keep_receipt(&FIRST, &KEY, None).unwrap();
    let cursor = Cursor {
        chain: Some([5; 32]),
        receipt: Some(receipt(9)),
        ..Cursor::at(FIRST, Scope::Changes, 9)
    };
    vault.absorb_changes(&cursor, Vec::new()).unwrap();
    machine.reopen();
    let known = RelayStanding {
        key: Some(KEY),
        receipt: Some(receipt(9)),
        changes_chain: Some([5; 32]),
        consents_chain: None,
        former: Vec::new(),
    };
    let vault = machine.vault();
    assert_eq!(vault.relay_standing(&FIRST).unwrap(), known);
    assert_eq!(vault.last_incarnation().unwrap(), Some(FIRST));
    // A batch without a receipt takes none away; one whose chain is not known says so.
    vault
        .absorb_changes(&Cursor::at(FIRST, Scope::Changes, 10), Vec::new())
        .unwrap();
    let after = vault.relay_standing(&FIRST).unwrap();
    assert_eq!((after.receipt, after.changes_chain), (Some(receipt(9)), None));
}

#[test]
fn the_first_key_of_a_life_counts_and_another_life_has_its_own() {
    let machine = Machine::only();
    let vault = machine.vault();
    vault.begin_incarnation(&FIRST).unwrap();
    vault.keep_receipt(&FIRST, &KEY, Some(&receipt(1))).unwrap();
    vault.keep_receipt(&FIRST, &[8; 32], Some(&receipt(2))).unwrap();
    let known = vault.relay_standing(&FIRST).unwrap();
    assert_eq!((known.key, known.receipt), (Some(KEY), Some(receipt(2))));
    vault
        .absorb_changes(&Cursor::at(FIRST, Scope::Changes, 1), Vec::new())
        .unwrap();
    vault.begin_incarnation(&SECOND).unwrap();
    let other = vault.relay_standing(&SECOND).unwrap();
    let former = FormerLife {
        incarnation: FIRST,
        changes: 1,
        consents: 0,
    };
    assert_eq!((other.key, other.receipt, other.former), (None, None, vec![former]));
}

#[test]
fn a_lie_is_shown_until_the_relay_begins_another_life() {
    let mut machine = Machine::only();
    machine.vault().begin_incarnation(&FIRST).unwrap();
    assert_eq!(lie(machine.vault()), None);
    machine.vault().note_lie(&FIRST, RelayLie::LeftOut).unwrap();
    machine.vault().note_lie(&FIRST, RelayLie::TwoFaces).unwrap();
    machine.reopen();
    assert_eq!(
        lie(machine.vault()),
        Some(RelayLie::LeftOut),
        "the first is what is shown"
    );
    machine.vault().begin_incarnation(&SECOND).unwrap();
    assert_eq!(lie(machine.vault()), None);
}
