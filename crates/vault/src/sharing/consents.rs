//! Grants and revocations, in both directions.

use domain::PatientId;
use rusqlite::{Connection, OptionalExtension, Row, params};
use seal::{Grant, GrantId, Revocation, SealError, TenantId};
use sync_protocol::Consent;

use super::received::erase_anew;
use super::{membership_of, names};
use crate::belonging::Belonging;
use crate::outbox::{self, Kind};
use crate::{Reading, Tag, VaultError, Writing};

/// A grant with what became of it.
#[derive(Debug, Clone)]
pub struct GrantRow {
    /// Its id.
    pub id: GrantId,
    /// The grant.
    pub grant: Grant,
    /// When it was taken back, in milliseconds since 1970; `None` while it stands.
    pub revoked_at_ms: Option<i64>,
}

pub(super) const SELECT: &str = "SELECT g.bytes, r.at_ms FROM grants g
                      LEFT JOIN revocations r ON r.grant_id = g.id AND r.source = g.source";

impl Reading<'_> {
    /// What this clinic granted to others.
    pub fn grants_given(&self) -> Result<Vec<GrantRow>, VaultError> {
        let tenant = self.belonging().tenant;
        self.many(
            &format!("{SELECT} WHERE g.source = ?1 AND g.verified = 1 ORDER BY g.id"),
            [tenant.as_bytes()],
            read,
        )
    }

    /// Whether any grant of this clinic's stands at this time, or will: not revoked, and not over.
    pub fn shares_anything(&self, now_ms: i64) -> Result<bool, VaultError> {
        let sql = "SELECT 1 FROM grants g WHERE g.source = ?1 AND g.verified = 1 AND g.until_ms > ?2 AND NOT EXISTS
                   (SELECT 1 FROM revocations r WHERE r.grant_id = g.id AND r.source = g.source)";
        let tenant = self.belonging().tenant;
        Ok(self.one(sql, params![tenant.as_bytes(), now_ms], |_| Ok(()))?.is_some())
    }

    /// One grant of this clinic.
    pub fn grant_given(&self, id: GrantId) -> Result<Option<GrantRow>, VaultError> {
        let tenant = self.belonging().tenant;
        self.one(
            &format!("{SELECT} WHERE g.id = ?1 AND g.source = ?2 AND g.verified = 1"),
            params![id.as_bytes(), tenant.as_bytes()],
            read,
        )
    }

    /// The clinics to which this one granted something.
    pub fn recipients(&self) -> Result<Vec<TenantId>, VaultError> {
        let tenant = self.belonging().tenant;
        let (mut recipients, mut last) = (Vec::new(), Vec::new());
        // One look in the index for each clinic, and not for each grant.
        let next = "SELECT recipient FROM grants WHERE source = ?1 AND recipient > ?2 ORDER BY recipient LIMIT 1";
        while let Some(recipient) = self.one(next, params![tenant.as_bytes(), last], |row| {
            Ok(TenantId::from_bytes(row.get(0)?))
        })? {
            last = recipient.as_bytes().to_vec();
            recipients.push(recipient);
        }
        Ok(recipients)
    }

    /// What this clinic granted to one other.
    pub fn grants_given_to(&self, recipient: TenantId) -> Result<Vec<GrantRow>, VaultError> {
        let tenant = self.belonging().tenant;
        self.many(
            &format!("{SELECT} WHERE g.source = ?1 AND g.recipient = ?2 AND g.verified = 1 ORDER BY g.id"),
            params![tenant.as_bytes(), recipient.as_bytes()],
            read,
        )
    }

    /// What a patient of this clinic granted, newest first.
    pub fn grants_given_for(&self, patient: PatientId) -> Result<Vec<GrantRow>, VaultError> {
        let sql = format!("{SELECT} WHERE g.id = ?1 AND g.source = ?2");
        let tenant = self.belonging().tenant;
        let mut rows = Vec::new();
        for consent in self.consents(patient)? {
            rows.extend(self.one(&sql, params![consent.terms.grant.as_bytes(), tenant.as_bytes()], read)?);
        }
        Ok(rows)
    }

    /// Whether the relay has what this clinic said last of a grant of its own: the revocation, where there is one, else the
    /// grant. `false` also when there is neither.
    pub fn grant_sent(&self, grant: GrantId) -> Result<bool, VaultError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM revocations WHERE grant_id = ?1 AND source = ?2) AS revoked
                   WHERE (revoked OR EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND source = ?2))
                   AND NOT EXISTS (SELECT 1 FROM outbox WHERE id = ?1 AND kind = CASE WHEN revoked THEN ?4 ELSE ?3 END)
                   AND NOT EXISTS (SELECT 1 FROM refused WHERE id = ?1 AND kind = CASE WHEN revoked THEN ?4 ELSE ?3 END)";
        let tenant = self.belonging().tenant;
        let kinds = (Kind::Grant as i64, Kind::Revocation as i64);
        let row = params![grant.as_bytes(), tenant.as_bytes(), kinds.0, kinds.1];
        Ok(self.one(sql, row, |_| Ok(()))?.is_some())
    }

    /// One grant, whoever gave it.
    pub fn grant(&self, id: GrantId) -> Result<Option<GrantRow>, VaultError> {
        self.one(&format!("{SELECT} WHERE g.id = ?1"), [id.as_bytes()], read)
    }
}

