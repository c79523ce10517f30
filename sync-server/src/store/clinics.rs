//! The operator's list of clinics, and the invitations by which they join.

use rand_core::CryptoRng;
use seal::{InvitationToken, TenantId};
use sync_protocol::{Redeemed, RelayStoreFailed, Roster};

use super::sql::{Scope, Sql, SqlResult, values};
use super::{Store, statements};

/// How long an invitation is good for: 72 hours, in milliseconds.
pub const INVITATION_LIFETIME_MS: i64 = 72 * 60 * 60 * 1000;

/// One clinic on the operator's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicRow {
    /// The operator's word for it.
    pub name: String,
    /// Its id, once it joined.
    pub tenant: Option<TenantId>,
    /// When its newest open invitation ends, milliseconds since 1970, UTC; `None` when none is open.
    pub invited_until_ms: Option<i64>,
    /// Sealed changes that the relay holds for it.
    pub n_changes: u64,
    /// Chunks of attachments that the relay holds for it, in bytes.
    pub n_attachment_bytes: u64,
    /// Nothing that it gives crosses, since the data was put back and none of its devices has confirmed yet.
    pub closed: bool,
}

/// Why the operator's wish was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClinicError {
    /// There is one by this name.
    #[error("a clinic of this name is on the list already")]
    NameTaken,
    /// Not on the list.
    #[error("no clinic of this name or id is on the list")]
    Unknown,
    /// It needs no invitation.
    #[error("this clinic has joined already; it adds its own devices by pairing them")]
    Joined,
    /// There is nothing of it to suspend.
    #[error("this clinic has not joined yet")]
    NotJoined,
    /// It is suspended already, or removed.
    #[error("this clinic is not served as it is")]
    NotServed,
    /// Only a suspended clinic is served again, or removed.
    #[error("this clinic is not suspended")]
    NotSuspended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] RelayStoreFailed),
}

impl Store {
    /// Puts a clinic on the list and makes its invitation. Returns the token, which is stored only as a hash, and when
    /// it ends (milliseconds since 1970, UTC).
    ///
    /// # Errors
    /// [`ClinicError::NameTaken`], [`ClinicError::Store`].
    pub fn add_clinic(
        &mut self,
        name: &str,
        now_ms: i64,
        rng: &mut impl CryptoRng,
    ) -> Result<(InvitationToken, i64), ClinicError> {
        let token = InvitationToken::make(rng);
        let added = self.write(Scope::House, |sql| {
            let insert = "INSERT INTO clinic (name, made_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING number";
            match sql.row(insert, &values![name, now_ms])? {
                Some(mut row) => invite(sql, row.int(0)?, &token, now_ms).map(Some),
                None => Ok(None),
            }
        })?;
        added.map(|ends_ms| (token, ends_ms)).ok_or(ClinicError::NameTaken)
    }

    /// Makes a new invitation for a clinic that has not joined; older ones end. `who` is its name or its id.
    ///
    /// # Errors
    /// [`ClinicError`].
    pub fn invite_clinic(
        &mut self,
        who: &str,
        now_ms: i64,
        rng: &mut impl CryptoRng,
    ) -> Result<(String, InvitationToken, i64), ClinicError> {
        let token = InvitationToken::make(rng);
        let tenant = who.parse::<TenantId>().ok().map(|tenant| *tenant.as_bytes());
        self.write(Scope::House, |sql| {
            let select = "SELECT number, name, tenant IS NOT NULL FROM clinic WHERE name = ?1 OR tenant = ?2";
            let Some(mut found) = sql.row(select, &values![who, tenant.as_ref()])? else {
                return Ok(Err(ClinicError::Unknown));
            };
            if found.flag(2)? {
                return Ok(Err(ClinicError::Joined));
            }
            let (number, name) = (found.int(0)?, found.text(1)?);
            Ok(Ok((name, invite(sql, number, &token, now_ms)?)))
        })?
        .map(|(name, ends_ms)| (name, token, ends_ms))
    }

