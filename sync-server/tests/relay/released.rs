//! A store of each version that ever landed is kept (`released/`), opened by this build, and moved on from there.

use std::path::{Path, PathBuf};

use seal::{DeviceId, GrantId, SealedChange, TenantId};
use sync_protocol::{AuditOutcome, Feed, MailState, Page, RelayMail, RelayStore, ReleaseAnswer, ReleaseAsk, follow};
use sync_server::{FILE_NAME, Store, move_to};
use tempfile::TempDir;

use crate::contract::cluster::Database;
use crate::process::output;
use crate::world::{NOW, rng};

const ALL: Page = Page {
    after: 0,
    max_items: 1_000,
    max_bytes: usize::MAX,
};

fn released() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/relay/released")
}

/// Every version of which a store is kept.
fn kept() -> Vec<u32> {
    let files = std::fs::read_dir(released()).unwrap();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut versions: Vec<u32> = names
        .filter_map(|name| name.strip_prefix('v')?.strip_suffix(".sqlite")?.parse().ok())
        .collect();
    versions.sort_unstable();
    assert!(versions.len() >= 4);
    versions
}

fn copy_of(version: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        released().join(format!("v{version}.sqlite")),
        folder.path().join(FILE_NAME),
    )
    .unwrap();
    // The first version signed nothing.
    if version > 1 {
        std::fs::copy(released().join("relay.key"), folder.path().join("relay.key")).unwrap();
    }
    folder
}

/// The clinic that gave, the one that received, the grant that was revoked, the one that stands: as the file tells.
fn told(folder: &TempDir) -> (TenantId, TenantId, GrantId, GrantId) {
    let file = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
    let sql = "SELECT source, recipient, (SELECT id FROM revocation), id FROM given
               WHERE id NOT IN (SELECT id FROM revocation)";
    file.query_row(sql, [], |row| {
        Ok((
            TenantId::from_bytes(row.get(0)?),
            TenantId::from_bytes(row.get(1)?),
            GrantId::from_bytes(row.get(2)?),
            GrantId::from_bytes(row.get(3)?),
        ))
    })
    .unwrap()
}

fn ask(store: &mut Store, requester: TenantId, grant: GrantId) -> ReleaseAnswer {
    let (request, device) = ([7; 16], DeviceId::from_bytes([7; 32]));
    let ask = ReleaseAsk {
        request,
        requester,
        device,
        grant,
        page: ALL,
        now_ms: NOW,
    };
    store.pull_releases(&ask).unwrap()
}

fn holds_all(store: &mut Store, (giver, receiver, revoked, stands): (TenantId, TenantId, GrantId, GrantId)) {
    let changes = store.changes(&giver, ALL).unwrap();
    assert_eq!(changes.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [1, 2, 3]);
    let mut chain = store.chain(&giver, Feed::Changes, 0).unwrap();
    for (at, bytes) in changes {
        chain = follow(&chain, SealedChange::decode(&bytes.unwrap()).unwrap().id().as_bytes());
        assert_eq!(store.chain(&giver, Feed::Changes, at).unwrap(), chain);
    }
    assert_eq!(store.heads(&giver).unwrap().consents, 3, "two grants and a revocation");
    assert!(store.roster(&giver).unwrap().is_some() && store.roster(&receiver).unwrap().is_some());
    let denied = ask(store, receiver, revoked);
    assert!(
        matches!(
            denied,
            ReleaseAnswer::Denied {
                outcome: AuditOutcome::DeniedRevoked,
                ..
            }
        ),
        "{denied:?}"
    );
    let served = ask(store, receiver, stands);
    let ReleaseAnswer::Served { items, .. } = served else {
        panic!("{served:?}")
    };
    assert_eq!(items.len(), 1);
    for tenant in [giver, receiver] {
        let lines = store.audit(&tenant, ALL).unwrap();
        assert!(lines.len() >= 3, "one from before, and these");
        for (nth, line) in lines.iter().enumerate() {
            assert!(
                line.follows(nth.checked_sub(1).map(|before| &lines[before])),
                "line {nth}"
            );
        }
    }
}

#[test]
fn a_store_of_every_version_that_landed_is_opened_and_holds_all_it_held() {
    for version in kept() {
        let folder = copy_of(version);
        let known = told(&folder);
        let mut store = Store::open(folder.path(), &mut rng(1)).unwrap();
        holds_all(&mut store, known);
        let life = store.incarnation();
        drop(store);
        let store = Store::open(folder.path(), &mut rng(2)).unwrap();
        assert_eq!(store.incarnation(), life, "version {version}");
    }
}

#[test]
fn a_store_of_every_version_that_landed_moves_to_postgresql() {
    for version in kept() {
        let folder = copy_of(version);
        let known = told(&folder);
        let database = Database::make_empty();
        move_to(folder.path(), &database.owner(), &mut rng(3)).unwrap();
        let mut store = Store::open_shared(folder.path(), &database.relay(), &mut rng(4)).unwrap();
        holds_all(&mut store, known);
    }
}

#[test]
fn every_version_that_landed_is_kept() {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    for entry in std::fs::read_dir(migrations).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (version, _) = name.split_once("__").unwrap();
        let kept = released().join(format!("{}.sqlite", version.to_lowercase()));
        assert!(kept.is_file(), "keep a store of {version} once it has landed");
    }
}

#[test]
fn what_waited_in_a_mailbox_and_stood_in_the_directory_is_there_in_every_build() {
    for version in kept().into_iter().filter(|version| *version >= 5) {
        let folder = copy_of(version);
        let (giver, receiver, ..) = told(&folder);
        let mut store = Store::open(folder.path(), &mut rng(1)).unwrap();
        let letters = store.mail(&receiver, ALL, NOW).unwrap();
        if version > 5 && letters.items.is_empty() {
            continue; // made without any
        }
        assert_eq!(letters.items, [b"letter".to_vec(), b"another".to_vec()]);
        let told = store.mail_states(&giver, ALL).unwrap();
        let states: Vec<MailState> = told.items.iter().map(|told| told.state).collect();
        assert_eq!(states, [MailState::Delivered, MailState::Stored]);
        assert_eq!(store.cards(&receiver, ALL).unwrap().items, [b"card".to_vec()]);
        assert_eq!(store.post_heads(&receiver).unwrap().mail.inbox, 2);
    }
}

/// There is no way back but the backup from before.
#[test]
fn a_store_of_a_later_build_is_refused_in_words_and_left_as_it_is() {
    let folder = copy_of(*kept().last().unwrap());
    drop(Store::open(folder.path(), &mut rng(1)).unwrap());
    let file = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
    let later = "INSERT INTO refinery_schema_history SELECT max(version) + 1, 'later', max(applied_on), '1'
                 FROM refinery_schema_history";
    assert_eq!(file.execute(later, []).unwrap(), 1);
    for asked in [["clinic", "list"], ["audit", "verify"]] {
        let refused = output(folder.path(), &asked);
        let words = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(4), "{words}");
        assert!(words.contains("a later build"), "{words}");
    }
    let moved = output(folder.path(), &["move", "--to", "postgres://nobody@localhost/none"]);
    assert_eq!(moved.status.code(), Some(4));
    assert!(folder.path().join(FILE_NAME).exists());
}
