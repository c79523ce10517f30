//! What a device does for its store when nobody waits: snapshots, confirmations, and throwing away what is covered.
//!
//! Each step is a short write of its own, so that whoever saves something waits for one of them at most; each may be cut by
//! a kill, and the next call goes on.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use seal::{ChangeId, ChangeKind, DocumentId};

use super::due::{self, Closed};
use crate::documents::DocPath;
use crate::facts::kind::NOTE_SIGNED;
use crate::outbox::{self, Kind};
use crate::set::kind_code;
use crate::{Reading, Vault, VaultError, Writing, kill};

/// How long what is covered is kept, in milliseconds: thirty days.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// As many changes as one call looks at, to find documents of which a snapshot may be due.
const LOOKED_AT: i64 = 2_000;
/// As many covered changes as one call throws away.
const DROPPED: i64 = 500;
/// So long nobody but the device that wrote most to a day's queue is to close it, in days.
const DAYS_TO_WAIT: usize = 2;
/// So many days back it is looked whether a day's queue was closed.
const DAYS_BACK: usize = 7;

/// What one call of [`Vault::housekeeping`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Housekept {
    /// Snapshots that were made.
    pub n_made: usize,
    /// Snapshots of others that were confirmed.
    pub n_confirmed: usize,
    /// Covered changes that were thrown away.
    pub n_dropped: usize,
    /// There is more to do: call again.
    pub more: bool,
}

impl Vault {
    /// Makes snapshots that are due, confirms others', and throws away what has been covered for thirty days: at most `max`
    /// documents of each. Call it when nothing else is to be done.
    ///
    /// A clinic of one device makes none and throws nothing away: nobody could confirm.
    ///
    /// # Errors
    /// Every [`VaultError`]; what was done before stays done.
    pub fn housekeeping(&self, max: usize) -> Result<Housekept, VaultError> {
        self.look_for_room();
        let belonging = self.belonging();
        let mut done = Housekept::default();
        if !belonging.is_member() || belonging.membership.devices().nth(1).is_none() {
            return Ok(done);
        }
        let unconfirmed = self.read(|r| r.unconfirmed(max))?;
        if !unconfirmed.is_empty() {
            done.n_confirmed = self.write(None, |w| w.confirm_snapshots(&unconfirmed))?;
        }
        let relied_on = self.read(|r| r.relied_on_in_silence(max))?;
        if !relied_on.is_empty() {
            self.write(None, |w| w.vouch(&relied_on))?;
        }
        let (paths, looked_up_to, all_seen) = self.read(|r| r.documents_due(max))?;
        for path in &paths {
            done.n_made += usize::from(self.write(None, |w| w.make_snapshot(*path))?.is_some());
        }
        if let Some(place) = looked_up_to {
            self.write(None, |w| remember_place(w.conn(), place))?;
        }
        if self.read(|r| r.any_to_drop())? {
            done.n_dropped = self.write(None, |w| w.drop_covered())?;
        }
        done.more = (unconfirmed.len() == max && done.n_confirmed > 0) || !all_seen || done.n_dropped as i64 == DROPPED;
        Ok(done)
    }
}

impl Reading<'_> {
    /// At most `max` documents of which this device is to make a snapshot; up to which change was looked; and whether that
    /// is all there is.
    fn documents_due(&self, max: usize) -> Result<(Vec<DocPath>, Option<i64>, bool), VaultError> {
        let today = self.today()?;
        let mut due = Vec::new();
        let mut day = today;
        for days_ago in 1..=DAYS_BACK {
            let Ok(before) = day.0.yesterday() else { break };
            day.0 = before;
            let closed = if days_ago < DAYS_TO_WAIT {
                Closed::ByOthers
            } else {
                Closed::ByThisDevice
            };
            if due.len() < max && self.is_due(&DocPath::Day(day), closed)? {
                due.push(DocPath::Day(day));
            }
        }
        let from = place(self.conn())?;
        let sql = "SELECT c.arrival, c.document, d.path FROM changes c LEFT JOIN p_documents d ON d.id = c.document
                   WHERE c.arrival > ?1 ORDER BY c.arrival LIMIT ?2";
        let came = self.many(sql, params![from, LOOKED_AT], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                DocumentId::from_bytes(row.get(1)?),
                row.get::<_, Option<String>>(2)?,
            ))
        })?;
        let all_seen = (came.len() as i64) < LOOKED_AT;
        let (mut seen, mut up_to) = (BTreeSet::new(), None);
        for (arrival, document, path) in came {
            if due.len() >= max {
                return Ok((due, up_to, false));
            }
            up_to = Some(arrival);
            let path = path.and_then(|path| path.parse::<DocPath>().ok());
            if let Some(path) = path.filter(|_| seen.insert(document))
                && !due.contains(&path)
                && self.is_due(&path, self.closed(&path)?)?
            {
                due.push(path);
            }
        }
        Ok((due, up_to, all_seen))
    }

    fn any_to_drop(&self) -> Result<bool, VaultError> {
        let now_ms = self.now().as_millisecond();
        let sql = "SELECT EXISTS (SELECT 1 FROM changes WHERE covered_by IS NOT NULL
                                  AND (covered_ms IS NULL OR covered_ms > ?1 OR covered_ms <= ?2))";
        let found = self.one(sql, [now_ms, now_ms - KEPT_MS], |row| Ok(row.get(0)?))?;
        Ok(found.unwrap_or(false))
    }

    fn is_due(&self, path: &DocPath, closed: Closed) -> Result<bool, VaultError> {
        let belonging = self.belonging();
        let document = crate::writing::document_id(&belonging, &path.to_string());
        let fresh = due::fresh(self.conn(), &document)?;
        let is_member = |device: &_| belonging.membership.device(device).is_some();
        Ok(due::due(&fresh, closed, &belonging.device, is_member))
    }

    fn closed(&self, path: &DocPath) -> Result<Closed, VaultError> {
        let belonging = self.belonging();
        match path {
            DocPath::Visit(_, visit) => {
                let sql = "SELECT device FROM p_facts WHERE visit = ?1 AND kind = ?2 ORDER BY at_ms, id LIMIT 1";
                let signed_on: Option<[u8; 32]> =
                    self.one(sql, params![visit.as_bytes(), NOTE_SIGNED], |row| Ok(row.get(0)?))?;
                Ok(match signed_on {
                    Some(device) if device == *belonging.device.as_bytes() => Closed::ByThisDevice,
                    Some(_) => Closed::ByOthers,
                    None => Closed::Not,
                })
            }
            DocPath::Day(day) if *day < self.today()? => Ok(Closed::ByOthers),
            _ => Ok(Closed::Not),
        }
    }
}

