//! HPKE (RFC 9180), base mode, one message per envelope: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305.
//!
//! An envelope hides its content from all but one key; it does not say who made it. Everything that carries one is
//! signed. `info` names the purpose and the ids that the envelope is bound to ([`crate::context::bind`]).

use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal_with_rng,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::SealError;

type PrivateKey = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicKey = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedKey = <X25519HkdfSha256 as Kem>::EncappedKey;

const ENCAPPED_BYTES: usize = 32;

/// A private HPKE key; zeroized when it is dropped, and without `Debug`.
#[derive(Clone)]
pub(crate) struct OpeningKey(Zeroizing<[u8; 32]>);

impl OpeningKey {
    /// A new random key.
    pub(crate) fn make(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(seed.as_mut());
        Self::derive(&seed)
    }

    /// The key that belongs to this seed (RFC 9180, `DeriveKeyPair`).
    pub(crate) fn derive(seed: &[u8; 32]) -> Self {
        let (private, _) = X25519HkdfSha256::derive_keypair(seed);
        let mut bytes = private.to_bytes();
        let key = Self(Zeroizing::new(bytes.into()));
        zeroize::Zeroize::zeroize(bytes.as_mut_slice());
        key
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key that envelopes for this key are made with.
    pub(crate) fn public(&self) -> [u8; 32] {
        X25519HkdfSha256::sk_to_pk(&self.private()).to_bytes().into()
    }

    fn private(&self) -> PrivateKey {
        PrivateKey::from_bytes(self.0.as_slice()).expect("any 32 bytes are an X25519 key")
    }
}

/// An envelope around `plain` that only the holder of `recipient`'s private key opens.
pub(crate) fn wrap(
    recipient: &[u8; 32],
    info: &[u8],
    plain: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let recipient = PublicKey::from_bytes(recipient).map_err(|_| SealError::Malformed)?;
    // A public key of low order makes a shared secret that everybody knows; the KEM refuses it here.
    let (encapped, ciphertext) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &recipient,
        info,
        plain,
        b"",
        rng,
    )
    .map_err(|_| SealError::Malformed)?;
    let mut envelope = encapped.to_bytes().to_vec();
    envelope.extend_from_slice(&ciphertext);
    Ok(envelope)
}

/// What is in the envelope; [`SealError::NotForUs`] when it was made for another key, for another purpose, or altered.
pub(crate) fn unwrap(key: &OpeningKey, info: &[u8], envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (encapped, ciphertext) = envelope.split_at_checked(ENCAPPED_BYTES).ok_or(SealError::Malformed)?;
    let encapped = EncappedKey::from_bytes(encapped).map_err(|_| SealError::Malformed)?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &key.private(),
        &encapped,
        info,
        ciphertext,
        b"",
    )
    .map(Zeroizing::new)
    .map_err(|_| SealError::NotForUs)
}
