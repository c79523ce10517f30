//! The table of sealed changes: the one thing that cannot be made again.

use std::ops::BitXorAssign;

use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, ChangeKind, DocumentId, Header, SealedChange};
use sync_protocol::PeerSet;

use crate::{Vault, VaultError, buckets};

/// This device's own verdict on a change; the change is a member of the set whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its effect is in the tables.
    Applied = 0,
    /// Its parent has not come yet.
    Waiting = 1,
    /// It was not taken; the reason stands beside it.
    Quarantined = 2,
    /// Stored and not looked at yet; no commit leaves one so.
    Unjudged = 3,
}

/// The number under which a kind is stored. Frozen.
pub(crate) fn kind_code(kind: ChangeKind) -> i64 {
    match kind {
        ChangeKind::Change => 0,
        ChangeKind::Fact => 1,
        ChangeKind::Snapshot => 2,
        ChangeKind::Release => 3,
        ChangeKind::Statement => 4,
        ChangeKind::Unknown(code) => 1000 + i64::from(code),
    }
}

/// [`kind_code`] of what could not even be decoded.
pub(crate) const UNREADABLE: i64 = -1;

/// Two stores with equal digests hold the same set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetDigest {
    /// How many changes.
    pub count: u64,
    /// All their ids, combined by exclusive or.
    pub xor: [u8; 32],
}

/// Stores a change that this device just made.
pub(crate) fn insert_own(
    conn: &Connection,
    sealed: &SealedChange,
    change: Option<&automerge::Change>,
) -> Result<(), VaultError> {
    insert(conn, sealed.id(), Some(sealed.header()), &sealed.encode())?;
    let id = sealed.id();
    rule(conn, &id, Verdict::Applied, None)?;
    if let Some(change) = change {
        note_automerge(conn, &id, change)?;
    }
    Ok(())
}

/// Stores a change as it came; `false` when it is here already. It waits for its verdict.
pub(crate) fn insert(
    conn: &Connection,
    id: ChangeId,
    header: Option<&Header>,
    sealed: &[u8],
) -> Result<bool, VaultError> {
    let new = conn
        .prepare_cached(
            "INSERT OR IGNORE INTO changes (id, document, device, opening, number, kind, verdict, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            id.as_bytes(),
            header.map_or(&[0; 32], |h| h.document.as_bytes()),
            header.map_or(&[0; 32], |h| h.device.as_bytes()),
            header.map_or(&[0; 16], |h| h.opening.as_bytes()),
            header.map_or(0, |h| i64::try_from(h.number).unwrap_or(i64::MAX)),
            header.map_or(UNREADABLE, |h| kind_code(h.kind)),
            Verdict::Unjudged as i64,
            sealed,
        ])?;
    if new == 1 {
        buckets::add(conn, PeerSet::Changes, &id.into())?;
    }
    Ok(new == 1)
}

/// Writes down the verdict on a change.
pub(crate) fn rule(conn: &Connection, id: &ChangeId, verdict: Verdict, reason: Option<&str>) -> Result<(), VaultError> {
    conn.prepare_cached("UPDATE changes SET verdict = ?2, reason = ?3 WHERE id = ?1")?
        .execute(params![id.as_bytes(), verdict as i64, reason])?;
    Ok(())
}

/// Writes down that a change landed or waits, unless it was just quarantined.
pub(crate) fn rule_unless_quarantined(conn: &Connection, id: &ChangeId, verdict: Verdict) -> Result<(), VaultError> {
    conn.prepare_cached("UPDATE changes SET verdict = ?2, reason = NULL WHERE id = ?1 AND verdict <> ?3")?
        .execute(params![id.as_bytes(), verdict as i64, Verdict::Quarantined as i64])?;
    Ok(())
}

/// Takes back the verdict on every applied change of a document that is about to be made again.
pub(crate) fn let_all_wait(conn: &Connection, document: &DocumentId) -> Result<(), VaultError> {
    conn.prepare_cached(
        "UPDATE changes SET verdict = ?2 WHERE document = ?1 AND verdict = ?3 AND am_hash IS NOT NULL",
    )?
    .execute(params![
        document.as_bytes(),
        Verdict::Waiting as i64,
        Verdict::Applied as i64
    ])?;
    Ok(())
}

/// Puts the form without its body in a change's place: it stays a member under its id. Automerge's names go with the body.
pub(crate) fn drop_body(conn: &Connection, id: &ChangeId, without_body: &[u8]) -> Result<(), VaultError> {
    conn.prepare_cached("UPDATE changes SET sealed = ?2, am_hash = NULL, am_seq = NULL WHERE id = ?1")?
        .execute(params![id.as_bytes(), without_body])?;
    Ok(())
}

/// Takes a change out of the set.
pub(crate) fn take_out(conn: &Connection, id: &ChangeId) -> Result<(), VaultError> {
    let was_live: Option<bool> = conn
        .prepare_cached("DELETE FROM changes WHERE id = ?1 RETURNING covered_by IS NULL")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    if was_live == Some(true) {
        buckets::remove(conn, PeerSet::Changes, &(*id).into())?;
    }
    Ok(())
}

/// Remembers Automerge's own names of an opened change.
pub(crate) fn note_automerge(conn: &Connection, id: &ChangeId, change: &automerge::Change) -> Result<(), VaultError> {
    conn.prepare_cached("UPDATE changes SET am_hash = ?2, am_seq = ?3 WHERE id = ?1")?
        .execute(params![
            id.as_bytes(),
            change.hash().as_ref(),
            i64::try_from(change.seq()).unwrap_or(i64::MAX)
        ])?;
    Ok(())
}

/// The digest of the whole set.
pub(crate) fn digest(conn: &Connection) -> Result<SetDigest, VaultError> {
    let mut digest = SetDigest { count: 0, xor: [0; 32] };
    let mut statement = conn.prepare_cached("SELECT id FROM changes")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: [u8; 32] = row.get(0)?;
        digest.count += 1;
        digest
            .xor
            .iter_mut()
            .zip(id)
            .for_each(|(sum, byte)| sum.bitxor_assign(byte));
    }
    Ok(digest)
}

impl Vault {
    /// Count and combined ids of all changes here: equal on two devices that hold the same set.
    pub fn set_of_changes(&self) -> Result<SetDigest, VaultError> {
        self.read(|r| digest(r.conn()))
    }
}
