//! What a snapshot covers: it leaves the live set, and comes back into it.

use rusqlite::{Connection, OptionalExtension, params};
use seal::ChangeId;
use sync_protocol::PeerSet;

use super::numbers::Numbers;
use crate::outbox::{self, Kind};
use crate::reading::count;
use crate::{VaultError, buckets};

/// A snapshot in force that lists a change which is here, if there is one.
pub(crate) fn is_listed_by(conn: &Connection, id: &ChangeId) -> Result<Option<ChangeId>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT n.snapshot, n.numbers, c.number FROM changes c
         JOIN snapshot_numbers n ON n.device = c.device AND n.opening = c.opening AND n.last >= c.number
         JOIN snapshots s ON s.id = n.snapshot
         WHERE c.id = ?1 AND s.in_force = 1 AND s.id <> c.id ORDER BY n.snapshot",
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
    buckets::count_in(conn)?;
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
