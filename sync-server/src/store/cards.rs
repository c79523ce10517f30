//! The operator's list as the console shows it.

use rand_core::CryptoRng;
use seal::{InvitationToken, TenantId};
use sync_protocol::RelayStoreFailed;

use super::clinics::invite;
use super::operator_audit::note;
use super::sql::{Row, Scope, Sql, SqlResult, values};
use super::{ClinicError, Standing, Store};

/// One clinic, as the console shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicCard {
    /// Its number on the list.
    pub number: i64,
    /// The operator's word for it.
    pub name: String,
    /// When it was put on the list, milliseconds since 1970, UTC.
    pub made_ms: i64,
    /// Its id, once it joined.
    pub tenant: Option<TenantId>,
    /// When it joined.
    pub joined_ms: Option<i64>,
    /// When its open invitation ends, or ended; `None` when none was made or all were used or revoked.
    pub invited_until_ms: Option<i64>,
    /// Whether it is served.
    pub standing: Standing,
    /// Nothing that it gives crosses, since the data was put back.
    pub closed: bool,
    /// The last position of its changes.
    pub changes: u64,
    /// Its chunks of attachments, in bytes.
    pub n_attachment_bytes: u64,
    /// When one of its devices was here last, to the minute.
    pub seen_ms: Option<i64>,
}

/// One device, as it was seen last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenDevice {
    /// When, milliseconds since 1970, UTC, to the minute.
    pub at_ms: i64,
    /// Up to where it had its clinic's changes.
    pub changes: u64,
}

/// A clinic's card as columns 0 to 13, then further columns and the rest of the statement. Invitations are kept, and read once for all
/// clinics.
macro_rules! cards {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT c.number, c.name, c.made_ms, c.tenant, c.joined_ms,
        i.until_ms,
        s.state, s.since_ms, s.why, s.gone_ms IS NOT NULL,
        EXISTS (SELECT 1 FROM closed WHERE source = c.tenant AND confirmed_by IS NULL),
        coalesce((SELECT position FROM head WHERE head.tenant = c.tenant AND feed = 0), 0),
        coalesce((SELECT n_bytes FROM held WHERE held.tenant = c.tenant), 0),
        (SELECT max(at_ms) FROM seen WHERE seen.tenant = c.tenant)",
            $columns,
            " FROM clinic c LEFT JOIN standing s ON s.tenant = c.tenant
        LEFT JOIN (SELECT clinic, max(expires_ms) AS until_ms FROM invitation
                   WHERE used_ms IS NULL AND replaced_ms IS NULL GROUP BY clinic) i ON i.clinic = c.number",
            $rest
        )
    };
}
pub(super) use cards;

