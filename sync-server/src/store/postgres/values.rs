//! Values into PostgreSQL and out of it, and what its errors mean.

use std::error::Error;

use bytes::BytesMut;
use postgres::error::SqlState;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::store::sql::{Column, Row, SqlError, SqlResult, Value};

pub(super) fn columns(row: &postgres::Row) -> SqlResult<Row> {
    let columns = row.columns().iter().enumerate().map(|(at, column)| {
        let kind = column.type_();
        Ok(match *kind {
            Type::BOOL => row
                .try_get::<_, Option<bool>>(at)?
                .map(|value| Column::Int(value.into())),
            Type::INT4 => row
                .try_get::<_, Option<i32>>(at)?
                .map(|value| Column::Int(value.into())),
            Type::INT8 => row.try_get::<_, Option<i64>>(at)?.map(Column::Int),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at)?.map(Column::Bytes),
            Type::TEXT => row.try_get::<_, Option<String>>(at)?.map(Column::Text),
            // What a function gives that gives nothing.
            Type::VOID => None,
            _ => return Err(SqlError::Unexpected(at)),
        }
        .unwrap_or(Column::Null))
    });
    columns.collect::<SqlResult<Vec<_>>>().map(Row)
}

/// A value that goes to the database later than it is given.
#[derive(Debug)]
pub(super) enum Given {
    One(Column),
    /// A list: a column of many rows, or ids.
    Many(Vec<Column>),
}

impl From<Value<'_>> for Given {
    fn from(value: Value<'_>) -> Self {
        Self::One(value.into())
    }
}

impl ToSql for Given {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::One(value) => value.to_sql(kind, out),
            Self::Many(values) => values.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        Column::accepts(kind) || <Vec<Column>>::accepts(kind)
    }

    to_sql_checked!();
}

impl ToSql for Column {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Self::Int(value) => value.to_sql(kind, out),
            Self::Bytes(value) => value.as_slice().to_sql(kind, out),
            Self::Text(value) => value.as_str().to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT4 | Type::INT8 | Type::BYTEA | Type::TEXT)
    }

    to_sql_checked!();
}

/// Without details: they name the values of the row.
impl From<postgres::Error> for SqlError {
    fn from(error: postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) if *said.code() == SqlState::T_R_DEADLOCK_DETECTED => Self::Again,
            Some(said) if *said.code() == SqlState::T_R_SERIALIZATION_FAILURE => Self::Again,
            // An operator ends it, or the whole server.
            Some(said) if said.code().code().starts_with("57P") => Self::Lost(said.message().to_owned()),
            Some(said) => Self::Failed(format!("{} ({})", said.message(), said.code().code())),
            None => Self::Lost(error.to_string()),
        }
    }
}
