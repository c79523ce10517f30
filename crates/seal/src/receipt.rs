//! A relay's receipt: how far a clinic's feeds reached at the relay, under the relay's own signature.
//!
//! It says nothing about what the relay holds. It makes a relay that forgot, or that shows two devices different things,
//! provable: two receipts that cannot both be true.

use std::fmt;

use ed25519_dalek::SigningKey;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{SealError, TenantId, context, keys};

/// The key with which a relay signs its receipts.
#[derive(Clone)]
pub struct RelayKey {
    sign: SigningKey,
}

impl RelayKey {
    const SECRET_VERSION: u8 = 1;

    /// A new key.
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        Self {
            sign: keys::make_signing_key(rng),
        }
    }

    /// The half that verifies.
    pub fn public(&self) -> [u8; 32] {
        self.sign.verifying_key().to_bytes()
    }

    pub(crate) fn sign(&self, context: &'static str, bytes: &[u8]) -> [u8; 64] {
        keys::sign(&self.sign, context, bytes)
    }

    /// Everything that must be kept secret.
    pub fn to_secret_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(33));
        bytes.push(Self::SECRET_VERSION);
        bytes.extend_from_slice(self.sign.as_bytes());
        bytes
    }

    /// What [`Self::to_secret_bytes`] gave.
    pub fn from_secret_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let (version, key) = bytes.split_first().ok_or(SealError::Malformed)?;
        match *version {
            Self::SECRET_VERSION => {}
            0 => return Err(SealError::Malformed),
            _ => return Err(SealError::NewerVersion),
        }
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).map_err(|_| SealError::Malformed)?);
        Ok(Self {
            sign: SigningKey::from_bytes(&key),
        })
    }
}

impl fmt::Debug for RelayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayKey(…)")
    }
}

/// What a relay signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Receipt {
    /// The clinic.
    pub tenant: TenantId,
    /// The life of the relay's data.
    pub incarnation: [u8; 16],
    /// The last position of the clinic's changes.
    pub changes: u64,
    /// The last position of its grants and revocations.
    pub consents: u64,
    /// A running hash of all that is up to these two positions.
    pub sum: [u8; 32],
    /// By the relay's clock, milliseconds since 1970, UTC; never goes back.
    pub at_ms: i64,
}

impl Receipt {
    /// The relay's signature.
    pub fn sign(&self, relay: &RelayKey) -> [u8; 64] {
        relay.sign(context::RELAY_RECEIPT, &self.signed_part())
    }

    /// Whether the relay with this public key signed it.
    ///
    /// # Errors
    /// [`SealError::BadSignature`].
    pub fn verify(&self, relay: &[u8; 32], signature: &[u8; 64]) -> Result<(), SealError> {
        keys::verify(relay, context::RELAY_RECEIPT, &self.signed_part(), signature)
    }

    /// Every field has a fixed length, so two different receipts never meet.
    fn signed_part(&self) -> Vec<u8> {
        [
            self.tenant.as_bytes().as_slice(),
            &self.incarnation,
            &self.changes.to_be_bytes(),
            &self.consents.to_be_bytes(),
            &self.sum,
            &self.at_ms.to_be_bytes(),
        ]
        .concat()
    }
}
