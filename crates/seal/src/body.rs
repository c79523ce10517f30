//! A sealed body: 24 fresh random bytes, a 32-byte commitment to the key, and the ciphertext of the padded plaintext.
//!
//! HKDF-SHA-256 of the key and the random bytes gives the encryption key and the commitment; the encryption is
//! XChaCha20-Poly1305 with the random bytes as its nonce. An AEAD alone does not bind a ciphertext to its key: without
//! the commitment, one body could be made to show two clinics two different allergies. It is compared before anything
//! is decrypted. The caller says what the key is for, and what else the body is bound to.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{SealError, padding};

const SALT_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 32;
const TAG_BYTES: usize = 16;

/// How long the body of a plaintext of `plain_len` bytes is.
pub(crate) const fn body_len(plain_len: usize) -> usize {
    SALT_BYTES + COMMITMENT_BYTES + padding::padded_len(plain_len) + TAG_BYTES
}

/// A 32-byte key from `secret`, for one purpose and the ids bound into `info`.
pub(crate) fn derive_key(secret: &[u8], salt: Option<&[u8]>, info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(salt, secret)
        .expand(info, key.as_mut())
        .expect("32 bytes are within HKDF's limit");
    key
}

/// Seals `plain` under `key` for the purpose `context`; `bound` must be the same when it is opened.
pub(crate) fn seal(
    key: &[u8; 32],
    context: &str,
    bound: &[u8],
    plain: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let padded = padding::pad(plain)?;
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    let (cipher, commitment) = cipher(key, context, &salt);
    let ciphertext = cipher
        .encrypt(
            &XNonce::from(salt),
            Payload {
                msg: &padded,
                aad: bound,
            },
        )
        .expect("a padded plaintext is far below the cipher's limit");

    let mut body = Vec::with_capacity(SALT_BYTES + COMMITMENT_BYTES + ciphertext.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(commitment.as_ref());
    body.extend_from_slice(&ciphertext);
    Ok(body)
}

/// Opens what [`seal`] made: [`SealError::WrongCommitment`] when the key is another one, [`SealError::Damaged`] when
/// the key is right and the ciphertext, or what it is bound to, is not.
pub(crate) fn open(key: &[u8; 32], context: &str, bound: &[u8], body: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (salt, rest) = body.split_first_chunk::<SALT_BYTES>().ok_or(SealError::Malformed)?;
    let (commitment, ciphertext) = rest
        .split_first_chunk::<COMMITMENT_BYTES>()
        .ok_or(SealError::Malformed)?;
    let (cipher, expected) = cipher(key, context, salt);
    if !bool::from(expected.as_slice().ct_eq(commitment)) {
        return Err(SealError::WrongCommitment);
    }
    let padded = cipher
        .decrypt(
            &XNonce::from(*salt),
            Payload {
                msg: ciphertext,
                aad: bound,
            },
        )
        .map(Zeroizing::new)
        .map_err(|_| SealError::Damaged)?;
    padding::unpad(&padded)
}

fn cipher(
    key: &[u8; 32],
    context: &str,
    salt: &[u8; SALT_BYTES],
) -> (XChaCha20Poly1305, Zeroizing<[u8; COMMITMENT_BYTES]>) {
    let mut okm = Zeroizing::new([0; 32 + COMMITMENT_BYTES]);
    Hkdf::<Sha256>::new(Some(salt), key)
        .expand(context.as_bytes(), okm.as_mut())
        .expect("64 bytes are within HKDF's limit");
    let (encryption_key, commitment) = okm.split_at(32);
    let cipher = XChaCha20Poly1305::new_from_slice(encryption_key).expect("a key of 32 bytes");
    (
        cipher,
        Zeroizing::new(commitment.try_into().expect("the other 32 bytes")),
    )
}
