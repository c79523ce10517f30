//! The container of a backup: who may open it, and a stream of pieces of which none can be cut off, swapped or altered.
//!
//! What is inside is sealed or signed already; the container hides how much there is of what, and from whom. It does not
//! say who made it: whoever restores judges everything inside by its own signatures.
//!
//! ```text
//! prefix    8 letters | length of the header
//! header    version, tenant, time, random bytes, one envelope for the kit and one for the epoch    readable
//! check     BLAKE3 of all that: tells a broken file from a wrong key
//! commitment to the key
//! pieces    STREAM (BE32) of XChaCha20-Poly1305; each is 64 KiB and a tag, the last may be shorter
//! ```

use std::fmt;

use aead_stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use hkdf::Hkdf;
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    EpochId, EpochSecrets, KeyWrap, Membership, RecoveryKit, SealError, TenantId,
    context::{self, bind},
    envelope,
    statement::kit_recipient,
    wire,
};

/// How much one piece holds before it is sealed, in bytes; only the last may hold less.
pub const BACKUP_PIECE_BYTES: usize = 64 * 1024;
/// How much longer a sealed piece is.
pub const BACKUP_PIECE_OVERHEAD: usize = 16;
/// How much of a file must be read before [`BackupHead::n_bytes`] can be asked.
pub const BACKUP_PREFIX_BYTES: usize = LETTERS.len() + 4;

const LETTERS: &[u8; 8] = b"MEDIECO\x1a";
const MAX_HEADER_BYTES: usize = 4 * 1024;
const HASH_BYTES: usize = 32;
const NONCE_BYTES: usize = 19;

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Header {
    #[n(0)]
    version: u16,
    #[n(1)]
    tenant: TenantId,
    #[n(2)]
    made_at_ms: i64,
    /// Fresh for every backup.
    #[cbor(n(3), with = "minicbor::bytes")]
    salt: [u8; 32],
    /// The container's key: for the kit, under its name, and for an epoch's clinic key, under the epoch's id.
    #[n(4)]
    wraps: Vec<KeyWrap>,
}

/// What stands before the pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupHead {
    header: Header,
    check: [u8; HASH_BYTES],
    commitment: [u8; HASH_BYTES],
}

/// Seals the pieces of one backup, in order.
pub struct BackupSealer(EncryptorBE32<XChaCha20Poly1305>);

/// Opens the pieces of one backup, in order.
pub struct BackupOpener(DecryptorBE32<XChaCha20Poly1305>);

/// Begins a backup that the recovery kit opens, and every device that has the keys of the epoch to write under now; the
/// bytes of its head come first in the file.
///
/// Where no such epoch is clean (right after two removals made apart, or on a device that was removed) it is the latest
/// that `secrets` has.
pub fn begin_backup(
    membership: &Membership,
    secrets: &EpochSecrets,
    made_at_ms: i64,
    rng: &mut impl CryptoRng,
) -> Result<(Vec<u8>, BackupSealer), SealError> {
    if secrets.tenant() != membership.tenant() {
        return Err(SealError::WrongTenant);
    }
    let mut random = || {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(bytes.as_mut());
        bytes
    };
    let (key, salt) = (random(), *random());
    let tenant = membership.tenant();
    let mut epochs = membership.epochs_by_fitness().iter().copied();
    let epoch = epochs.find(|epoch| secrets.has(epoch)).ok_or(SealError::UnknownEpoch)?;
    let clinic_key = membership
        .epochs()
        .get(&epoch)
        .ok_or(SealError::UnknownEpoch)?
        .clinic_hpke;
    let recipients = [
        (kit_recipient(membership.kit_hpke()), *membership.kit_hpke()),
        (*epoch.as_bytes(), clinic_key),
    ];
    let wraps = recipients.map(|(recipient, hpke)| {
        let sealed = envelope::wrap(&hpke, &wrap_info(tenant, &salt, &recipient), key.as_ref(), rng)?;
        Ok::<_, SealError>(KeyWrap { recipient, sealed })
    });
    let header = wire::encode(&Header {
        version: crate::FORMAT_VERSION,
        tenant,
        made_at_ms,
        salt,
        wraps: wraps.into_iter().collect::<Result<_, _>>()?,
    });

    let mut head = LETTERS.to_vec();
    let n_bytes = u32::try_from(header.len()).map_err(|_| SealError::TooLarge)?;
    head.extend_from_slice(&n_bytes.to_be_bytes());
    head.extend_from_slice(&header);
    let check = context::hash(context::BACKUP_CHECK, &head);
    let keys = Keys::derive(&key, &salt, &check);
    head.extend_from_slice(&check);
    head.extend_from_slice(keys.commitment.as_ref());
    let sealer = EncryptorBE32::from_aead(keys.cipher(), &keys.nonce.into());
    Ok((head, BackupSealer(sealer)))
}

