//! What a clinic used each day, for charts: kept for 400 days.

use jiff::civil::Date;
use seal::TenantId;
use sync_protocol::{AuditLine, AuditOutcome, RelayStore, RelayStoreFailed};

use super::Store;
use super::sql::{Scope, Sql, SqlResult, values};
use super::usage::free_seats;
use crate::calendar::{day_at, days_after};

/// Days that are kept.
pub const DAYS_KEPT: i64 = 400;

/// Lines of an audit chain that are counted in one transaction.
const LINES: u64 = 2_000;

/// One clinic's day; sums of several clinics' days are of this shape too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageDay {
    /// The day, as `2026-11-22`.
    pub day: String,
    /// Clinics that are in these sums.
    pub n_clinics: u64,
    /// Devices that are served, as they were seen last.
    pub n_devices: u64,
    /// Bytes that are stored, as they were seen last.
    pub n_bytes: u64,
    /// Messages from devices.
    pub n_requests: u64,
    /// Requests for releases that were permitted.
    pub n_permitted: u64,
    /// Requests for releases that were denied.
    pub n_denied: u64,
}

impl Store {
    /// So many messages came from these clinics' devices on the day of this moment.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn add_requests(&mut self, counts: &[(TenantId, u64)], now_ms: i64) -> Result<(), RelayStoreFailed> {
        let day = day_at(now_ms).to_string();
        let add = "INSERT INTO usage_day (tenant, day, n_requests) VALUES (?1, ?2, ?3)
                   ON CONFLICT (tenant, day) DO UPDATE SET n_requests = usage_day.n_requests + ?3";
        // Always in one order, so that no two nodes wait for each other.
        let mut counts = counts.to_vec();
        counts.sort_unstable();
        self.write(Scope::House, |sql| {
            for (tenant, n) in &counts {
                sql.execute(add, &values![tenant, day.as_str(), *n])?;
            }
            Ok(())
        })
    }

    /// Notes how a clinic stands today, counts what its audit chain has new, and forgets what is too old.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn note_day(&mut self, tenant: &TenantId, now_ms: i64) -> Result<(), RelayStoreFailed> {
        let usage = self.count_usage(tenant, now_ms)?;
        let today = day_at(now_ms);
        let (day, oldest) = (today.to_string(), days_after(today, -DAYS_KEPT).to_string());
        let note = "INSERT INTO usage_day (tenant, day, n_devices, n_staff, n_bytes) VALUES (?1, ?2, ?3, ?4, ?5)
                    ON CONFLICT (tenant, day) DO UPDATE SET n_devices = ?3, n_staff = ?4, n_bytes = ?5";
        let known = values![
            tenant,
            day.as_str(),
            usage.devices.used,
            usage.staff.used,
            usage.bytes.used
        ];
        let roster = self.roster(tenant)?;
        self.write(Scope::Clinic(tenant), |sql| {
            sql.execute(note, &known)?;
            if let Some(roster) = &roster {
                free_seats(sql, roster)?;
            }
            let forget = "DELETE FROM usage_day WHERE tenant = ?1 AND day < ?2";
            sql.execute(forget, &values![tenant, oldest.as_str()]).map(drop)
        })?;
        while self.write(Scope::Clinic(tenant), |sql| count_accesses(sql, tenant))? == LINES {}
        Ok(())
    }

    /// A clinic's days since this one, in their order. Days of which nothing is known are not among them.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn usage_days(&self, tenant: &TenantId, since: Date) -> Result<Vec<UsageDay>, RelayStoreFailed> {
        let select = "SELECT day, 1, coalesce(n_devices, 0), coalesce(n_bytes, 0), n_requests, n_permitted, n_denied
                      FROM usage_day WHERE tenant = ?1 AND day >= ?2 ORDER BY day";
        let since = since.to_string();
        self.read(Scope::Clinic(tenant), |sql| {
            days(sql.rows(select, &values![tenant, since.as_str()])?)
        })
    }

    /// All clinics' days since this one, summed up; a clinic counts on a day on which a device of it said something.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn network_days(&self, since: Date) -> Result<Vec<UsageDay>, RelayStoreFailed> {
        let select = "SELECT day, count(CASE WHEN n_requests > 0 THEN 1 END),
                          CAST(coalesce(sum(n_devices), 0) AS BIGINT), CAST(coalesce(sum(n_bytes), 0) AS BIGINT),
                          CAST(sum(n_requests) AS BIGINT), CAST(sum(n_permitted) AS BIGINT),
                          CAST(sum(n_denied) AS BIGINT)
                      FROM usage_day WHERE day >= ?1 GROUP BY day ORDER BY day";
        let since = since.to_string();
        self.read(Scope::House, |sql| days(sql.rows(select, &values![since.as_str()])?))
    }

    /// Clinics that have joined.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn joined_clinics(&self) -> Result<Vec<TenantId>, RelayStoreFailed> {
        let select = "SELECT tenant FROM clinic WHERE tenant IS NOT NULL ORDER BY number";
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &[])?.into_iter();
            rows.map(|mut row| row.array(0).map(TenantId::from_bytes)).collect()
        })
    }
}

fn days(rows: Vec<super::sql::Row>) -> SqlResult<Vec<UsageDay>> {
    let day = |mut row: super::sql::Row| {
        Ok(UsageDay {
            day: row.text(0)?,
            n_clinics: row.position(1)?,
            n_devices: row.position(2)?,
            n_bytes: row.position(3)?,
            n_requests: row.position(4)?,
            n_permitted: row.position(5)?,
            n_denied: row.position(6)?,
        })
    };
    rows.into_iter().map(day).collect()
}

/// Counts lines of the clinic's chain that are not counted yet; gives how many there were. Each access has its twin in the
/// other clinic's chain: the one that asked counts it.
fn count_accesses(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<u64> {
    // Its row is held to the end: another node does not count the same lines.
    let begin = "INSERT INTO usage_counted (tenant, number) VALUES (?1, 0) ON CONFLICT DO NOTHING";
    sql.execute(begin, &values![tenant])?;
    let row = sql.lock_row("SELECT number FROM usage_counted WHERE tenant = ?1", &values![tenant])?;
    let after = row.map(|mut row| row.position(0)).transpose()?.unwrap_or(0);
    let select = "SELECT line, number FROM audit WHERE tenant = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let rows = sql.rows(select, &values![tenant, after, LINES])?;
    let (n_lines, mut last) = (rows.len() as u64, after);
    for mut row in rows {
        last = row.position(1)?;
        let Ok(line) = AuditLine::decode(&row.bytes(0)?) else {
            continue;
        };
        if line.requester != *tenant {
            continue;
        }
        let day = day_at(line.at_ms).to_string();
        let is_permitted = i64::from(line.outcome == AuditOutcome::Permitted);
        let add = "INSERT INTO usage_day (tenant, day, n_permitted, n_denied) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (tenant, day) DO UPDATE SET n_permitted = usage_day.n_permitted + ?3,
                       n_denied = usage_day.n_denied + ?4";
        sql.execute(add, &values![tenant, day.as_str(), is_permitted, 1 - is_permitted])?;
    }
    sql.execute(
        "UPDATE usage_counted SET number = ?2 WHERE tenant = ?1",
        &values![tenant, last],
    )?;
    Ok(n_lines)
}
