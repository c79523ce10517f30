//! The seam over SQLite: one file, one connection, one thread (see `writer.rs`).
//!
//! WAL with `synchronous=FULL`: what is acknowledged survives the power cord. A writing transaction is `IMMEDIATE`, so no
//! other one is under way anywhere; rows need no locks and have no other owners.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ToSql, TransactionBehavior, params_from_iter};
use seal::{GrantId, TenantId};

use super::OpenError;
use super::sql::{Column, Question, Row, Sql, SqlError, SqlResult, Value};

mod migrations {
    refinery::embed_migrations!("migrations");
}

/// More statements than the store has.
const STATEMENTS: usize = 192;

/// Memory for the file's pages. The ids of changes are hashes: each new one has its place in another page of their index, and
/// what is not at hand is read again and again.
const CACHE_KIB: i64 = 32 * 1024;

/// Pages of 4 KiB in the write-ahead log before they go into the file. A page that many transactions touch goes there once.
const LOG_PAGES: i64 = 4_000;

/// Who writes beside this program (an operator's command, say) tries so often, a millisecond apart.
const TRIES: i32 = 10_000;

/// SQLite has no queue: the turn comes in a moment between two transactions of the other, and whoever looks seldom misses it.
fn wait_for_turn(n_tries: i32) -> bool {
    std::thread::sleep(Duration::from_millis(1));
    n_tries < TRIES
}

pub(super) struct Sqlite {
    connection: Connection,
    commits: u64,
}

impl Sqlite {
    /// Opens the file, or makes it, and brings its schema up to date.
    pub(super) fn open(file: &Path) -> Result<Self, OpenError> {
        let mut connection = Connection::open(file)?;
        connection.busy_handler(Some(wait_for_turn))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        // What was revoked leaves no trace in the file's free pages.
        connection.pragma_update(None, "secure_delete", true)?;
        // In one transaction with the note of it: where the power goes meanwhile, nothing was done.
        let runner = migrations::migrations::runner().set_grouped(true);
        let known = runner.get_migrations().iter().map(|one| i64::from(one.version())).max();
        let select = "SELECT max(version) FROM refinery_schema_history";
        // A file that was just made has none.
        let here = connection
            .query_row(select, [], |row| row.get::<_, Option<i64>>(0))
            .ok();
        if let (Some(Some(here)), Some(known)) = (here, known)
            && here > known
        {
            return Err(OpenError::Later { here, known });
        }
        runner.run(&mut connection)?;
        Ok(Self { connection, commits: 0 })
    }

    /// How many transactions were ever committed here.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// One moment, also if the operator's commands write meanwhile.
    pub(super) fn read<T>(&self, act: impl FnOnce(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        let transaction = self.connection.unchecked_transaction()?;
        act(&mut Open(&transaction))
    }

    /// One transaction, `BEGIN IMMEDIATE` to `COMMIT`; an error rolls all of it back.
    pub(super) fn write<T>(&mut self, act: impl FnOnce(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = act(&mut Open(&transaction))?;
        let sql = "UPDATE relay SET commits = commits + 1 RETURNING commits";
        let commits = Open(&transaction).the_row(sql, &[])?.position(0)?;
        transaction.commit()?;
        self.commits = commits;
        Ok(done)
    }

    /// Brings the write-ahead log into the file.
    pub(super) fn checkpoint(&self) -> SqlResult<()> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        Ok(self.connection.query_row(sql, [], |_| Ok(()))?)
    }
}

struct Open<'c>(&'c Connection);

impl Open<'_> {
    fn prepare(&self, sql: &'static str) -> SqlResult<CachedStatement<'_>> {
        Ok(self.0.prepare_cached(sql)?)
    }

    fn those_of(&self, sql: &'static str, first: &[Value<'_>], ids: &[&[u8; 32]]) -> SqlResult<Vec<Row>> {
        let mut statement = self.prepare(sql)?;
        let n_columns = statement.column_count();
        let mut there = Vec::new();
        for id in ids {
            let last = Value::Bytes(*id);
            let mut found = statement.query(params_from_iter(first.iter().chain([&last])))?;
            if let Some(row) = found.next()? {
                there.push(whole(row, n_columns)?);
            }
        }
        Ok(there)
    }
}

impl Sql for Open<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<usize> {
        Ok(self.prepare(sql)?.execute(params_from_iter(values))?)
    }

    fn each(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row) -> SqlResult<ControlFlow<()>>,
    ) -> SqlResult<()> {
        let mut statement = self.prepare(sql)?;
        let n_columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            if take(whole(row, n_columns)?)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn ask(&mut self, questions: &[Question<'_>]) -> SqlResult<Vec<Vec<Row>>> {
        let answers = questions.iter().map(|question| match *question {
            Question::Rows(sql, values) => self.rows(sql, values),
            Question::Which(sql, first, ids) => self.those_of(sql, first, ids),
            Question::Clock(own_ms) => Ok(vec![Row(vec![Column::Int(own_ms)])]),
        });
        answers.collect()
    }

    fn insert_many(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> SqlResult<()> {
        let mut statement = self.prepare(sql)?;
        for row in rows {
            statement.execute(params_from_iter(row))?;
        }
        Ok(())
    }

    fn lock_row(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Option<Row>> {
        self.row(sql, values)
    }

    fn one_at_a_time(&mut self, _: &TenantId) -> SqlResult<()> {
        Ok(())
    }

    fn reach(&mut self, _: Option<&TenantId>) -> SqlResult<()> {
        Ok(())
    }

    fn at_gate(&mut self, _: &GrantId) -> SqlResult<()> {
        Ok(())
    }

    fn call_back(&mut self, _: &TenantId, _: &GrantId) -> SqlResult<()> {
        Ok(())
    }
}

fn whole(row: &rusqlite::Row<'_>, n_columns: usize) -> SqlResult<Row> {
    let columns = (0..n_columns).map(|at| column(row.get_ref(at)?, at));
    Ok(Row(columns.collect::<SqlResult<_>>()?))
}

fn column(value: ValueRef<'_>, at: usize) -> SqlResult<Column> {
    Ok(match value {
        ValueRef::Null => Column::Null,
        ValueRef::Integer(value) => Column::Int(value),
        ValueRef::Blob(value) => Column::Bytes(value.to_vec()),
        ValueRef::Text(value) => Column::Text(String::from_utf8(value.to_vec()).map_err(|_| SqlError::Unexpected(at))?),
        ValueRef::Real(_) => return Err(SqlError::Unexpected(at)),
    })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Bytes(value) => ValueRef::Blob(value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
        }))
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string())
    }
}
