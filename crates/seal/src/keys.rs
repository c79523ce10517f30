//! A device's keys, and the one way in which anything is signed and verified.
//!
//! What is signed is never the bytes themselves but their BLAKE3 hash for a named purpose, so that a signature for one
//! purpose fits no other.

use std::fmt;
use std::sync::LazyLock;

use curve25519_dalek::constants::EIGHT_TORSION;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{DeviceId, SealError, context, envelope::OpeningKey};

/// The public half of a device: what statements carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct DevicePublic {
    /// Ed25519 key that verifies what the device signs.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub sign: [u8; 32],
    /// X25519 key that epoch keys are wrapped to.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hpke: [u8; 32],
}

impl DevicePublic {
    /// The device's id: the hash of both keys.
    pub fn id(&self) -> DeviceId {
        let mut both = [0; 64];
        both[..32].copy_from_slice(&self.sign);
        both[32..].copy_from_slice(&self.hpke);
        DeviceId::from_bytes(context::hash(context::DEVICE_ID, &both))
    }
}

/// Both private keys of a device. They live in the operating system's keyring or under a passphrase, and never in a
/// backup.
#[derive(Clone)]
pub struct DeviceKeys {
    sign: SigningKey,
    hpke: OpeningKey,
    /// Made once: each change that is sealed asks whose it is.
    public: DevicePublic,
    id: DeviceId,
}

impl DeviceKeys {
    const SECRET_VERSION: u8 = 1;
    const SECRET_BYTES: usize = 1 + 32 + 32;

    /// New keys, and so a new device.
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        Self::of(make_signing_key(rng), OpeningKey::make(rng))
    }

    fn of(sign: SigningKey, hpke: OpeningKey) -> Self {
        let public = DevicePublic {
            sign: sign.verifying_key().to_bytes(),
            hpke: hpke.public(),
        };
        Self {
            sign,
            hpke,
            public,
            id: public.id(),
        }
    }

    /// The id of the device whose keys these are.
    pub fn id(&self) -> DeviceId {
        self.id
    }

    /// The public half.
    pub fn public(&self) -> DevicePublic {
        self.public
    }

    /// Signs `bytes` for the purpose `context`; [`verify`] with the same purpose and [`DevicePublic::sign`] accepts it.
    pub fn sign(&self, context: &'static str, bytes: &[u8]) -> [u8; 64] {
        sign(&self.sign, context, bytes)
    }

    /// Everything that must be kept secret, to be put into a keyring.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(Self::SECRET_BYTES));
        bytes.push(Self::SECRET_VERSION);
        bytes.extend_from_slice(self.sign.as_bytes());
        bytes.extend_from_slice(self.hpke.as_bytes());
        bytes
    }

    /// What [`Self::to_secret_bytes`] gave.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let (version, keys) = bytes.split_first().ok_or(SealError::Malformed)?;
        match *version {
            Self::SECRET_VERSION => {}
            0 => return Err(SealError::Malformed),
            _ => return Err(SealError::NewerVersion),
        }
        let (sign, hpke) = keys.split_first_chunk::<32>().ok_or(SealError::Malformed)?;
        let hpke = Zeroizing::new(<[u8; 32]>::try_from(hpke).map_err(|_| SealError::Malformed)?);
        Ok(Self::of(SigningKey::from_bytes(sign), OpeningKey::from_bytes(*hpke)))
    }

    pub(crate) fn opening_key(&self) -> &OpeningKey {
        &self.hpke
    }
}

impl fmt::Debug for DeviceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKeys({})", self.id())
    }
}

/// Does `signature` fit `bytes`, the purpose `context` and the key `public`?
///
/// Strict (no keys of low order, no second form of a signature): every replica comes to the same verdict.
pub fn verify(public: &[u8; 32], context: &'static str, bytes: &[u8], signature: &[u8; 64]) -> Result<(), SealError> {
    ReadyKey::of(public).verify(context, bytes, signature)
}

/// A public key that many signatures are checked with: it is taken apart once. `None`: nothing fits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadyKey(Option<VerifyingKey>);

/// The eight points of low order, each in the one form that a point is written in.
static LOW_ORDER: LazyLock<[[u8; 32]; 8]> = LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));

impl ReadyKey {
    pub(crate) fn of(public: &[u8; 32]) -> Self {
        let key = VerifyingKey::from_bytes(public).ok();
        Self(key.filter(|key| !key.is_weak()))
    }

    /// As [`verify`].
    ///
    /// What the library's `verify_strict` says, in three quarters of the time. Its loose check computes the first half anew and
    /// compares the bytes, so one that passes has the only form of its point: what strict takes it apart for, whether its
    /// order is low, is seen by its bytes.
    pub(crate) fn verify(&self, context: &str, bytes: &[u8], signature: &[u8; 64]) -> Result<(), SealError> {
        let key = self.0.as_ref().ok_or(SealError::BadSignature)?;
        if LOW_ORDER.iter().any(|low| signature.starts_with(low)) {
            return Err(SealError::BadSignature);
        }
        key.verify(&context::hash(context, bytes), &Signature::from_bytes(signature))
            .map_err(|_| SealError::BadSignature)
    }
}

pub(crate) fn sign(key: &SigningKey, context: &'static str, bytes: &[u8]) -> [u8; 64] {
    key.sign(&context::hash(context, bytes)).to_bytes()
}

pub(crate) fn make_signing_key(rng: &mut impl CryptoRng) -> SigningKey {
    let mut secret = Zeroizing::new([0; 32]);
    rng.fill_bytes(secret.as_mut());
    SigningKey::from_bytes(&secret)
}

#[cfg(test)]
mod tests;
