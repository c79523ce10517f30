//! The tables of snapshots: what was read of them, who confirmed them, what they cover.

use std::collections::BTreeSet;

use automerge::ChangeHash;
use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, ChangeKind, DeviceId, DocumentId, Header, OpeningId};
use sync_protocol::PeerSet;

use super::numbers::{self, Held, Numbers};
use super::payload::SnapshotPayload;
use crate::documents::DocPath;
use crate::outbox::{self, Kind};
use crate::reading::count;
use crate::set::{Verdict, kind_code};
use crate::{VaultError, buckets, holes};

/// A snapshot that could be read.
pub(crate) struct Noted {
    pub id: ChangeId,
    pub device: DeviceId,
    opening: OpeningId,
    number: u64,
    pub heads: Vec<ChangeHash>,
    pub n_changes: u64,
    pub in_force: bool,
    pub tainted: bool,
    pub verdict: i64,
    pub covered_by: Option<ChangeId>,
}

impl Noted {
    /// Its own number.
    pub(crate) fn number(&self) -> Held {
        Held::from([((self.device, self.opening), Numbers::of([self.number]))])
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

pub(crate) fn confirm(conn: &Connection, change: &ChangeId, snapshots: &[[u8; 32]]) -> Result<(), VaultError> {
    let mut insert = conn.prepare_cached("INSERT OR IGNORE INTO confirmations (snapshot, change) VALUES (?1, ?2)")?;
    for snapshot in snapshots {
        insert.execute(params![snapshot, change.as_bytes()])?;
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
                c.opening, c.number
         FROM snapshots s JOIN changes c ON c.id = s.id WHERE s.document = ?1 ORDER BY s.n_changes DESC, s.id",
    )?;
    let rows = statement.query_map([document.as_bytes()], |row| {
        let heads: Vec<u8> = row.get(2)?;
        Ok(Noted {
            id: ChangeId::from_bytes(row.get(0)?),
            device: DeviceId::from_bytes(row.get(1)?),
            heads: heads.as_chunks::<32>().0.iter().map(|head| ChangeHash(*head)).collect(),
            n_changes: count(row, 3)?,
            in_force: row.get(4)?,
            tainted: row.get(5)?,
            verdict: row.get(6)?,
            covered_by: row.get::<_, Option<[u8; 32]>>(7)?.map(ChangeId::from_bytes),
            opening: OpeningId::from_bytes(row.get(8)?),
            number: count(row, 9)?,
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

/// Whether another device than its writer has confirmed it, as far as what was taken here tells.
pub(crate) fn is_confirmed(conn: &Connection, snapshot: &Noted) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM confirmations f JOIN changes c ON c.id = f.change
               WHERE f.snapshot = ?1 AND c.device <> ?2 AND c.verdict = ?3)";
    let of = params![
        snapshot.id.as_bytes(),
        snapshot.device.as_bytes(),
        Verdict::Applied as i64
    ];
    Ok(conn.prepare_cached(sql)?.query_row(of, |row| row.get(0))?)
}

/// Whether this device has confirmed it: then it is this device that tells the relay what is covered.
pub(crate) fn is_confirmed_by(conn: &Connection, snapshot: &ChangeId, device: &DeviceId) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM confirmations f JOIN changes c ON c.id = f.change
               WHERE f.snapshot = ?1 AND c.device = ?2)";
    Ok(conn
        .prepare_cached(sql)?
        .query_row(params![snapshot.as_bytes(), device.as_bytes()], |row| row.get(0))?)
}

/// Whether something that it covered was thrown away here.
pub(crate) fn is_relied_on(conn: &Connection, snapshot: &ChangeId) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM snapshots_relied_on WHERE id = ?1)";
    Ok(conn
        .prepare_cached(sql)?
        .query_row([snapshot.as_bytes()], |row| row.get(0))?)
}

/// From now on its document is made from it, or no more. What it lists is not missing, though nobody may have it any more.
pub(crate) fn set_in_force(conn: &Connection, snapshot: &ChangeId, in_force: bool) -> Result<(), VaultError> {
    if in_force {
        for ((device, opening), numbers) in held_by(conn, snapshot)? {
            for range in numbers.ranges() {
                holes::fill_range(conn, &device, &opening, range)?;
            }
        }
    }
    conn.prepare_cached("UPDATE snapshots SET in_force = ?2 WHERE id = ?1")?
        .execute(params![snapshot.as_bytes(), in_force])?;
    Ok(())
}

/// Every device of which a snapshot lists something.
pub(crate) fn writers(conn: &Connection) -> Result<Vec<DeviceId>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT device FROM snapshot_numbers ORDER BY device")?;
    let rows = statement.query_map([], |row| row.get(0).map(DeviceId::from_bytes))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The snapshots that list something of a device: with the path of their document, and whether they were found tainted.
pub(crate) fn that_list(conn: &Connection, device: &DeviceId) -> Result<Vec<(ChangeId, String, bool)>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT s.id, s.path, s.tainted FROM snapshot_numbers n JOIN snapshots s ON s.id = n.snapshot
         WHERE n.device = ?1 ORDER BY s.id",
    )?;
    let rows = statement.query_map([device.as_bytes()], |row| {
        Ok((ChangeId::from_bytes(row.get(0)?), row.get(1)?, row.get(2)?))
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

/// Whether every change that a snapshot lists is here.
pub(crate) fn all_are_here(conn: &Connection, held: &Held) -> Result<bool, VaultError> {
    let mut how_many = conn.prepare_cached(
        "SELECT count(DISTINCT number) FROM changes WHERE device = ?1 AND opening = ?2 AND number BETWEEN ?3 AND ?4",
    )?;
    for ((device, opening), numbers) in held {
        for (first, last) in numbers.ranges() {
            let bounds = [first, last].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
            let here = how_many.query_row(
                params![device.as_bytes(), opening.as_bytes(), bounds[0], bounds[1]],
                |row| count(row, 0),
            )?;
            if here <= last - first {
                return Ok(false);
            }
        }
    }
    Ok(true)
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

/// The snapshots that a confirmation names.
pub(crate) fn named_by(conn: &Connection, confirmation: &ChangeId) -> Result<Vec<[u8; 32]>, VaultError> {
    let mut statement =
        conn.prepare_cached("SELECT snapshot FROM confirmations WHERE change = ?1 ORDER BY snapshot")?;
    let rows = statement.query_map([confirmation.as_bytes()], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The confirmations that name a snapshot.
pub(crate) fn that_name(conn: &Connection, snapshot: &ChangeId) -> Result<Vec<ChangeId>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT change FROM confirmations WHERE snapshot = ?1")?;
    let rows = statement.query_map([snapshot.as_bytes()], |row| row.get(0).map(ChangeId::from_bytes))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A snapshot in force that lists a change which is here, if there is one.
pub(crate) fn is_listed_by(conn: &Connection, id: &ChangeId) -> Result<Option<ChangeId>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT n.snapshot, n.numbers, c.number FROM changes c
         JOIN snapshot_numbers n ON n.device = c.device AND n.opening = c.opening AND n.last >= c.number
         JOIN snapshots s ON s.id = n.snapshot
         WHERE c.id = ?1 AND s.in_force AND s.id <> c.id ORDER BY n.snapshot",
    )?;
    let mut rows = statement.query([id.as_bytes()])?;
    while let Some(row) = rows.next()? {
        let numbers: Vec<u8> = row.get(1)?;
        let numbers = Numbers::decode(&numbers).ok_or(VaultError::Malformed("snapshot"))?;
        if Numbers::of([count(row, 2)?]).are_among(&numbers) {
            return Ok(Some(ChangeId::from_bytes(row.get(0)?)));
        }
    }
    Ok(None)
}

/// The confirmations that are here and that a snapshot lists.
pub(crate) fn confirmations_listed(conn: &Connection, snapshot: &ChangeId) -> Result<Vec<ChangeId>, VaultError> {
    let mut find = conn.prepare_cached(
        "SELECT c.id FROM changes c WHERE c.device = ?1 AND c.opening = ?2 AND c.number BETWEEN ?3 AND ?4 AND c.kind = ?5
         AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.id = c.id) AND c.verdict = ?6",
    )?;
    let mut found = Vec::new();
    for ((device, opening), numbers) in held_by(conn, snapshot)? {
        for (first, last) in numbers.ranges() {
            let bounds = [first, last].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
            let kind = kind_code(ChangeKind::Snapshot);
            let of = params![
                device.as_bytes(),
                opening.as_bytes(),
                bounds[0],
                bounds[1],
                kind,
                Verdict::Applied as i64
            ];
            let rows = find.query_map(of, |row| row.get(0).map(ChangeId::from_bytes))?;
            found.extend(rows.collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(found)
}

/// By which snapshot a confirmation is of no use any more: it lists it, and nothing that it names is live.
pub(crate) fn confirmation_goes_by(conn: &Connection, confirmation: &ChangeId) -> Result<Option<ChangeId>, VaultError> {
    for named in named_by(conn, confirmation)? {
        if is_live(conn, &ChangeId::from_bytes(named))? {
            return Ok(None);
        }
    }
    is_listed_by(conn, confirmation)
}

/// Whether it is here, and not covered.
pub(crate) fn is_live(conn: &Connection, id: &ChangeId) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM changes WHERE id = ?1 AND covered_by IS NULL)";
    Ok(conn.prepare_cached(sql)?.query_row([id.as_bytes()], |row| row.get(0))?)
}

/// By what a change is covered; `None` also for one that is not here.
pub(crate) fn covered_by(conn: &Connection, id: &ChangeId) -> Result<Option<ChangeId>, VaultError> {
    let found: Option<Option<[u8; 32]>> = conn
        .prepare_cached("SELECT covered_by FROM changes WHERE id = ?1")?
        .query_row([id.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(found.flatten().map(ChangeId::from_bytes))
}

/// Writes down by what a change is covered from now on; it leaves the tree of what is live, or comes back into it.
/// `tell` puts it into the outbox, so that the relay gives it to nobody any more.
pub(crate) fn cover(
    conn: &Connection,
    id: &ChangeId,
    before: Option<ChangeId>,
    by: Option<ChangeId>,
    tell: bool,
) -> Result<(), VaultError> {
    if before == by {
        return Ok(());
    }
    // One that was covered before and is read anew keeps its time, and the relay was told of it.
    let since: Option<i64> = conn
        .prepare_cached(
            "UPDATE changes SET covered_by = ?2, covered_ms = iif(?2 IS NULL, NULL, covered_ms) WHERE id = ?1
             RETURNING covered_ms",
        )?
        .query_row(params![id.as_bytes(), by.map(|by| *by.as_bytes())], |row| row.get(0))?;
    match (before, by) {
        (None, Some(_)) => {
            buckets::remove(conn, PeerSet::Changes, &(*id).into())?;
            if tell && since.is_none() {
                outbox::put(conn, Kind::Covered, id.as_bytes())?;
            }
        }
        (Some(_), None) => {
            buckets::add(conn, PeerSet::Changes, &(*id).into())?;
            outbox::forget(conn, Kind::Covered, id.as_bytes())?;
            outbox::put(conn, Kind::Change, id.as_bytes())?;
        }
        _ => {}
    }
    Ok(())
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
