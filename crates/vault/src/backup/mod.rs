//! A backup is the set: statements, grants and revocations, sealed changes as they are, and sealed sound if it is wanted.
//!
//! | what | where |
//! |---|---|
//! | one file: pieces, and the records in them | `container`, `record` |
//! | making one while the clinic works on, testing it, keeping some of the older | `make`, `trial`, `rolling` |
//! | a new device from one | `restore` |
//!
//! Never in a backup: keys of devices and persons, PINs, settings, numbers, print jobs, and what other clinics released.
//! `docs/backup.md` tells why it is so.

mod container;
mod likeness;
mod make;
mod record;
mod restore;
mod rolling;
mod trial;

pub use make::{BackupOptions, BackupReport};
pub use restore::{Restored, backup_head, restore};

use std::io;
use std::ops::ControlFlow;

use seal::{BackupHead, BackupOpener, SealError};

use crate::{KeyError, OpenError, VaultError};

/// How far something got, in bytes or changes; what `of` is says `stage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupProgress {
    /// What is done now.
    pub stage: BackupStage,
    /// How much of it is done.
    pub done: u64,
    /// How much of it there is.
    pub of: u64,
}

/// What is done with a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupStage {
    /// It is written.
    Writing,
    /// It is read.
    Reading,
    /// What was read is judged.
    Judging,
}

/// Who is told how far it got, often; `Break` ends it, and nothing is left of it.
pub type Watch<'w> = &'w mut dyn FnMut(BackupProgress) -> ControlFlow<()>;

/// Why a backup was not made or not restored. The store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The folder that it goes to is not there: the stick was pulled.
    #[error("the folder is not there")]
    FolderMissing,
    /// The folder that it goes to has no room left.
    #[error("the folder has no room left")]
    FolderFull,
    /// The folder, or the file, could not be written or read.
    #[error("file: {0}")]
    Folder(io::ErrorKind),
    /// What was written does not read back as what the store holds. It was not kept.
    #[error("the backup did not stand its test ({0})")]
    Differs(&'static str),
    /// Somebody ended it.
    #[error("cancelled")]
    Cancelled,
    /// The file is no backup.
    #[error("not a backup")]
    NotABackup,
    /// The file is a backup of a newer build.
    #[error("the backup was written by a newer version")]
    Newer,
    /// The file was cut off or altered.
    #[error("the backup is damaged")]
    Damaged,
    /// The keys at hand do not open it: another clinic's kit.
    #[error("these keys do not open this backup")]
    WrongKeys,
    /// There is something in the folder of the store that is to be made.
    #[error("the folder of the new store is not empty")]
    AlreadyHere,
    /// The store failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The new store could not be made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The new device's keys could not be kept.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl BackupError {
    /// What went wrong in the folder of backups.
    fn in_folder(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::FolderFull,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::FolderMissing,
            kind => Self::Folder(kind),
        }
    }

    /// What is wrong with a file that is read.
    fn in_file(error: SealError) -> Self {
        match error {
            SealError::NewerVersion => Self::Newer,
            SealError::NotForUs => Self::WrongKeys,
            _ => Self::Damaged,
        }
    }
}

impl From<rusqlite::Error> for BackupError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Vault(error.into())
    }
}

impl From<SealError> for BackupError {
    fn from(error: SealError) -> Self {
        Self::Vault(error.into())
    }
}

/// Reads a backup that is in memory; how many records it has beside the last.
pub(crate) fn count_records(
    bytes: &[u8],
    open: impl FnOnce(&BackupHead) -> Result<BackupOpener, SealError>,
) -> Result<u64, BackupError> {
    let mut reader = container::Closed::read_head(bytes, bytes.len() as u64)?.opened(open)?;
    let mut n_records = 0;
    while reader.read()?.is_some() {
        n_records += 1;
    }
    Ok(n_records)
}

/// Tells one step.
fn tell(watch: Watch<'_>, stage: BackupStage, done: u64, of: u64) -> Result<(), BackupError> {
    match watch(BackupProgress { stage, done, of }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(BackupError::Cancelled),
    }
}
