//! The table of sealed changes: the one thing that cannot be made again.

use std::ops::BitXorAssign;

use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, ChangeKind, DeviceId, DocumentId, Header, OpeningId, SealedChange};
use sync_protocol::PeerSet;

use crate::holes::Place;
use crate::outbox::TAIL;
use crate::reading::count;
use crate::{Vault, VaultError, buckets, holes, outbox};

/// This device's own verdict on a change; the change is a member of the set whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its effect is in the tables.
    Applied = 0,
    /// Its parent has not come yet.
    Waiting = 1,
    /// It was not taken; the reason stands beside it.
    Quarantined = 2,
    /// Stored and not looked at yet.
    Unjudged = 3,
}

/// The number under which a kind is stored. Frozen.
pub(crate) const fn kind_code(kind: ChangeKind) -> i64 {
    match kind {
        ChangeKind::Change => 0,
        ChangeKind::Fact => 1,
        ChangeKind::Snapshot => 2,
        ChangeKind::Release => 3,
        ChangeKind::Statement => 4,
        ChangeKind::Unknown(code) => 1000 + code as i64,
    }
}

/// [`kind_code`] of what could not even be decoded.
pub(crate) const UNREADABLE: i64 = -1;

/// Two stores with equal digests hold the same live set: everything but what a snapshot in force covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetDigest {
    /// How many changes.
    pub count: u64,
    /// All their ids, combined by exclusive or.
    pub xor: [u8; 32],
}

/// As many changes of one's own are left to be counted in and lined up by whoever asks.
const LEFT: i64 = 64;

/// Stores a change that this device just made, in the commit of this number; it waits for the relay by that.
pub(crate) fn insert_own(
    conn: &Connection,
    sealed: &SealedChange,
    change: Option<&automerge::Change>,
    commit: u64,
) -> Result<(), VaultError> {
    let row = Row {
        id: sealed.id(),
        header: Some(sealed.header()),
        verdict: Verdict::Applied,
        names: change.map(automerge_names),
        rank: None,
        made_in: Some(commit),
    };
    insert_row(conn, &row, &sealed.encode())?;
    if conn.last_insert_rowid() % LEFT == 0 {
        count_in(conn)?;
    }
    holes::fill_own(conn, Place::of(sealed.header()))
}

/// Stores a change as it came; `false` when it is here already. It waits for its verdict.
pub(crate) fn insert(
    conn: &Connection,
    id: ChangeId,
    header: Option<&Header>,
    sealed: &[u8],
) -> Result<bool, VaultError> {
    let is_new = insert_row(conn, &Row::unjudged(id, header), sealed)?;
    if is_new {
        join(conn, header)?;
    }
    Ok(is_new)
}

/// What stands beside a sealed change when it is stored.
pub(crate) struct Row<'h> {
    pub id: ChangeId,
    /// `None` for what could not be decoded.
    pub header: Option<&'h Header>,
    pub verdict: Verdict,
    /// Automerge's hash and number, when it was opened.
    pub names: Option<([u8; 32], i64)>,
    /// How soon it is to be read; the lowest first.
    pub rank: Option<u8>,
    /// The commit in which this device made it, until it is lined up.
    pub made_in: Option<u64>,
}

impl<'h> Row<'h> {
    /// Not judged yet.
    pub(crate) fn unjudged(id: ChangeId, header: Option<&'h Header>) -> Self {
        Self {
            id,
            header,
            verdict: Verdict::Unjudged,
            names: None,
            rank: None,
            made_in: None,
        }
    }
}

/// Automerge's own names of an opened change.
pub(crate) fn automerge_names(change: &automerge::Change) -> ([u8; 32], i64) {
    (change.hash().0, i64::try_from(change.seq()).unwrap_or(i64::MAX))
}

