//! Releases: those that this clinic made, and those that it was given, still sealed, until their grant ends.

use domain::PatientId;
use rusqlite::{Connection, OptionalExtension, Row, params};
use seal::{Grant, GrantId, Release, ReleaseId, Revocation, TenantId};

use super::consents::may_be_known_later;
use super::{is_revoked, membership_of, names};
use crate::belonging::Belonging;
use crate::outbox::{self, Kind};
use crate::{Reading, Tag, VaultError, Writing};

/// A release.
#[derive(Debug, Clone)]
pub struct ReleaseRow {
    /// Its id.
    pub id: ReleaseId,
    /// The release, sealed.
    pub release: Release,
}

impl Reading<'_> {
    /// What this clinic released of a patient, oldest first, superseded ones included.
    pub fn releases_made(&self, patient: PatientId) -> Result<Vec<ReleaseRow>, VaultError> {
        self.many(
            "SELECT bytes FROM releases_made WHERE patient = ?1 ORDER BY as_of_ms, id",
            [patient.as_bytes()],
            read,
        )
    }

    /// What this clinic was given under a grant and may still see, oldest first: verified, not superseded.
    pub fn releases_received(&self, grant: GrantId) -> Result<Vec<ReleaseRow>, VaultError> {
        let sql = "SELECT bytes FROM releases_received mine WHERE grant_id = ?1 AND verified = 1
                   AND EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND erase_ms > ?2)
                   AND NOT EXISTS (SELECT 1 FROM releases_received newer WHERE newer.grant_id = mine.grant_id
                                   AND newer.supersedes = mine.id AND newer.verified = 1)
                   ORDER BY as_of_ms, id";
        self.many(sql, params![grant.as_bytes(), self.now().as_millisecond()], read)
    }
}

impl Writing<'_> {
    /// Keeps a release of a patient's record and hands it to the relay, after the grants that were sent before it.
    pub fn send_release(&mut self, release: &Release, patient: PatientId) -> Result<(), VaultError> {
        let header = release.header();
        self.conn()
            .prepare_cached(
                "INSERT OR IGNORE INTO releases_made (id, patient, as_of_ms, bytes) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                header.id.as_bytes(),
                patient.as_bytes(),
                header.as_of_ms,
                release.encode()
            ])?;
        outbox::put(self.conn(), Kind::Release, header.id.as_bytes())?;
        self.spoil([Tag::Releases, Tag::Sync]);
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<ReleaseRow, VaultError> {
    let release = Release::decode(row.get_ref(0)?.as_blob().map_err(|_| VaultError::Damaged)?)?;
    Ok(ReleaseRow {
        id: release.header().id,
        release,
    })
}

/// Takes in one release under a grant. Under a revoked one nothing is kept, nor under one whose erase-at has come.
pub(crate) fn absorb(
    conn: &Connection,
    belonging: &Belonging,
    grant_id: &GrantId,
    bytes: &[u8],
    now_ms: i64,
) -> Result<(), VaultError> {
    let grant: Option<Vec<u8>> = conn
        .prepare_cached("SELECT bytes FROM grants WHERE id = ?1 AND recipient = ?2")?
        .query_row(params![grant_id.as_bytes(), belonging.tenant.as_bytes()], |row| {
            row.get(0)
        })
        .optional()?;
    let Some(grant) = grant.map(|bytes| Grant::decode(&bytes)).transpose()? else {
        return pass_over("no grant");
    };
    if is_revoked(conn, grant_id)? || grant.clear().erase_at_ms <= now_ms {
        return Ok(());
    }
    let Ok(release) = Release::decode(bytes) else {
        return pass_over("unreadable");
    };
    let header = release.header();
    if header.source != grant.clear().source || !header.grants.contains(grant_id) {
        return pass_over("of another grant");
    }
    let verdict = membership_of(conn, belonging, &header.source)?.map(|members| release.verify(&members));
    if matches!(verdict, Some(Err(error)) if !may_be_known_later(error)) {
        return pass_over("forged");
    }
    conn.prepare_cached(
        "INSERT OR IGNORE INTO releases_received (grant_id, id, document, supersedes, as_of_ms, bytes, verified)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        grant_id.as_bytes(),
        header.id.as_bytes(),
        header.document,
        header.supersedes.map(|id| *id.as_bytes()),
        header.as_of_ms,
        bytes,
        matches!(verdict, Some(Ok(()))),
    ])?;
    Ok(())
}