impl Writing<'_> {
    /// Notes since when changes are covered, and throws away what has been for thirty days; gives how many.
    fn drop_covered(&mut self) -> Result<usize, VaultError> {
        let (conn, now_ms) = (self.conn(), self.now().as_millisecond());
        // A time that is still to come was noted by a clock that was wrong.
        conn.prepare_cached(
            "UPDATE changes SET covered_ms = ?1
             WHERE covered_by IS NOT NULL AND (covered_ms IS NULL OR covered_ms = 0 OR covered_ms > ?1)",
        )?
        .execute([now_ms])?;
        let sql = "SELECT id, kind, covered_by FROM changes
                   WHERE covered_by IS NOT NULL AND covered_ms <= ?1 ORDER BY covered_ms LIMIT ?2";
        let old = self.many(sql, params![now_ms - KEPT_MS, DROPPED], |row| {
            Ok((
                ChangeId::from_bytes(row.get(0)?),
                row.get::<_, i64>(1)?,
                row.get::<_, [u8; 32]>(2)?,
            ))
        })?;
        for (id, kind, by) in &old {
            conn.prepare_cached("INSERT OR IGNORE INTO snapshots_relied_on (id) VALUES (?1)")?
                .execute([by])?;
            if *kind == kind_code(ChangeKind::Snapshot) {
                forget(conn, id)?;
            }
            conn.prepare_cached("DELETE FROM changes WHERE id = ?1")?
                .execute([id.as_bytes()])?;
            outbox::forget(conn, Kind::Change, id.as_bytes())?;
        }
        kill::point("snapshot.dropped");
        Ok(old.len())
    }
}

/// Forgets what was read of a snapshot or a confirmation whose body goes.
fn forget(conn: &Connection, id: &ChangeId) -> Result<(), VaultError> {
    for sql in [
        "DELETE FROM snapshots WHERE id = ?1",
        "DELETE FROM snapshot_numbers WHERE snapshot = ?1",
        "DELETE FROM confirmations WHERE change = ?1",
        "DELETE FROM snapshots_relied_on WHERE id = ?1",
    ] {
        conn.prepare_cached(sql)?.execute([id.as_bytes()])?;
    }
    Ok(())
}

fn place(conn: &Connection) -> Result<i64, VaultError> {
    let place = conn
        .query_row("SELECT value FROM meta WHERE key = 'snapshots_looked'", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(place.unwrap_or(0))
}

fn remember_place(conn: &Connection, place: i64) -> Result<(), VaultError> {
    conn.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('snapshots_looked', ?1)",
        [place],
    )?;
    Ok(())
}

impl Vault {
    /// What is covered and still here. For tests.
    #[doc(hidden)]
    pub fn covered_changes(&self) -> Result<Vec<ChangeId>, VaultError> {
        let sql = "SELECT id FROM changes WHERE covered_by IS NOT NULL";
        self.read(|r| r.many(sql, [], |row| Ok(ChangeId::from_bytes(row.get(0)?))))
    }

    /// Makes a snapshot of every document, due or not. For tests.
    #[doc(hidden)]
    pub fn snapshot_everything(&self) -> Result<usize, VaultError> {
        let paths = self.read(|r| {
            r.many("SELECT path FROM p_documents ORDER BY path", [], |row| {
                Ok(row.get::<_, String>(0)?)
            })
        })?;
        let mut n_made = 0;
        for path in paths.iter().filter_map(|path| path.parse::<DocPath>().ok()) {
            n_made += usize::from(self.write(None, |w| w.make_snapshot(path))?.is_some());
        }
        Ok(n_made)
    }
}
