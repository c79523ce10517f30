//! What is said again, and when it is asked anew.

#![allow(clippy::unwrap_used)]

use seal::ChangeId;
use sync_protocol::{Checked, Feed, Heads, RelayStore};

use super::*;

const TENANT: TenantId = TenantId::from_bytes([3; 32]);
const NOW: i64 = 1_790_000_000_000;

fn push(store: &mut Store, name: u8) {
    let change = Checked::Change {
        id: ChangeId::from_bytes([name; 32]),
        bytes: vec![name],
        is_bodyless: false,
    };
    store.push(&TENANT, &[change], NOW).unwrap();
}

fn looked(store: &mut Store, news: Instant) -> u64 {
    let Heads { changes, .. } = store.look(TENANT, news, |store| store.heads(&TENANT)).unwrap();
    changes
}

/// What another node would write: this store does not know of it.
fn moved_behind_its_back(folder: &std::path::Path) {
    let file = rusqlite::Connection::open(folder.join(crate::FILE_NAME)).unwrap();
    file.execute("UPDATE head SET position = 9 WHERE feed = 0", []).unwrap();
}

#[test]
fn what_one_has_read_is_said_to_the_others_until_there_are_news() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), &mut rand::rng()).unwrap();
    push(&mut store, 1);
    let before = Instant::now();
    assert_eq!(looked(&mut store, before), 1);
    moved_behind_its_back(folder.path());
    assert_eq!(looked(&mut store, before), 1, "not asked again");
    assert_eq!(store.heads(&TENANT).unwrap().changes, 9, "who is not woken asks");
    assert_eq!(looked(&mut store, Instant::now()), 9, "there are news");
    assert_eq!(looked(&mut store, before), 9);
}

#[test]
fn what_the_store_itself_writes_is_seen_at_once_also_in_the_midst_of_a_look() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), &mut rand::rng()).unwrap();
    let before = Instant::now();
    assert_eq!(looked(&mut store, before), 0);
    push(&mut store, 1);
    assert_eq!(looked(&mut store, before), 1);
    let seen = store.look(TENANT, before, |store| {
        let first = store.heads(&TENANT).unwrap().changes;
        push(store, 2);
        (first, store.heads(&TENANT).unwrap().changes)
    });
    assert_eq!(seen, (1, 2));
    assert_eq!(looked(&mut store, before), 2);
}

#[test]
fn nothing_younger_is_put_beside_what_is_older() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), &mut rand::rng()).unwrap();
    push(&mut store, 1);
    let before = Instant::now();
    assert_eq!(looked(&mut store, before), 1);
    moved_behind_its_back(folder.path());
    store.look(TENANT, before, |store| {
        // This was not asked before: from here on all of it is as it is now.
        store.chain(&TENANT, Feed::Changes, 1).unwrap();
        assert_eq!(store.heads(&TENANT).unwrap().changes, 9);
    });
}

#[test]
fn one_receipt_serves_all_who_look_and_a_later_one_never_shows_less() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), &mut rand::rng()).unwrap();
    push(&mut store, 1);
    let before = Instant::now();
    let mut receipt = |news, now_ms| store.look(TENANT, news, |store| store.receipt(&TENANT, now_ms).unwrap());
    let first = receipt(before, NOW);
    assert_eq!(receipt(before, NOW + 5), first);
    assert!(receipt(Instant::now(), NOW + 5).at_ms > first.at_ms);
}

#[test]
fn after_a_second_it_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), &mut rand::rng()).unwrap();
    push(&mut store, 1);
    let long_ago = Instant::now().checked_sub(3 * AS_LONG_AS).unwrap();
    assert_eq!(looked(&mut store, long_ago), 1);
    moved_behind_its_back(folder.path());
    assert_eq!(looked(&mut store, long_ago), 1);
    for look in &mut store.looks.kept {
        look.began = look.began.checked_sub(AS_LONG_AS).unwrap();
    }
    assert_eq!(looked(&mut store, long_ago), 9);
}
