//! Ids and positions as SQLite keeps them.

use rusqlite::Row;
use rusqlite::types::{FromSqlError, Type};

/// A column with bytes of a fixed length.
pub(super) fn array<const N: usize>(row: &Row<'_>, column: usize) -> rusqlite::Result<[u8; N]> {
    row.get(column)
}

/// A position. SQLite counts in `i64`; ours start at 1 and never come near its end.
pub(super) fn position(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, FromSqlError::OutOfRange(value).into())
    })
}

/// The same, on its way in.
pub(super) fn to_sql(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