impl Writing<'_> {
    /// Keeps a grant of this clinic and hands it to the relay.
    pub fn send_grant(&mut self, grant: &Grant) -> Result<(), VaultError> {
        insert_grant(self.conn(), grant, true)?;
        outbox::put(self.conn(), Kind::Grant, grant.clear().id.as_bytes())?;
        self.spoil([Tag::Grants, Tag::Sync]);
        Ok(())
    }

    /// Keeps a revocation by this clinic and hands it to the relay. Releases under it that still wait are not sent.
    pub fn send_revocation(&mut self, revocation: &Revocation) -> Result<(), VaultError> {
        insert_revocation(self.conn(), revocation, true)?;
        outbox::put(self.conn(), Kind::Revocation, revocation.grant().as_bytes())?;
        self.spoil([Tag::Grants, Tag::Sync]);
        Ok(())
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<GrantRow, VaultError> {
    let grant = Grant::decode(row.get_ref(0)?.as_blob().map_err(|_| VaultError::Damaged)?)?;
    Ok(GrantRow {
        id: grant.clear().id,
        grant,
        revoked_at_ms: row.get(1)?,
    })
}

/// Takes in one grant or revocation as the relay has it. What concerns neither side of this clinic, or cannot be read,
/// is passed over.
pub(crate) fn absorb(conn: &Connection, belonging: &Belonging, consent: &Consent) -> Result<(), VaultError> {
    match consent {
        Consent::Grant(bytes) => {
            let Ok(grant) = Grant::decode(bytes) else {
                return pass_over("grant");
            };
            let clear = grant.clear();
            if clear.source != belonging.tenant && clear.recipient != belonging.tenant {
                return pass_over("foreign grant");
            }
            let verdict = membership_of(conn, belonging, &clear.source)?.map(|members| grant.verify(&members));
            match verdict {
                Some(Err(error)) if !may_be_known_later(error) => pass_over("forged grant"),
                verified => insert_grant(conn, &grant, matches!(verified, Some(Ok(())))),
            }
        }
        Consent::Revocation(bytes) => {
            let Ok(revocation) = Revocation::decode(bytes) else {
                return pass_over("revocation");
            };
            let verdict =
                membership_of(conn, belonging, &revocation.source())?.map(|members| revocation.verify(&members));
            match verdict {
                Some(Err(error)) if !may_be_known_later(error) => pass_over("forged revocation"),
                // Without the giver's statements the signature cannot be looked at; to stop is then the safe side.
                verified => insert_revocation(conn, &revocation, matches!(verified, Some(Ok(())))),
            }
        }
    }
}

/// Whether a signature that does not hold may do so by statements that have not come yet: the giver's device may be new.
/// Its statements are asked for whenever a grant or a revocation came, and then it is looked at again.
pub(super) fn may_be_known_later(error: SealError) -> bool {
    error == SealError::UnknownDevice
}

fn pass_over(what: &'static str) -> Result<(), VaultError> {
    tracing::warn!(what, "the relay handed over something that was not kept");
    Ok(())
}

/// Keeps a grant; one that verifies takes the place of one under the same id that nobody could verify.
pub(super) fn insert_grant(conn: &Connection, grant: &Grant, verified: bool) -> Result<(), VaultError> {
    let clear = grant.clear();
    let before: Option<[u8; 32]> = conn
        .prepare_cached("SELECT source FROM grants WHERE id = ?1")?
        .query_row([clear.id.as_bytes()], |row| row.get(0))
        .optional()?;
    let n_kept = conn.prepare_cached(
        "INSERT INTO grants (id, source, recipient, until_ms, erase_ms, bytes, verified, arrival)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1 + (SELECT coalesce(max(arrival), 0) FROM grants WHERE recipient = ?3))
         ON CONFLICT (id) DO UPDATE SET source = ?2, recipient = ?3, until_ms = ?4, erase_ms = ?5, bytes = ?6, verified = 1, card = NULL
         WHERE grants.verified = 0 AND ?7 = 1",
    )?
    .execute(params![
        clear.id.as_bytes(),
        clear.source.as_bytes(),
        clear.recipient.as_bytes(),
        clear.until_ms,
        clear.erase_at_ms,
        grant.encode(),
        verified,
    ])?;
    if n_kept == 1 {
        if let Some(before) = before.map(TenantId::from_bytes) {
            if before != clear.source {
                names::forget(conn, Kind::Grant, &before, &clear.id)?;
            }
            erase_anew(conn)?;
        }
        names::note(conn, Kind::Grant, &clear.source, &clear.id)?;
    }
    Ok(())
}

/// Keeps a revocation for ever, and drops in the same transaction what its grant had brought here.
pub(super) fn insert_revocation(conn: &Connection, revocation: &Revocation, verified: bool) -> Result<(), VaultError> {
    conn.prepare_cached(
        "INSERT INTO revocations (grant_id, source, at_ms, bytes, verified) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (grant_id, source) DO UPDATE SET verified = max(verified, ?5)",
    )?
    .execute(params![
        revocation.grant().as_bytes(),
        revocation.source().as_bytes(),
        revocation.at_ms(),
        revocation.encode(),
        verified,
    ])?;
    names::note(conn, Kind::Revocation, &revocation.source(), &revocation.grant())?;
    conn.prepare_cached(
        "DELETE FROM releases_received WHERE grant_id = ?1
         AND EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND source = ?2)",
    )?
    .execute(params![revocation.grant().as_bytes(), revocation.source().as_bytes()])?;
    Ok(())
}

/// Whether the clinic that gave a grant took it back.
pub(crate) fn is_revoked(conn: &Connection, grant: &GrantId) -> Result<bool, VaultError> {
    Ok(conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM revocations r JOIN grants g ON g.id = r.grant_id AND g.source = r.source
             WHERE r.grant_id = ?1)",
        )?
        .query_row([grant.as_bytes()], |row| row.get(0))?)
}
