//! One snapshot, or one confirmation, looked at alone: whether it is what it says it is.

use automerge::{AutoCommit, ChangeHash};
use minicbor::bytes::ByteArray;
use rusqlite::{Connection, OptionalExtension};
use seal::{Admission, ChangeId, Header, Membership, SealedChange};

use super::chunk;
use super::numbers::{self, Held};
use super::payload::{self, CONFIRMATIONS, Confirmation, MAX_CONFIRMED, SnapshotPayload};
use crate::VaultError;
use crate::belonging::Belonging;
use crate::documents::{DocPath, fresh_document};
use crate::grounds::follow_throughout;
use crate::vault::actor;
use crate::writing::document_id;

/// What a sealed change of the kind *snapshot* turned out to be.
pub(crate) enum Read {
    Snapshot(DocPath, SnapshotPayload, Held),
    Confirmation(Vec<[u8; 32]>),
}

/// Reads what was sealed under `header`, which is a member's; the word in an error becomes the reason of a quarantine.
pub(crate) fn read(belonging: &Belonging, header: &Header, plain: &[u8]) -> Result<Read, &'static str> {
    if header.document == document_id(belonging, CONFIRMATIONS) {
        let confirmation: Confirmation = payload::unpack(plain)?;
        if confirmation.path != CONFIRMATIONS {
            return Err("wrong_document");
        }
        let n_named = confirmation.snapshots.len();
        if n_named == 0 || n_named > MAX_CONFIRMED {
            return Err("malformed_payload");
        }
        let named = confirmation.snapshots.into_iter().map(ByteArray::into);
        return Ok(Read::Confirmation(named.collect()));
    }
    let snapshot: SnapshotPayload = payload::unpack(plain)?;
    if document_id(belonging, &snapshot.path) != header.document {
        return Err("wrong_document");
    }
    let path: DocPath = snapshot.path.parse().map_err(|_| "newer_document")?;
    let held = numbers::from_sealed(&snapshot.held).ok_or("malformed_payload")?;
    whole(&path, &snapshot, &held)?;
    Ok(Read::Snapshot(path, snapshot, held))
}

/// The document inside, if it is what is said of it: its heads, how many changes, and that each is of a writer who is
/// named with as many sealed changes.
fn whole(path: &DocPath, snapshot: &SnapshotPayload, held: &Held) -> Result<AutoCommit, &'static str> {
    let mut doc = chunk::load(&snapshot.document)?;
    let mut heads: Vec<ChangeHash> = snapshot.heads.iter().map(|head| ChangeHash(**head)).collect();
    let mut found = doc.get_heads();
    heads.sort_unstable();
    found.sort_unstable();
    if heads != found || heads.is_empty() {
        return Err("wrong_heads");
    }
    let mut fresh = fresh_document(path.kind());
    let first: Vec<ChangeHash> = fresh.get_changes_meta(&[]).iter().map(|meta| meta.hash).collect();
    let changes = doc.get_changes_meta(&[]);
    if changes.len() as u64 != snapshot.n_changes {
        return Err("wrong_count");
    }
    let mut written = std::collections::BTreeMap::new();
    for ((device, opening), numbers) in held {
        written.insert(actor(device, opening), numbers.n());
    }
    for change in &changes {
        if first.contains(&change.hash) {
            continue;
        }
        match written.get_mut(&*change.actor) {
            Some(left @ 1..) => *left -= 1,
            _ => return Err("wrong_actor"),
        }
    }
    follow_throughout(&mut doc)?;
    Ok(doc)
}

/// What can be said of either without a clinic. Whether it was taken.
pub(crate) fn try_out(plain: &[u8]) -> bool {
    if let Ok(confirmation) = payload::unpack::<Confirmation>(plain)
        && confirmation.path == CONFIRMATIONS
    {
        return true;
    }
    let Ok(snapshot) = payload::unpack::<SnapshotPayload>(plain) else {
        return false;
    };
    let (Ok(path), Some(held)) = (snapshot.path.parse(), numbers::from_sealed(&snapshot.held)) else {
        return false;
    };
    whole(&path, &snapshot, &held).is_ok()
}

/// The document of a snapshot that is here and was read before; `None` when its body is gone, or cannot be opened.
pub(crate) fn document_of(
    conn: &Connection,
    belonging: &Belonging,
    id: &ChangeId,
) -> Result<Option<AutoCommit>, VaultError> {
    let sealed: Option<Vec<u8>> = conn
        .prepare_cached("SELECT sealed FROM changes WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    let opened = sealed.and_then(|sealed| {
        let plain = SealedChange::decode(&sealed).ok()?.open(&belonging.epochs).ok()?;
        payload::unpack::<SnapshotPayload>(&plain).ok()
    });
    Ok(opened.and_then(|snapshot| chunk::load(&snapshot.document).ok()))
}

/// Whether a snapshot holds what a removed device wrote beyond its end. What this device wrote itself it goes on seeing.
pub(crate) fn is_tainted(belonging: &Belonging, held: &Held) -> bool {
    let Belonging { membership, device, .. } = belonging;
    let beyond = |membership: &Membership, (of, opening): &(seal::DeviceId, seal::OpeningId), last| {
        of != device && !matches!(membership.admits_change(of, opening, last), Admission::Member)
    };
    held.iter().any(|(of, numbers)| beyond(membership, of, numbers.last()))
}
