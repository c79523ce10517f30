//! The operator's list of clinics, and the invitations by which they join.

use rand_core::CryptoRng;
use rusqlite::{OptionalExtension, Transaction, params};
use seal::{InvitationToken, TenantId};
use sync_protocol::{Redeemed, RelayStoreFailed, Roster};

use super::{Store, failed, statements};

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
        let added = self.write(|transaction| {
            let sql = "INSERT OR IGNORE INTO clinic (name, made_ms) VALUES (?1, ?2)";
            if transaction.execute(sql, params![name, now_ms])? == 0 {
                return Ok(None);
            }
            invite(transaction, transaction.last_insert_rowid(), &token, now_ms).map(Some)
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
        self.write(|transaction| {
            let sql = "SELECT number, name, tenant IS NOT NULL FROM clinic WHERE name = ?1 OR tenant = ?2";
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            let found: Option<(i64, String, bool)> =
                transaction.query_row(sql, params![who, tenant], row).optional()?;
            match found {
                None => Ok(Err(ClinicError::Unknown)),
                Some((_, _, true)) => Ok(Err(ClinicError::Joined)),
                Some((number, name, false)) => Ok(Ok((name, invite(transaction, number, &token, now_ms)?))),
            }
        })?
        .map(|(name, ends_ms)| (name, token, ends_ms))
    }

    /// The list, by name.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn clinics(&self, now_ms: i64) -> Result<Vec<ClinicRow>, RelayStoreFailed> {
        let sql = "SELECT name, tenant,
                       (SELECT max(expires_ms) FROM invitation i WHERE i.clinic = clinic.number
                        AND used_ms IS NULL AND replaced_ms IS NULL AND expires_ms > ?1),
                       (SELECT count(*) FROM change WHERE change.tenant = clinic.tenant),
                       EXISTS (SELECT 1 FROM closed WHERE source = clinic.tenant AND confirmed_by IS NULL),
                       coalesce((SELECT n_bytes FROM held WHERE held.tenant = clinic.tenant), 0)
                   FROM clinic ORDER BY name";
        let list = || {
            let mut select = self.connection.prepare(sql)?;
            let rows = select.query_map([now_ms], |row| {
                let tenant: Option<[u8; 32]> = row.get(1)?;
                Ok(ClinicRow {
                    name: row.get(0)?,
                    tenant: tenant.map(TenantId::from_bytes),
                    invited_until_ms: row.get(2)?,
                    n_changes: super::columns::position(row, 3)?,
                    closed: row.get(4)?,
                    n_attachment_bytes: super::columns::position(row, 5)?,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        list().map_err(failed)
    }
}

fn invite(transaction: &Transaction<'_>, clinic: i64, token: &InvitationToken, now_ms: i64) -> rusqlite::Result<i64> {
    let replace =
        "UPDATE invitation SET replaced_ms = ?2 WHERE clinic = ?1 AND used_ms IS NULL AND replaced_ms IS NULL";
    transaction.execute(replace, params![clinic, now_ms])?;
    let ends_ms = now_ms.saturating_add(INVITATION_LIFETIME_MS);
    let insert = "INSERT INTO invitation (token_hash, clinic, made_ms, expires_ms) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(insert, params![token.hash(), clinic, now_ms, ends_ms])?;
    Ok(ends_ms)
}

/// Uses a token, once, to make a clinic known with its statements.
pub(super) fn redeem(
    transaction: &Transaction<'_>,
    token: &[u8; 32],
    roster: &Roster,
    now_ms: i64,
) -> rusqlite::Result<Redeemed> {
    let tenant = roster.membership().tenant();
    let sql =
        "SELECT clinic, expires_ms, used_ms IS NOT NULL, replaced_ms IS NOT NULL FROM invitation WHERE token_hash = ?1";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found: Option<(i64, i64, bool, bool)> = transaction.query_row(sql, [token], row).optional()?;
    let Some((clinic, expires_ms, used, replaced)) = found else {
        return Ok(Redeemed::Unknown);
    };
    let sql = "SELECT number FROM clinic WHERE tenant = ?1";
    let here: Option<i64> = transaction
        .query_row(sql, [tenant.as_bytes()], |row| row.get(0))
        .optional()?;
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
    transaction.execute(join, params![clinic, tenant.as_bytes(), now_ms])?;
    transaction.execute(
        "UPDATE invitation SET used_ms = ?2 WHERE token_hash = ?1",
        params![token, now_ms],
    )?;
    statements::add(transaction, roster)?;
    Ok(Redeemed::Joined)
}
