//! `leave_clinic`: a device that was removed lets go of all that it holds of the clinic: records, sound, keys.
//!
//! Which clinic is being left stands in `desk.json` before anything goes, while the clinic is still open: where that cannot be
//! written nothing has happened. Then the keys go first. So what a power cut leaves can be opened by nobody, and the next start
//! takes it away.

use std::{fs, io, path::PathBuf};

use vault::PassphraseFile;

use super::{disk::Leaving, keys::forget_keys};
use crate::{Desk, Error, ErrorCode, backup::is_outside, roles::Verb};

impl Desk {
    /// Takes the clinic that is open off this device, with stores of it that were set aside. What it never sent is written
    /// into the file `unsent` before, as by `save_unsent`. Gives how many entries that are.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `member` on a device that was not removed, `unsent` when there is something to
    /// save and no file for it; [`ErrorCode::Invalid`] with `file` for one within the app's own folder; those of the PIN
    /// and of `save_unsent`; [`ErrorCode::DiskFull`]. After any of them nothing has happened, and the clinic is open as it
    /// was. After [`ErrorCode::FileFailed`] or one of the keyring's it may not be listed any more; then the next start takes away
    /// what is left.
    pub fn leave_clinic(&self, unsent: Option<String>, pin: String) -> Result<u32, Error> {
        let (clinic, acting) = self.acting(Verb::SeeDevice)?;
        if clinic.vault.belonging().is_member() {
            return Err(Error::not_now("member"));
        }
        clinic.with_pin(&acting, &pin)?;
        let n_saved = match unsent {
            Some(file) => self.save_outside(file)?,
            None if clinic.status()?.sync.pending > 0 => return Err(Error::not_now("unsent")),
            None => 0,
        };
        let tenant = clinic.tenant.to_string();
        let leaving = Leaving {
            under_passphrase: PassphraseFile::exists(&self.clinic_dir(&tenant)),
            tenant,
        };
        self.inner.file.change(|kept| {
            kept.clinics.retain(|clinic| clinic.tenant != leaving.tenant);
            kept.last_open = kept.last_open.take().filter(|open| *open != leaving.tenant);
            kept.leaving.push(leaving);
        })?;
        drop((clinic, acting));
        self.put_open(None);
        self.finish_leaving()?;
        Ok(n_saved)
    }

    /// Takes away what is still here of clinics that were left.
    pub(crate) fn finish_leaving(&self) -> Result<(), Error> {
        for Leaving {
            tenant,
            under_passphrase,
        } in self.inner.file.kept().leaving
        {
            for dir in self.stores_of(&tenant)? {
                forget_keys(&dir, under_passphrase)?;
                match fs::remove_dir_all(&dir) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(ErrorCode::FileFailed.into()),
                    _ => {}
                }
            }
            self.inner
                .file
                .change(|kept| kept.leaving.retain(|leaving| leaving.tenant != tenant))?;
        }
        Ok(())
    }

    /// The folder of a clinic's store, whether it is there or not, and those of its stores that were set aside.
    fn stores_of(&self, tenant: &str) -> Result<Vec<PathBuf>, Error> {
        let own = self.clinic_dir(tenant);
        let set_aside = format!("{tenant}.aside-");
        let mut stores = vec![own.clone()];
        let Some(beside) = own.parent().filter(|folder| folder.exists()) else {
            return Ok(stores);
        };
        for entry in fs::read_dir(beside).map_err(|_| ErrorCode::FileFailed)? {
            let entry = entry.map_err(|_| ErrorCode::FileFailed)?;
            if entry.file_name().to_string_lossy().starts_with(&set_aside) {
                stores.push(entry.path());
            }
        }
        Ok(stores)
    }

    fn save_outside(&self, file: String) -> Result<u32, Error> {
        let folder = PathBuf::from(&file).parent().map(PathBuf::from).unwrap_or_default();
        if !is_outside(&folder, &self.inner.config.data_dir) {
            return Err(Error::invalid("file"));
        }
        self.save_unsent(file)
    }
}
