//! The relay's audit lines that concern this clinic: who asked, of whom, permitted or denied; and the heads of their chain
//! as the relay signed them.
//!
//! What was told once stays. When the relay's data was put back, a number may come again with another line: both are kept.

use rusqlite::{Connection, OptionalExtension, Row, params};
use seal::GrantId;
use sync_protocol::{AuditLine, AuditStore, Incarnation, SignedHead, StoreError};

use crate::{Reading, Vault, VaultError, receipts};

/// Lines about a grant that are looked through for one access, the newest first.
const LOOKED_THROUGH: u32 = 5_000;

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
            "SELECT * FROM (SELECT bytes, holds, number, 0 FROM relay_audit ORDER BY number DESC LIMIT ?1)
             UNION ALL SELECT * FROM (SELECT bytes, holds, number, rowid FROM relay_audit_again
                                      ORDER BY number DESC, rowid DESC LIMIT ?1)
             ORDER BY 3 DESC, 4 DESC LIMIT ?1",
            [limit],
            audit_row,
        )
    }

    /// The newest lines about one grant, newest first, however old they are.
    pub fn relay_audit_of(&self, grant: GrantId, limit: u32) -> Result<Vec<RelayAuditRow>, VaultError> {
        self.many(
            "SELECT * FROM (SELECT bytes, holds, number, 0 FROM relay_audit WHERE grant_id = ?1 ORDER BY number DESC LIMIT ?2)
             UNION ALL SELECT * FROM (SELECT bytes, holds, number, rowid FROM relay_audit_again WHERE grant_id = ?1
                                      ORDER BY number DESC, rowid DESC LIMIT ?2)
             ORDER BY 3 DESC, 4 DESC LIMIT ?2",
            params![grant.as_bytes(), limit],
            audit_row,
        )
    }

    /// The newest access under a grant that the relay permitted to this clinic: by its request the lines of both sides are
    /// joined. `None` when no such line is here (it comes a moment after what it tells of).
    pub fn permitted_request(&self, grant: GrantId) -> Result<Option<[u8; 16]>, VaultError> {
        let own = self.belonging().tenant;
        let rows = self.relay_audit_of(grant, LOOKED_THROUGH)?;
        let to_us = |line: &AuditLine| line.requester == own && line.permitted();
        Ok(rows
            .into_iter()
            .map(|row| row.line)
            .find(to_us)
            .map(|line| line.request))
    }

    /// The heads of the chain that the relay signed, the newest first.
    pub fn relay_heads(&self, limit: u32) -> Result<Vec<(Incarnation, SignedHead)>, VaultError> {
        self.many(
            "SELECT life, bytes FROM relay_heads ORDER BY at_ms DESC, number DESC LIMIT ?1",
            [limit],
            |row| {
                let bytes = row.get_ref(1)?.as_blob().map_err(|_| VaultError::Damaged)?;
                let head = SignedHead::decode(bytes).map_err(|_| VaultError::Malformed("audit head"))?;
                Ok((Incarnation(row.get(0)?), head))
            },
        )
    }
}

fn audit_row(row: &Row<'_>) -> Result<RelayAuditRow, VaultError> {
    let bytes = row.get_ref(0)?.as_blob().map_err(|_| VaultError::Damaged)?;
    let line = AuditLine::decode(bytes).map_err(|_| VaultError::Malformed("audit line"))?;
    Ok(RelayAuditRow {
        line,
        holds: row.get(1)?,
    })
}

/// Files lines that an older build took in by the grants that they are about.
pub(crate) fn file_by_grant(conn: &Connection) -> Result<(), VaultError> {
    for table in ["relay_audit", "relay_audit_again"] {
        let mut unfiled = conn.prepare(&format!("SELECT rowid, bytes FROM {table} WHERE grant_id IS NULL"))?;
        let unfiled = unfiled.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut file = conn.prepare(&format!("UPDATE {table} SET grant_id = ?2 WHERE rowid = ?1"))?;
        for (row, bytes) in unfiled.collect::<Result<Vec<(i64, Vec<u8>)>, _>>()? {
            let grant = AuditLine::decode(&bytes).map(|line| line.grant.as_bytes().to_vec());
            file.execute(params![row, grant.unwrap_or_default()])?;
        }
    }
    Ok(())
}

