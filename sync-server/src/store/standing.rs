//! Clinics that are not served: suspending one, serving it again, and removing one with all that is here of it.

use seal::TenantId;
use sync_protocol::RelayStoreFailed;

use super::operator_audit::note;
use super::sql::{Scope, Sql, SqlResult, values};
use super::{ClinicError, Store, plans};

const STATE_SUSPENDED: i64 = 1;
const STATE_REMOVED: i64 = 2;

/// Rows that go in one transaction, so that nobody waits for long.
const A_BATCH: usize = 2_000;

/// What is deleted of a removed clinic, in this order. What other clinics' feeds name stays: its grants to them and the
/// revocations of those. So does its chain of audit lines: the other half of lines is in other clinics' chains. None of them
/// says more than opaque ids.
const DELETED: [&str; 20] = [
    "DELETE FROM change WHERE tenant = ?1 AND position IN (SELECT position FROM change WHERE tenant = ?1 LIMIT 2000)",
    "DELETE FROM release_for WHERE grant_id IN (SELECT id FROM given WHERE source = ?1)",
    "DELETE FROM release WHERE source = ?1 AND id IN (SELECT id FROM release WHERE source = ?1 LIMIT 2000)",
    "DELETE FROM given WHERE source = ?1 AND recipient = ?1",
    "DELETE FROM revocation WHERE source = ?1
         AND NOT EXISTS (SELECT 1 FROM given WHERE given.source = ?1 AND given.id = revocation.id)",
    "DELETE FROM consent WHERE tenant = ?1",
    "DELETE FROM tombstone WHERE tenant = ?1 AND id IN (SELECT id FROM tombstone WHERE tenant = ?1 LIMIT 2000)",
    "DELETE FROM chunk WHERE tenant = ?1 AND name IN (SELECT name FROM chunk WHERE tenant = ?1 LIMIT 2000)",
    "DELETE FROM forgotten WHERE tenant = ?1",
    "DELETE FROM held WHERE tenant = ?1",
    "DELETE FROM heard WHERE source = ?1",
    "DELETE FROM closed WHERE source = ?1",
    "DELETE FROM seen WHERE tenant = ?1",
    "DELETE FROM seat WHERE tenant = ?1",
    "DELETE FROM usage_said WHERE tenant = ?1",
    "DELETE FROM usage_day WHERE tenant = ?1",
    "DELETE FROM usage_counted WHERE tenant = ?1",
    "DELETE FROM freed WHERE tenant = ?1",
    "DELETE FROM statement WHERE tenant = ?1",
    "DELETE FROM head WHERE tenant = ?1 AND feed <> 2",
];

/// Whether a clinic is served, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Standing {
    /// It is.
    #[default]
    Good,
    /// The operator has suspended it.
    Suspended {
        /// Since when, milliseconds since 1970, UTC.
        since_ms: i64,
        /// In the operator's words.
        why: String,
    },
    /// The operator has removed it.
    Removed {
        /// When, milliseconds since 1970, UTC.
        since_ms: i64,
        /// Whether the last of its data is gone.
        is_gone: bool,
    },
}

