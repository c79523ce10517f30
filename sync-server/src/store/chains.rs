//! The running hash of each feed, beside each position (see `sync_protocol::follow`).

use seal::{GrantId, TenantId};
use sync_protocol::{Consent, Feed, NO_CHAIN, follow};

use super::sql::{Sql, SqlResult, values};

/// The chain of a feed up to and including a position; of what never was, that of an empty feed.
pub(super) fn chain_at(sql: &mut dyn Sql, tenant: &TenantId, feed: Feed, position: u64) -> SqlResult<[u8; 32]> {
    let select = match feed {
        Feed::Changes => "SELECT chain FROM change WHERE tenant = ?1 AND position = ?2",
        Feed::Consents => "SELECT chain FROM consent WHERE tenant = ?1 AND position = ?2",
        Feed::Audit => return Ok(NO_CHAIN),
    };
    if position == 0 {
        return Ok(NO_CHAIN);
    }
    let row = sql.row(select, &values![tenant, position])?;
    row.map_or(Ok(NO_CHAIN), |mut row| row.array(0))
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
pub(super) fn make_missing(sql: &mut dyn Sql) -> SqlResult<()> {
    let select = "SELECT tenant, position, id FROM change WHERE chain IS NULL ORDER BY tenant, position";
    for mut row in sql.rows(select, &[])? {
        let (tenant, position) = (TenantId::from_bytes(row.array(0)?), row.position(1)?);
        let before = chain_at(sql, &tenant, Feed::Changes, position - 1)?;
        let chain = follow(&before, &row.array::<32>(2)?);
        let write = "UPDATE change SET chain = ?3 WHERE tenant = ?1 AND position = ?2";
        sql.execute(write, &values![&tenant, position, &chain])?;
    }
    let select = "SELECT tenant, position, kind, source, id FROM consent WHERE chain IS NULL ORDER BY tenant, position";
    for mut row in sql.rows(select, &[])? {
        let (tenant, position) = (TenantId::from_bytes(row.array(0)?), row.position(1)?);
        let (source, grant) = (TenantId::from_bytes(row.array(3)?), GrantId::from_bytes(row.array(4)?));
        let before = chain_at(sql, &tenant, Feed::Consents, position - 1)?;
        let chain = follow(&before, &consent_name(row.int(2)?, &source, &grant));
        let write = "UPDATE consent SET chain = ?3 WHERE tenant = ?1 AND position = ?2";
        sql.execute(write, &values![&tenant, position, &chain])?;
    }
    Ok(())
}
