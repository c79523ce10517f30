//! A consistent look at the store. The questions it answers stand with their nouns, in `documents`, `facts` and so on.

use std::sync::Arc;

use domain::{Day, Instant, day_in_zone};
use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;

use crate::belonging::Belonging;
use crate::{Vault, VaultError};

/// The zone of a clinic that has not set one.
const DEFAULT_ZONE: &str = "Asia/Kuala_Lumpur";

/// One snapshot of the store, from [`Vault::read`] or inside a [`crate::Writing`].
pub struct Reading<'r> {
    conn: &'r Connection,
    belonging: Arc<Belonging>,
    now: Instant,
}

impl<'r> Reading<'r> {
    pub(crate) fn new(conn: &'r Connection, belonging: Arc<Belonging>, now: Instant) -> Self {
        Self { conn, belonging, now }
    }

    pub(crate) fn conn(&self) -> &'r Connection {
        self.conn
    }

    /// The clock's time when this look began.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Membership and keys when this look began.
    pub fn belonging(&self) -> Arc<Belonging> {
        Arc::clone(&self.belonging)
    }

    pub(crate) fn set_belonging(&mut self, belonging: Arc<Belonging>) {
        self.belonging = belonging;
    }

    /// The present day in the clinic's time zone.
    pub fn today(&self) -> Result<Day, VaultError> {
        Ok(day_in_zone(self.now, &self.zone()?))
    }

    pub(crate) fn zone(&self) -> Result<String, VaultError> {
        let zone = self
            .clinic_profile()?
            .map(|profile| profile.zone)
            .filter(|zone| !zone.is_empty());
        Ok(zone.unwrap_or_else(|| DEFAULT_ZONE.to_owned()))
    }

    /// Every row of a question.
    pub(crate) fn many<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, VaultError>,
    ) -> Result<Vec<T>, VaultError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// The first row of a question.
    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, VaultError>,
    ) -> Result<Option<T>, VaultError> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(read).transpose()
    }
}

/// A count in a row's column: SQLite knows signed numbers only.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// The noun in a row's JSON column.
pub(crate) fn noun<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, VaultError> {
    let json = row
        .get_ref(column)?
        .as_str()
        .map_err(|_| VaultError::Malformed("row"))?;
    serde_json::from_str(json).map_err(|_| VaultError::Malformed("row"))
}

impl Vault {
    /// Answers questions from one consistent snapshot. Does not wait for writers, and they don't wait for it.
    pub fn read<T, E: From<VaultError>>(&self, f: impl FnOnce(&Reading<'_>) -> Result<T, E>) -> Result<T, E> {
        let conn = self.inner.reader()?;
        conn.execute_batch("BEGIN").map_err(VaultError::from)?;
        let answer = f(&Reading::new(&conn, self.belonging(), self.now()));
        conn.execute_batch("COMMIT").map_err(VaultError::from)?;
        self.inner.give_back(conn);
        answer
    }
}
