//! Moving a relay's store from its file into a PostgreSQL: the same data, living the same life.
//!
//! All rows go in one transaction, and are counted and compared before it is committed. The file is then set aside, so that
//! nobody serves it by mistake; until that, nothing has changed.

use std::path::Path;

use postgres::binary_copy::BinaryCopyInWriter;
use postgres::types::{ToSql, Type};
use postgres::{Client, Transaction};
use rand_core::CryptoRng;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use crate::serve::lock;
use crate::{DatabaseUrl, FILE_NAME, OpenError, ServeError, Store, prepare};

const MOVED: &str = "relay.sqlite.moved";

/// What both must have the same of: how far each feed goes, and the hash of all that is in it.
const PICTURES: [&str; 4] = [
    "SELECT tenant, feed, position FROM head ORDER BY tenant, feed",
    "SELECT c.tenant, c.position, c.chain FROM change c JOIN head h ON h.tenant = c.tenant AND h.feed = 0
     AND h.position = c.position ORDER BY c.tenant",
    "SELECT c.tenant, c.position, c.chain FROM consent c JOIN head h ON h.tenant = c.tenant AND h.feed = 1
     AND h.position = c.position ORDER BY c.tenant",
    "SELECT tenant, count(*), CAST(sum(length(bytes)) AS BIGINT) FROM change GROUP BY tenant ORDER BY tenant",
];

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is nothing to move.
    #[error("there is no store in the data folder")]
    NoStore,
    /// Somebody else's data, or a second try after the first was done.
    #[error("the database is not empty: {0} has rows")]
    NotEmpty(String),
    /// What arrived is not what left.
    #[error("what arrived differs from what left ({0}): nothing was moved")]
    Differs(String),
    /// The data folder, or a relay that runs on it.
    #[error(transparent)]
    Folder(#[from] ServeError),
    /// One of the two.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file.
    #[error("the store cannot be read: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The database.
    #[error("the database cannot be used: {}", crate::database_url::words_of(.0))]
    Postgres(#[from] postgres::Error),
    /// The file system.
    #[error("the file cannot be set aside: {0}")]
    Io(#[from] std::io::Error),
}

impl MoveError {
    /// Whether it is refused on principle, rather than having failed.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::NoStore | Self::NotEmpty(_) => true,
            Self::Folder(error) => error.is_refusal(),
            Self::Open(error) => error.is_refusal(),
            _ => false,
        }
    }
}

/// Moves the store of the folder `data` into the database of this owner, whose schema is made first. No relay may run on
/// the folder. Gives how many rows were moved.
///
/// # Errors
/// [`MoveError`]; nothing is changed then.
pub fn move_to(data: &Path, owner: &DatabaseUrl, rng: &mut impl CryptoRng) -> Result<u64, MoveError> {
    let file = data.join(FILE_NAME);
    if !file.is_file() {
        return Err(MoveError::NoStore);
    }
    let _lock = lock(data)?;
    // Brings its schema up to date, and the log into the file.
    let mut store = Store::open(data, rng)?;
    store.checkpoint().map_err(OpenError::from)?;
    drop(store);
    prepare(owner, None)?;
    let from = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut client = owner.connect().map_err(OpenError::from)?;
    let n_rows = copy(&from, &mut client)?;
    drop(from);
    std::fs::rename(&file, data.join(MOVED))?;
    Ok(n_rows)
}

