//! Changes that a snapshot covers, and changes that were erased: what the relay still keeps of them.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use seal::{SealedChange, TenantId};
use sync_protocol::RelayStoreFailed;

use super::{Store, failed};

/// The body of a covered change stays so long, in milliseconds: 30 days.
const KEEP_COVERED_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Bodies that go in one transaction.
const A_BATCH: i64 = 1_000;

/// Bodies whose time is over are looked for so often.
const EVERY: Duration = Duration::from_secs(60 * 60);

impl Store {
    /// Drops the bodies of changes that snapshots have covered for 30 days; gives how many went, at most a thousand.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn drop_covered(&mut self, now_ms: i64) -> Result<usize, RelayStoreFailed> {
        drop_covered(&self.connection, now_ms).map_err(failed)
    }

    /// Between two jobs, once an hour: a thousand at a time, so that nobody waits for long.
    pub(crate) fn keep_house(&mut self, now_ms: i64) {
        if self.kept_house.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        match self.drop_covered(now_ms) {
            Ok(n) if n as i64 == A_BATCH => {}
            Ok(_) => self.kept_house = Some(Instant::now()),
            Err(error) => {
                tracing::warn!(%error, "bodies of covered changes stay for another hour");
                self.kept_house = Some(Instant::now());
            }
        }
    }
}

/// A snapshot covers this change: no longer given to whoever has not passed it. `false` when the clinic has none such here.
pub(super) fn cover(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    id: &[u8; 32],
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE change SET covered_ms = coalesce(covered_ms, ?3) WHERE id = ?2 AND tenant = ?1";
    let n = transaction
        .prepare_cached(sql)?
        .execute(params![tenant.as_bytes(), id, now_ms])?;
    Ok(n > 0)
}

/// The change was erased: its body goes now. `false` when the clinic has none such here.
pub(super) fn erase(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    id: &[u8; 32],
    now_ms: i64,
) -> rusqlite::Result<bool> {
    let sql = "SELECT bytes FROM change WHERE id = ?2 AND tenant = ?1";
    let held: Option<Vec<u8>> = transaction
        .prepare_cached(sql)?
        .query_row(params![tenant.as_bytes(), id], |row| row.get(0))
        .optional()?;
    let Some(bytes) = held else { return Ok(false) };
    let (kept, _) = bodyless(&bytes, true);
    let sql = "UPDATE change SET bytes = ?2, erased_ms = coalesce(erased_ms, ?3) WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute(params![id, kept, now_ms])?;
    Ok(true)
}

/// What is kept of a change, and whether it is without its body.
pub(super) fn bodyless(bytes: &[u8], erased: bool) -> (Vec<u8>, bool) {
    // Empty: a covered change whose time was over.
    let Ok(change) = SealedChange::decode(bytes) else {
        return (bytes.to_vec(), erased);
    };
    if erased || change.body().is_none() {
        (change.without_body().encode(), true)
    } else {
        (bytes.to_vec(), false)
    }
}

/// Drops the bodies of changes that were covered long ago; gives how many. Their ids stay, so that none comes again.
fn drop_covered(connection: &Connection, now_ms: i64) -> rusqlite::Result<usize> {
    let sql = "UPDATE change SET bytes = x'' WHERE rowid IN (SELECT rowid FROM change
               WHERE covered_ms IS NOT NULL AND length(bytes) > 0 AND covered_ms <= ?1 LIMIT ?2)";
    connection.execute(sql, params![now_ms.saturating_sub(KEEP_COVERED_MS), A_BATCH])
}
