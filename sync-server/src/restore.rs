//! Backups of a relay, and putting one back.
//!
//! What is put back begins another life (`store/life.rs`). The file that was there stays beside it. Whatever moment the
//! power goes, the next start finds either the old file or the whole new one.

use std::fs;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use rusqlite::{Connection, OpenFlags};

use crate::serve::lock;
use crate::store::make_private_folder;
use crate::{FILE_NAME, OpenError, ServeError, Store};

const COMING: &str = "relay.sqlite.coming";
const RESTORED: &str = "relay.sqlite.restored";
const REPLACED: &str = "relay.sqlite.replaced";

/// Why nothing was backed up, or put back.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Where the backup was to go there is something.
    #[error("{0} exists already; a backup replaces nothing")]
    Exists(PathBuf),
    /// Not a store of a relay, or damaged.
    #[error("{0} is not a whole backup of a relay")]
    NoBackup(PathBuf),
    /// The data folder, or a relay that runs on it.
    #[error(transparent)]
    Folder(#[from] ServeError),
    /// The store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store, later.
    #[error(transparent)]
    Store(#[from] sync_protocol::RelayStoreFailed),
    /// SQLite.
    #[error("the copy failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file system.
    #[error("the copy failed: {0}")]
    Io(#[from] std::io::Error),
}

impl RestoreError {
    /// Whether it is refused on principle, rather than having failed.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Exists(_) | Self::NoBackup(_)) || matches!(self, Self::Folder(error) if error.is_refusal())
    }
}

/// Copies the store in `data` to the file `to`, also while a relay runs on it. The key that signs receipts is not in it.
///
/// # Errors
/// [`RestoreError`].
pub fn backup(data: &Path, to: &Path) -> Result<(), RestoreError> {
    if to.exists() {
        return Err(RestoreError::Exists(to.to_owned()));
    }
    let from = data.join(FILE_NAME);
    copy(&from, to)?;
    // For the console. Not in the copy, and no reason to fail: the backup is there.
    if let Ok(of) = Connection::open(&from) {
        drop(of.busy_timeout(std::time::Duration::from_secs(10)));
        drop(of.execute("UPDATE relay SET backup_ms = ?1", [crate::now_ms()]));
    }
    Ok(())
}

/// Puts the backup `from` into the folder `data`, with a new incarnation. No relay may run on it. Gives where that is now which was
/// there before, if anything was.
///
/// # Errors
/// [`RestoreError`].
pub fn restore(data: &Path, from: &Path, rng: &mut impl CryptoRng) -> Result<Option<PathBuf>, RestoreError> {
    make_private_folder(data)?;
    let _lock = lock(data)?;
    let (coming, now) = (data.join(COMING), data.join(FILE_NAME));
    remove(&coming)?;
    copy(from, &coming)?;
    let mut store = Store::open_file(data, COMING, rng)?;
    store.begin_another_life(rng)?;
    store.checkpoint()?;
    drop(store);
    fs::rename(&coming, data.join(RESTORED))?;
    if now.exists() {
        // Its log, if it can still be read, goes into it: a log beside another file would be taken for that file's.
        if let Ok(old) = Connection::open(&now) {
            drop(old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        }
        for ending in ["-wal", "-shm", ""] {
            let (old, aside) = (format!("{FILE_NAME}{ending}"), format!("{REPLACED}{ending}"));
            remove(&data.join(&aside))?;
            if data.join(&old).exists() {
                fs::rename(data.join(old), data.join(aside))?;
            }
        }
    }
    finish(data)?;
    // Also when the power had cut off a restore after it was moved there.
    Ok(Some(data.join(REPLACED)).filter(|replaced| replaced.exists()))
}

/// Ends a [`restore`] that the power cut off.
pub(crate) fn finish(data: &Path) -> std::io::Result<()> {
    if data.join(RESTORED).exists() && !data.join(FILE_NAME).exists() {
        fs::rename(data.join(RESTORED), data.join(FILE_NAME))?;
        fs::File::open(data)?.sync_all()?;
    }
    Ok(())
}

/// One whole file with all that is committed, log or not.
fn copy(from: &Path, to: &Path) -> Result<(), RestoreError> {
    let no_backup = || RestoreError::NoBackup(from.to_owned());
    if !from.is_file() {
        return Err(no_backup());
    }
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|_| no_backup())?;
    source.busy_timeout(std::time::Duration::from_secs(10))?;
    let whole = source.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    let is_ours = source.prepare("SELECT incarnation FROM relay").is_ok();
    if !is_ours || !whole.is_ok_and(|said| said == "ok") {
        return Err(no_backup());
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(to)?);
    // SQLite fills an empty file and no other.
    source.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    fs::File::open(to)?.sync_all()?;
    Ok(())
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