impl Store {
    /// Clinics that have not joined, by name.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn invited_clinics(&self) -> Result<Vec<ClinicCard>, RelayStoreFailed> {
        let select = cards!("", " WHERE c.tenant IS NULL ORDER BY c.name");
        self.read(Scope::House, |sql| {
            sql.rows(select, &[])?.into_iter().map(card).collect()
        })
    }

    /// One clinic of the list.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn clinic_card(&self, number: i64) -> Result<Option<ClinicCard>, RelayStoreFailed> {
        let select = cards!("", " WHERE c.number = ?1");
        self.read(Scope::House, |sql| {
            sql.row(select, &values![number])?.map(card).transpose()
        })
    }

    /// A clinic's devices as they were seen last.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn seen_devices(&self, tenant: &TenantId) -> Result<Vec<([u8; 32], SeenDevice)>, RelayStoreFailed> {
        let select = "SELECT device, at_ms, changes FROM seen WHERE tenant = ?1";
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &values![tenant])?.into_iter();
            let seen = rows.map(|mut row| {
                let device = row.array(0)?;
                let (at_ms, changes) = (row.int(1)?, row.position(2)?);
                Ok((device, SeenDevice { at_ms, changes }))
            });
            seen.collect()
        })
    }

    /// Gives a clinic another name on the list.
    ///
    /// # Errors
    /// [`ClinicError`].
    pub fn rename_clinic(&mut self, number: i64, name: &str, by: &str, now_ms: i64) -> Result<(), ClinicError> {
        self.write(Scope::House, |sql| {
            let taken = "SELECT 1 FROM clinic WHERE name = ?2 AND number <> ?1";
            if sql.exists(taken, &values![number, name])? {
                return Ok(Err(ClinicError::NameTaken));
            }
            if sql.execute("UPDATE clinic SET name = ?2 WHERE number = ?1", &values![number, name])? == 0 {
                return Ok(Err(ClinicError::Unknown));
            }
            note(sql, (by, now_ms), "clinic_renamed", &number.to_string())?;
            Ok(Ok(()))
        })?
    }

    /// Puts a clinic on the list, with its invitation. Gives its number, the token and when that ends.
    ///
    /// # Errors
    /// [`ClinicError`].
    pub fn list_clinic(
        &mut self,
        name: &str,
        by: &str,
        now_ms: i64,
        rng: &mut impl CryptoRng,
    ) -> Result<(i64, InvitationToken, i64), ClinicError> {
        let token = InvitationToken::make(rng);
        let added = self.write(Scope::House, |sql| {
            let insert = "INSERT INTO clinic (name, made_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING number";
            let Some(mut row) = sql.row(insert, &values![name, now_ms])? else {
                return Ok(None);
            };
            let number = row.int(0)?;
            note(sql, (by, now_ms), "clinic_added", &number.to_string())?;
            Ok(Some((number, invite(sql, number, &token, now_ms)?)))
        })?;
        let (number, ends_ms) = added.ok_or(ClinicError::NameTaken)?;
        Ok((number, token, ends_ms))
    }

    /// Makes another invitation for a clinic that has not joined; older ones end. Gives its name, the token and when that
    /// ends.
    ///
    /// # Errors
    /// [`ClinicError`].
    pub fn invite_again(
        &mut self,
        number: i64,
        by: &str,
        now_ms: i64,
        rng: &mut impl CryptoRng,
    ) -> Result<(String, InvitationToken, i64), ClinicError> {
        let token = InvitationToken::make(rng);
        let invited = self.write(Scope::House, |sql| {
            let name = match not_joined(sql, number)? {
                Ok(name) => name,
                Err(error) => return Ok(Err(error)),
            };
            note(sql, (by, now_ms), "invitation_made", &number.to_string())?;
            Ok(Ok((name, invite(sql, number, &token, now_ms)?)))
        })?;
        invited.map(|(name, ends_ms)| (name, token, ends_ms))
    }

    /// Ends a clinic's open invitation.
    ///
    /// # Errors
    /// [`ClinicError`].
    pub fn revoke_invitation(&mut self, number: i64, by: &str, now_ms: i64) -> Result<(), ClinicError> {
        self.write(Scope::House, |sql| {
            if let Err(error) = not_joined(sql, number)? {
                return Ok(Err(error));
            }
            let end = "UPDATE invitation SET replaced_ms = ?2
                       WHERE clinic = ?1 AND used_ms IS NULL AND replaced_ms IS NULL";
            if sql.execute(end, &values![number, now_ms])? > 0 {
                note(sql, (by, now_ms), "invitation_revoked", &number.to_string())?;
            }
            Ok(Ok(()))
        })?
    }
}

fn not_joined(sql: &mut dyn Sql, number: i64) -> SqlResult<Result<String, ClinicError>> {
    let select = "SELECT name, tenant IS NOT NULL FROM clinic WHERE number = ?1";
    let Some(mut row) = sql.row(select, &values![number])? else {
        return Ok(Err(ClinicError::Unknown));
    };
    if row.flag(1)? {
        return Ok(Err(ClinicError::Joined));
    }
    row.text(0).map(Ok)
}

pub(super) fn card(mut row: Row) -> SqlResult<ClinicCard> {
    let since_ms = row.maybe_int(7)?.unwrap_or_default();
    let standing = match row.maybe_int(6)? {
        None => Standing::Good,
        Some(1) => Standing::Suspended {
            since_ms,
            why: row.text(8)?,
        },
        Some(_) => Standing::Removed {
            since_ms,
            is_gone: row.flag(9)?,
        },
    };
    Ok(ClinicCard {
        number: row.int(0)?,
        name: row.text(1)?,
        made_ms: row.int(2)?,
        tenant: row.maybe_array(3)?.map(TenantId::from_bytes),
        joined_ms: row.maybe_int(4)?,
        invited_until_ms: row.maybe_int(5)?,
        standing,
        closed: row.flag(10)?,
        changes: row.position(11)?,
        n_attachment_bytes: row.position(12)?,
        seen_ms: row.maybe_int(13)?,
    })
}
