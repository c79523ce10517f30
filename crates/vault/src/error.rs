//! What can go wrong. No text here holds anything about a patient, a path or a key.

use std::io;

use seal::SealError;

/// Why something that was asked of an open vault did not happen. Nothing was changed by it.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No room left; the store is as it was.
    #[error("the disk is full")]
    DiskFull,
    /// The note is signed: what it says can be added to by another fact, not edited.
    #[error("the note is signed and cannot be edited")]
    Signed,
    /// There is no such thing here; the word says what was looked for.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A chunk of an attachment that is not on this machine.
    #[error("this part of the attachment is not on this machine")]
    AttachmentMissing,
    /// One write holds more than one sealed change can carry.
    #[error("too large for one change")]
    TooLarge,
    /// What was handed in, or what is stored, does not have the shape it must have; the word says which.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// The store cannot be read as it was written.
    #[error("the store is damaged")]
    Damaged,
    /// An earlier step of the same write failed half-way, so that the whole is given up.
    #[error("an earlier step of this write failed")]
    GivenUp,
    /// This device does not belong to the clinic (any more): it reads what it has, and writes nothing.
    #[error("this device does not belong to the clinic")]
    Removed,
    /// This store is a copy, or was put back: another may be giving the same numbers.
    #[error("this store is a copy, and gives no numbers")]
    Copy,
    /// Sealing, opening or verifying failed.
    #[error("sealing failed")]
    Seal(#[from] SealError),
    /// A file could not be read or written.
    #[error("file: {0}")]
    Io(io::ErrorKind),
    /// SQLite refused, for a reason that is none of the above.
    #[error("the store refused ({0})")]
    Store(i32),
}

/// Why a vault was not opened or not made. The files are as they were, unless it was being made ready after an update: what was
/// done of that stays, and the next opening goes on.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no vault in that folder.
    #[error("there is no vault here")]
    NotHere,
    /// There is one already.
    #[error("there is a vault here already")]
    AlreadyHere,
    /// The key is another store's.
    #[error("this key does not open this store")]
    WrongKey,
    /// The key is right and the file is not what was written: truncated, or a bit flipped.
    #[error("the store is damaged; restore it from a backup")]
    Damaged,
    /// Written by a later build than this one.
    #[error("the store was written by a later version ({found}; this one knows {known})")]
    NewerSchema {
        /// The store's.
        found: u32,
        /// The newest that this build knows.
        known: u32,
    },
    /// Another process has it open.
    #[error("another program has this store open")]
    Busy,
    /// No room left.
    #[error("the disk is full")]
    DiskFull,
    /// The store lacks commits that the mark beside it has seen: a backup was copied over it, or its log was damaged.
    #[error("the store ends at commit {store}, but {mark} were made; restore a newer copy, or accept it as it is")]
    Behind {
        /// Commits in the store.
        store: u64,
        /// Commits that the mark has seen.
        mark: u64,
    },
    /// Somebody ended it while tables of another build were made again; the next opening goes on.
    #[error("it was stopped; the next opening goes on")]
    Stopped,
    /// The statements do not name this machine's device as a member.
    #[error("this device is not a member of the clinic")]
    NotAMember,
    /// Keys or statements do not hold.
    #[error("the keys or statements do not hold")]
    Seal(#[from] SealError),
    /// A file could not be read or written.
    #[error("file: {0}")]
    Io(io::ErrorKind),
    /// SQLite refused, for a reason that is none of the above.
    #[error("the store refused ({0})")]
    Store(i32),
}

impl From<rusqlite::Error> for VaultError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull,
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged,
            _ => Self::Store(error.sqlite_error().map_or(0, |inner| inner.extended_code)),
        }
    }
}

impl From<io::Error> for VaultError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            kind => Self::Io(kind),
        }
    }
}

impl From<automerge::AutomergeError> for VaultError {
    fn from(_: automerge::AutomergeError) -> Self {
        Self::Malformed("document")
    }
}

impl From<VaultError> for OpenError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::DiskFull => Self::DiskFull,
            VaultError::Seal(inner) => Self::Seal(inner),
            VaultError::Io(kind) => Self::Io(kind),
            VaultError::Store(code) => Self::Store(code),
            _ => Self::Damaged,
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        VaultError::from(error).into()
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        VaultError::from(error).into()
    }
}
