//! The running hash of each feed, beside each position (see `sync_protocol::follow`).

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use seal::{GrantId, TenantId};
use sync_protocol::{Consent, Feed, NO_CHAIN, follow};

use super::columns::{array, to_sql};

/// The chain of a feed up to and including a position; of what never was, that of an empty feed.
pub(super) fn chain_at(
    connection: &Connection,
    tenant: &TenantId,
    feed: Feed,
    position: u64,
) -> rusqlite::Result<[u8; 32]> {
    let sql = match feed {
        Feed::Changes => "SELECT chain FROM change WHERE tenant = ?1 AND position = ?2",
        Feed::Consents => "SELECT chain FROM consent WHERE tenant = ?1 AND position = ?2",
        Feed::Audit => return Ok(NO_CHAIN),
    };
    let mut select = connection.prepare_cached(sql)?;
    let chain = select.query_row(params![tenant.as_bytes(), to_sql(position)], |row| array::<32>(row, 0));
    Ok(chain.optional()?.unwrap_or(NO_CHAIN))
}

/// The name of a position of the consents.
pub(super) fn consent_name(kind: i64, source: &TenantId, grant: &GrantId) -> [u8; 32] {
    let name = match kind {
        0 => Consent::name_of_grant(source, grant),
        _ => Consent::name_of_revocation(source, grant),
    };
    *name.as_bytes()
}

/// Makes the chains of what a build without them has stored.
pub(super) fn make_missing(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut select =
        transaction.prepare("SELECT tenant, position, id FROM change WHERE chain IS NULL ORDER BY tenant, position")?;
    let mut rows = select.query([])?;
    let mut write = transaction.prepare("UPDATE change SET chain = ?3 WHERE tenant = ?1 AND position = ?2")?;
    while let Some(row) = rows.next()? {
        let (tenant, position) = (TenantId::from_bytes(array(row, 0)?), super::columns::position(row, 1)?);
        let before = chain_at(transaction, &tenant, Feed::Changes, position - 1)?;
        let chain = follow(&before, &array::<32>(row, 2)?);
        write.execute(params![tenant.as_bytes(), to_sql(position), chain])?;
    }
    let sql = "SELECT tenant, position, kind, source, id FROM consent WHERE chain IS NULL ORDER BY tenant, position";
    let mut select = transaction.prepare(sql)?;
    let mut rows = select.query([])?;
    let mut write = transaction.prepare("UPDATE consent SET chain = ?3 WHERE tenant = ?1 AND position = ?2")?;
    while let Some(row) = rows.next()? {
        let (tenant, position) = (TenantId::from_bytes(array(row, 0)?), super::columns::position(row, 1)?);
        let (source, grant) = (
            TenantId::from_bytes(array(row, 3)?),
            GrantId::from_bytes(array(row, 4)?),
        );
        let before = chain_at(transaction, &tenant, Feed::Consents, position - 1)?;
        let chain = follow(&before, &consent_name(row.get(2)?, &source, &grant));
        write.execute(params![tenant.as_bytes(), to_sql(position), chain])?;
    }
    Ok(())
}
