//! Mailboxes between clinics: kept for whoever comes for them, never read, and never telling who exists.
//!
//! Every transaction first locks the rows of all clinics whose lists it moves, in the order of their ids, so that no two
//! wait for each other and positions become visible in order.

use std::collections::BTreeSet;

use seal::{Mail, MailId, TenantId};
use sync_protocol::{
    MAIL_KEPT_MS, MAX_MAIL_AN_HOUR, MAX_WAITING_OF_CLINIC, MAX_WAITING_OF_PAIR, MailState, MailTold, Page, Part, Wake,
};

use super::feeds::paged;
use super::sql::{Row, Sql, SqlResult, values};

const HOUR_MS: i64 = 60 * 60 * 1000;
/// What became of a message is kept so long, in milliseconds: once more the time for which the message is.
const STATE_KEPT_MS: i64 = 2 * MAIL_KEPT_MS;
/// Rows that go in one transaction of keeping house.
const A_BATCH: usize = 500;

const WAITS: i64 = 0;
const DELIVERED: i64 = 1;
const READ: i64 = 2;
const EXPIRED: i64 = 3;

/// How many messages wait for a clinic.
struct Locked {
    waiting: u64,
}

/// Nobody else moves this clinic's lists before this transaction has ended.
fn lock(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<Locked> {
    sql.reach(Some(tenant))?;
    let touch = "INSERT INTO mail_head (tenant) VALUES (?1)
                 ON CONFLICT (tenant) DO UPDATE SET inbox = mail_head.inbox RETURNING waiting";
    let waiting = sql.the_row(touch, &values![tenant])?.position(0)?;
    Ok(Locked { waiting })
}

/// Something became of a message of this clinic: its place in what the clinic is told.
fn next_state(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<u64> {
    sql.reach(Some(tenant))?;
    let next = "UPDATE mail_head SET states = states + 1 WHERE tenant = ?1 RETURNING states";
    sql.the_row(next, &values![tenant])?.position(0)
}

/// `false`: not now.
pub(super) fn post(sql: &mut dyn Sql, mail: &Mail, now_ms: i64) -> SqlResult<bool> {
    let header = mail.header();
    let (from, to, id) = (&header.from, &header.to, header.id.as_bytes());
    let mut n_waiting = 0;
    for tenant in BTreeSet::from([from, to]) {
        let locked = lock(sql, tenant)?;
        if tenant == to {
            n_waiting = locked.waiting;
        }
    }
    let known = "SELECT 1 FROM mail WHERE sender = ?1 AND id = ?2";
    if sql.exists(known, &values![from, id])? {
        return Ok(true);
    }
    let lately = "SELECT count(*) FROM mail WHERE sender = ?1 AND stored_ms > ?2";
    let n_lately = sql.the_row(lately, &values![from, now_ms.saturating_sub(HOUR_MS)])?;
    let of_pair = "SELECT count(*) FROM mail WHERE recipient = ?2 AND sender = ?1 AND state = 0";
    let n_of_pair = sql.the_row(of_pair, &values![from, to])?;
    let is_full = |mut row: Row, most: u64| Ok::<_, super::SqlError>(row.position(0)? >= most);
    let puts_off = is_full(n_lately, MAX_MAIL_AN_HOUR)? | is_full(n_of_pair, MAX_WAITING_OF_PAIR)?;
    if puts_off || n_waiting >= MAX_WAITING_OF_CLINIC {
        return Ok(false);
    }
    let state_at = next_state(sql, from)?;
    sql.reach(Some(to))?;
    let next = "UPDATE mail_head SET inbox = inbox + 1, waiting = waiting + 1 WHERE tenant = ?1 RETURNING inbox";
    let position = sql.the_row(next, &values![to])?.position(0)?;
    let insert = "INSERT INTO mail (sender, id, recipient, position, state, state_at, state_ms, stored_ms, bytes)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)";
    let bytes = mail.encode();
    sql.execute(
        insert,
        &values![from, id, to, position, WAITS, state_at, now_ms, &bytes],
    )?;
    Ok(true)
}

pub(super) fn inbox(sql: &mut dyn Sql, tenant: &TenantId, page: Page, now_ms: i64) -> SqlResult<Part<Vec<u8>>> {
    let head = "SELECT inbox FROM mail_head WHERE tenant = ?1";
    let head = sql
        .row(head, &values![tenant])?
        .map_or(Ok(0), |mut row| row.position(0))?;
    let select = "SELECT position, bytes, stored_ms FROM mail WHERE recipient = ?1 AND position > ?2
                  AND bytes IS NOT NULL ORDER BY position LIMIT ?3";
    let read = |row: &mut Row| Ok((row.bytes(1)?, row.int(2)?));
    let (items, more) = paged(sql, select, tenant.into(), page, read, |(bytes, _)| bytes.len())?;
    let last = items.last().map(|(position, _)| *position);
    // Keeping house may be late; what is too old is over all the same.
    let oldest_ms = now_ms.saturating_sub(MAIL_KEPT_MS);
    let young = items.into_iter().filter(|(_, (_, stored_ms))| *stored_ms > oldest_ms);
    Ok(Part {
        items: young.map(|(_, (bytes, _))| bytes).collect(),
        up_to: last.filter(|_| more).unwrap_or(head.max(page.after)),
        more,
    })
}

/// A message of another clinic's for whoever asks.
struct Waiting {
    sender: TenantId,
    id: [u8; 16],
    recipient: TenantId,
}

/// These come to another state, those at least that are in one of the states before it. Whom to wake.
fn move_on(sql: &mut dyn Sql, messages: &[Waiting], to_state: i64, now_ms: i64) -> SqlResult<Vec<Wake>> {
    let both = messages
        .iter()
        .flat_map(|message| [&message.sender, &message.recipient]);
    for tenant in both.collect::<BTreeSet<_>>() {
        lock(sql, tenant)?;
    }
    let mut told = BTreeSet::new();
    for message in messages {
        let Waiting { sender, id, recipient } = message;
        let select = "SELECT state FROM mail WHERE sender = ?1 AND id = ?2 AND recipient = ?3";
        let Some(mut row) = sql.row(select, &values![sender, id, recipient])? else {
            continue;
        };
        let before = row.int(0)?;
        if before >= to_state || before == EXPIRED || (to_state == EXPIRED && before != WAITS) {
            continue;
        }
        let state_at = next_state(sql, sender)?;
        let moved = "UPDATE mail SET state = ?3, state_at = ?4, state_ms = ?5 WHERE sender = ?1 AND id = ?2";
        sql.execute(moved, &values![sender, id, to_state, state_at, now_ms])?;
        if before == WAITS {
            sql.reach(Some(recipient))?;
            let fewer = "UPDATE mail_head SET waiting = waiting - 1 WHERE tenant = ?1 AND waiting > 0";
            sql.execute(fewer, &values![recipient])?;
        }
        told.insert(*sender);
    }
    Ok(told.into_iter().map(Wake::Clinic).collect())
}

/// What waits for the clinic ?1 up to the position ?2. It is looked for among what waits, of which there is little, and not by
/// its position, among all that came in half a year: hence the sum.
const WAITING: &str = "SELECT sender, id FROM mail WHERE recipient = ?1 AND state = 0 AND position + 0 <= ?2";

/// Whether anything up to this position is not known to be with this clinic.
pub(super) fn waits(sql: &mut dyn Sql, tenant: &TenantId, up_to: u64) -> SqlResult<bool> {
    sql.exists(WAITING, &values![tenant, up_to])
}

pub(super) fn stored(sql: &mut dyn Sql, tenant: &TenantId, up_to: u64, now_ms: i64) -> SqlResult<Vec<Wake>> {
    let mut waiting = Vec::new();
    for mut row in sql.rows(WAITING, &values![tenant, up_to])? {
        waiting.push(Waiting {
            sender: TenantId::from_bytes(row.array(0)?),
            id: row.array(1)?,
            recipient: *tenant,
        });
    }
    move_on(sql, &waiting, DELIVERED, now_ms)
}

pub(super) fn read(
    sql: &mut dyn Sql,
    tenant: &TenantId,
    from: &TenantId,
    id: &MailId,
    now_ms: i64,
) -> SqlResult<Vec<Wake>> {
    let known = "SELECT 1 FROM mail WHERE sender = ?1 AND id = ?2 AND recipient = ?3";
    // Looked for before anything is locked: nobody locks another's row by naming it.
    if !sql.exists(known, &values![from, id.as_bytes(), tenant])? {
        return Ok(Vec::new());
    }
    let message = Waiting {
        sender: *from,
        id: *id.as_bytes(),
        recipient: *tenant,
    };
    move_on(sql, &[message], READ, now_ms)
}

pub(super) fn states(sql: &mut dyn Sql, tenant: &TenantId, page: Page) -> SqlResult<Part<MailTold>> {
    let head = "SELECT states FROM mail_head WHERE tenant = ?1";
    let head = sql
        .row(head, &values![tenant])?
        .map_or(Ok(0), |mut row| row.position(0))?;
    let select = "SELECT state_at, id, state, state_ms FROM mail WHERE sender = ?1 AND state_at > ?2
                  ORDER BY state_at LIMIT ?3";
    let mut rows = sql.rows(select, &values![tenant, page.after, page.max_items + 1])?;
    let more = rows.len() > page.max_items;
    rows.truncate(page.max_items);
    let (mut items, mut up_to) = (Vec::with_capacity(rows.len()), page.after);
    for mut row in rows {
        up_to = row.position(0)?;
        items.push(MailTold {
            id: MailId::from_bytes(row.array(1)?),
            state: match row.int(2)? {
                DELIVERED => MailState::Delivered,
                READ => MailState::Read,
                EXPIRED => MailState::Expired,
                _ => MailState::Stored,
            },
            at_ms: row.int(3)?,
        });
    }
    if !more {
        up_to = head.max(page.after);
    }
    Ok(Part { items, up_to, more })
}

/// What has waited for too long expires, bodies go, and at last what became of them. `true`: there may be more.
pub(super) fn keep_house(sql: &mut dyn Sql, now_ms: i64) -> SqlResult<bool> {
    let oldest_ms = now_ms.saturating_sub(MAIL_KEPT_MS);
    let select = "SELECT sender, id, recipient FROM mail WHERE stored_ms <= ?1 AND state = 0 LIMIT ?2";
    let mut over = Vec::new();
    for mut row in sql.rows(select, &values![oldest_ms, A_BATCH])? {
        over.push(Waiting {
            sender: TenantId::from_bytes(row.array(0)?),
            id: row.array(1)?,
            recipient: TenantId::from_bytes(row.array(2)?),
        });
    }
    move_on(sql, &over, EXPIRED, now_ms)?;
    let bodies = "UPDATE mail SET bytes = NULL WHERE (sender, id) IN (SELECT sender, id FROM mail
                  WHERE stored_ms <= ?1 AND state <> 0 AND bytes IS NOT NULL LIMIT ?2)";
    let n_bodies = sql.execute(bodies, &values![oldest_ms, A_BATCH])?;
    let rows = "DELETE FROM mail WHERE (sender, id) IN (SELECT sender, id FROM mail WHERE stored_ms <= ?1 LIMIT ?2)";
    let n_rows = sql.execute(rows, &values![now_ms.saturating_sub(STATE_KEPT_MS), A_BATCH])?;
    Ok(over.len() == A_BATCH || n_bodies == A_BATCH || n_rows == A_BATCH)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::WAITING;
    use crate::store::{FILE_NAME, Store};

    #[test]
    fn what_waits_is_not_looked_for_among_all_that_ever_came() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path(), &mut rand::rng()).unwrap());
        let file = rusqlite::Connection::open(folder.path().join(FILE_NAME)).unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {WAITING}");
        let plan: String = file
            .query_row(&plan, [[0; 32].as_slice(), &[]], |row| row.get(3))
            .unwrap();
        assert!(plan.contains("mail_waiting (recipient=?)"), "{plan}");
    }
}