fn pass_over(why: &'static str) -> Result<(), VaultError> {
    tracing::warn!(why, "a release was not kept");
    Ok(())
}

/// Erases what was kept under grants whose erase-at has come since it was last done: afterwards nothing is kept under them.
pub(crate) fn erase_due(conn: &Connection, now_ms: i64) -> Result<(), VaultError> {
    let done_ms: Option<i64> = conn
        .prepare_cached("SELECT value FROM meta WHERE key = 'erased_up_to'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    // A time that is still to come was noted by a clock that was wrong.
    let done_ms = done_ms.filter(|done_ms| *done_ms <= now_ms).unwrap_or(i64::MIN);
    let is_due: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM grants WHERE erase_ms > ?1 AND erase_ms <= ?2)")?
        .query_row([done_ms, now_ms], |row| row.get(0))?;
    if is_due {
        conn.prepare_cached(
            "DELETE FROM releases_received
             WHERE grant_id IN (SELECT id FROM grants WHERE erase_ms > ?1 AND erase_ms <= ?2)",
        )?
        .execute([done_ms, now_ms])?;
        conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('erased_up_to', ?1)")?
            .execute([now_ms])?;
    }
    Ok(())
}

/// All are looked through once more: a grant has another erase-at than was thought.
pub(super) fn erase_anew(conn: &Connection) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM meta WHERE key = 'erased_up_to'")?
        .execute([])?;
    Ok(())
}

/// Looks again at what a clinic signed, now that more of its statements are here. What does not hold is dropped.
pub(crate) fn verify_again(conn: &Connection, belonging: &Belonging, tenant: &TenantId) -> Result<(), VaultError> {
    let Some(members) = membership_of(conn, belonging, tenant)? else {
        return Ok(());
    };
    for (table, join) in [
        ("grants", "grants.source = ?1"),
        ("revocations", "revocations.source = ?1"),
        (
            "releases_received",
            "EXISTS (SELECT 1 FROM grants WHERE grants.id = grant_id AND grants.source = ?1)",
        ),
    ] {
        let mut statement = conn.prepare(&format!("SELECT bytes FROM {table} WHERE verified = 0 AND {join}"))?;
        let waiting: Vec<Vec<u8>> = statement
            .query_map([tenant.as_bytes()], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for bytes in waiting {
            let (holds, named) = match table {
                "grants" => {
                    let grant = Grant::decode(&bytes)?;
                    (grant.verify(&members).is_ok(), Some((Kind::Grant, grant.clear().id)))
                }
                "revocations" => {
                    let revocation = Revocation::decode(&bytes)?;
                    let named = (Kind::Revocation, revocation.grant());
                    (revocation.verify(&members).is_ok(), Some(named))
                }
                _ => (
                    Release::decode(&bytes).is_ok_and(|it| it.verify(&members).is_ok()),
                    None,
                ),
            };
            let verdict = if holds {
                "UPDATE {table} SET verified = 1"
            } else {
                "DELETE FROM {table}"
            };
            if let (false, Some((kind, grant))) = (holds, named) {
                names::forget(conn, kind, tenant, &grant)?;
            }
            let sql = format!(
                "{} WHERE verified = 0 AND {join} AND bytes = ?2",
                verdict.replace("{table}", table)
            );
            conn.execute(&sql, params![tenant.as_bytes(), bytes])?;
        }
    }
    Ok(())
}
