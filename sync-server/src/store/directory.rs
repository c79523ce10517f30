//! The directory: each clinic's newest card, for every clinic to read.

use seal::DirectoryCard;
use sync_protocol::{DirectoryRefusal, Page, Part};

use super::sql::{Sql, SqlResult, values};

/// A clinic's cards come no faster than this, in milliseconds: each is fetched by everybody.
const APART_MS: i64 = 60_000;

pub(super) fn publish(sql: &mut dyn Sql, card: &DirectoryCard, now_ms: i64) -> SqlResult<Option<DirectoryRefusal>> {
    let Ok(number) = i64::try_from(card.number()) else {
        return Ok(Some(DirectoryRefusal::Malformed));
    };
    // Whoever holds it gives the next position.
    let head = sql.lock_row("SELECT directory FROM relay WHERE only_row = ?1", &values![1_i64])?;
    let head = head.map_or(Ok(0), |mut row| row.position(0))?;
    let (tenant, bytes) = (card.tenant(), card.encode());
    let select = "SELECT number, published_ms, bytes FROM directory WHERE tenant = ?1";
    if let Some(mut row) = sql.row(select, &values![&tenant])? {
        if row.int(0)? >= number {
            return Ok((row.bytes(2)? != bytes).then_some(DirectoryRefusal::Older));
        }
        // A clock that was set back keeps nobody out.
        if (0..APART_MS).contains(&now_ms.saturating_sub(row.int(1)?)) {
            return Ok(Some(DirectoryRefusal::Later));
        }
    }
    let put = "INSERT INTO directory (tenant, number, position, published_ms, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (tenant) DO UPDATE SET number = excluded.number, position = excluded.position,
               published_ms = excluded.published_ms, bytes = excluded.bytes";
    sql.execute(put, &values![&tenant, number, head + 1, now_ms, &bytes])?;
    sql.execute("UPDATE relay SET directory = ?1", &values![head + 1])?;
    Ok(None)
}

pub(super) fn cards(sql: &mut dyn Sql, page: Page) -> SqlResult<Part<Vec<u8>>> {
    let head = sql.the_row("SELECT directory FROM relay", &[])?.position(0)?;
    let select = "SELECT position, bytes FROM directory WHERE position > ?1 ORDER BY position LIMIT ?2";
    let mut rows = sql.rows(select, &values![page.after, page.max_items + 1])?;
    let more = rows.len() > page.max_items;
    rows.truncate(page.max_items);
    let (mut items, mut up_to) = (Vec::with_capacity(rows.len()), page.after);
    for mut row in rows {
        up_to = row.position(0)?;
        items.push(row.bytes(1)?);
    }
    if !more {
        up_to = head.max(page.after);
    }
    Ok(Part { items, up_to, more })
}
