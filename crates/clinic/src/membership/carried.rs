//! `save_unsent` and `take_in_unsent`: what a removed device could not send, carried to another one by hand.

use std::{fs, io::Write as _};

use vault::{MAX_UNSENT_BYTES, VaultError};

use super::put_aside::shown;
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, UNSENT_TAKEN_IN},
    roles::Verb,
};

impl Desk {
    /// Writes everything that no relay has into a file, sealed as it is: only this clinic's devices can read it. Gives how
    /// many entries that are.
    pub fn save_unsent(&self, path: String) -> Result<u32, Error> {
        let (clinic, _) = self.acting(Verb::SeeDevice)?;
        let (bytes, n_changes) = clinic.vault.unsent()?;
        let written = fs::File::create(path).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()
        });
        written.map_err(|error| match VaultError::from(error) {
            VaultError::DiskFull => ErrorCode::DiskFull,
            _ => ErrorCode::FileFailed,
        })?;
        Ok(shown(n_changes))
    }

    /// Takes in such a file of another device of this clinic; gives how many entries were new here. What was written after
    /// that device's removal is put aside, to be reviewed.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with `file` for what is no such file, or another clinic's; [`ErrorCode::FileFailed`].
    pub fn take_in_unsent(&self, path: String) -> Result<u32, Error> {
        let (clinic, acting) = self.acting(Verb::ChangeDevices)?;
        let length = fs::metadata(&path).map_err(|_| ErrorCode::FileFailed)?.len();
        if length > MAX_UNSENT_BYTES as u64 {
            return Err(Error::invalid("file"));
        }
        let bytes = fs::read(&path).map_err(|_| ErrorCode::FileFailed)?;
        let n_new = clinic.vault.take_in_unsent(&bytes).map_err(|error| match error {
            VaultError::Malformed(_) => Error::invalid("file"),
            other => other.into(),
        })?;
        clinic.write(&acting, |w| {
            acting.audit(w, Line::new(UNSENT_TAKEN_IN).about(n_new))?;
            Ok(())
        })?;
        Ok(shown(n_new))
    }
}
