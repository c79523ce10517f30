//! The yardstick under every write: SQLCipher by itself, as durable as ours.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use rusqlite::Connection;
use vault::{KeyHolder, PassphraseFile};
use zeroize::Zeroizing;

use crate::people::PASSPHRASE;

/// The folder of a clinic's store on a device.
pub fn store_folder(device: &Path, tenant: &str) -> std::path::PathBuf {
    device.join("clinics").join(tenant)
}

/// The key of that store.
pub fn key_of(device: &Path, tenant: &str) -> Result<Zeroizing<[u8; 32]>> {
    let holder = PassphraseFile::new(&store_folder(device, tenant), Zeroizing::new(PASSPHRASE.to_owned()));
    Ok(holder.load()?.db_key)
}

/// A connection, encrypted when there is a key: WAL, and a commit waits for the disk.
pub fn connect(file: &Path, key: Option<&[u8; 32]>) -> Result<Connection> {
    let conn = Connection::open(file)?;
    if let Some(key) = key {
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        conn.pragma_update(None, "key", format!("x'{hex}'"))?;
    }
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
    Ok(conn)
}

/// A store of nothing but rows.
pub struct BareStore(Connection);

impl BareStore {
    /// Makes one.
    pub fn make(file: &Path, key: Option<&[u8; 32]>) -> Result<Self> {
        let conn = connect(file, key)?;
        conn.execute_batch("CREATE TABLE rows (place INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT")?;
        Ok(Self(conn))
    }

    /// One row, durable when this returns.
    pub fn commit(&self, bytes: &[u8]) -> Result<Duration> {
        let began = Instant::now();
        self.0
            .prepare_cached("INSERT INTO rows (bytes) VALUES (?1)")?
            .execute([bytes])?;
        Ok(began.elapsed())
    }
}

/// The number of sealed changes in a store, and the sum of their bytes: asked of the file, beside whoever has it open.
pub fn sealed(device: &Path, tenant: &str) -> Result<(i64, i64)> {
    let key = key_of(device, tenant)?;
    let conn = connect(&store_folder(device, tenant).join("vault.db"), Some(&key))?;
    let sum = "SELECT count(*), coalesce(sum(length(sealed)), 0) FROM changes";
    Ok(conn.query_row(sum, [], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
