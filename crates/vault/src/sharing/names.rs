//! Grants and revocations under the names that the clinic's other devices know them by (`Consent::item_id`), in the
//! order in which they came. Kept in the transaction that keeps or drops one.

use rusqlite::{Connection, params};
use seal::{GrantId, TenantId};
use sync_protocol::{Consent, ItemId, PeerSet};

use crate::outbox::Kind;
use crate::reading::count;
use crate::{VaultError, buckets};

fn name_of(kind: Kind, source: &TenantId, grant: &GrantId) -> ItemId {
    match kind {
        Kind::Revocation => Consent::name_of_revocation(source, grant),
        _ => Consent::name_of_grant(source, grant),
    }
}

/// A grant or a revocation is held now.
pub(super) fn note(conn: &Connection, kind: Kind, source: &TenantId, grant: &GrantId) -> Result<(), VaultError> {
    let name = name_of(kind, source, grant);
    if insert(conn, kind, &name, source, grant)? {
        buckets::add(conn, PeerSet::Consents, &name)?;
    }
    Ok(())
}

/// It is not held any more.
pub(super) fn forget(conn: &Connection, kind: Kind, source: &TenantId, grant: &GrantId) -> Result<(), VaultError> {
    let name = name_of(kind, source, grant);
    let n_gone = conn
        .prepare_cached("DELETE FROM consent_names WHERE name = ?1")?
        .execute([name.as_bytes()])?;
    if n_gone == 1 {
        buckets::remove(conn, PeerSet::Consents, &name)?;
    }
    Ok(())
}

fn insert(
    conn: &Connection,
    kind: Kind,
    name: &ItemId,
    source: &TenantId,
    grant: &GrantId,
) -> Result<bool, VaultError> {
    let n_new = conn
        .prepare_cached("INSERT OR IGNORE INTO consent_names (name, kind, source, grant_id) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![
            name.as_bytes(),
            kind as i64,
            source.as_bytes(),
            grant.as_bytes()
        ])?;
    Ok(n_new == 1)
}

/// Names whatever is held and has no name yet, and forgets the names of what is not held. The trees are not touched.
pub(crate) fn make(conn: &Connection) -> Result<(), VaultError> {
    conn.execute_batch(
        "DELETE FROM consent_names WHERE kind = 1
            AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = grant_id AND g.source = consent_names.source);
         DELETE FROM consent_names WHERE kind = 2
            AND NOT EXISTS (SELECT 1 FROM revocations r
                            WHERE r.grant_id = consent_names.grant_id AND r.source = consent_names.source);",
    )?;
    for (kind, source, grant) in held(conn)? {
        insert(conn, kind, &name_of(kind, &source, &grant), &source, &grant)?;
    }
    Ok(())
}

/// Whether everything that is held has its name, and nothing else has one.
pub(crate) fn hold(conn: &Connection) -> Result<bool, VaultError> {
    let held = held(conn)?;
    let mut lookup = conn.prepare("SELECT count(*) FROM consent_names WHERE name = ?1 AND kind = ?2")?;
    for (kind, source, grant) in &held {
        let name = name_of(*kind, source, grant);
        if lookup.query_row(params![name.as_bytes(), *kind as i64], |row| count(row, 0))? != 1 {
            return Ok(false);
        }
    }
    let n_names = conn.query_row("SELECT count(*) FROM consent_names", [], |row| count(row, 0))?;
    Ok(n_names == held.len() as u64)
}

fn held(conn: &Connection) -> Result<Vec<(Kind, TenantId, GrantId)>, VaultError> {
    let mut held = Vec::new();
    for (kind, sql) in [
        (Kind::Grant, "SELECT source, id FROM grants ORDER BY id"),
        (
            Kind::Revocation,
            "SELECT source, grant_id FROM revocations ORDER BY grant_id, source",
        ),
    ] {
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            held.push((
                kind,
                TenantId::from_bytes(row.get(0)?),
                GrantId::from_bytes(row.get(1)?),
            ));
        }
    }
    Ok(held)
}
