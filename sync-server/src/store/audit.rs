//! Each clinic's chain of audit lines.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use seal::{GrantClear, TenantId};
use sync_protocol::{AuditLine, AuditOutcome, Feed, Page, ReleaseAsk};

use super::columns::to_sql;
use super::feeds::next_position;

/// One access, permitted or denied.
pub(super) struct Access<'a> {
    pub(super) ask: &'a ReleaseAsk,
    pub(super) clear: Option<&'a GrantClear>,
    pub(super) outcome: AuditOutcome,
    pub(super) count: u64,
}

/// Writes the access into the chain of the clinic that asked, and of the clinic whose record it was.
pub(super) fn write(transaction: &Transaction<'_>, access: &Access<'_>) -> rusqlite::Result<()> {
    let requester = access.ask.requester;
    match access.outcome {
        // A stranger to the grant learns nothing about it, not even that it exists.
        AuditOutcome::DeniedNotRecipient => {
            let unknown = Access {
                ask: access.ask,
                clear: None,
                outcome: AuditOutcome::DeniedNoGrant,
                count: 0,
            };
            append(transaction, &requester, &unknown)?;
        }
        _ => append(transaction, &requester, access)?,
    }
    match access.clear.map(|clear| clear.source) {
        Some(source) if source != requester => append(transaction, &source, access),
        _ => Ok(()),
    }
}

fn append(transaction: &Transaction<'_>, tenant: &TenantId, access: &Access<'_>) -> rusqlite::Result<()> {
    let number = next_position(transaction, tenant, Feed::Audit)?;
    let sql = "SELECT line FROM audit WHERE tenant = ?1 AND number = ?2";
    let before = params![tenant.as_bytes(), to_sql(number - 1)];
    let previous: Option<Vec<u8>> = transaction.query_row(sql, before, |row| row.get(0)).optional()?;
    let line = AuditLine {
        number,
        previous: previous.map_or([0; 32], |bytes| decode(&bytes).hash()),
        request: access.ask.request,
        at_ms: access.ask.now_ms,
        requester: access.ask.requester,
        device: access.ask.device,
        source: access.clear.map(|clear| clear.source),
        grant: access.ask.grant,
        purpose: access.clear.map(|clear| clear.purpose),
        outcome: access.outcome,
        count: access.count,
    };
    let sql = "INSERT INTO audit (tenant, number, line) VALUES (?1, ?2, ?3)";
    transaction
        .execute(sql, params![tenant.as_bytes(), to_sql(number), line.encode()])
        .map(drop)
}

pub(super) fn read(connection: &Connection, tenant: &TenantId, page: Page) -> rusqlite::Result<Vec<AuditLine>> {
    let sql = "SELECT line FROM audit WHERE tenant = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let limit = i64::try_from(page.max_items).unwrap_or(i64::MAX);
    let rows = select.query_map(params![tenant.as_bytes(), to_sql(page.after), limit], |row| row.get(0))?;
    rows.map(|bytes: rusqlite::Result<Vec<u8>>| bytes.map(|bytes| decode(&bytes)))
        .collect()
}

fn decode(bytes: &[u8]) -> AuditLine {
    AuditLine::decode(bytes).expect("only encoded lines are stored")
}
