//! The lock that makes one process per vault.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::{OpenError, files};

/// Held while a vault is open.
///
/// A child process that this one is just starting holds all that is open here, until it has become another program. So the
/// lock is given back by its name when it is dropped: it would go with the file only when the last who holds that has closed
/// it.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// # Errors
    /// [`OpenError::Busy`] when somebody holds it.
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(files::lock(dir))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(OpenError::Busy),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the vault's lock goes when its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn it_is_one_processs_and_free_at_once_whoever_still_has_its_file_open() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        assert!(matches!(Lock::take(dir.path()), Err(OpenError::Busy)));
        // As a child has it between its making and its program.
        let as_a_child = lock.0.try_clone().unwrap();
        drop(lock);
        let next = Lock::take(dir.path()).unwrap();
        drop(as_a_child);
        assert!(matches!(Lock::take(dir.path()), Err(OpenError::Busy)));
        drop(next);
    }
}
