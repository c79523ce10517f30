//! The tables of snapshots: what was read of them, and what is here of their documents.

use std::collections::{BTreeMap, BTreeSet};

use automerge::ChangeHash;
use rusqlite::{Connection, OptionalExtension, Params, params};
use seal::{ChangeId, ChangeKind, DeviceId, DocumentId, Header, OpeningId};

use super::numbers::{self, Held, Numbers};
use super::payload::SnapshotPayload;
use super::words::Said;
use crate::documents::DocPath;
use crate::judge::AFTER_REMOVAL;
use crate::reading::count;
use crate::set::{Verdict, kind_code};
use crate::{VaultError, holes};

/// Whether a document is made from a snapshot. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// It is not.
    Not = 0,
    /// It is, and what the snapshot holds is covered.
    Whole = 1,
    /// It is for want of what is not here; nothing is covered.
    StandsIn = 2,
}

/// A snapshot that could be read.
pub(crate) struct Noted {
    pub id: ChangeId,
    pub device: DeviceId,
    opening: OpeningId,
    number: u64,
    pub heads: Vec<ChangeHash>,
    pub n_changes: u64,
    pub force: Force,
    pub tainted: bool,
    pub verdict: i64,
    is_late: bool,
    pub covered_by: Option<ChangeId>,
}

impl Noted {
    /// Its own number.
    pub(crate) fn number(&self) -> Held {
        Held::from([((self.device, self.opening), Numbers::of([self.number]))])
    }

    /// Whether its maker's word for it counts.
    pub(crate) fn said(&self) -> Said {
        Said::of(self.verdict, self.is_late)
    }

    /// Whether the document is made from it.
    pub(crate) fn is_used(&self) -> bool {
        self.force != Force::Not
    }
}

/// A sealed edit of a document, without its bytes.
pub(crate) struct Edit {
    pub id: ChangeId,
    pub hash: ChangeHash,
    pub seq: u64,
    pub device: DeviceId,
    pub opening: OpeningId,
    pub number: u64,
    pub verdict: i64,
    pub reason: Option<String>,
    pub covered_by: Option<ChangeId>,
}

pub(crate) fn note(
    conn: &Connection,
    id: &ChangeId,
    header: &Header,
    payload: &SnapshotPayload,
    held: &Held,
    tainted: bool,
) -> Result<(), VaultError> {
    let heads: Vec<u8> = payload.heads.iter().flat_map(|head| **head).collect();
    conn.prepare_cached(
        "INSERT OR IGNORE INTO snapshots (id, document, path, device, heads, n_changes, in_force, tainted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7)",
    )?
    .execute(params![
        id.as_bytes(),
        header.document.as_bytes(),
        payload.path,
        header.device.as_bytes(),
        heads,
        i64::try_from(payload.n_changes).unwrap_or(i64::MAX),
        tainted,
    ])?;
    let mut insert = conn.prepare_cached(
        "INSERT OR IGNORE INTO snapshot_numbers (device, opening, snapshot, last, numbers) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for ((device, opening), numbers) in held {
        let last = i64::try_from(numbers.last()).unwrap_or(i64::MAX);
        insert.execute(params![
            device.as_bytes(),
            opening.as_bytes(),
            id.as_bytes(),
            last,
            numbers.encode()
        ])?;
    }
    Ok(())
}

/// Whether there is a snapshot of this document that could be read.
pub(crate) fn any(conn: &Connection, document: &DocumentId) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM snapshots WHERE document = ?1)";
    Ok(conn
        .prepare_cached(sql)?
        .query_row([document.as_bytes()], |row| row.get(0))?)
}

