//! What a machine must keep outside the store: the store's key, the device's keys, and the secret that goes with PINs.

mod keyring;
mod machine;
mod marks;
mod passphrase;

pub use keyring::{Keyring, KeyringState};
pub use marks::MarkPlace;
pub use passphrase::PassphraseFile;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use seal::DeviceKeys;
use zeroize::Zeroizing;

/// Whether this machine says what it is called. Where it does not, a copy of a store on another machine is told by the words and the
/// count of its mark alone.
pub fn machine_has_a_name() -> bool {
    !machine::id().is_empty()
}

/// The machine's secrets for one vault. Never logged, wiped when dropped.
#[derive(Clone)]
pub struct MachineSecrets {
    /// The raw key of the SQLCipher file.
    pub db_key: Zeroizing<[u8; 32]>,
    /// `seal::DeviceKeys::to_secret_bytes`.
    pub device: Zeroizing<Vec<u8>>,
    /// Without it a PIN cannot be tried out on stolen files.
    pub pin_secret: Zeroizing<[u8; 32]>,
    /// Where the mark lies by which a copy of the store is told; no secret.
    pub marks: MarkPlace,
    /// What the operating system calls this machine; no secret, and kept nowhere. Empty where it does not say.
    pub machine: Vec<u8>,
}

/// Why the machine's secrets could not be had, or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// This machine has no keyring: use a passphrase.
    #[error("this machine has no keyring")]
    Absent,
    /// There is a keyring, and it is locked: unlock it, or use a passphrase.
    #[error("the keyring is locked")]
    Locked,
    /// Nothing is kept for this vault.
    #[error("no key is kept here for this store")]
    NotFound,
    /// Not the passphrase.
    #[error("wrong passphrase")]
    WrongPassphrase,
    /// What is kept cannot be read.
    #[error("the kept key is damaged")]
    Damaged,
    /// No room left.
    #[error("the disk is full")]
    DiskFull,
    /// A file could not be read or written.
    #[error("file: {0}")]
    Io(std::io::ErrorKind),
}

/// Something that keeps the machine's secrets for one vault.
pub trait KeyHolder {
    /// The secrets.
    fn load(&self) -> Result<MachineSecrets, KeyError>;

    /// Keeps the secrets, in place of any that were kept before.
    fn store(&self, secrets: &MachineSecrets, rng: &mut dyn CryptoRng) -> Result<(), KeyError>;

    /// Where the mark lies by which a copy of the store is told.
    fn marks(&self) -> MarkPlace;

    /// Forgets them: without another copy the store can never be opened again.
    fn forget(&self) -> Result<(), KeyError>;
}

/// The secrets as they are kept.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Kept {
    #[cbor(n(0), with = "minicbor::bytes")]
    db_key: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    device: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    pin_secret: [u8; 32],
}

impl MachineSecrets {
    /// Fresh keys for a new vault of this device.
    pub fn make(device: &DeviceKeys, rng: &mut dyn CryptoRng) -> Self {
        let mut random = || {
            let mut bytes = Zeroizing::new([0; 32]);
            rng.fill_bytes(bytes.as_mut());
            bytes
        };
        Self {
            db_key: random(),
            device: device.to_secret_bytes(),
            pin_secret: random(),
            marks: MarkPlace::Nowhere,
            machine: machine::id(),
        }
    }

    /// The same, with the mark of numbers at this place.
    #[must_use]
    pub fn marked_at(mut self, place: MarkPlace) -> Self {
        self.marks = place;
        self
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let kept = Kept {
            db_key: *self.db_key,
            device: self.device.to_vec(),
            pin_secret: *self.pin_secret,
        };
        let bytes = minicbor::to_vec(&kept).expect("writing to a Vec cannot fail");
        kept.wipe();
        Zeroizing::new(bytes)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, KeyError> {
        let kept: Kept = minicbor::decode(bytes).map_err(|_| KeyError::Damaged)?;
        let secrets = Self {
            db_key: Zeroizing::new(kept.db_key),
            device: Zeroizing::new(kept.device.clone()),
            pin_secret: Zeroizing::new(kept.pin_secret),
            marks: MarkPlace::Nowhere,
            machine: machine::id(),
        };
        kept.wipe();
        Ok(secrets)
    }
}

impl Kept {
    fn wipe(mut self) {
        use zeroize::Zeroize;
        self.db_key.zeroize();
        self.device.zeroize();
        self.pin_secret.zeroize();
    }
}

impl From<std::io::Error> for KeyError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::DiskFull,
            kind => Self::Io(kind),
        }
    }
}