fn copy(from: &Connection, client: &mut Client) -> Result<u64, MoveError> {
    // In this order a row comes after those that it names. Who is signed in signs in anew, and who pairs begins anew.
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                  AND name NOT LIKE 'pairing%'
                  AND name NOT IN ('refinery_schema_history', 'operator_session', 'operator_try') ORDER BY name";
    let mut tables = from.prepare(tables)?;
    let tables: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut to = client.transaction()?;
    let mut n_rows = 0;
    for table in &tables {
        to.batch_execute(&format!("LOCK TABLE {table}"))?;
        if to.query_opt(&format!("SELECT 1 FROM {table} LIMIT 1"), &[])?.is_some() {
            return Err(MoveError::NotEmpty(table.clone()));
        }
        // The owner is held by the policies too, but for this transaction.
        if table != "relay" {
            to.batch_execute(&format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"))?;
        }
        n_rows += copy_table(from, &mut to, table)?;
    }
    for table in ["clinic", "plan", "invoice"] {
        let next = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'number'), max(number)) FROM {table} HAVING count(*) > 0"
        );
        to.execute(&next, &[])?;
    }
    for picture in PICTURES {
        if picture_here(from, picture)? != picture_there(&mut to, picture)? {
            return Err(MoveError::Differs("the feeds".into()));
        }
    }
    for table in tables.iter().filter(|table| *table != "relay") {
        // How a table is best read the database knows once it has looked at it: here, and not some minute later.
        to.batch_execute(&format!(
            "ALTER TABLE {table} FORCE ROW LEVEL SECURITY; ANALYZE {table}"
        ))?;
    }
    to.commit()?;
    Ok(n_rows)
}

fn copy_table(from: &Connection, to: &mut Transaction<'_>, table: &str) -> Result<u64, MoveError> {
    let mut rows = from.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = rows.column_names().collect::<Vec<_>>().join(", ");
    let there = to.prepare(&format!("SELECT {columns} FROM {table}"))?;
    let types: Vec<Type> = there.columns().iter().map(|column| column.type_().clone()).collect();
    let sink = to.copy_in(&format!("COPY {table} ({columns}) FROM STDIN BINARY"))?;
    let mut sink = BinaryCopyInWriter::new(sink, &types);
    let mut rows = rows.query([])?;
    let mut n_rows = 0;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> = (0..types.len()).map(|at| row.get(at)).collect::<Result<_, _>>()?;
        let values: Vec<Box<dyn ToSql + Sync>> = values.into_iter().map(boxed).collect();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(Box::as_ref).collect();
        sink.write(&values)?;
        n_rows += 1;
    }
    if sink.finish()? != n_rows {
        return Err(MoveError::Differs(table.to_owned()));
    }
    Ok(n_rows)
}

fn boxed(value: Value) -> Box<dyn ToSql + Sync> {
    match value {
        Value::Null => Box::new(Nothing),
        Value::Integer(value) => Box::new(value),
        Value::Blob(value) => Box::new(value),
        Value::Text(value) => Box::new(value),
        // There is no such column.
        Value::Real(value) => Box::new(value),
    }
}

/// NULL, of whatever type.
#[derive(Debug)]
struct Nothing;

impl ToSql for Nothing {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut bytes::BytesMut,
    ) -> Result<postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(postgres::types::IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    postgres::types::to_sql_checked!();
}

/// Rows as text: bytes in hexadecimal.
type Picture = Vec<Vec<String>>;

fn picture_here(from: &Connection, sql: &str) -> Result<Picture, MoveError> {
    let mut statement = from.prepare(sql)?;
    let n_columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let values = (0..n_columns).map(|at| {
            Ok(match row.get(at)? {
                Value::Blob(bytes) => hex::encode(bytes),
                Value::Integer(value) => value.to_string(),
                _ => String::new(),
            })
        });
        values.collect()
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn picture_there(to: &mut Transaction<'_>, sql: &str) -> Result<Picture, MoveError> {
    let rows = to.query(sql, &[])?;
    let mut picture = Picture::new();
    for row in rows {
        let values = row.columns().iter().enumerate().map(|(at, column)| {
            Ok(match *column.type_() {
                Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at)?.map(hex::encode),
                _ => row.try_get::<_, Option<i64>>(at)?.map(|value| value.to_string()),
            }
            .unwrap_or_default())
        });
        picture.push(values.collect::<Result<_, postgres::Error>>()?);
    }
    Ok(picture)
}
