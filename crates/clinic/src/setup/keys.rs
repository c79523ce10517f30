//! Who keeps a store's key: the operating system's keyring, or a passphrase.

use std::path::{Path, PathBuf};

use vault::{KeyError, KeyHolder, Keyring, MachineSecrets, PassphraseFile};
use zeroize::Zeroizing;

use crate::{
    Desk, Error, ErrorCode,
    views::setup::{KeyringState, Protection},
};

/// Characters that a passphrase has at least.
const MIN_PASSPHRASE: usize = 10;

/// The folder of one clinic.
pub(crate) fn clinic_dir(data_dir: &Path, tenant: &str) -> PathBuf {
    data_dir.join("clinics").join(tenant)
}

/// The key of the store in `dir`, from wherever it is kept.
pub(crate) fn load_secrets(dir: &Path, passphrase: Option<Zeroizing<String>>) -> Result<MachineSecrets, Error> {
    if !PassphraseFile::exists(dir) {
        return Ok(Keyring::new(dir).load()?);
    }
    Ok(PassphraseFile::new(dir, passphrase.ok_or(ErrorCode::PassphraseNeeded)?).load()?)
}

impl Desk {
    /// The folder of one clinic of this device.
    pub(super) fn clinic_dir(&self, tenant: &str) -> PathBuf {
        clinic_dir(&self.inner.config.data_dir, tenant)
    }

    /// The key of the store in `dir`; a passphrase that was handed in at the start is tried when none is given.
    pub(super) fn load_secrets(&self, dir: &Path, passphrase: Option<String>) -> Result<MachineSecrets, Error> {
        load_secrets(
            dir,
            passphrase
                .map(Zeroizing::new)
                .or_else(|| self.inner.config.passphrase.clone()),
        )
    }
}

/// Whether this machine can keep a key so; asked before anything else is done.
pub(super) fn check(protection: &Protection) -> Result<(), Error> {
    match protection {
        Protection::Passphrase { passphrase } if passphrase.chars().count() < MIN_PASSPHRASE => {
            Err(Error::invalid("passphrase"))
        }
        Protection::Passphrase { .. } => Ok(()),
        Protection::Keyring => match keyring_state() {
            KeyringState::Ready => Ok(()),
            KeyringState::Locked => Err(ErrorCode::KeyringLocked.into()),
            KeyringState::Absent => Err(ErrorCode::KeyringAbsent.into()),
        },
    }
}

/// Who keeps the key of the store in `dir`.
pub(super) fn holder(dir: &Path, protection: Protection) -> Box<dyn KeyHolder> {
    match protection {
        Protection::Passphrase { passphrase } => Box::new(PassphraseFile::new(dir, Zeroizing::new(passphrase))),
        Protection::Keyring => Box::new(Keyring::new(dir)),
    }
}

/// Forgets the mark of the numbers of the store in `dir`, which is about to go.
pub(super) fn forget_mark(dir: &Path) -> Result<(), Error> {
    Ok(keeper(dir, PassphraseFile::exists(dir)).marks().forget()?)
}

/// Forgets the keys of the store in `dir`, and its mark: nobody opens it any more. Nothing to forget is no error.
pub(super) fn forget_keys(dir: &Path, under_passphrase: bool) -> Result<(), Error> {
    let keeper = keeper(dir, under_passphrase);
    match keeper.forget() {
        Ok(()) | Err(KeyError::NotFound) => Ok(keeper.marks().forget()?),
        Err(error) => Err(error.into()),
    }
}

/// Who keeps the keys of the store in `dir`, for what needs no passphrase.
fn keeper(dir: &Path, under_passphrase: bool) -> Box<dyn KeyHolder> {
    if under_passphrase {
        Box::new(PassphraseFile::new(dir, Zeroizing::default()))
    } else {
        Box::new(Keyring::new(dir))
    }
}

/// What the operating system's keyring says.
pub(super) fn keyring_state() -> KeyringState {
    match Keyring::state() {
        vault::KeyringState::Ready => KeyringState::Ready,
        vault::KeyringState::Locked => KeyringState::Locked,
        vault::KeyringState::Absent => KeyringState::Absent,
    }
}