impl BackupHead {
    /// How long the head is of which `prefix` is the beginning.
    ///
    /// [`SealError::Malformed`] when that is no backup's.
    pub fn n_bytes(prefix: &[u8; BACKUP_PREFIX_BYTES]) -> Result<usize, SealError> {
        let length = prefix.strip_prefix(LETTERS).ok_or(SealError::Malformed)?;
        let length: [u8; 4] = length.try_into().map_err(|_| SealError::Malformed)?;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| SealError::Malformed)?;
        if length > MAX_HEADER_BYTES {
            return Err(SealError::Malformed);
        }
        Ok(BACKUP_PREFIX_BYTES + length + 2 * HASH_BYTES)
    }

    /// Reads a whole head.
    ///
    /// [`SealError::Damaged`] when a byte of it was altered, [`SealError::NewerVersion`] when a newer build wrote it.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let prefix = bytes.first_chunk().ok_or(SealError::Malformed)?;
        if bytes.len() != Self::n_bytes(prefix)? {
            return Err(SealError::Malformed);
        }
        let (rest, commitment) = bytes.split_last_chunk().ok_or(SealError::Malformed)?;
        let (checked, check) = rest.split_last_chunk().ok_or(SealError::Malformed)?;
        if context::hash(context::BACKUP_CHECK, checked) != *check {
            return Err(SealError::Damaged);
        }
        let header = checked.get(BACKUP_PREFIX_BYTES..).ok_or(SealError::Malformed)?;
        Ok(Self {
            header: wire::decode_versioned(header, MAX_HEADER_BYTES)?,
            check: *check,
            commitment: *commitment,
        })
    }

    /// Whose backup it claims to be.
    pub fn tenant(&self) -> TenantId {
        self.header.tenant
    }

    /// When it was made, by the clock of its maker, in milliseconds since 1970.
    pub fn made_at_ms(&self) -> i64 {
        self.header.made_at_ms
    }

    /// Opens it with the kit: [`SealError::NotForUs`] with another clinic's.
    pub fn open_with_kit(&self, kit: &RecoveryKit) -> Result<BackupOpener, SealError> {
        let key = kit.opening_key();
        let recipient = kit_recipient(&key.public());
        let wrap = self.wraps().find(|wrap| wrap.recipient == recipient);
        let wrap = wrap.ok_or(SealError::NotForUs)?;
        let info = wrap_info(self.header.tenant, &self.header.salt, &recipient);
        self.opener(&envelope::unwrap(&key, &info, &wrap.sealed)?)
    }

    /// Opens it with the keys of a device: [`SealError::NotForUs`] when it has none that fits.
    pub fn open_with_epochs(&self, secrets: &EpochSecrets) -> Result<BackupOpener, SealError> {
        let opened = self.wraps().find_map(|wrap| {
            let keys = secrets.keys(&EpochId::from_bytes(wrap.recipient))?;
            let info = wrap_info(self.header.tenant, &self.header.salt, &wrap.recipient);
            keys.open_envelope(&info, &wrap.sealed).ok()
        });
        self.opener(&opened.ok_or(SealError::NotForUs)?)
    }

    fn wraps(&self) -> impl Iterator<Item = &KeyWrap> {
        self.header.wraps.iter()
    }

    fn opener(&self, key: &[u8]) -> Result<BackupOpener, SealError> {
        let key = Zeroizing::new(<[u8; 32]>::try_from(key).map_err(|_| SealError::Malformed)?);
        let keys = Keys::derive(&key, &self.header.salt, &self.check);
        if !bool::from(keys.commitment.as_slice().ct_eq(&self.commitment)) {
            return Err(SealError::WrongCommitment);
        }
        Ok(BackupOpener(DecryptorBE32::from_aead(
            keys.cipher(),
            &keys.nonce.into(),
        )))
    }
}

impl BackupSealer {
    /// Seals the next piece, of [`BACKUP_PIECE_BYTES`]; not the last.
    pub fn seal(&mut self, piece: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.encrypt_next(piece).map_err(|_| SealError::TooLarge)
    }

    /// Seals the last piece.
    pub fn seal_last(self, piece: &[u8]) -> Result<Vec<u8>, SealError> {
        self.0.encrypt_last(piece).map_err(|_| SealError::TooLarge)
    }
}

impl BackupOpener {
    /// Opens the next piece; [`SealError::Damaged`] when it is not the one that was sealed there, or the last.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let opened = self.0.decrypt_next(sealed);
        opened.map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }

    /// Opens the last piece; [`SealError::Damaged`] when more came after it.
    pub fn open_last(self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let opened = self.0.decrypt_last(sealed);
        opened.map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }
}

impl fmt::Debug for BackupSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupSealer(..)")
    }
}

impl fmt::Debug for BackupOpener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupOpener(..)")
    }
}

/// What is derived from the container's key, bound to the whole header by its hash.
struct Keys {
    encryption: Zeroizing<[u8; 32]>,
    commitment: Zeroizing<[u8; 32]>,
    nonce: [u8; NONCE_BYTES],
}

impl Keys {
    fn derive(key: &[u8; 32], salt: &[u8; 32], check: &[u8; 32]) -> Self {
        let mut okm = Zeroizing::new([0; 64 + NONCE_BYTES]);
        Hkdf::<Sha256>::new(Some(salt), key)
            .expand(&bind(context::BACKUP_BODY, &[check]), okm.as_mut())
            .expect("83 bytes are within HKDF's limit");
        let part = |from: usize| Zeroizing::new(*okm[from..].first_chunk().expect("83 bytes hold it"));
        Self {
            encryption: part(0),
            commitment: part(32),
            nonce: *okm[64..].first_chunk().expect("83 bytes hold it"),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new_from_slice(self.encryption.as_ref()).expect("a key of 32 bytes")
    }
}

fn wrap_info(tenant: TenantId, salt: &[u8; 32], recipient: &[u8; 32]) -> Vec<u8> {
    bind(context::BACKUP_WRAP, &[tenant.as_bytes(), salt, recipient])
}
