//! The gate: the only way by which one clinic's data reaches another.
//!
//! [`pull`] runs in one transaction that asks `consent::admits`, reads, and writes the audit. It holds the grant's row from
//! its first step to its end, and so does a revocation: a batch is either read before it (and then cut on its way, see
//! `hub.rs`) or denied, on whatever thread or node the two happen.

use consent::{Decision, DenyReason};
use seal::GrantClear;
use sync_protocol::{AuditOutcome, ReleaseAnswer, ReleaseAsk};

use super::audit::{self, Access};
use super::feeds::paged;
use super::life::CLOSED;
use super::push::{REVOKED, lock_grant};
use super::sql::{Question, Sql, SqlResult, Value, the_only, together, values};
use super::standing::SUSPENDED;

pub(super) fn pull(sql: &mut dyn Sql, ask: &ReleaseAsk) -> SqlResult<ReleaseAnswer> {
    sql.at_gate(&ask.grant)?;
    let Some(clear) = lock_grant(sql, &ask.grant)? else {
        return deny(sql, ask, None, AuditOutcome::DeniedNoGrant);
    };
    sql.reach(Some(&clear.source))?;
    let (source, grant) = (values![&clear.source], values![&clear.source, clear.id.as_bytes()]);
    let of = values![clear.id.as_bytes()];
    let [revoked, closed, suspended, head] = together(
        sql,
        [
            Question::Rows(REVOKED, &grant),
            Question::Rows(CLOSED, &source),
            Question::Rows(SUSPENDED, &source),
            Question::Rows("SELECT releases FROM given WHERE id = ?1", &of),
        ],
    )?;
    let revoked = !revoked.is_empty();
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
    if !closed.is_empty() || !suspended.is_empty() {
        return deny(sql, ask, Some(&clear), AuditOutcome::DeniedSourceClosed);
    }
    serve(sql, ask, &clear, the_only(head)?.position(0)?)
}

/// `head`: the last position of what was released under the grant.
fn serve(sql: &mut dyn Sql, ask: &ReleaseAsk, clear: &GrantClear, head: u64) -> SqlResult<ReleaseAnswer> {
    let select = "SELECT f.position, r.bytes FROM release_for f JOIN release r ON r.id = f.release_id
                  WHERE f.grant_id = ?1 AND f.position > ?2 AND r.bytes IS NOT NULL ORDER BY f.position LIMIT ?3";
    let of = Value::Bytes(ask.grant.as_bytes());
    let (items, more) = match ask.page.after < head {
        true => paged(sql, select, of, ask.page, |row| row.bytes(1), Vec::len)?,
        false => Default::default(),
    };
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
