//! Statements of each clinic, in clear: membership must be readable by all whom it concerns.

use seal::{Statement, TenantId};
use sync_protocol::Roster;

use super::sql::{Sql, SqlResult, Value, values};

pub(super) fn read(sql: &mut dyn Sql, tenant: &TenantId) -> SqlResult<Vec<Vec<u8>>> {
    let select = "SELECT bytes FROM statement WHERE tenant = ?1 ORDER BY hash";
    let rows = sql.rows(select, &values![tenant])?;
    rows.into_iter().map(|mut row| row.bytes(0)).collect()
}

/// Adds what is new; nothing is ever taken away.
pub(super) fn add(sql: &mut dyn Sql, roster: &Roster) -> SqlResult<()> {
    let tenant = roster.membership().tenant();
    let statements = roster.statements().iter().map(|bytes| {
        let id = Statement::decode(bytes).expect("a roster holds only what decodes").id();
        (id, bytes)
    });
    let statements: Vec<_> = statements.collect();
    let rows: Vec<Vec<Value<'_>>> = statements
        .iter()
        .map(|(id, bytes)| values![&tenant, id.as_bytes(), *bytes].to_vec())
        .collect();
    let insert = "INSERT INTO statement (tenant, hash, bytes) VALUES (?1, ?2, ?3)";
    let there = "SELECT hash FROM statement WHERE tenant = ?1 AND hash = ?2";
    let ids: Vec<_> = statements.iter().map(|(id, _)| id.as_bytes()).collect();
    let there = sql.which(there, &values![&tenant], &ids)?;
    let new: Vec<_> = rows
        .into_iter()
        .zip(&ids)
        .filter(|(_, id)| !there.contains(**id))
        .map(|(row, _)| row)
        .collect();
    sql.insert_many(insert, &new)
}
