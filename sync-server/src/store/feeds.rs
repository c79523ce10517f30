//! The feeds of a clinic: the next position, and reading on from one.

use rusqlite::{Connection, Row, Transaction, params};
use seal::{GrantId, TenantId};
use sync_protocol::{ChangesPage, Consent, Feed, Heads, Page, follow};

use super::chains::{chain_at, consent_name};
use super::columns::{position, to_sql};

const fn number(feed: Feed) -> i64 {
    match feed {
        Feed::Changes => 0,
        Feed::Consents => 1,
        Feed::Audit => 2,
    }
}

/// Takes the next position of a feed, inside the transaction that puts something there.
pub(super) fn next_position(transaction: &Transaction<'_>, tenant: &TenantId, feed: Feed) -> rusqlite::Result<u64> {
    let sql = "INSERT INTO head (tenant, feed, position) VALUES (?1, ?2, 1)
               ON CONFLICT (tenant, feed) DO UPDATE SET position = position + 1 RETURNING position";
    let mut take = transaction.prepare_cached(sql)?;
    take.query_row(params![tenant.as_bytes(), number(feed)], |row| position(row, 0))
}

pub(super) fn heads(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<Heads> {
    let mut select = connection.prepare_cached("SELECT feed, position FROM head WHERE tenant = ?1")?;
    let mut rows = select.query([tenant.as_bytes()])?;
    let mut heads = Heads::default();
    while let Some(row) = rows.next()? {
        let at = position(row, 1)?;
        match row.get(0)? {
            0 => heads.changes = at,
            1 => heads.consents = at,
            _ => heads.audit = at,
        }
    }
    Ok(heads)
}

/// What is live, and between that (or at the end) `None` for a run of positions that are covered.
pub(super) fn changes(connection: &Connection, tenant: &TenantId, page: Page) -> rusqlite::Result<ChangesPage> {
    let sql = "SELECT position, bytes FROM change WHERE tenant = ?1 AND position > ?2 AND covered_ms IS NULL
               ORDER BY position LIMIT ?3";
    let live = paged(connection, sql, tenant, page, |row| row.get::<_, Vec<u8>>(1), Vec::len)?;
    let at_the_end = live.is_empty();
    let (mut items, mut last) = (Vec::with_capacity(live.len()), page.after);
    for (at, bytes) in live {
        if at > last + 1 {
            items.push((at - 1, None));
        }
        items.push((at, Some(bytes)));
        last = at;
    }
    let head = heads(connection, tenant)?.changes;
    if at_the_end && head > last {
        items.push((head, None));
    }
    Ok(items)
}

pub(super) fn consents(
    connection: &Connection,
    tenant: &TenantId,
    page: Page,
) -> rusqlite::Result<Vec<(u64, Consent)>> {
    let sql = "SELECT c.position, c.kind, coalesce(r.bytes, g.bytes) FROM consent c
               LEFT JOIN revocation r ON c.kind = 1 AND r.source = c.source AND r.id = c.id
               LEFT JOIN given g ON c.kind = 0 AND g.id = c.id
               WHERE c.tenant = ?1 AND c.position > ?2 ORDER BY c.position LIMIT ?3";
    let consent = |row: &Row<'_>| {
        Ok(match row.get(1)? {
            0 => Consent::Grant(row.get(2)?),
            _ => Consent::Revocation(row.get(2)?),
        })
    };
    paged(connection, sql, tenant, page, consent, |consent| match consent {
        Consent::Grant(bytes) | Consent::Revocation(bytes) => bytes.len(),
    })
}

/// Tells a clinic of a grant or a revocation.
pub(super) fn tell_consent(
    transaction: &Transaction<'_>,
    tenant: &TenantId,
    kind: i64,
    source: &TenantId,
    grant: &GrantId,
) -> rusqlite::Result<()> {
    let at = next_position(transaction, tenant, Feed::Consents)?;
    let before = chain_at(transaction, tenant, Feed::Consents, at - 1)?;
    let chain = follow(&before, &consent_name(kind, source, grant));
    let sql = "INSERT INTO consent (tenant, position, kind, source, id, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let (source, grant) = (source.as_bytes(), grant.as_bytes());
    let values = params![tenant.as_bytes(), to_sql(at), kind, source, grant, chain];
    transaction.prepare_cached(sql)?.execute(values).map(drop)
}

/// Rows of `(position, …)` after `page.after`, until the page is full; one row always fits.
fn paged<T>(
    connection: &Connection,
    sql: &str,
    tenant: &TenantId,
    page: Page,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    size: impl Fn(&T) -> usize,
) -> rusqlite::Result<Vec<(u64, T)>> {
    let mut select = connection.prepare_cached(sql)?;
    let limit = i64::try_from(page.max_items).unwrap_or(i64::MAX);
    let mut rows = select.query(params![tenant.as_bytes(), to_sql(page.after), limit])?;
    let (mut items, mut n_bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let item = read(row)?;
        n_bytes += size(&item);
        if n_bytes > page.max_bytes && !items.is_empty() {
            break;
        }
        items.push((position(row, 0)?, item));
    }
    Ok(items)
}