/// Stores a change and what stands beside it; `false` when it is here already. [`join`] must follow for what is new.
pub(crate) fn insert_row(conn: &Connection, row: &Row<'_>, sealed: &[u8]) -> Result<bool, VaultError> {
    let header = row.header;
    let new = conn
        .prepare_cached(
            "INSERT OR IGNORE INTO changes
                 (id, document, device, opening, number, kind, verdict, am_hash, am_seq, rank, sealed, made_in)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            row.id.as_bytes(),
            header.map_or(&[0; 32], |h| h.document.as_bytes()),
            header.map_or(&[0; 32], |h| h.device.as_bytes()),
            header.map_or(&[0; 16], |h| h.opening.as_bytes()),
            header.map_or(0, |h| i64::try_from(h.number).unwrap_or(i64::MAX)),
            header.map_or(UNREADABLE, |h| kind_code(h.kind)),
            row.verdict as i64,
            row.names.map(|(hash, _)| hash),
            row.names.map(|(_, seq)| seq),
            row.rank,
            sealed,
            row.made_in.and_then(|commit| i64::try_from(commit).ok()),
        ])?;
    Ok(new == 1)
}

/// Counts changes in that were just stored: in the tree that peers compare, and among the numbers that are here.
pub(crate) fn join<'h>(conn: &Connection, new: impl IntoIterator<Item = &'h Header>) -> Result<(), VaultError> {
    count_in(conn)?;
    holes::fill(conn, new.into_iter().map(Place::of))
}

/// What was left when it was written: into the tree, and into the line for the relay.
fn count_in(conn: &Connection) -> Result<(), VaultError> {
    buckets::count_in(conn)?;
    outbox::line_up(conn)
}

/// The question for changes of openings by their numbers. What this device made last is not listed by its number yet, and few.
pub(crate) fn by_number(columns: &str, which: &str) -> String {
    format!(
        "SELECT {columns} FROM changes WHERE made_in IS NULL AND {which}
         UNION ALL SELECT {columns} FROM {TAIL} AND {which}"
    )
}

/// Writes down the verdict on a change.
pub(crate) fn rule(conn: &Connection, id: &ChangeId, verdict: Verdict, reason: Option<&str>) -> Result<(), VaultError> {
    conn.prepare_cached("UPDATE changes SET verdict = ?2, reason = ?3 WHERE id = ?1")?
        .execute(params![id.as_bytes(), verdict as i64, reason])?;
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

/// Takes a change out of the set. One that was live is a hole then; one that was covered stays known.
pub(crate) fn take_out(conn: &Connection, id: &ChangeId) -> Result<(), VaultError> {
    buckets::count_in(conn)?;
    let sql = "DELETE FROM changes WHERE id = ?1 RETURNING covered_by IS NULL, device, opening, number";
    let taken: Option<(bool, Place)> = conn
        .prepare_cached(sql)?
        .query_row([id.as_bytes()], |row| {
            let place = Place {
                device: DeviceId::from_bytes(row.get(1)?),
                opening: OpeningId::from_bytes(row.get(2)?),
                number: count(row, 3)?,
            };
            Ok((row.get(0)?, place))
        })
        .optional()?;
    if let Some((true, place)) = taken {
        buckets::remove(conn, PeerSet::Changes, &(*id).into())?;
        let sql = by_number("1", "device = ?1 AND opening = ?2 AND number = ?3");
        let number = i64::try_from(place.number).unwrap_or(i64::MAX);
        let claim = params![place.device.as_bytes(), place.opening.as_bytes(), number];
        if !conn.prepare_cached(&sql)?.exists(claim)? {
            holes::dig(conn, &place)?;
        }
    }
    Ok(())
}

/// Remembers Automerge's own names of an opened change.
pub(crate) fn note_automerge(conn: &Connection, id: &ChangeId, change: &automerge::Change) -> Result<(), VaultError> {
    let (hash, seq) = automerge_names(change);
    conn.prepare_cached("UPDATE changes SET am_hash = ?2, am_seq = ?3 WHERE id = ?1")?
        .execute(params![id.as_bytes(), hash, seq])?;
    Ok(())
}

/// The digest of what is live.
pub(crate) fn digest(conn: &Connection) -> Result<SetDigest, VaultError> {
    let mut digest = SetDigest { count: 0, xor: [0; 32] };
    let mut statement = conn.prepare_cached("SELECT id FROM changes WHERE covered_by IS NULL")?;
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
    /// Count and combined ids of all live changes here: equal on two devices that hold the same set.
    pub fn set_of_changes(&self) -> Result<SetDigest, VaultError> {
        self.read(|r| digest(r.conn()))
    }
}
