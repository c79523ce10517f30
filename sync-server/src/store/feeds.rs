//! The feeds of a clinic: the next position, and reading on from one.

use std::collections::HashMap;
use std::ops::ControlFlow;

use seal::{ChangeId, GrantId, TenantId};
use sync_protocol::{ChangesPage, Consent, Feed, Heads, NO_CHAIN, Page, follow};

use super::chains::consent_name;
use super::glance::glance;
use super::sql::{Question, Row, Sql, SqlResult, Value, the_only, together, values};

const fn number(feed: Feed) -> i64 {
    match feed {
        Feed::Changes => 0,
        Feed::Consents => 1,
        Feed::Audit => 2,
    }
}

/// A feed, by the clinic and its number.
pub(super) fn feed_of(tenant: &TenantId, feed: Feed) -> [Value<'_>; 2] {
    values![tenant, number(feed)]
}

/// Takes the next position of a feed ([`feed_of`]), inside the transaction that puts something there.
///
/// The row of the feed stays locked until that transaction ends: positions become visible in order, and no cursor ever
/// passes one that comes later.
pub(super) fn next_position<'a>(of: &'a [Value<'a>; 2]) -> Question<'a> {
    let take = "INSERT INTO head (tenant, feed, position) VALUES (?1, ?2, 1)
                ON CONFLICT (tenant, feed) DO UPDATE SET position = head.position + 1 RETURNING position";
    Question::Rows(take, of)
}

/// Locks a feed as [`next_position`] does, before it is known how many positions are wanted.
pub(super) fn lock_feed(sql: &mut dyn Sql, tenant: &TenantId, feed: Feed) -> SqlResult<()> {
    let lock = "INSERT INTO head (tenant, feed, position) VALUES (?1, ?2, 0)
                ON CONFLICT (tenant, feed) DO UPDATE SET position = head.position";
    sql.later(lock, &feed_of(tenant, feed))
}

/// Moves the locked feed of the changes on to this position; so many bytes came in.
pub(super) fn move_changes(sql: &mut dyn Sql, tenant: &TenantId, to: u64, n_bytes: u64) -> SqlResult<()> {
    let step = "UPDATE head SET position = ?3, n_bytes = n_bytes + ?4 WHERE tenant = ?1 AND feed = ?2";
    sql.later(step, &values![tenant, number(Feed::Changes), to, n_bytes])
}

/// So many bytes of the changes are gone; their feed is locked.
pub(super) fn less_bytes(sql: &mut dyn Sql, tenant: &TenantId, n_bytes: u64) -> SqlResult<()> {
    let less = "UPDATE head SET n_bytes = n_bytes - ?3 WHERE tenant = ?1 AND feed = ?2";
    sql.later(less, &values![tenant, number(Feed::Changes), n_bytes])
}

/// The last position of each feed, and the chains of the changes and of the consents up to there.
pub(super) fn heads_with_chains<'a>(of: &'a [Value<'a>; 1]) -> Question<'a> {
    let select = "SELECT h.feed, h.position, CASE h.feed
                  WHEN 0 THEN (SELECT c.chain FROM change c WHERE c.tenant = h.tenant AND c.position = h.position)
                  WHEN 1 THEN (SELECT c.chain FROM consent c WHERE c.tenant = h.tenant AND c.position = h.position) END
                  FROM head h WHERE h.tenant = ?1";
    Question::Rows(select, of)
}

/// What [`heads_with_chains`] was answered.
pub(super) fn read_heads_with_chains(rows: Vec<Row>) -> SqlResult<(Heads, [u8; 32], [u8; 32])> {
    let (mut heads, mut changes, mut consents) = (Heads::default(), NO_CHAIN, NO_CHAIN);
    for mut row in rows {
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
    let head = glance(sql, tenant)?.heads.changes;
    if page.after >= head {
        return Ok(Vec::new());
    }
    let select = "SELECT position, bytes FROM change WHERE tenant = ?1 AND position > ?2 AND covered_ms IS NULL
                  ORDER BY position LIMIT ?3";
    let (live, _) = paged(sql, select, tenant.into(), page, |row| row.bytes(1), Vec::len)?;
    let at_the_end = live.is_empty();
    let (mut items, mut last) = (Vec::with_capacity(live.len()), page.after);
    for (at, bytes) in live {
        if at > last + 1 {
            items.push((at - 1, None));
        }
        items.push((at, Some(bytes)));
        last = at;
    }
    if at_the_end && head > last {
        items.push((head, None));
    }
    Ok(items)
}

/// What is live of these, one entry for each from the first on, as many as fit; the first that is here always does.
pub(super) fn named_changes(
    sql: &mut dyn Sql,
    tenant: &TenantId,
    ids: &[ChangeId],
    max_bytes: usize,
) -> SqlResult<Vec<Option<Vec<u8>>>> {
    // Were it a condition that nothing covers them, PostgreSQL could take them for few, and look through all that is live.
    let size =
        "SELECT id, CASE WHEN covered_ms IS NULL THEN length(bytes) END FROM change WHERE tenant = ?1 AND id = ?2";
    let sizes = here(sql, size, tenant, ids, |row| row.maybe_int(1))?;
    let (mut n_bytes, max_bytes) = (0, i64::try_from(max_bytes).unwrap_or(i64::MAX));
    let fits = ids.iter().take_while(|id| {
        let size = sizes.get(id.as_bytes()).copied().unwrap_or_default();
        n_bytes += size;
        n_bytes == size || n_bytes <= max_bytes
    });
    let ids = &ids[..fits.count()];
    if n_bytes == 0 {
        return Ok(vec![None; ids.len()]);
    }
    let body = "SELECT id, CASE WHEN covered_ms IS NULL THEN bytes END FROM change WHERE tenant = ?1 AND id = ?2";
    let bodies = here(sql, body, tenant, ids, |row| row.maybe_bytes(1))?;
    Ok(ids.iter().map(|id| bodies.get(id.as_bytes()).cloned()).collect())
}

/// What a statement gives of those of these changes of ?1 of which it gives anything.
fn here<T>(
    sql: &mut dyn Sql,
    select: &'static str,
    tenant: &TenantId,
    ids: &[ChangeId],
    read: impl Fn(&mut Row) -> SqlResult<Option<T>>,
) -> SqlResult<HashMap<[u8; 32], T>> {
    let asked: Vec<&[u8; 32]> = ids.iter().map(ChangeId::as_bytes).collect();
    let [rows] = together(sql, [Question::Which(select, &values![tenant], &asked)])?;
    let mut found = HashMap::with_capacity(rows.len());
    for mut row in rows {
        if let Some(of_it) = read(&mut row)? {
            found.insert(row.array(0)?, of_it);
        }
    }
    Ok(found)
}

pub(super) fn consents(sql: &mut dyn Sql, tenant: &TenantId, page: Page) -> SqlResult<Vec<(u64, Consent)>> {
    if page.after >= glance(sql, tenant)?.heads.consents {
        return Ok(Vec::new());
    }
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
    let size = |consent: &Consent| match consent {
        Consent::Grant(bytes) | Consent::Revocation(bytes) => bytes.len(),
    };
    Ok(paged(sql, select, tenant.into(), page, consent, size)?.0)
}

/// Tells a clinic of a grant or a revocation.
pub(super) fn tell_consent(
    sql: &mut dyn Sql,
    tenant: &TenantId,
    kind: i64,
    source: &TenantId,
    grant: &GrantId,
) -> SqlResult<()> {
    let last = "SELECT chain FROM consent WHERE tenant = ?1 ORDER BY position DESC LIMIT 1";
    let (feed, of) = (feed_of(tenant, Feed::Consents), values![tenant]);
    let [at, before] = together(sql, [next_position(&feed), Question::Rows(last, &of)])?;
    let at = the_only(at)?.position(0)?;
    let before = before.into_iter().next().map(|mut row| row.array(0)).transpose()?;
    let chain = follow(&before.unwrap_or(NO_CHAIN), &consent_name(kind, source, grant));
    let insert = "INSERT INTO consent (tenant, position, kind, source, id, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    sql.later(insert, &values![tenant, at, kind, source, grant.as_bytes(), &chain])
}

/// Rows are asked for so many at a time, until it is known how large they are.
const AT_FIRST: usize = 64;

/// Rows of `(position, …)` of ?1 after the position ?2, at most ?3, until the page is full, and whether there are more; one
/// row always fits.
pub(super) fn paged<T>(
    sql: &mut dyn Sql,
    select: &'static str,
    of: Value<'_>,
    page: Page,
    read: impl Fn(&mut Row) -> SqlResult<T>,
    size: impl Fn(&T) -> usize,
) -> SqlResult<(Vec<(u64, T)>, bool)> {
    let (mut items, mut n_bytes, mut is_full) = (Vec::new(), 0, false);
    let (mut after, mut at_a_time) = (page.after, AT_FIRST);
    while !is_full {
        // One more than there is room for tells that there are more.
        let limit = at_a_time.min((page.max_items - items.len()).saturating_add(1));
        let n_before = items.len();
        sql.each(select, &[of, after.into(), limit.into()], &mut |mut row| {
            let item = read(&mut row)?;
            n_bytes += size(&item);
            if items.len() == page.max_items || (n_bytes > page.max_bytes && !items.is_empty()) {
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
    Ok((items, is_full))
}