    /// The list, by name.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn clinics(&self, now_ms: i64) -> Result<Vec<ClinicRow>, RelayStoreFailed> {
        // A change's row stays for good, so its feed's last position is how many there are.
        let select = "SELECT name, tenant, i.until_ms,
                          coalesce((SELECT position FROM head WHERE head.tenant = clinic.tenant AND feed = 0), 0),
                          EXISTS (SELECT 1 FROM closed WHERE source = clinic.tenant AND confirmed_by IS NULL),
                          coalesce((SELECT n_bytes FROM held WHERE held.tenant = clinic.tenant), 0)
                      FROM clinic LEFT JOIN (SELECT clinic, max(expires_ms) AS until_ms FROM invitation
                          WHERE used_ms IS NULL AND replaced_ms IS NULL AND expires_ms > ?1 GROUP BY clinic) i
                          ON i.clinic = clinic.number
                      ORDER BY name";
        self.read(Scope::House, |sql| {
            let rows = sql.rows(select, &values![now_ms])?.into_iter();
            let row = rows.map(|mut row| {
                Ok(ClinicRow {
                    name: row.text(0)?,
                    tenant: row.maybe_array(1)?.map(TenantId::from_bytes),
                    invited_until_ms: row.maybe_int(2)?,
                    n_changes: row.position(3)?,
                    closed: row.flag(4)?,
                    n_attachment_bytes: row.position(5)?,
                })
            });
            row.collect()
        })
    }
}

pub(super) fn invite(sql: &mut dyn Sql, clinic: i64, token: &InvitationToken, now_ms: i64) -> SqlResult<i64> {
    let replace =
        "UPDATE invitation SET replaced_ms = ?2 WHERE clinic = ?1 AND used_ms IS NULL AND replaced_ms IS NULL";
    sql.execute(replace, &values![clinic, now_ms])?;
    let ends_ms = now_ms.saturating_add(INVITATION_LIFETIME_MS);
    let insert = "INSERT INTO invitation (token_hash, clinic, made_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)";
    sql.execute(insert, &values![&token.hash(), clinic, now_ms, ends_ms])?;
    Ok(ends_ms)
}

/// Uses a token, once, to make a clinic known with its statements.
pub(super) fn redeem(sql: &mut dyn Sql, token: &[u8; 32], roster: &Roster, now_ms: i64) -> SqlResult<Redeemed> {
    let tenant = roster.membership().tenant();
    let select =
        "SELECT clinic, expires_ms, used_ms IS NOT NULL, replaced_ms IS NOT NULL FROM invitation WHERE token_hash = ?1";
    let Some(mut found) = sql.lock_row(select, &values![token])? else {
        return Ok(Redeemed::Unknown);
    };
    let (clinic, expires_ms) = (found.int(0)?, found.int(1)?);
    let (used, replaced) = (found.flag(2)?, found.flag(3)?);
    let here = sql.row("SELECT number FROM clinic WHERE tenant = ?1", &values![&tenant])?;
    let here = here.map(|mut row| row.int(0)).transpose()?;
    if used && here == Some(clinic) {
        return Ok(Redeemed::Joined);
    }
    if used || replaced {
        return Ok(Redeemed::Used);
    }
    if expires_ms <= now_ms {
        return Ok(Redeemed::Expired);
    }
    if here.is_some() {
        return Ok(Redeemed::AlreadyJoined);
    }
    let join = "UPDATE clinic SET tenant = ?2, joined_ms = ?3 WHERE number = ?1";
    sql.execute(join, &values![clinic, &tenant, now_ms])?;
    let uses = "UPDATE invitation SET used_ms = ?2 WHERE token_hash = ?1";
    sql.execute(uses, &values![token, now_ms])?;
    statements::add(sql, roster)?;
    Ok(Redeemed::Joined)
}
