//! How many commits were made. Each counts itself, and the mark outside the store follows.
//!
//! A commit that puts a change in line for the relay writes its count beside that change; any other writes it into `meta`. The
//! newest of the line and `meta` are asked together: whatever takes the newest out of the line is a commit itself.

use rusqlite::{Connection, OptionalExtension, params};

use crate::VaultError;
use crate::reading::count;

/// How far the count is, as the last commit left it. One process has the store, so the writer need not look again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    /// How many commits.
    pub commit: u64,
    /// No change in line comes behind this place without a count.
    newest: i64,
}

impl Count {
    /// Reads it from the store.
    pub(crate) fn read(conn: &Connection) -> Result<Self, VaultError> {
        let sql = "SELECT max(value, coalesce((SELECT counted FROM changes_to_send ORDER BY arrival DESC LIMIT 1), 0)),
                          coalesce((SELECT arrival FROM changes_to_send ORDER BY arrival DESC LIMIT 1), 0)
                   FROM meta WHERE key = 'commit'";
        Ok(conn.prepare_cached(sql)?.query_row([], |row| {
            Ok(Self {
                commit: count(row, 0)?,
                newest: row.get(1)?,
            })
        })?)
    }

    /// Counts a commit, right before it; gives how far the count is then.
    pub(crate) fn one_more(&self, conn: &Connection) -> Result<Self, VaultError> {
        let commit = self.commit + 1;
        let stored = i64::try_from(commit).map_err(|_| VaultError::Malformed("commit"))?;
        let sql = "UPDATE changes_to_send SET counted = ?1
                   WHERE arrival = (SELECT max(arrival) FROM changes_to_send) AND arrival > ?2 RETURNING arrival";
        let newest = conn
            .prepare_cached(sql)?
            .query_row(params![stored, self.newest], |row| row.get(0))
            .optional()?;
        if newest.is_none() {
            conn.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'commit'")?
                .execute([stored])?;
        }
        Ok(Self {
            commit,
            newest: newest.unwrap_or(self.newest),
        })
    }
}

/// How many were made, also in a store of an older build.
pub(crate) fn made(conn: &Connection) -> Result<u64, VaultError> {
    let has_line: bool = conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'changes_to_send')",
        [],
        |row| row.get(0),
    )?;
    if has_line {
        return Ok(Count::read(conn)?.commit);
    }
    let counted = conn.query_row("SELECT value FROM meta WHERE key = 'commit'", [], |row| count(row, 0));
    Ok(counted?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn empty() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT;
             CREATE TABLE changes_to_send (arrival INTEGER PRIMARY KEY, counted INTEGER) STRICT;
             INSERT INTO meta VALUES ('commit', 0);",
        )
        .unwrap();
        conn
    }

    /// Whatever is put in line and taken out, in one commit or in several, the next is counted as the next.
    #[test]
    fn no_commit_is_counted_twice_or_left_out() {
        let conn = empty();
        let commits = [
            "INSERT INTO changes_to_send (arrival) VALUES (1)",
            "SELECT 1",
            "INSERT INTO changes_to_send (arrival) VALUES (2), (3)",
            "INSERT INTO changes_to_send (arrival) VALUES (4)",
            "DELETE FROM changes_to_send WHERE arrival = 4",
            "DELETE FROM changes_to_send WHERE arrival = 2",
            "INSERT INTO changes_to_send (arrival) VALUES (9)",
            "DELETE FROM changes_to_send WHERE arrival = 9; INSERT INTO changes_to_send (arrival) VALUES (10)",
            "DELETE FROM changes_to_send WHERE arrival = 10; INSERT INTO changes_to_send (arrival) VALUES (10)",
            "INSERT INTO changes_to_send (arrival) VALUES (7)",
            "DELETE FROM changes_to_send",
            "INSERT INTO changes_to_send (arrival) VALUES (5)",
        ];
        let mut count = Count::read(&conn).unwrap();
        for (n, sql) in (1..).zip(commits) {
            conn.execute_batch(sql).unwrap();
            count = count.one_more(&conn).unwrap();
            assert_eq!(count.commit, n, "{sql}");
            assert_eq!(made(&conn).unwrap(), n, "{sql}");
        }
    }

    #[test]
    fn a_store_of_an_older_build_counted_in_one_place() {
        let conn = empty();
        conn.execute_batch("DROP TABLE changes_to_send; UPDATE meta SET value = 7")
            .unwrap();
        assert_eq!(made(&conn).unwrap(), 7);
    }
}
