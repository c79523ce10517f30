//! Attachments (sound, photos, scans): chunks under a random key of the attachment, named by the hash of what is stored.
//!
//! The key stands in the document that the attachment belongs to, so whoever may open the document may open it, and
//! erasing the document's body erases the attachment for good.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{ChunkName, SealError, body, context};

/// The most that one chunk may hold before it is sealed, in bytes: half a minute of 16-bit sound at 16 kHz.
pub const MAX_CHUNK_BYTES: usize = 1024 * 1024;

/// The most that one sealed chunk takes, in bytes.
pub const MAX_SEALED_CHUNK_BYTES: usize = body::body_len(MAX_CHUNK_BYTES);

/// The key of one attachment.
#[derive(Clone)]
pub struct AttachmentKey(Zeroizing<[u8; 32]>);

impl AttachmentKey {
    /// A new random key; never used for a second attachment.
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        rng.fill_bytes(key.as_mut());
        Self(key)
    }

    /// What [`Self::to_bytes`] gave.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key, to be written into the sealed document.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    /// Seals the chunk with this number; [`SealError::TooLarge`] above [`MAX_CHUNK_BYTES`].
    pub fn seal_chunk(&self, number: u64, plain: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, SealError> {
        if plain.len() > MAX_CHUNK_BYTES {
            return Err(SealError::TooLarge);
        }
        body::seal(&self.0, context::CHUNK_BODY, &number.to_le_bytes(), plain, rng)
    }

    /// Opens the chunk with this number: [`SealError::WrongCommitment`] with another attachment's key,
    /// [`SealError::Damaged`] when it was altered or stands in another place.
    pub fn open_chunk(&self, number: u64, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if sealed.len() > MAX_SEALED_CHUNK_BYTES {
            return Err(SealError::TooLarge);
        }
        body::open(&self.0, context::CHUNK_BODY, &number.to_le_bytes(), sealed)
    }
}

impl fmt::Debug for AttachmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttachmentKey(..)")
    }
}

/// The name under which a sealed chunk is stored: the hash of its bytes.
pub fn chunk_name(sealed: &[u8]) -> ChunkName {
    ChunkName::from_bytes(context::hash(context::CHUNK_NAME, sealed))
}
