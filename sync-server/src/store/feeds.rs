//! The feeds of a clinic: the next position, and reading on from one.

use std::ops::ControlFlow;

use seal::{GrantId, TenantId};
use sync_protocol::{ChangesPage, Consent, Feed, Heads, NO_CHAIN, Page, follow};

use super::chains::{chain_at, consent_name};
use super::sql::{Row, Sql, SqlResult, Value, values};

const fn number(feed: Feed) -> i64 {
    match feed {
        Feed::Changes => 0,
        Feed::Consents => 1,
        Feed::Audit => 2,
    }
}

/// Takes the next position of a feed, inside the transaction that puts something there.
///
/// The row of the feed stays locked until that transaction ends: positions become visible in order, and no cursor ever
/// passes one that comes later.
pub(super) fn next_position(sql: &mut dyn Sql, tenant: &TenantId, feed: Feed) -> SqlResult<u64> {
    let take = "INSERT INTO head (tenant, feed, position) VALUES (?1, ?2, 1)
                ON CONFLICT (tenant, feed) DO UPDATE SET position = head.position + 1 RETURNING position";
    sql.the_row(take, &values![tenant, number(feed)])?.position(0)
}

/// Locks a feed as [`next_position`] does, before it is known how many positions are wanted; gives the last one taken.
pub(super) fn lock_feed(sql: &mut dyn Sql, tenant: &TenantId, feed: Feed) -> SqlResult<u64> {
    let lock = "INSERT INTO head (tenant, feed, position) VALUES (?1, ?2, 0)
                ON CONFLICT (tenant, feed) DO UPDATE SET position = head.position RETURNING position";
    sql.the_row(lock, &values![tenant, number(feed)])?.position(0)
}

/// Moves the locked feed of the changes on to this position; so many bytes came in.
pub(super) fn move_changes(sql: &mut dyn Sql, tenant: &TenantId, to: u64, n_bytes: u64) -> SqlResult<()> {
    let step = "UPDATE head SET position = ?3, n_bytes = n_bytes + ?4 WHERE tenant = ?1 AND feed = ?2";
    sql.execute(step, &values![tenant, number(Feed::Changes), to, n_bytes])
        .map(drop)
}

/// So many bytes of the changes are gone; their feed is locked.
pub(super) fn less_bytes(sql: &mut dyn Sql, tenant: &TenantId, n_bytes: u64) -> SqlResult<()> {
    let less = "UPDATE head SET n_bytes = n_bytes - ?3 WHERE tenant = ?1 AND feed = ?2";
    sql.execute(less, &values![tenant, number(Feed::Changes), n_bytes])
        .map(drop)
}

