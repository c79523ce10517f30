//! Where the mark of numbers lies: outside the store, so that it stays when the store is copied or put back.

use std::fs;
use std::io;
use std::path::PathBuf;

use keyring::Entry;

use super::KeyError;
use super::keyring::{SERVICE, meaning};
use crate::files;

/// Where the mark of numbers lies.
#[derive(Debug, Clone, Default)]
pub enum MarkPlace {
    /// There is none, so that a copy is not told: whoever opens a store with bare keys.
    #[default]
    Nowhere,
    /// A file beside the vault's folder.
    File(PathBuf),
    /// An entry of the operating system's keyring.
    Keyring(String),
}

impl MarkPlace {
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, KeyError> {
        let read = match self {
            Self::Nowhere => return Ok(None),
            Self::File(path) => fs::read(path).map_err(KeyError::from),
            Self::Keyring(name) => entry(name).and_then(|entry| entry.get_secret().map_err(meaning)),
        };
        match read {
            Err(KeyError::NotFound) => Ok(None),
            read => read.map(Some),
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), KeyError> {
        match self {
            Self::Nowhere => Ok(()),
            Self::File(path) => Ok(files::write_whole(path, bytes, || ())?),
            Self::Keyring(name) => entry(name)?.set_secret(bytes).map_err(meaning),
        }
    }

    /// A new store begins, or one goes: whatever was marked before is nobody's.
    pub fn forget(&self) -> Result<(), KeyError> {
        let forgotten = match self {
            Self::Nowhere => Ok(()),
            Self::File(path) => match fs::remove_file(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                removed => removed.map_err(KeyError::from),
            },
            Self::Keyring(name) => entry(name).and_then(|entry| entry.delete_credential().map_err(meaning)),
        };
        match forgotten {
            Err(KeyError::NotFound) => Ok(()),
            forgotten => forgotten,
        }
    }
}

fn entry(name: &str) -> Result<Entry, KeyError> {
    Entry::new(SERVICE, name).map_err(meaning)
}
