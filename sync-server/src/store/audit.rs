//! Each clinic's chain of audit lines.

use seal::{GrantClear, TenantId};
use sync_protocol::{AuditLine, AuditOutcome, Feed, Page, ReleaseAsk};

use super::feeds::{feed_of, next_position};
use super::glance::glance;
use super::sql::{Question, Row, Sql, SqlError, SqlResult, Value, the_only, values};

/// One access, permitted or denied.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) ask: &'a ReleaseAsk,
    pub(super) clear: Option<&'a GrantClear>,
    pub(super) outcome: AuditOutcome,
    pub(super) count: u64,
}

/// Writes the access into the chain of the clinic that asked, and of the clinic whose record it was.
pub(super) fn write(sql: &mut dyn Sql, access: &Access<'_>) -> SqlResult<()> {
    let requester = access.ask.requester;
    let of_the_requester = match access.outcome {
        // A stranger to the grant learns nothing about it, not even that it exists.
        AuditOutcome::DeniedNotRecipient => Access {
            ask: access.ask,
            clear: None,
            outcome: AuditOutcome::DeniedNoGrant,
            count: 0,
        },
        _ => *access,
    };
    let source = access.clear.map(|clear| clear.source);
    let source = source.filter(|source| *source != requester);
    let mut lines = vec![(requester, of_the_requester)];
    lines.extend(source.map(|source| (source, *access)));
    // Two clinics that ask each other at once would otherwise wait for each other.
    lines.sort_by_key(|(tenant, _)| *tenant);
    let last = "SELECT line FROM audit WHERE tenant = ?1 ORDER BY number DESC LIMIT 1";
    let feeds = lines
        .iter()
        .map(|(tenant, _)| (feed_of(tenant, Feed::Audit), values![tenant]));
    let feeds: Vec<([Value<'_>; 2], [Value<'_>; 1])> = feeds.collect();
    let places = feeds
        .iter()
        .flat_map(|(feed, of)| [next_position(feed), Question::Rows(last, of)]);
    let mut places = sql.ask(&places.collect::<Vec<_>>())?.into_iter();
    for (tenant, line) in &lines {
        let (number, last) = (places.next().unwrap_or_default(), places.next().unwrap_or_default());
        append(sql, tenant, line, (number, last))?;
    }
    Ok(())
}

/// In the other clinic's chain only where the gate has opened the way to it. `place`: the number of the line, and the line
/// before it.
fn append(sql: &mut dyn Sql, tenant: &TenantId, access: &Access<'_>, place: (Vec<Row>, Vec<Row>)) -> SqlResult<()> {
    let (number, previous) = (the_only(place.0)?.position(0)?, place.1.into_iter().next());
    let previous = previous.map(|mut row| row.bytes(0)).transpose()?;
    let line = AuditLine {
        number,
        previous: previous
            .map(|bytes| decode(&bytes))
            .transpose()?
            .map_or([0; 32], |line| line.hash()),
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
    let insert = "INSERT INTO audit (tenant, number, line) VALUES (?1, ?2, ?3)";
    sql.later(insert, &values![tenant, number, &line.encode()])
}

pub(super) fn read(sql: &mut dyn Sql, tenant: &TenantId, page: Page) -> SqlResult<Vec<AuditLine>> {
    if page.after >= glance(sql, tenant)?.heads.audit {
        return Ok(Vec::new());
    }
    let select = "SELECT line FROM audit WHERE tenant = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let rows = sql.rows(select, &values![tenant, page.after, page.max_items])?;
    rows.into_iter().map(|mut row| decode(&row.bytes(0)?)).collect()
}

/// Only encoded lines are stored; what cannot be read is a damaged disk, or somebody else's hand.
fn decode(bytes: &[u8]) -> SqlResult<AuditLine> {
    AuditLine::decode(bytes).map_err(|_| SqlError::Unexpected(0))
}