/// All of a document's that could be read, the longest history first: what is merged first stays.
pub(crate) fn of_document(conn: &Connection, document: &DocumentId) -> Result<Vec<Noted>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT s.id, s.device, s.heads, s.n_changes, s.in_force, s.tainted, c.verdict, c.covered_by,
                c.opening, c.number, c.reason IS ?2
         FROM snapshots s JOIN changes c ON c.id = s.id WHERE s.document = ?1 ORDER BY s.n_changes DESC, s.id",
    )?;
    let rows = statement.query_map(params![document.as_bytes(), AFTER_REMOVAL], |row| {
        let heads: Vec<u8> = row.get(2)?;
        Ok(Noted {
            id: ChangeId::from_bytes(row.get(0)?),
            device: DeviceId::from_bytes(row.get(1)?),
            heads: heads.as_chunks::<32>().0.iter().map(|head| ChangeHash(*head)).collect(),
            n_changes: count(row, 3)?,
            force: match row.get(4)? {
                0 => Force::Not,
                2 => Force::StandsIn,
                _ => Force::Whole,
            },
            tainted: row.get(5)?,
            verdict: row.get(6)?,
            covered_by: row.get::<_, Option<[u8; 32]>>(7)?.map(ChangeId::from_bytes),
            opening: OpeningId::from_bytes(row.get(8)?),
            number: count(row, 9)?,
            is_late: row.get(10)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The edits of a document that could be opened.
pub(crate) fn edits(conn: &Connection, document: &DocumentId) -> Result<Vec<Edit>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, am_hash, am_seq, device, opening, number, verdict, reason, covered_by FROM changes
         WHERE document = ?1 AND kind = ?2 AND am_hash IS NOT NULL ORDER BY arrival",
    )?;
    let rows = statement.query_map(params![document.as_bytes(), kind_code(ChangeKind::Change)], |row| {
        Ok(Edit {
            id: ChangeId::from_bytes(row.get(0)?),
            hash: ChangeHash(row.get(1)?),
            seq: count(row, 2)?,
            device: DeviceId::from_bytes(row.get(3)?),
            opening: OpeningId::from_bytes(row.get(4)?),
            number: count(row, 5)?,
            verdict: row.get(6)?,
            reason: row.get(7)?,
            covered_by: row.get::<_, Option<[u8; 32]>>(8)?.map(ChangeId::from_bytes),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether something that it covered was thrown away here.
pub(crate) fn is_relied_on(conn: &Connection, snapshot: &ChangeId) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM snapshots_relied_on WHERE id = ?1)";
    Ok(conn
        .prepare_cached(sql)?
        .query_row([snapshot.as_bytes()], |row| row.get(0))?)
}

/// From now on its document is made from it, or no more. What it lists is not missing, though nobody may have it any more.
pub(crate) fn set_force(conn: &Connection, snapshot: &ChangeId, force: Force) -> Result<(), VaultError> {
    if force != Force::Not {
        for ((device, opening), numbers) in held_by(conn, snapshot)? {
            for range in numbers.ranges() {
                holes::fill_range(conn, &device, &opening, range)?;
            }
        }
    }
    conn.prepare_cached("UPDATE snapshots SET in_force = ?2 WHERE id = ?1")?
        .execute(params![snapshot.as_bytes(), force as i64])?;
    Ok(())
}

/// Every device of which a snapshot lists something.
pub(crate) fn writers(conn: &Connection) -> Result<Vec<DeviceId>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT device FROM snapshot_numbers ORDER BY device")?;
    let rows = statement.query_map([], |row| row.get(0).map(DeviceId::from_bytes))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Snapshots, each with the path of its document, and whether it was found tainted.
pub(crate) type Taints = BTreeMap<ChangeId, (String, bool)>;

/// The snapshots that list something of a device.
pub(crate) fn that_list(conn: &Connection, device: &DeviceId) -> Result<Taints, VaultError> {
    let sql = "SELECT DISTINCT s.id, s.path, s.tainted FROM snapshot_numbers n JOIN snapshots s ON s.id = n.snapshot
               WHERE n.device = ?1";
    taints(conn, sql, [device.as_bytes()])
}

/// The snapshots that were found tainted.
pub(crate) fn tainted(conn: &Connection) -> Result<Taints, VaultError> {
    taints(conn, "SELECT id, path, tainted FROM snapshots WHERE tainted", [])
}

fn taints(conn: &Connection, sql: &str, of: impl Params) -> Result<Taints, VaultError> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(of, |row| {
        Ok((ChangeId::from_bytes(row.get(0)?), (row.get(1)?, row.get(2)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn set_tainted(conn: &Connection, snapshot: &ChangeId, tainted: bool) -> Result<(), VaultError> {
    conn.prepare_cached("UPDATE snapshots SET tainted = ?2 WHERE id = ?1")?
        .execute(params![snapshot.as_bytes(), tainted])?;
    Ok(())
}

/// Edits of a document that were put aside for this reason before they were opened.
pub(crate) fn put_aside_unopened(
    conn: &Connection,
    document: &DocumentId,
    reason: &str,
) -> Result<Vec<(ChangeId, Vec<u8>)>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, sealed FROM changes
         WHERE document = ?1 AND kind = ?2 AND verdict = ?3 AND am_hash IS NULL AND reason = ?4",
    )?;
    let of = params![
        document.as_bytes(),
        kind_code(ChangeKind::Change),
        Verdict::Quarantined as i64,
        reason
    ];
    let rows = statement.query_map(of, |row| Ok((ChangeId::from_bytes(row.get(0)?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The numbers that a snapshot lists.
pub(crate) fn held_by(conn: &Connection, snapshot: &ChangeId) -> Result<Held, VaultError> {
    let mut statement =
        conn.prepare_cached("SELECT device, opening, numbers FROM snapshot_numbers WHERE snapshot = ?1")?;
    let rows = statement.query_map([snapshot.as_bytes()], |row| {
        let of = (DeviceId::from_bytes(row.get(0)?), OpeningId::from_bytes(row.get(1)?));
        Ok((of, row.get::<_, Vec<u8>>(2)?))
    })?;
    rows.map(|row| {
        let (of, bytes) = row?;
        Ok((of, Numbers::decode(&bytes).ok_or(VaultError::Malformed("snapshot"))?))
    })
    .collect()
}

/// The numbers of a document's snapshots themselves, and of what confirms them: the next one makes them superfluous, and
/// whoever never had them must not miss them.
pub(crate) fn superseded(conn: &Connection, document: &DocumentId) -> Result<Held, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT c.device, c.opening, c.number FROM snapshots s JOIN changes c ON c.id = s.id
         WHERE s.document = ?1 AND c.verdict = ?2
         UNION SELECT c.device, c.opening, c.number FROM snapshots s JOIN confirmations f ON f.snapshot = s.id
         JOIN changes c ON c.id = f.change WHERE s.document = ?1 AND c.verdict = ?2",
    )?;
    let rows = statement.query_map(params![document.as_bytes(), Verdict::Applied as i64], |row| {
        let of = (DeviceId::from_bytes(row.get(0)?), OpeningId::from_bytes(row.get(1)?));
        Ok((of, count(row, 2)?))
    })?;
    let mut held = Held::new();
    for row in rows {
        let (of, number) = row?;
        numbers::add(&mut held, &Held::from([(of, Numbers::of([number]))]));
    }
    Ok(held)
}

/// The documents of these snapshots.
pub(crate) fn documents_of(conn: &Connection, snapshots: &[[u8; 32]]) -> Result<BTreeSet<DocPath>, VaultError> {
    let mut path_of = conn.prepare_cached("SELECT path FROM snapshots WHERE id = ?1")?;
    let mut paths = BTreeSet::new();
    for snapshot in snapshots {
        let path: Option<String> = path_of.query_row([snapshot], |row| row.get(0)).optional()?;
        paths.extend(path.and_then(|path| path.parse::<DocPath>().ok()));
    }
    Ok(paths)
}

/// The document in which a change stands, if there are snapshots of it.
pub(crate) fn path_of(conn: &Connection, id: &ChangeId) -> Result<Option<DocPath>, VaultError> {
    let sql = "SELECT s.path FROM changes c JOIN snapshots s ON s.document = c.document WHERE c.id = ?1 LIMIT 1";
    let path: Option<String> = conn
        .prepare_cached(sql)?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(path.and_then(|path| path.parse().ok()))
}

/// Forgets everything that was read: it is read anew. What was thrown away stays known, and that something was covered
/// (0: since nobody knows when), so that nobody is told twice.
pub(crate) fn forget_all(conn: &Connection) -> Result<(), VaultError> {
    conn.execute_batch(
        "DELETE FROM snapshots; DELETE FROM snapshot_numbers; DELETE FROM confirmations;
         UPDATE changes SET covered_by = NULL, covered_ms = coalesce(covered_ms, 0) WHERE covered_by IS NOT NULL;",
    )?;
    Ok(())
}