pub(super) fn heads(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<Heads> {
    let rows = sql.rows("SELECT feed, position FROM head WHERE tenant = ?1", &values![tenant])?;
    let mut heads = Heads::default();
    for mut row in rows {
        let at = row.position(1)?;
        match row.int(0)? {
            0 => heads.changes = at,
            1 => heads.consents = at,
            _ => heads.audit = at,
        }
    }
    Ok(heads)
}

/// [`heads`], and the chains of the changes and of the consents up to there.
pub(super) fn heads_with_chains(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<(Heads, [u8; 32], [u8; 32])> {
    let select = "SELECT h.feed, h.position, CASE h.feed
                  WHEN 0 THEN (SELECT c.chain FROM change c WHERE c.tenant = h.tenant AND c.position = h.position)
                  WHEN 1 THEN (SELECT c.chain FROM consent c WHERE c.tenant = h.tenant AND c.position = h.position) END
                  FROM head h WHERE h.tenant = ?1";
    let (mut heads, mut changes, mut consents) = (Heads::default(), NO_CHAIN, NO_CHAIN);
    for mut row in sql.rows(select, &values![tenant])? {
        let at = row.position(1)?;
        let chain = row.maybe_array(2)?.unwrap_or(NO_CHAIN);
        match row.int(0)? {
            0 => (heads.changes, changes) = (at, chain),
            1 => (heads.consents, consents) = (at, chain),
            _ => heads.audit = at,
        }
    }
    Ok((heads, changes, consents))
}

/// What is live, and between that (or at the end) `None` for a run of positions that are covered.
pub(super) fn changes(sql: &mut dyn Sql, tenant: &TenantId, page: Page) -> SqlResult<ChangesPage> {
    let select = "SELECT position, bytes FROM change WHERE tenant = ?1 AND position > ?2 AND covered_ms IS NULL
                  ORDER BY position LIMIT ?3";
    let live = paged(sql, select, tenant.into(), page, |row| row.bytes(1), Vec::len)?;
    let at_the_end = live.is_empty();
    let (mut items, mut last) = (Vec::with_capacity(live.len()), page.after);
    for (at, bytes) in live {
        if at > last + 1 {
            items.push((at - 1, None));
        }
        items.push((at, Some(bytes)));
        last = at;
    }
    let head = heads(sql, tenant)?.changes;
    if at_the_end && head > last {
        items.push((head, None));
    }
    Ok(items)
}

pub(super) fn consents(sql: &mut dyn Sql, tenant: &TenantId, page: Page) -> SqlResult<Vec<(u64, Consent)>> {
    let select = "SELECT c.position, c.kind, coalesce(r.bytes, g.bytes) FROM consent c
                  LEFT JOIN revocation r ON c.kind = 1 AND r.source = c.source AND r.id = c.id
                  LEFT JOIN given g ON c.kind = 0 AND g.id = c.id
                  WHERE c.tenant = ?1 AND c.position > ?2 ORDER BY c.position LIMIT ?3";
    let consent = |row: &mut Row| {
        Ok(match row.int(1)? {
            0 => Consent::Grant(row.bytes(2)?),
            _ => Consent::Revocation(row.bytes(2)?),
        })
    };
    paged(sql, select, tenant.into(), page, consent, |consent| match consent {
        Consent::Grant(bytes) | Consent::Revocation(bytes) => bytes.len(),
    })
}

/// Tells a clinic of a grant or a revocation.
pub(super) fn tell_consent(
    sql: &mut dyn Sql,
    tenant: &TenantId,
    kind: i64,
    source: &TenantId,
    grant: &GrantId,
) -> SqlResult<()> {
    let at = next_position(sql, tenant, Feed::Consents)?;
    let before = chain_at(sql, tenant, Feed::Consents, at - 1)?;
    let chain = follow(&before, &consent_name(kind, source, grant));
    let insert = "INSERT INTO consent (tenant, position, kind, source, id, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    sql.execute(insert, &values![tenant, at, kind, source, grant.as_bytes(), &chain])
        .map(drop)
}

/// Rows are asked for so many at a time, until it is known how large they are.
const AT_FIRST: usize = 64;

/// Rows of `(position, …)` of ?1 after the position ?2, at most ?3, until the page is full; one row always fits.
pub(super) fn paged<T>(
    sql: &mut dyn Sql,
    select: &'static str,
    of: Value<'_>,
    page: Page,
    read: impl Fn(&mut Row) -> SqlResult<T>,
    size: impl Fn(&T) -> usize,
) -> SqlResult<Vec<(u64, T)>> {
    let (mut items, mut n_bytes, mut is_full) = (Vec::new(), 0, false);
    let (mut after, mut at_a_time) = (page.after, AT_FIRST);
    while !is_full && items.len() < page.max_items {
        let limit = at_a_time.min(page.max_items - items.len());
        let n_before = items.len();
        sql.each(select, &[of, after.into(), limit.into()], &mut |mut row| {
            let item = read(&mut row)?;
            n_bytes += size(&item);
            if n_bytes > page.max_bytes && !items.is_empty() {
                is_full = true;
                return Ok(ControlFlow::Break(()));
            }
            after = row.position(0)?;
            items.push((after, item));
            Ok(ControlFlow::Continue(()))
        })?;
        if items.len() - n_before < limit {
            break;
        }
        let room = page.max_bytes.saturating_sub(n_bytes);
        at_a_time = (room / (n_bytes / items.len()).max(1)).max(1);
    }
    Ok(items)
}
