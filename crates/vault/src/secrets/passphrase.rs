//! Secrets in a file under a passphrase, for a machine without a keyring.

use std::fs;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use seal::SealError;
use zeroize::Zeroizing;

use super::{KeyError, KeyHolder, MachineSecrets, MarkPlace};
use crate::files;

/// `secrets.sealed` in the vault's folder (Argon2id, then XChaCha20-Poly1305; the format is `seal`'s).
pub struct PassphraseFile {
    path: PathBuf,
    passphrase: Zeroizing<String>,
}

impl PassphraseFile {
    /// The file in `dir`, under this passphrase.
    pub fn new(dir: &Path, passphrase: Zeroizing<String>) -> Self {
        Self {
            path: files::sealed_secrets(dir),
            passphrase,
        }
    }

    /// Whether `dir` has such a file, so that a passphrase must be asked for.
    pub fn exists(dir: &Path) -> bool {
        files::sealed_secrets(dir).exists()
    }
}

impl KeyHolder for PassphraseFile {
    fn load(&self) -> Result<MachineSecrets, KeyError> {
        let sealed = fs::read(&self.path)?;
        let plain = seal::open_with_passphrase(&self.passphrase, &sealed).map_err(|error| match error {
            SealError::WrongPassphrase => KeyError::WrongPassphrase,
            _ => KeyError::Damaged,
        })?;
        Ok(MachineSecrets::decode(&plain)?.marked_at(self.marks()))
    }

    fn store(&self, secrets: &MachineSecrets, mut rng: &mut dyn CryptoRng) -> Result<(), KeyError> {
        let sealed = seal::seal_with_passphrase(&self.passphrase, &secrets.encode(), &mut rng);
        self.path.parent().map_or(Ok(()), fs::create_dir_all)?;
        Ok(files::write_whole(&self.path, &sealed, || ())?)
    }

    /// Beside the vault's folder: a copy of the folder alone does not bring it along.
    fn marks(&self) -> MarkPlace {
        let folder = self.path.parent().map(Path::to_owned).unwrap_or_default();
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(".numbers");
        MarkPlace::File(folder.with_file_name(name))
    }

    fn forget(&self) -> Result<(), KeyError> {
        Ok(fs::remove_file(&self.path)?)
    }
}
