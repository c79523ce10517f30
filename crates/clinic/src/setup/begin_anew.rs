//! `begin_anew`: a device whose store is a copy, that has met its clone, or that was removed, sets it aside and may join its clinic as a new one.

use std::fs;

use crate::{Desk, Error, ErrorCode, roles::Verb};

impl Desk {
    /// Saves what no relay has into a file, as `save_unsent` does, and sets the store aside: it stays on this machine, under
    /// another name, and nothing opens it. Then the clinic is joined as on any new device (by a code, or from a backup with
    /// the kit), and the file is taken in there. Gives how many entries the file holds.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `not_a_copy` on a device that may go on as it is; those of the PIN and of
    /// `save_unsent`, after which nothing has happened.
    pub fn begin_anew(&self, path: String, pin: String) -> Result<u32, Error> {
        let (clinic, acting) = self.acting(Verb::ChangeDevices)?;
        if !(clinic.vault.is_a_copy() || clinic.has_a_twin()) && clinic.vault.belonging().is_member() {
            return Err(Error::not_now("not_a_copy"));
        }
        clinic.with_pin(&acting, &pin)?;
        let n_saved = self.save_unsent(path)?;
        let tenant = clinic.tenant.to_string();
        drop((clinic, acting));
        self.put_open(None);

        let dir = self.clinic_dir(&tenant);
        let aside = format!("{tenant}.aside-{}", self.now().as_millisecond());
        self.inner.file.change(|kept| {
            kept.clinics.retain(|clinic| clinic.tenant != tenant);
            kept.last_open = kept.last_open.take().filter(|open| *open != tenant);
        })?;
        fs::rename(&dir, dir.with_file_name(aside)).map_err(|_| ErrorCode::FileFailed)?;
        Ok(n_saved)
    }
}
