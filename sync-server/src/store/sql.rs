//! The seam under the store: what its rules need of a database, and no more.
//!
//! The rules are written once, in the words that SQLite and PostgreSQL share (`ON CONFLICT`, `RETURNING`, `?1`), against
//! [`Sql`]: one transaction. They name no database. What the two do differently is a method here: locking a row, putting
//! many rows in at once, being the only one of a clinic's.

use std::collections::HashSet;
use std::ops::ControlFlow;

use seal::{GrantId, TenantId};

/// A value on its way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Value<'a> {
    #[default]
    Null,
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
}

/// A value that came out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Null,
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
}

impl Column {
    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => size_of::<Self>(),
            Self::Bytes(bytes) => size_of::<Self>() + bytes.len(),
            Self::Text(text) => size_of::<Self>() + text.len(),
        }
    }
}

impl From<Value<'_>> for Column {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(value) => Self::Int(value),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
            Value::Text(text) => Self::Text(text.to_owned()),
        }
    }
}

impl<'a> From<&'a Column> for Value<'a> {
    fn from(column: &'a Column) -> Self {
        match column {
            Column::Null => Self::Null,
            Column::Int(value) => Self::Int(*value),
            Column::Bytes(bytes) => Self::Bytes(bytes),
            Column::Text(text) => Self::Text(text),
        }
    }
}

/// Values of a statement, in the order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => { [$($crate::store::sql::Value::from($value)),*] };
}
pub(super) use values;

/// The database said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SqlError {
    /// Another transaction stood in the way: the same one may be tried again.
    #[error("another transaction stood in the way")]
    Again,
    /// The way to the database is cut; whether the transaction was committed is not known.
    #[error("the database was lost: {0}")]
    Lost(String),
    /// This was not asked before, where only what was said before is said (`look.rs`).
    #[error("this was not asked before")]
    NotKnown,
    /// What came out is not what was put in: a damaged disk, or somebody else's hand.
    #[error("column {0} is not what was stored")]
    Unexpected(usize),
    /// Anything else, in the database's words.
    #[error("{0}")]
    Failed(String),
}

pub(super) type SqlResult<T> = Result<T, SqlError>;

