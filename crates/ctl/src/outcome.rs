//! How a command ends: done, or with words and a code.

use std::{fmt::Display, io::Write as _};

use clinic::{Error, ErrorCode};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Trouble {
    /// For stderr.
    pub words: String,
    /// For the shell.
    pub code: u8,
}

pub type Outcome = Result<(), Trouble>;

impl Trouble {
    /// It was tried and did not work.
    pub fn failed(words: impl Display) -> Self {
        Self {
            words: words.to_string(),
            code: 1,
        }
    }

    /// It was called in a way that makes no sense.
    pub fn usage(words: impl Display) -> Self {
        Self {
            words: words.to_string(),
            code: 2,
        }
    }

    /// This machine does not have what it takes.
    pub fn missing(words: impl Display) -> Self {
        Self {
            words: words.to_string(),
            code: 3,
        }
    }

    /// It is not done, on principle.
    pub fn refused(words: impl Display) -> Self {
        Self {
            words: words.to_string(),
            code: 4,
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        use ErrorCode::{
            AlreadyMember, BackupFolderFull, BackupFolderMissing, BackupNewer, BackupNotKept, BackupUnreadable,
            DiskFull, KeyMissing, KeyringAbsent, KeyringLocked, KitForeign, KitWrong, NotFound, PassphraseNeeded,
            StoreBusy, StoreNewer, WrongPassphrase,
        };
        let words = match error.code {
            NotFound => "there is no such clinic, patient or folder here".to_owned(),
            StoreBusy => "the app has this store open: close it first".to_owned(),
            StoreNewer => "the store was written by a newer version; it was left untouched".to_owned(),
            PassphraseNeeded => "the store wants a passphrase: give --passphrase-file".to_owned(),
            WrongPassphrase => "the passphrase is wrong".to_owned(),
            KeyMissing | KeyringAbsent | KeyringLocked => "the store's key is not at hand on this machine".to_owned(),
            AlreadyMember => "this clinic is on this machine already".to_owned(),
            BackupFolderMissing => "the folder is not there".to_owned(),
            BackupFolderFull => "the folder has no room left; earlier backups are kept".to_owned(),
            BackupNotKept => "the backup did not read back as what was written; it was not kept".to_owned(),
            BackupUnreadable => "this file is no backup, or it is damaged".to_owned(),
            BackupNewer => "the backup was written by a newer version".to_owned(),
            DiskFull => "the disk is full".to_owned(),
            KitWrong => "these are not the words of a recovery kit".to_owned(),
            KitForeign => "this recovery kit does not open this backup".to_owned(),
            _ => error.to_string(),
        };
        match error.code {
            KeyMissing | KeyringAbsent | KeyringLocked => Self::missing(words),
            StoreBusy | StoreNewer | PassphraseNeeded | WrongPassphrase => Self::refused(words),
            AlreadyMember | BackupNewer | KitForeign | KitWrong => Self::refused(words),
            _ => Self::failed(words),
        }
    }
}

/// Writes a result; a reader that went away (`| head`) is no failure.
pub fn print(text: &str) -> Outcome {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Trouble::failed(error)),
        _ => Ok(()),
    }
}
