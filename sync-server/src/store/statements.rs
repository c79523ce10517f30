//! Statements of each clinic, in clear: membership must be readable by all whom it concerns.

use rusqlite::{Connection, Transaction, params};
use seal::{Statement, TenantId};
use sync_protocol::Roster;

pub(super) fn read(connection: &Connection, tenant: &TenantId) -> rusqlite::Result<Vec<Vec<u8>>> {
    let mut select = connection.prepare_cached("SELECT bytes FROM statement WHERE tenant = ?1 ORDER BY hash")?;
    select.query_map([tenant.as_bytes()], |row| row.get(0))?.collect()
}

/// Adds what is new; nothing is ever taken away.
pub(super) fn add(transaction: &Transaction<'_>, roster: &Roster) -> rusqlite::Result<()> {
    let tenant = roster.membership().tenant();
    let mut insert =
        transaction.prepare_cached("INSERT OR IGNORE INTO statement (tenant, hash, bytes) VALUES (?1, ?2, ?3)")?;
    for bytes in roster.statements() {
        let id = Statement::decode(bytes).expect("a roster holds only what decodes").id();
        insert.execute(params![tenant.as_bytes(), id.as_bytes(), bytes])?;
    }
    Ok(())
}
