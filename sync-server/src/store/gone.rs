//! Changes that a snapshot covers, and changes that were erased: what the relay still keeps of them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use seal::{SealedChange, TenantId};
use sync_protocol::RelayStoreFailed;

use super::Store;
use super::feeds::less_bytes;
use super::sql::{Scope, Sql, SqlResult, values};

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
        self.write(Scope::House, |sql| drop_covered(sql, now_ms))
    }

    /// Between two jobs, once an hour: a thousand at a time, so that nobody waits for long.
    pub(crate) fn keep_house(&mut self, now_ms: i64) {
        if self.kept_house.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        let covered = self.drop_covered(now_ms).map(|n| n as i64 == A_BATCH);
        let kept = covered.and_then(|more| Ok(self.expire_mail(now_ms)? | more));
        match kept {
            Ok(true) => {}
            Ok(false) => self.kept_house = Some(Instant::now()),
            Err(error) => {
                tracing::warn!(%error, "what is over stays for another hour");
                self.kept_house = Some(Instant::now());
            }
        }
    }
}

/// A snapshot covers this change: no longer given to whoever has not passed it. `false` when the clinic has none such here.
pub(super) fn cover(sql: &mut dyn Sql, tenant: &TenantId, id: &[u8; 32], now_ms: i64) -> SqlResult<bool> {
    let cover = "UPDATE change SET covered_ms = coalesce(covered_ms, ?3) WHERE id = ?2 AND tenant = ?1";
    Ok(sql.execute(cover, &values![tenant, id, now_ms])? > 0)
}

/// The change was erased: its body goes now. `false` when the clinic has none such here.
pub(super) fn erase(sql: &mut dyn Sql, tenant: &TenantId, id: &[u8; 32], now_ms: i64) -> SqlResult<bool> {
    let select = "SELECT bytes FROM change WHERE id = ?2 AND tenant = ?1";
    let Some(mut held) = sql.row(select, &values![tenant, id])? else {
        return Ok(false);
    };
    let bytes = held.bytes(0)?;
    let kept = bodyless(&bytes);
    less_bytes(sql, tenant, bytes.len().saturating_sub(kept.len()) as u64)?;
    let erase = "UPDATE change SET bytes = ?3, erased_ms = coalesce(erased_ms, ?4) WHERE id = ?2 AND tenant = ?1";
    sql.execute(erase, &values![tenant, id, &kept, now_ms])?;
    Ok(true)
}

/// What is kept of a change that was erased.
pub(super) fn bodyless(bytes: &[u8]) -> Vec<u8> {
    match SealedChange::decode(bytes) {
        Ok(change) => change.without_body().encode(),
        // Empty: a covered change whose time was over.
        Err(_) => bytes.to_vec(),
    }
}

/// Drops the bodies of changes that were covered long ago; gives how many. Their ids stay, so that none comes again.
fn drop_covered(sql: &mut dyn Sql, now_ms: i64) -> SqlResult<usize> {
    let over = "SELECT tenant, position, length(bytes) FROM change
                WHERE covered_ms IS NOT NULL AND length(bytes) > 0 AND covered_ms <= ?1 LIMIT ?2";
    // Another node may do the same at this moment: what counts is what was dropped here.
    let drop = "UPDATE change SET bytes = ?4 WHERE tenant = ?1 AND position = ?2 AND length(bytes) = ?3";
    let until_ms = now_ms.saturating_sub(KEEP_COVERED_MS);
    let (mut n_dropped, mut freed) = (0, BTreeMap::<[u8; 32], u64>::new());
    for mut row in sql.rows(over, &values![until_ms, A_BATCH])? {
        let (tenant, at, n_bytes) = (row.array(0)?, row.position(1)?, row.position(2)?);
        if sql.execute(drop, &values![&tenant, at, n_bytes, &[0_u8; 0]])? > 0 {
            n_dropped += 1;
            *freed.entry(tenant).or_default() += n_bytes;
        }
    }
    // Not in the row of the feed: whoever writes there meanwhile does not wait for this.
    let free = "INSERT INTO freed (tenant, n_bytes) VALUES (?1, ?2)
                ON CONFLICT (tenant) DO UPDATE SET n_bytes = freed.n_bytes + ?2";
    for (tenant, n_bytes) in &freed {
        sql.execute(free, &values![tenant, *n_bytes])?;
    }
    Ok(n_dropped)
}
