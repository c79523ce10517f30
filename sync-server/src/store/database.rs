//! Which database the store is in.

use super::postgres::Postgres;
use super::sql::{Scope, Sql, SqlResult};
use super::sqlite::Sqlite;

pub(super) enum Database {
    /// One file, and nobody else writes there while a relay runs.
    Sqlite(Sqlite),
    /// A connection to a database that other threads and nodes use too.
    Postgres(Box<Postgres>),
}

impl Database {
    /// Whether other threads and programs write there too.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// How many transactions were ever committed there, where that is counted.
    pub(super) fn commits(&self) -> u64 {
        match self {
            Self::Sqlite(sqlite) => sqlite.commits(),
            Self::Postgres(_) => 0,
        }
    }

    /// How often it was waited for, where it is elsewhere.
    pub(super) fn n_journeys(&self) -> u64 {
        match self {
            Self::Sqlite(_) => 0,
            Self::Postgres(postgres) => postgres.n_journeys(),
        }
    }

    /// Until [`Self::end_step`], reads that follow each other may be of one moment.
    pub(super) fn begin_step(&self) {
        if let Self::Postgres(postgres) = self {
            postgres.begin_step();
        }
    }

    /// As [`Self::begin_step`] says.
    pub(super) fn end_step(&self) {
        if let Self::Postgres(postgres) = self {
            postgres.end_step();
        }
    }

    /// One transaction that changes nothing.
    pub(super) fn read<T>(&self, scope: Scope<'_>, act: impl FnMut(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.read(act),
            Self::Postgres(postgres) => postgres.read(scope, act),
        }
    }

    /// One transaction; an error rolls all of it back.
    pub(super) fn write<T>(&mut self, scope: Scope<'_>, act: impl FnMut(&mut dyn Sql) -> SqlResult<T>) -> SqlResult<T> {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(act),
            Self::Postgres(postgres) => postgres.write(scope, act),
        }
    }

    /// Brings a write-ahead log into its file, where there is one.
    pub(super) fn checkpoint(&self) -> SqlResult<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.checkpoint(),
            Self::Postgres(_) => Ok(()),
        }
    }
}
