//! How the relay has been: samples once a minute, and when each device was here last. How its nodes are now is in
//! `health/nodes.rs`.

mod nodes;

pub use nodes::NodeSample;

use seal::{DeviceId, TenantId};
use sync_protocol::RelayStoreFailed;

use super::Store;
use super::sql::{Row, Scope, Sql, SqlResult, values};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Minutes are kept for two days, hours for 400.
const KEPT_MINUTES: i64 = 2 * 24 * 60;
const KEPT_HOURS: i64 = 400 * 24;

/// How finely samples are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Each minute, for two days.
    Minute,
    /// Each hour, for 400 days.
    Hour,
}

impl Span {
    /// How long one is, in milliseconds.
    pub fn ms(self) -> i64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::Hour => HOUR_MS,
        }
    }

    fn code(self) -> i64 {
        match self {
            Self::Minute => 0,
            Self::Hour => 1,
        }
    }
}

/// How all nodes together were in one minute or hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// Which: minutes or hours since 1970, UTC.
    pub at: i64,
    /// Minutes of it in which at least one node ran.
    pub n_minutes: u64,
    /// Connections, the most.
    pub connections: u64,
    /// Proven devices, the most.
    pub members: u64,
    /// Changes that came.
    pub changes: u64,
    /// Connections that were refused.
    pub refused: u64,
    /// What had to wait or was turned away.
    pub limited: u64,
    /// Jobs that waited for the store, the most.
    pub queue: u64,
}

/// A device that is at a node, or was lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// Its clinic.
    pub tenant: TenantId,
    /// Which.
    pub device: DeviceId,
    /// Up to where it had its clinic's changes.
    pub changes: u64,
    /// Whether it is there now.
    pub is_here: bool,
}

impl Store {
    /// Keeps a minute of this node's, and forgets what is too old.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn keep_sample(&mut self, node: u32, sample: &Sample, now_ms: i64) -> Result<(), RelayStoreFailed> {
        self.write(Scope::House, |sql| {
            let kept = [(Span::Minute, KEPT_MINUTES), (Span::Hour, KEPT_HOURS)];
            for (span, kept) in kept {
                let at = now_ms.div_euclid(span.ms());
                put(sql, span, at, node, sample)?;
                let old = "DELETE FROM sample WHERE span = ?1 AND at < ?2";
                sql.execute(old, &values![span.code(), at - kept])?;
            }
            Store::forget_tries(sql, now_ms)?;
            Store::forget_sessions(sql, now_ms)
        })
    }

    /// When `medieco-relay backup` last copied the file, milliseconds since 1970, UTC.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn last_backup_ms(&self) -> Result<Option<i64>, RelayStoreFailed> {
        self.read(Scope::House, |sql| {
            sql.the_row("SELECT backup_ms FROM relay", &[])?.maybe_int(0)
        })
    }

    /// Where the console is, as the last `serve` knew it.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn console_url(&self) -> Result<Option<String>, RelayStoreFailed> {
        self.read(Scope::House, |sql| {
            sql.the_row("SELECT console_url FROM relay", &[])?.maybe_text(0)
        })
    }

    /// Remembers where the console is.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn set_console_url(&mut self, url: &str) -> Result<(), RelayStoreFailed> {
        self.write(Scope::House, |sql| {
            sql.execute("UPDATE relay SET console_url = ?1", &values![url])
        })?;
        Ok(())
    }

    /// Samples since then (milliseconds since 1970, UTC), the oldest first; where none is, no node ran.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn samples(&self, span: Span, since_ms: i64) -> Result<Vec<Sample>, RelayStoreFailed> {
        let select = "SELECT at, CAST(max(n_minutes) AS BIGINT), CAST(sum(connections) AS BIGINT),
                          CAST(sum(members) AS BIGINT), CAST(sum(changes) AS BIGINT), CAST(sum(refused) AS BIGINT),
                          CAST(sum(limited) AS BIGINT), CAST(max(queue) AS BIGINT)
                      FROM sample WHERE span = ?1 AND at >= ?2 GROUP BY at ORDER BY at";
        let since = since_ms.div_euclid(span.ms());
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &values![span.code(), since])?;
            rows.into_iter().map(|mut row| sample(&mut row)).collect()
        })
    }

    /// These devices were at this node at this time, or are at it.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn keep_seen(&mut self, node: u32, devices: &[Seen], at_ms: i64) -> Result<(), RelayStoreFailed> {
        // In one order, so that no two nodes wait for each other.
        let mut devices = devices.to_vec();
        devices.sort_unstable();
        self.write(Scope::House, |sql| {
            // One that had acknowledged nothing yet is where it was; one that went may have come to another node before.
            let put = "INSERT INTO seen (tenant, device, at_ms, changes, node) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (tenant, device) DO UPDATE SET at_ms = ?3,
                           changes = CASE WHEN ?4 > seen.changes THEN ?4 ELSE seen.changes END,
                           node = CASE WHEN ?5 IS NOT NULL THEN ?5 WHEN seen.node = ?6 THEN NULL ELSE seen.node END";
            let own = i64::from(node);
            for seen in &devices {
                let here = seen.is_here.then_some(own);
                let row = values![&seen.tenant, seen.device.as_bytes(), at_ms, seen.changes, here, own];
                sql.execute(put, &row)?;
            }
            Ok(())
        })
    }
}

fn put(sql: &mut dyn Sql, span: Span, at: i64, node: u32, sample: &Sample) -> SqlResult<()> {
    let put = "INSERT INTO sample (span, at, node, n_minutes, connections, members, changes, refused, limited, queue)
               VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8, ?9)
               ON CONFLICT (span, at, node) DO UPDATE SET n_minutes = sample.n_minutes + ?10,
                   connections = CASE WHEN ?4 > sample.connections THEN ?4 ELSE sample.connections END,
                   members = CASE WHEN ?5 > sample.members THEN ?5 ELSE sample.members END,
                   changes = sample.changes + ?6, refused = sample.refused + ?7, limited = sample.limited + ?8,
                   queue = CASE WHEN ?9 > sample.queue THEN ?9 ELSE sample.queue END";
    let more = i64::from(span == Span::Hour);
    let of_node = values![
        span.code(),
        at,
        i64::from(node),
        sample.connections,
        sample.members,
        sample.changes,
        sample.refused,
        sample.limited,
        sample.queue,
        more
    ];
    sql.execute(put, &of_node).map(drop)
}

/// Its columns come first.
fn sample(row: &mut Row) -> SqlResult<Sample> {
    Ok(Sample {
        at: row.int(0)?,
        n_minutes: row.position(1)?,
        connections: row.position(2)?,
        members: row.position(3)?,
        changes: row.position(4)?,
        refused: row.position(5)?,
        limited: row.position(6)?,
        queue: row.position(7)?,
    })
}
