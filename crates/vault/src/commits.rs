//! How many commits were made. Each counts itself, and the mark outside the store follows.
//!
//! A change that is made here says in which commit that was. So a commit whose newest change is one of its own is counted by
//! that; any other writes its count into `meta`. Both are asked: whatever takes the newest change away is a commit itself.

use rusqlite::{Connection, OptionalExtension, params};

use crate::VaultError;
use crate::reading::count;

/// How far the count is, as the last commit left it. One process has the store, so the writer need not look again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    /// How many commits.
    pub commit: u64,
}

impl Count {
    /// Reads it from the store.
    pub(crate) fn read(conn: &Connection) -> Result<Self, VaultError> {
        let sql = "SELECT max(value, coalesce((SELECT made_in FROM changes ORDER BY arrival DESC LIMIT 1), 0))
                   FROM meta WHERE key = 'commit'";
        let commit = conn.prepare_cached(sql)?.query_row([], |row| count(row, 0))?;
        Ok(Self { commit })
    }

    /// The number of the commit that comes next.
    pub(crate) fn next(self) -> u64 {
        self.commit + 1
    }

    /// Counts a commit, right before it; gives how far the count is then.
    pub(crate) fn one_more(self, conn: &Connection) -> Result<Self, VaultError> {
        let commit = self.next();
        let stored = i64::try_from(commit).map_err(|_| VaultError::Malformed("commit"))?;
        let newest: Option<Option<i64>> = conn
            .prepare_cached("SELECT made_in FROM changes ORDER BY arrival DESC LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?;
        if newest.flatten() != Some(stored) {
            conn.prepare_cached("UPDATE meta SET value = ?1 WHERE key = 'commit'")?
                .execute([stored])?;
        }
        Ok(Self { commit })
    }
}

/// How many were made, also in a store of an older build.
pub(crate) fn made(conn: &Connection) -> Result<u64, VaultError> {
    let has = |table: &str, column: &str| {
        let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2)";
        conn.query_row(sql, params![table, column], |row| row.get::<_, bool>(0))
    };
    if has("changes", "made_in")? {
        return Ok(Count::read(conn)?.commit);
    }
    let line = "SELECT max(value, coalesce((SELECT counted FROM changes_to_send ORDER BY arrival DESC LIMIT 1), 0))
                FROM meta WHERE key = 'commit'";
    let first = "SELECT value FROM meta WHERE key = 'commit'";
    let sql = if has("changes_to_send", "counted")? {
        line
    } else {
        first
    };
    Ok(conn.query_row(sql, [], |row| count(row, 0))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn empty() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY) STRICT;
             CREATE TABLE changes (arrival INTEGER PRIMARY KEY, made_in INTEGER) STRICT;
             INSERT INTO meta VALUES ('commit', 0);",
        )
        .unwrap();
        conn
    }

    /// Whatever is made, comes and goes, in one commit or in several, the next is counted as the next.
    #[test]
    fn no_commit_is_counted_twice_or_left_out() {
        let conn = empty();
        let commits = [
            "INSERT INTO changes (made_in) VALUES (?1)",
            "SELECT ?1",
            "INSERT INTO changes (made_in) VALUES (?1), (?1)",
            "INSERT INTO changes (made_in) VALUES (?1), (NULL)",
            "DELETE FROM changes WHERE arrival = (SELECT max(arrival) FROM changes) AND ?1",
            "DELETE FROM changes WHERE arrival = (SELECT max(arrival) FROM changes) AND ?1",
            "INSERT INTO changes (made_in) VALUES (?1)",
            "DELETE FROM changes WHERE arrival = (SELECT max(arrival) FROM changes) AND ?1",
            "INSERT INTO changes (made_in) VALUES (NULL), (?1)",
            "INSERT INTO changes (arrival, made_in) VALUES (-1, ?1)",
            "DELETE FROM changes WHERE ?1",
            "INSERT INTO changes (made_in) VALUES (?1)",
        ];
        let mut count = Count::read(&conn).unwrap();
        for (n, sql) in (1_u32..).zip(commits) {
            assert_eq!(count.next(), u64::from(n), "{sql}");
            let mut commit = conn.prepare(sql).unwrap();
            commit.query([n]).unwrap().next().unwrap();
            count = count.one_more(&conn).unwrap();
            assert_eq!(count.commit, u64::from(n), "{sql}");
            assert_eq!(made(&conn).unwrap(), u64::from(n), "{sql}");
        }
    }

    #[test]
    fn stores_of_older_builds_counted_in_other_places() {
        let conn = empty();
        conn.execute_batch(
            "ALTER TABLE changes DROP COLUMN made_in; UPDATE meta SET value = 7;
             CREATE TABLE changes_to_send (arrival INTEGER PRIMARY KEY, counted INTEGER) STRICT;
             INSERT INTO changes_to_send VALUES (1, 8), (2, 9);",
        )
        .unwrap();
        assert_eq!(made(&conn).unwrap(), 9);
        conn.execute_batch("DROP TABLE changes_to_send").unwrap();
        assert_eq!(made(&conn).unwrap(), 7);
    }
}
