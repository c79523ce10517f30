//! Settings of this machine, by key. Not synced.

use rusqlite::params;

use crate::{Reading, Tag, VaultError, Writing};

impl Reading<'_> {
    /// One setting.
    pub fn setting(&self, key: &str) -> Result<Option<String>, VaultError> {
        self.one(
            "SELECT value FROM settings WHERE key = ?1",
            [key],
            |row| Ok(row.get(0)?),
        )
    }
}

impl Writing<'_> {
    /// Saves one setting.
    pub fn put_setting(&mut self, key: &str, value: &str) -> Result<(), VaultError> {
        self.conn()
            .prepare_cached("INSERT OR REPLACE INTO settings (key, value) VALUES (?1, ?2)")?
            .execute(params![key, value])?;
        self.spoil([Tag::Settings]);
        Ok(())
    }

    /// Forgets one setting.
    pub fn remove_setting(&mut self, key: &str) -> Result<(), VaultError> {
        self.conn()
            .prepare_cached("DELETE FROM settings WHERE key = ?1")?
            .execute([key])?;
        self.spoil([Tag::Settings]);
        Ok(())
    }
}
