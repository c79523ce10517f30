//! A model that is on its way here in pieces: what has come is kept, and counts only once all of it is the model.
//!
//! It knows no network: whoever fetches writes the bytes in here, in order, and may go on another day where it stopped.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Installed, ModelEntry, ModelError, hash};

/// The file that grows, `<model>.arriving` in the models folder. One process at a time has it.
#[derive(Debug)]
pub struct Arriving {
    entry: ModelEntry,
    models_dir: PathBuf,
    path: PathBuf,
    file: File,
    hasher: Sha256,
    have: u64,
}

impl Arriving {
    /// Begins, or goes on with what an earlier time left.
    ///
    /// # Errors
    /// [`ModelError::Busy`] while another process fetches the same model; [`ModelError::Io`], [`ModelError::NoRoom`].
    pub fn begin(entry: &ModelEntry, models_dir: &Path) -> Result<Self, ModelError> {
        fs::create_dir_all(models_dir)?;
        let path = models_dir.join(format!("{}.arriving", entry.file));
        let mut open = OpenOptions::new();
        let mut file = open.read(true).write(true).create(true).truncate(false).open(&path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => ModelError::Busy,
            TryLockError::Error(error) => error.into(),
        })?;
        let (mut hasher, mut have) = (Sha256::new(), 0);
        hash(&mut file, |bytes| {
            hasher.update(bytes);
            have += bytes.len() as u64;
            Ok(())
        })?;
        let mut arriving = Self {
            entry: entry.clone(),
            models_dir: models_dir.to_owned(),
            path,
            file,
            hasher,
            have,
        };
        if have > arriving.want() {
            arriving.start_over()?;
        }
        Ok(arriving)
    }

    /// Bytes that are here.
    pub fn have(&self) -> u64 {
        self.have
    }

    /// Bytes that the model has.
    pub fn want(&self) -> u64 {
        u64::from(self.entry.bytes)
    }

    /// The folder that it goes to.
    pub fn models_dir(&self) -> &Path {
        &self.models_dir
    }

    /// Forgets what has come.
    pub fn start_over(&mut self) -> Result<(), ModelError> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.hasher = Sha256::new();
        self.have = 0;
        Ok(())
    }

    /// The next bytes.
    ///
    /// # Errors
    /// [`ModelError::Damaged`] when that is more than the model has; nothing of it is taken. [`ModelError::NoRoom`]: the
    /// file is then emptied, so that the clinic's record has what room there is.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        let have = self.have + bytes.len() as u64;
        if have > self.want() {
            return Err(ModelError::Damaged);
        }
        if let Err(error) = self.file.write_all(bytes) {
            let error = ModelError::from(error);
            match error {
                ModelError::NoRoom => self.start_over()?,
                // How much of it was written nobody knows: what is known to be here is kept.
                _ => {
                    self.file.set_len(self.have)?;
                    self.file.seek(SeekFrom::Start(self.have))?;
                }
            }
            return Err(error);
        }
        self.hasher.update(bytes);
        self.have = have;
        Ok(())
    }

    /// Puts the model in its place, if this is the model.
    ///
    /// # Errors
    /// [`ModelError::Truncated`]: what has come stays for the next time. [`ModelError::Damaged`]: it is thrown away.
    pub fn finish(self) -> Result<Installed, ModelError> {
        let want = self.want();
        if self.have < want {
            self.file.sync_all()?;
            return Err(ModelError::Truncated { have: self.have, want });
        }
        if hex::encode(self.hasher.clone().finalize()) != self.entry.sha256 {
            fs::remove_file(&self.path)?;
            return Err(ModelError::Damaged);
        }
        self.file.sync_all()?;
        let path = self.models_dir.join(&self.entry.file);
        fs::rename(&self.path, &path)?;
        Ok(Installed {
            entry: self.entry.clone(),
            path,
        })
    }
}

/// Nothing is left of what never began.
impl Drop for Arriving {
    fn drop(&mut self) {
        if self.have == 0 {
            let _ = fs::remove_file(&self.path);
        }
    }
}
