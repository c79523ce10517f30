//! When a snapshot of a document is to be made, and by whom.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use seal::{ChangeKind, DeviceId, DocumentId};

use super::numbers::{self, Held, Numbers};
use super::rows::{self, Force};
use crate::VaultError;
use crate::reading::count;
use crate::set::{Verdict, kind_code};

/// What speaks for a snapshot: changes that neither a snapshot in force nor one that waits for a second device holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fresh {
    /// How many.
    pub n: u64,
    /// Their sealed bytes.
    pub n_bytes: u64,
    /// Who wrote them.
    pub writers: BTreeSet<DeviceId>,
}

/// Whether nobody will edit a document any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// Somebody may.
    Not,
    /// Nobody will, and this device is the one that closed it, or nobody else may be left to care.
    ByThisDevice,
    /// Nobody will; whoever is first makes the snapshot.
    ByOthers,
}

const MANY_CHANGES: u64 = 200;
const MANY_BYTES: u64 = 64 * 1024;
const FEW_CHANGES: u64 = 4;

/// Whether this device is to make a snapshot now. That of several devices one does it is good manners and no more: two
/// snapshots of one document do no harm.
pub(crate) fn due(fresh: &Fresh, closed: Closed, device: &DeviceId, is_member: impl Fn(&DeviceId) -> bool) -> bool {
    let is_first = fresh.writers.iter().find(|writer| is_member(writer)) == Some(device);
    let many = |times| 2 * fresh.n >= times * MANY_CHANGES || 2 * fresh.n_bytes >= times * MANY_BYTES;
    match closed {
        _ if many(3) => true,
        _ if many(2) && is_first => true,
        Closed::Not => false,
        Closed::ByThisDevice => fresh.n >= FEW_CHANGES,
        Closed::ByOthers => fresh.n >= FEW_CHANGES && is_first,
    }
}

/// Counts what speaks for a snapshot of this document.
pub(crate) fn fresh(conn: &Connection, document: &DocumentId) -> Result<Fresh, VaultError> {
    let mut listed = Held::new();
    for snapshot in rows::of_document(conn, document)? {
        // Nobody could confirm one that rested on it.
        if snapshot.force == Force::StandsIn {
            return Ok(Fresh::default());
        }
        if snapshot.verdict == Verdict::Applied as i64 && snapshot.covered_by.is_none() {
            numbers::add(&mut listed, &rows::held_by(conn, &snapshot.id)?);
        }
    }
    let mut statement = conn.prepare_cached(
        "SELECT device, opening, number, length(sealed) FROM changes
         WHERE document = ?1 AND kind = ?2 AND verdict = ?3 AND covered_by IS NULL",
    )?;
    let of = params![
        document.as_bytes(),
        kind_code(ChangeKind::Change),
        Verdict::Applied as i64
    ];
    let mut rows = statement.query(of)?;
    let mut fresh = Fresh::default();
    while let Some(row) = rows.next()? {
        let device = DeviceId::from_bytes(row.get(0)?);
        let opening = seal::OpeningId::from_bytes(row.get(1)?);
        let number = Numbers::of([count(row, 2)?]);
        if !listed
            .get(&(device, opening))
            .is_some_and(|listed| number.are_among(listed))
        {
            fresh.n += 1;
            fresh.n_bytes += count(row, 3)?;
            fresh.writers.insert(device);
        }
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(n: u64, n_bytes: u64, closed: Closed, writers: &[u8], expected: bool) {
        let device = |n: &u8| DeviceId::from_bytes([*n; 32]);
        let writers = writers.iter().map(device).collect();
        let fresh = Fresh { n, n_bytes, writers };
        let found = due(&fresh, closed, &device(&5), |writer| *writer != device(&1));
        assert_eq!(found, expected, "{fresh:?} {closed:?}");
    }

    #[test]
    fn a_snapshot_is_due_at_200_changes_or_64_kib_and_at_four_when_it_closes() {
        check(199, 65_535, Closed::Not, &[5], false);
        check(200, 1, Closed::Not, &[5], true);
        check(1, 65_536, Closed::Not, &[5], true);
        check(3, 1, Closed::ByThisDevice, &[5], false);
        check(4, 1, Closed::ByThisDevice, &[9], true);
        check(4, 1, Closed::ByOthers, &[5], true);
    }

    #[test]
    fn of_those_who_wrote_the_lowest_makes_it_unless_it_does_not_come_to_it() {
        check(200, 1, Closed::Not, &[3, 5], false);
        check(200, 1, Closed::Not, &[1, 5, 9], true); // 1 is no member any more
        check(200, 1, Closed::Not, &[9], false);
        check(300, 1, Closed::Not, &[3], true);
        check(4, 1, Closed::ByOthers, &[3, 5], false);
    }
}
