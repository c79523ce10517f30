//! What two stores have in common that hold the same: the ids of all changes, and every row that is made from them.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::BackupError;
use crate::set::{self, SetDigest};

/// So many rows are looked at between two askings whether to go on.
const ROWS_A_LOOK: u64 = 512;

/// The digest of the set and of each table of the cache.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    set: SetDigest,
    tables: Vec<Table>,
}

#[derive(Debug, PartialEq, Eq)]
struct Table {
    name: String,
    n: u64,
    /// The exclusive or of the hashes of its rows: their order is nobody's business.
    rows: [u8; 32],
}

impl Likeness {
    /// Looks at every row; `go_on` is asked now and then.
    pub fn of(conn: &Connection, mut go_on: impl FnMut() -> Result<(), BackupError>) -> Result<Self, BackupError> {
        let set = set::digest(conn)?;
        let mut statement = conn.prepare(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'p\\_%' ESCAPE '\\'
             AND name NOT LIKE 'p\\_search\\_%' ESCAPE '\\' ORDER BY name",
        )?;
        let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let tables = names.into_iter().map(|name| Table::of(conn, name, &mut go_on));
        Ok(Self {
            set,
            tables: tables.collect::<Result<_, BackupError>>()?,
        })
    }

    /// What they differ in, in a word for a log; `None` when they are alike.
    pub fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.set != other.set {
            Some("set")
        } else if self.tables != other.tables {
            Some("tables")
        } else {
            None
        }
    }
}

impl Table {
    fn of(
        conn: &Connection,
        name: String,
        go_on: &mut impl FnMut() -> Result<(), BackupError>,
    ) -> Result<Self, BackupError> {
        let key = if name == "p_search" { "rowid, *" } else { "*" };
        let mut statement = conn.prepare(&format!("SELECT {key} FROM {name}"))?;
        let n_columns = statement.column_count();
        let mut rows = statement.query([])?;
        let (mut n, mut sum) = (0, [0; 32]);
        while let Some(row) = rows.next()? {
            if n % ROWS_A_LOOK == 0 {
                go_on()?;
            }
            n += 1;
            let mut hasher = blake3::Hasher::new();
            for column in 0..n_columns {
                add(&mut hasher, row.get_ref(column)?);
            }
            let hash = hasher.finalize();
            sum.iter_mut()
                .zip(hash.as_bytes())
                .for_each(|(sum, byte): (&mut u8, _)| *sum ^= byte);
        }
        drop(rows);
        drop(statement);
        Ok(Self { name, n, rows: sum })
    }
}

fn add(hasher: &mut blake3::Hasher, value: ValueRef<'_>) {
    let (kind, bytes): (u8, &[u8]) = match &value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(number) => (1, &number.to_le_bytes()),
        ValueRef::Real(number) => (2, &number.to_le_bytes()),
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(blob) => (4, blob),
    };
    hasher
        .update(&[kind])
        .update(&(bytes.len() as u64).to_le_bytes())
        .update(bytes);
}
