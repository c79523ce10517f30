//! Secrets in the operating system's keyring: Secret Service, Keychain, Credential Manager.

use std::path::Path;

use keyring::{Entry, Error};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{KeyError, KeyHolder, MachineSecrets, MarkPlace};

/// The name under which all vaults' secrets stand in the keyring.
pub(super) const SERVICE: &str = "my.medieco.app";

/// A name under which a word is written and taken away, to find out what state the keyring is in.
const PROBE: &str = "probe";

/// What state this machine's keyring is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyringState {
    /// It answers.
    Ready,
    /// It is there, and locked.
    Locked,
    /// There is none.
    Absent,
}

/// The entry of one vault, named by its folder.
pub struct Keyring {
    name: String,
}

impl Keyring {
    /// The entry for the vault in `dir`.
    pub fn new(dir: &Path) -> Self {
        let whole = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        let hash = blake3::hash(whole.as_os_str().as_encoded_bytes());
        Self {
            name: format!("vault {}", &hash.to_hex()[..16]),
        }
    }

    /// What state this machine's keyring is in.
    ///
    /// It writes a word and takes it away again: a locked Secret Service answers a read as an empty one does, and only
    /// refuses a write. Takes up to a fifth of a second.
    pub fn state() -> KeyringState {
        let outcome = Entry::new(SERVICE, PROBE).and_then(|entry| {
            entry.set_secret(b"probe")?;
            entry.delete_credential()
        });
        match outcome.map_err(meaning) {
            Ok(()) | Err(KeyError::NotFound) => KeyringState::Ready,
            Err(KeyError::Locked) => KeyringState::Locked,
            Err(_) => KeyringState::Absent,
        }
    }

    fn entry(&self) -> Result<Entry, KeyError> {
        Entry::new(SERVICE, &self.name).map_err(meaning)
    }
}

impl KeyHolder for Keyring {
    fn load(&self) -> Result<MachineSecrets, KeyError> {
        let kept = self.entry()?.get_secret().map_err(meaning);
        if matches!(kept, Err(KeyError::NotFound)) && Self::state() == KeyringState::Locked {
            return Err(KeyError::Locked);
        }
        Ok(MachineSecrets::decode(&Zeroizing::new(kept?))?.marked_at(self.marks()))
    }

    fn store(&self, secrets: &MachineSecrets, _: &mut dyn CryptoRng) -> Result<(), KeyError> {
        self.entry()?.set_secret(&secrets.encode()).map_err(meaning)
    }

    fn marks(&self) -> MarkPlace {
        MarkPlace::Keyring(self.name.replacen("vault", "numbers", 1))
    }

    fn forget(&self) -> Result<(), KeyError> {
        self.entry()?.delete_credential().map_err(meaning)
    }
}

/// What an outcome means here. A keyring that is locked answers a read with "no entry" and a write with "no access";
/// [`Keyring::load`] asks twice to tell it from an empty one.
pub(super) fn meaning(error: Error) -> KeyError {
    match error {
        Error::NoEntry => KeyError::NotFound,
        Error::NoStorageAccess(_) => KeyError::Locked,
        Error::NoDefaultStore | Error::PlatformFailure(_) | Error::NotSupportedByStore(_) => KeyError::Absent,
        _ => KeyError::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_absent_and_empty_are_three_outcomes() {
        assert_eq!(meaning(Error::NoEntry), KeyError::NotFound);
        assert_eq!(meaning(Error::NoStorageAccess("locked".into())), KeyError::Locked);
        assert_eq!(meaning(Error::NoDefaultStore), KeyError::Absent);
        assert_eq!(meaning(Error::BadEncoding(Vec::new())), KeyError::Damaged);
    }
}
