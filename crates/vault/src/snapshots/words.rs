//! Words for snapshots: who says that one is what its own changes make, and when a word is of no use any more.

use rusqlite::{Connection, params};
use seal::{ChangeId, ChangeKind, DeviceId};

use super::covering::{is_listed_by, is_live};
use super::rows::held_by;
use crate::VaultError;
use crate::judge::AFTER_REMOVAL;
use crate::set::{Verdict, by_number, kind_code};

/// What somebody's word for a snapshot is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    /// Nothing: nobody knows whose it is, or it cannot be read.
    Nothing,
    /// It was said after a removal that its device was meant by: a person must look at it.
    TooLate,
    /// It counts.
    InTime,
}

impl Said {
    /// By the verdict on the sealed change that says so, and whether it was put aside for coming after a removal.
    pub(crate) fn of(verdict: i64, is_late: bool) -> Self {
        match (verdict == Verdict::Quarantined as i64, is_late) {
            (false, _) => Self::InTime,
            (true, true) => Self::TooLate,
            (true, false) => Self::Nothing,
        }
    }
}

/// Writes down what a confirmation names.
pub(crate) fn confirm(conn: &Connection, change: &ChangeId, snapshots: &[[u8; 32]]) -> Result<(), VaultError> {
    let mut insert = conn.prepare_cached("INSERT OR IGNORE INTO confirmations (snapshot, change) VALUES (?1, ?2)")?;
    for snapshot in snapshots {
        insert.execute(params![snapshot, change.as_bytes()])?;
    }
    Ok(())
}

/// Who says that a snapshot is what its own changes make, and what that is worth.
pub(crate) fn about(conn: &Connection, snapshot: &ChangeId) -> Result<Vec<(DeviceId, Said)>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT c.device, c.verdict, c.reason IS ?2 FROM confirmations f JOIN changes c ON c.id = f.change
         WHERE f.snapshot = ?1",
    )?;
    let rows = statement.query_map(params![snapshot.as_bytes(), AFTER_REMOVAL], |row| {
        Ok((DeviceId::from_bytes(row.get(0)?), Said::of(row.get(1)?, row.get(2)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether this device has confirmed it: then it is this device that tells the relay what is covered.
pub(crate) fn is_confirmed_by(conn: &Connection, snapshot: &ChangeId, device: &DeviceId) -> Result<bool, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM confirmations f JOIN changes c ON c.id = f.change
               WHERE f.snapshot = ?1 AND c.device = ?2)";
    Ok(conn
        .prepare_cached(sql)?
        .query_row(params![snapshot.as_bytes(), device.as_bytes()], |row| row.get(0))?)
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

/// The confirmations that are here and that a snapshot lists.
pub(crate) fn confirmations_listed(conn: &Connection, snapshot: &ChangeId) -> Result<Vec<ChangeId>, VaultError> {
    let mut find = conn.prepare_cached(&by_number(
        "id",
        "device = ?1 AND opening = ?2 AND number BETWEEN ?3 AND ?4 AND kind = ?5
         AND NOT EXISTS (SELECT 1 FROM snapshots s WHERE s.id = changes.id) AND verdict = ?6",
    ))?;
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

/// By which snapshot a confirmation is of no use any more: it lists it, and nothing that it names is live. One that was put
/// aside stays.
pub(crate) fn confirmation_goes_by(conn: &Connection, confirmation: &ChangeId) -> Result<Option<ChangeId>, VaultError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM changes WHERE id = ?1 AND verdict <> ?2)";
    let may_go: bool = conn
        .prepare_cached(sql)?
        .query_row(params![confirmation.as_bytes(), Verdict::Quarantined as i64], |row| {
            row.get(0)
        })?;
    if !may_go {
        return Ok(None);
    }
    for named in named_by(conn, confirmation)? {
        if is_live(conn, &ChangeId::from_bytes(named))? {
            return Ok(None);
        }
    }
    is_listed_by(conn, confirmation)
}
