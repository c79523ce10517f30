//! Which database the store is in.

use super::sql::{Scope, Sql, SqlResult};
use super::sqlite::Sqlite;

pub(super) enum Database {
    /// One file, and nobody else writes there while a relay runs.
    Sqlite(Sqlite),
}

impl Database {
    /// Whether other threads and programs write there too.
    pub(super) fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
        }
    }

    /// How many transactions were ever committed there, where that is counted.
    pub(super) fn commits(&self) -> u64 {
        match self {
            Self::Sqlite(sqlite) => sqlite.commits(),
        }
    }

    /// One transaction that changes nothing.
    pub(super) fn read<T>(&self, _scope: Scope<'_>, act: impl FnMut(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(act),
        }
    }

    /// One transaction; an error rolls all of it back.
    pub(super) fn write<T>(
        &mut self,
        _scope: Scope<'_>,
        act: impl FnMut(&mut dyn Sql) -> SqlResult<T>,
    ) -> SqlResult<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(act),
        }
    }

    /// Brings a write-ahead log into its file, where there is one.
    pub(super) fn checkpoint(&self) -> SqlResult<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.checkpoint(),
        }
    }
}
