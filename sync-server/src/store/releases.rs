//! The gate: the only way by which one clinic's data reaches another.
//!
//! [`pull`] runs in one transaction that asks `consent::admits`, reads, and writes the audit. It holds the grant's row from
//! its first step to its end, and so does a revocation: a batch is either read before it (and then cut on its way, see
//! `hub.rs`) or denied, on whatever thread or node the two happen.

use consent::{Decision, DenyReason};
use seal::{GrantClear, GrantId, TenantId};
use sync_protocol::{AuditOutcome, ReleaseAnswer, ReleaseAsk};

use super::audit::{self, Access};
use super::feeds::paged;
use super::life::is_closed;
use super::push::{clear_part, is_revoked, lock_grant};
use super::sql::{Sql, SqlResult, Value, values};
use super::standing::is_suspended;

pub(super) fn pull(sql: &mut dyn Sql, ask: &ReleaseAsk) -> SqlResult<ReleaseAnswer> {
    sql.at_gate(&ask.grant)?;
    let Some(clear) = lock_grant(sql, &ask.grant)? else {
        return deny(sql, ask, None, AuditOutcome::DeniedNoGrant);
    };
    sql.reach(Some(&clear.source))?;
    let revoked = is_revoked(sql, &clear.source, &clear.id)?;
    if let Decision::Deny(reason) = consent::admits(&clear, revoked, ask.requester, ask.now_ms) {
        let outcome = match reason {
            DenyReason::Revoked => AuditOutcome::DeniedRevoked,
            DenyReason::NotTheRecipient => AuditOutcome::DeniedNotRecipient,
            DenyReason::NotYet => AuditOutcome::DeniedNotYet,
            DenyReason::Expired => AuditOutcome::DeniedEnded,
            DenyReason::NotUnderstood => AuditOutcome::DeniedNotUnderstood,
        };
        return deny(sql, ask, Some(&clear), outcome);
    }
    // Nor does what a clinic gives cross that is not served.
    if is_closed(sql, &clear.source)? || is_suspended(sql, &clear.source)? {
        return deny(sql, ask, Some(&clear), AuditOutcome::DeniedSourceClosed);
    }
    serve(sql, ask, &clear)
}

fn serve(sql: &mut dyn Sql, ask: &ReleaseAsk, clear: &GrantClear) -> SqlResult<ReleaseAnswer> {
    let select = "SELECT f.position, r.bytes FROM release_for f JOIN release r ON r.id = f.release_id
                  WHERE f.grant_id = ?1 AND f.position > ?2 AND r.bytes IS NOT NULL ORDER BY f.position LIMIT ?3";
    let of = Value::Bytes(ask.grant.as_bytes());
    let items = paged(sql, select, of, ask.page, |row| row.bytes(1), Vec::len)?;
    let more = match items.last() {
        Some((last, _)) => sql.exists(select, &[of, (*last).into(), 1_i64.into()])?,
        None => false,
    };
    let head = "SELECT releases FROM given WHERE id = ?1";
    let head = sql.the_row(head, &values![ask.grant.as_bytes()])?.position(0)?;
    let last = items.last().map(|(position, _)| *position);
    let up_to = last.filter(|_| more).unwrap_or(head);
    if !items.is_empty() {
        let count = items.len() as u64;
        audit::write(
            sql,
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
    sql: &mut dyn Sql,
    ask: &ReleaseAsk,
    clear: Option<&GrantClear>,
    outcome: AuditOutcome,
) -> SqlResult<ReleaseAnswer> {
    audit::write(
        sql,
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
pub(super) fn heads(sql: &mut dyn Sql, recipient: &TenantId, now_ms: i64) -> SqlResult<Vec<(GrantId, u64)>> {
    let select =
        "SELECT g.bytes, g.releases, r.id IS NOT NULL, c.source IS NOT NULL OR s.tenant IS NOT NULL FROM given g
                  LEFT JOIN revocation r ON r.source = g.source AND r.id = g.id
                  LEFT JOIN closed c ON c.source = g.source AND c.confirmed_by IS NULL
                  LEFT JOIN standing s ON s.tenant = g.source
                  WHERE g.recipient = ?1 AND g.releases > 0 ORDER BY g.id";
    let mut heads = Vec::new();
    for mut row in sql.rows(select, &values![recipient])? {
        let clear = clear_part(&row.bytes(0)?);
        let (revoked, closed) = (row.flag(2)?, row.flag(3)?);
        if !closed && consent::admits(&clear, revoked, *recipient, now_ms) == Decision::Permit {
            heads.push((clear.id, row.position(1)?));
        }
    }
    Ok(heads)
}
