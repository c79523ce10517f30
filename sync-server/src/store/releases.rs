//! The gate: the only way by which one clinic's data reaches another.
//!
//! [`pull`] runs in one transaction that asks `consent::admits`, reads, and writes the audit. Since a revocation is
//! a transaction too, a batch is either read before it (and then cut on its way, see `hub.rs`) or denied.

use consent::{Decision, DenyReason};
use rusqlite::{Connection, Transaction, params};
use seal::{GrantClear, GrantId, TenantId};
use sync_protocol::{AuditOutcome, ReleaseAnswer, ReleaseAsk};

use super::audit::{self, Access};
use super::columns::{position, to_sql};
use super::life::is_closed;
use super::push::{clear_part, is_revoked, read_grant};

pub(super) fn pull(transaction: &Transaction<'_>, ask: &ReleaseAsk) -> rusqlite::Result<ReleaseAnswer> {
    let Some(clear) = read_grant(transaction, &ask.grant)? else {
        return deny(transaction, ask, None, AuditOutcome::DeniedNoGrant);
    };
    let revoked = is_revoked(transaction, &clear.source, &clear.id)?;
    if let Decision::Deny(reason) = consent::admits(&clear, revoked, ask.requester, ask.now_ms) {
        let outcome = match reason {
            DenyReason::Revoked => AuditOutcome::DeniedRevoked,
            DenyReason::NotTheRecipient => AuditOutcome::DeniedNotRecipient,
            DenyReason::NotYet => AuditOutcome::DeniedNotYet,
            DenyReason::Expired => AuditOutcome::DeniedEnded,
            DenyReason::NotUnderstood => AuditOutcome::DeniedNotUnderstood,
        };
        return deny(transaction, ask, Some(&clear), outcome);
    }
    if is_closed(transaction, &clear.source)? {
        return deny(transaction, ask, Some(&clear), AuditOutcome::DeniedSourceClosed);
    }
    serve(transaction, ask, &clear)
}

fn serve(transaction: &Transaction<'_>, ask: &ReleaseAsk, clear: &GrantClear) -> rusqlite::Result<ReleaseAnswer> {
    let sql = "SELECT f.position, r.bytes FROM release_for f JOIN release r ON r.id = f.release_id
               WHERE f.grant_id = ?1 AND f.position > ?2 AND r.bytes IS NOT NULL ORDER BY f.position";
    let mut select = transaction.prepare_cached(sql)?;
    let mut rows = select.query(params![ask.grant.as_bytes(), to_sql(ask.page.after)])?;
    let (mut items, mut n_bytes, mut more) = (Vec::new(), 0, false);
    while let Some(row) = rows.next()? {
        let bytes: Vec<u8> = row.get(1)?;
        n_bytes += bytes.len();
        if !items.is_empty() && (items.len() >= ask.page.max_items || n_bytes > ask.page.max_bytes) {
            more = true;
            break;
        }
        items.push((position(row, 0)?, bytes));
    }
    let head = transaction
        .prepare_cached("SELECT releases FROM given WHERE id = ?1")?
        .query_row([ask.grant.as_bytes()], |row| position(row, 0))?;
    let last = items.last().map(|(position, _)| *position);
    let up_to = last.filter(|_| more).unwrap_or(head);
    if !items.is_empty() {
        let count = items.len() as u64;
        audit::write(
            transaction,
            &Access {
                ask,
                clear: Some(clear),
                outcome: AuditOutcome::Permitted,
                count,
            },
        )?;
    }
    Ok(ReleaseAnswer::Served {
        source: clear.source,
        items,
        up_to,
        more,
    })
}

fn deny(
    transaction: &Transaction<'_>,
    ask: &ReleaseAsk,
    clear: Option<&GrantClear>,
    outcome: AuditOutcome,
) -> rusqlite::Result<ReleaseAnswer> {
    audit::write(
        transaction,
        &Access {
            ask,
            clear,
            outcome,
            count: 0,
        },
    )?;
    let outcome = match outcome {
        AuditOutcome::DeniedNotRecipient => AuditOutcome::DeniedNoGrant,
        outcome => outcome,
    };
    Ok(ReleaseAnswer::Denied {
        outcome,
        source: clear.map(|clear| clear.source),
    })
}

/// The grants that admit this clinic now, and how far their releases reach.
pub(super) fn heads(
    connection: &Connection,
    recipient: &TenantId,
    now_ms: i64,
) -> rusqlite::Result<Vec<(GrantId, u64)>> {
    let mut select =
        connection.prepare_cached("SELECT bytes, releases FROM given WHERE recipient = ?1 AND releases > 0")?;
    let mut rows = select.query([recipient.as_bytes()])?;
    let mut heads = Vec::new();
    while let Some(row) = rows.next()? {
        let clear = clear_part(&row.get::<_, Vec<u8>>(0)?);
        let revoked = is_revoked(connection, &clear.source, &clear.id)?;
        let open = !is_closed(connection, &clear.source)?;
        if open && consent::admits(&clear, revoked, *recipient, now_ms) == Decision::Permit {
            heads.push((clear.id, position(row, 1)?));
        }
    }
    Ok(heads)
}