/// Takes in one line of the relay's present life. A line that is here already stays as it was first told.
pub(crate) fn absorb(conn: &Connection, line: &AuditLine) -> Result<(), VaultError> {
    let number = i64::try_from(line.number).map_err(|_| VaultError::Malformed("audit line"))?;
    let life = receipts::last_incarnation(conn)?.map(|life| life.0);
    let before = line_at(conn, life.as_ref(), number - 1)?;
    let holds = line.follows(before.and_then(|bytes| AuditLine::decode(&bytes).ok()).as_ref());
    let (bytes, grant) = (line.encode(), line.grant.as_bytes());
    let there: Option<Vec<u8>> = conn
        .prepare_cached("SELECT bytes FROM relay_audit WHERE number = ?1")?
        .query_row([number], |row| row.get(0))
        .optional()?;
    let (sql, values) = match there {
        None => (
            "INSERT INTO relay_audit (life, number, bytes, holds, grant_id) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![life, number, bytes, holds, grant],
        ),
        Some(there) if there == bytes => (
            "UPDATE relay_audit SET life = ?1 WHERE number = ?2",
            params![life, number],
        ),
        Some(_) => (
            "INSERT OR IGNORE INTO relay_audit_again (life, number, bytes, holds, grant_id)
             VALUES (coalesce(?1, x''), ?2, ?3, ?4, ?5)",
            params![life, number, bytes, holds, grant],
        ),
    };
    conn.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// The line of a number as it was told in this life, or before.
fn line_at(conn: &Connection, life: Option<&[u8; 16]>, number: i64) -> Result<Option<Vec<u8>>, VaultError> {
    let sql = "SELECT bytes FROM (
                   SELECT bytes, 1 AS newer, rowid AS at FROM relay_audit_again WHERE life = ?1 AND number = ?2
                   UNION ALL SELECT bytes, 0, 0 FROM relay_audit WHERE number = ?2)
               ORDER BY newer DESC, at DESC LIMIT 1";
    let bytes = conn
        .prepare_cached(sql)?
        .query_row(params![life, number], |row| row.get(0));
    Ok(bytes.optional()?)
}

impl AuditStore for Vault {
    fn audit_hash(&self, incarnation: &Incarnation, number: u64) -> Result<Option<[u8; 32]>, StoreError> {
        let Ok(number) = i64::try_from(number) else {
            return Ok(None);
        };
        let told_in_this_life = "SELECT EXISTS (SELECT 1 FROM relay_audit WHERE number = ?2 AND life = ?1)
                                 OR EXISTS (SELECT 1 FROM relay_audit_again WHERE number = ?2 AND life = ?1)";
        let bytes = self.read(|r| {
            let told = r.one(told_in_this_life, params![incarnation.0, number], |row| Ok(row.get(0)?))?;
            match told {
                Some(true) => line_at(r.conn(), Some(&incarnation.0), number),
                _ => Ok(None),
            }
        })?;
        let line = bytes.and_then(|bytes| AuditLine::decode(&bytes).ok());
        Ok(line.map(|line| line.hash()))
    }

    fn newest_head(&self, incarnation: &Incarnation) -> Result<Option<SignedHead>, StoreError> {
        let newest = "SELECT bytes FROM relay_heads WHERE life = ?1 ORDER BY at_ms DESC, number DESC LIMIT 1";
        let bytes: Option<Vec<u8>> = self.read(|r| r.one(newest, [incarnation.0], |row| Ok(row.get(0)?)))?;
        Ok(bytes.and_then(|bytes| SignedHead::decode(&bytes).ok()))
    }

    fn keep_head(&self, incarnation: &Incarnation, head: &SignedHead) -> Result<(), StoreError> {
        let number = i64::try_from(head.number).map_err(|_| VaultError::Malformed("audit head"))?;
        self.inner.writer().transaction(|conn, _, _, _| {
            conn.prepare_cached(
                "INSERT OR IGNORE INTO relay_heads (life, at_ms, number, bytes) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![incarnation.0, head.at_ms, number, head.encode()])?;
            Ok::<_, VaultError>(())
        })?;
        Ok(())
    }
}