/// For whom a transaction is: where rows have owners, it sees no others' (see `docs/relay.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope<'a> {
    /// One clinic. A reading transaction sees one moment.
    Clinic(&'a TenantId),
    /// One clinic, and each statement sees what is committed by then.
    Latest(&'a TenantId),
    /// The relay itself: the operator's list, and keeping house. No consent, no release, no audit.
    House,
}

/// What is asked together with others.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question<'a> {
    /// All rows of a statement.
    Rows(&'static str, &'a [Value<'a>]),
    /// Which of these ids there are, each a row of its own: as [`Sql::which`] says. More may be selected beside the id.
    Which(&'static str, &'a [Value<'a>], &'a [&'a [u8; 32]]),
    /// The time, one row: as [`Sql::clock_ms`] says.
    Clock(i64),
}

/// One transaction.
pub(super) trait Sql {
    /// Runs a statement that gives no rows; how many it changed.
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<usize>;

    /// Runs a statement that gives no rows, and of which nobody needs to know how many it changed. It may go to the database
    /// with what is asked next, or with the commit: should it fail, that fails.
    fn later(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<()> {
        self.execute(sql, values).map(drop)
    }

    /// Rows, until `take` has enough.
    fn each(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row) -> SqlResult<ControlFlow<()>>,
    ) -> SqlResult<()>;

    /// Asks all of it, one after the other, and waits once: none of the questions depends on the answer to another. What is
    /// asked behind a lock sees what whoever had it before has left.
    fn ask(&mut self, questions: &[Question<'_>]) -> SqlResult<Vec<Vec<Row>>>;

    /// Puts many rows in. `sql` is the statement for one, and ends with its `VALUES (…)`. It goes as [`Sql::later`] says.
    fn insert_many(&mut self, sql: &'static str, rows: &[Vec<Value<'_>>]) -> SqlResult<()>;

    /// One row, which no other transaction changes or locks before this one has ended.
    fn lock_row(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Option<Row>>;

    /// From here to its end this transaction is the only one of its kind for this clinic.
    fn one_at_a_time(&mut self, tenant: &TenantId) -> SqlResult<()>;

    /// What concerns this other clinic may be read and written from here on, until the next call.
    fn reach(&mut self, other: Option<&TenantId>) -> SqlResult<()>;

    /// This grant is asked for: its row may be read, by whomever, to decide on it.
    fn at_gate(&mut self, grant: &GrantId) -> SqlResult<()>;

    /// Tells all who share these data, at the commit, that this grant ended: what was read under it is called back.
    fn call_back(&mut self, recipient: &TenantId, grant: &GrantId) -> SqlResult<()>;

    /// The time by the one clock of all who share these data; `own_ms` is this program's.
    fn clock_ms(&mut self, own_ms: i64) -> SqlResult<i64> {
        the_only(self.ask(&[Question::Clock(own_ms)])?.pop().unwrap_or_default())?.int(0)
    }

    /// Which of these ids there are. `sql` selects one id, and ends by comparing it: `… = ?n`, after the `first` values.
    fn which(&mut self, sql: &'static str, first: &[Value<'_>], ids: &[&[u8; 32]]) -> SqlResult<HashSet<[u8; 32]>> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let answers = self.ask(&[Question::Which(sql, first, ids)])?;
        ids_of(answers.into_iter().flatten())
    }

    /// All rows.
    fn rows(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Vec<Row>> {
        let mut rows = Vec::new();
        self.each(sql, values, &mut |row| {
            rows.push(row);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(rows)
    }

    /// The first row.
    fn row(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Option<Row>> {
        let mut first = None;
        self.each(sql, values, &mut |row| {
            first = Some(row);
            Ok(ControlFlow::Break(()))
        })?;
        Ok(first)
    }

    /// The only row of a statement that always gives one.
    fn the_row(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<Row> {
        the_only(self.row(sql, values)?)
    }

    /// Whether there is a row.
    fn exists(&mut self, sql: &'static str, values: &[Value<'_>]) -> SqlResult<bool> {
        Ok(self.row(sql, values)?.is_some())
    }
}

/// Asks all of it at once: as [`Sql::ask`] says.
pub(super) fn together<const N: usize>(sql: &mut dyn Sql, questions: [Question<'_>; N]) -> SqlResult<[Vec<Row>; N]> {
    let answers = sql.ask(&questions)?;
    answers
        .try_into()
        .map_err(|_| SqlError::Failed("not every question has its answer".into()))
}

/// The first row of an answer that always has one.
pub(super) fn the_only(rows: impl IntoIterator<Item = Row>) -> SqlResult<Row> {
    let first = rows.into_iter().next();
    first.ok_or_else(|| SqlError::Failed("a row that is always there is missing".into()))
}

/// The ids of an answer.
pub(super) fn ids_of(rows: impl IntoIterator<Item = Row>) -> SqlResult<HashSet<[u8; 32]>> {
    rows.into_iter().map(|mut row| row.array(0)).collect()
}

/// One row that came out. A column is taken once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row(pub(super) Vec<Column>);

impl Row {
    fn take(&mut self, at: usize) -> SqlResult<Column> {
        let column = self.0.get_mut(at).ok_or(SqlError::Unexpected(at))?;
        Ok(std::mem::replace(column, Column::Null))
    }

    pub(super) fn maybe_int(&mut self, at: usize) -> SqlResult<Option<i64>> {
        match self.take(at)? {
            Column::Null => Ok(None),
            Column::Int(value) => Ok(Some(value)),
            _ => Err(SqlError::Unexpected(at)),
        }
    }

    pub(super) fn int(&mut self, at: usize) -> SqlResult<i64> {
        self.maybe_int(at)?.ok_or(SqlError::Unexpected(at))
    }

    /// A truth: SQLite counts them, PostgreSQL has a type for them.
    pub(super) fn flag(&mut self, at: usize) -> SqlResult<bool> {
        Ok(self.int(at)? != 0)
    }

    /// A position or a number of things. Databases count in `i64`; ours never come near its end.
    pub(super) fn position(&mut self, at: usize) -> SqlResult<u64> {
        u64::try_from(self.int(at)?).map_err(|_| SqlError::Unexpected(at))
    }

    pub(super) fn maybe_bytes(&mut self, at: usize) -> SqlResult<Option<Vec<u8>>> {
        match self.take(at)? {
            Column::Null => Ok(None),
            Column::Bytes(value) => Ok(Some(value)),
            _ => Err(SqlError::Unexpected(at)),
        }
    }

    pub(super) fn bytes(&mut self, at: usize) -> SqlResult<Vec<u8>> {
        self.maybe_bytes(at)?.ok_or(SqlError::Unexpected(at))
    }

    /// Bytes of a fixed length.
    pub(super) fn maybe_array<const N: usize>(&mut self, at: usize) -> SqlResult<Option<[u8; N]>> {
        let array = self.maybe_bytes(at)?.map(<[u8; N]>::try_from).transpose();
        array.map_err(|_| SqlError::Unexpected(at))
    }

    pub(super) fn array<const N: usize>(&mut self, at: usize) -> SqlResult<[u8; N]> {
        self.maybe_array(at)?.ok_or(SqlError::Unexpected(at))
    }

    pub(super) fn maybe_text(&mut self, at: usize) -> SqlResult<Option<String>> {
        match self.take(at)? {
            Column::Null => Ok(None),
            Column::Text(value) => Ok(Some(value)),
            _ => Err(SqlError::Unexpected(at)),
        }
    }

    pub(super) fn text(&mut self, at: usize) -> SqlResult<String> {
        self.maybe_text(at)?.ok_or(SqlError::Unexpected(at))
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

/// A position, or a number of things.
impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value<'_> {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a TenantId> for Value<'a> {
    fn from(value: &'a TenantId) -> Self {
        Self::Bytes(value.as_bytes())
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