impl Store {
    /// Serves a clinic no more until [`Store::reactivate_clinic`]. Its data stays, and so do its devices' own.
    ///
    /// # Errors
    /// [`ClinicError`].
    pub fn suspend_clinic(&mut self, number: i64, why: &str, by: &str, now_ms: i64) -> Result<TenantId, ClinicError> {
        let done = self.write(Scope::House, |sql| {
            let Some(tenant) = joined(sql, number)? else {
                return Ok(Err(ClinicError::NotJoined));
            };
            let insert =
                "INSERT INTO standing (tenant, state, since_ms, why) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            if sql.execute(insert, &values![&tenant, STATE_SUSPENDED, now_ms, why])? == 0 {
                return Ok(Err(ClinicError::NotServed));
            }
            note(sql, (by, now_ms), "clinic_suspended", &number.to_string())?;
            Ok(Ok(tenant))
        })?;
        self.suspended.extend(done.as_ref().ok());
        done
    }

    /// Serves a suspended clinic again.
    ///
    /// # Errors
    /// [`ClinicError`].
    pub fn reactivate_clinic(&mut self, number: i64, by: &str, now_ms: i64) -> Result<TenantId, ClinicError> {
        let done = self.write(Scope::House, |sql| {
            let Some(tenant) = joined(sql, number)? else {
                return Ok(Err(ClinicError::NotJoined));
            };
            let delete = "DELETE FROM standing WHERE tenant = ?1 AND state = ?2";
            if sql.execute(delete, &values![&tenant, STATE_SUSPENDED])? == 0 {
                return Ok(Err(ClinicError::NotSuspended));
            }
            note(sql, (by, now_ms), "clinic_reactivated", &number.to_string())?;
            Ok(Ok(tenant))
        })?;
        if let Ok(tenant) = &done {
            self.suspended.remove(tenant);
        }
        done
    }

    /// Removes a suspended clinic, or takes one off the list that never joined. Of one that had joined the rows are still
    /// there: [`Store::drop_removed`] deletes them, and whoever calls this deletes its objects.
    ///
    /// # Errors
    /// [`ClinicError`].
    pub fn remove_clinic(&mut self, number: i64, by: &str, now_ms: i64) -> Result<Option<TenantId>, ClinicError> {
        let tenant = self.read(Scope::House, |sql| joined(sql, number))?;
        let Some(tenant) = tenant else {
            return self.write(Scope::House, |sql| {
                sql.execute("DELETE FROM invitation WHERE clinic = ?1", &values![number])?;
                let delete = "DELETE FROM clinic WHERE number = ?1 AND tenant IS NULL";
                if sql.execute(delete, &values![number])? == 0 {
                    return Ok(Err(ClinicError::Unknown));
                }
                plans::end(sql, number, now_ms)?;
                note(sql, (by, now_ms), "clinic_removed", &number.to_string())?;
                Ok(Ok(None))
            })?;
        };
        self.write(Scope::House, |sql| {
            let remove = "UPDATE standing SET state = ?2, since_ms = ?3, why = '' WHERE tenant = ?1 AND state = 1";
            if sql.execute(remove, &values![&tenant, STATE_REMOVED, now_ms])? == 0 {
                return Ok(Err(ClinicError::NotSuspended));
            }
            sql.execute("DELETE FROM invitation WHERE clinic = ?1", &values![number])?;
            plans::end(sql, number, now_ms)?;
            note(sql, (by, now_ms), "clinic_removed", &number.to_string())?;
            Ok(Ok(Some(tenant)))
        })?
    }

    /// Deletes some of what a removed clinic left here; whether there is more. Of a clinic that was not removed nothing.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn drop_removed(&mut self, tenant: &TenantId) -> Result<bool, RelayStoreFailed> {
        let more = self.write(Scope::Clinic(tenant), |sql| {
            if !was_removed(sql, tenant)? {
                return Ok(false);
            }
            let mut n_gone = 0;
            for delete in DELETED {
                n_gone += sql.execute(delete, &values![tenant])?;
                if n_gone >= A_BATCH {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        if !more {
            self.write(Scope::House, |sql| drop_mail(sql, tenant))?;
        }
        self.rosters().remove(tenant);
        self.looked.remove(tenant);
        Ok(more)
    }

    /// The last of a removed clinic's data is gone.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn note_gone(&mut self, tenant: &TenantId, now_ms: i64) -> Result<(), RelayStoreFailed> {
        let gone = "UPDATE standing SET gone_ms = ?2 WHERE tenant = ?1 AND state = 2";
        self.write(Scope::House, |sql| sql.execute(gone, &values![tenant, now_ms]))?;
        Ok(())
    }

    /// Clinics that were removed, and whether the last of their data is gone.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn removed_clinics(&self) -> Result<Vec<(TenantId, bool)>, RelayStoreFailed> {
        let select = "SELECT tenant, gone_ms IS NOT NULL FROM standing WHERE state = 2";
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &[])?.into_iter();
            rows.map(|mut row| Ok((TenantId::from_bytes(row.array(0)?), row.flag(1)?)))
                .collect()
        })
    }
}

/// A removed clinic's letters, those to it, and its card. What waited for others does not count as waiting any more.
fn drop_mail(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<()> {
    if !was_removed(sql, tenant)? {
        return Ok(());
    }
    let waiting = "UPDATE mail_head SET waiting = waiting - (SELECT count(*) FROM mail
                       WHERE mail.recipient = mail_head.tenant AND mail.sender = ?1 AND mail.state = 0)
                   WHERE tenant IN (SELECT recipient FROM mail WHERE sender = ?1 AND state = 0)";
    sql.execute(waiting, &values![tenant])?;
    for delete in [
        "DELETE FROM mail WHERE sender = ?1 OR recipient = ?1",
        "DELETE FROM mail_head WHERE tenant = ?1",
        "DELETE FROM directory WHERE tenant = ?1",
    ] {
        sql.execute(delete, &values![tenant])?;
    }
    Ok(())
}

/// A row, if the clinic ?1 is not served.
pub(super) const SUSPENDED: &str = "SELECT 1 FROM standing WHERE tenant = ?1";

/// Whether the operator has removed it.
pub(super) fn was_removed(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<bool> {
    sql.exists(
        "SELECT 1 FROM standing WHERE tenant = ?1 AND state = 2",
        &values![tenant],
    )
}

/// All that are not served.
pub(super) fn all(sql: &mut dyn Sql) -> SqlResult<Vec<TenantId>> {
    let rows = sql.rows("SELECT tenant FROM standing", &[])?.into_iter();
    rows.map(|mut row| row.array(0).map(TenantId::from_bytes)).collect()
}

fn joined(sql: &mut dyn Sql, number: i64) -> SqlResult<Option<TenantId>> {
    let row = sql.row("SELECT tenant FROM clinic WHERE number = ?1", &values![number])?;
    let tenant = row.map_or(Ok(None), |mut row| row.maybe_array(0))?;
    Ok(tenant.map(TenantId::from_bytes))
}
