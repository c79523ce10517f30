//! The relay's audit lines that concern this clinic: who asked, of whom, permitted or denied.

use rusqlite::{Connection, OptionalExtension, params};
use sync_protocol::AuditLine;

use crate::{Reading, VaultError};

/// One line of the relay's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayAuditRow {
    /// The line.
    pub line: AuditLine,
    /// Whether it follows from the line before; `false` is for a person to ask the operator about.
    pub holds: bool,
}

impl Reading<'_> {
    /// The newest lines, newest first.
    pub fn relay_audit(&self, limit: u32) -> Result<Vec<RelayAuditRow>, VaultError> {
        self.many(
            "SELECT bytes, holds FROM relay_audit ORDER BY number DESC LIMIT ?1",
            [limit],
            |row| {
                let bytes = row.get_ref(0)?.as_blob().map_err(|_| VaultError::Damaged)?;
                let line = AuditLine::decode(bytes).map_err(|_| VaultError::Malformed("audit line"))?;
                Ok(RelayAuditRow {
                    line,
                    holds: row.get(1)?,
                })
            },
        )
    }
}

/// Takes in one line. A line that is here already stays as it was first told.
pub(crate) fn absorb(conn: &Connection, line: &AuditLine) -> Result<(), VaultError> {
    let number = i64::try_from(line.number).map_err(|_| VaultError::Malformed("audit line"))?;
    let before: Option<Vec<u8>> = conn
        .prepare_cached("SELECT bytes FROM relay_audit WHERE number = ?1")?
        .query_row([number - 1], |row| row.get(0))
        .optional()?;
    let before = before.and_then(|bytes| AuditLine::decode(&bytes).ok());
    conn.prepare_cached("INSERT OR IGNORE INTO relay_audit (number, bytes, holds) VALUES (?1, ?2, ?3)")?
        .execute(params![number, line.encode(), line.follows(before.as_ref())])?;
    Ok(())
}
