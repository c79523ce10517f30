//! A sealed change: what a device wrote, encrypted once and signed, never altered afterwards.
//!
//! The header is readable by the relay; it is signed, and it is the associated data of the encryption. The signature
//! covers header and *hash* of the body, so that a body can be erased and the signature still holds.

mod parts;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use self::parts::ChangeParts;
use crate::{
    Admission, ChangeId, DeviceId, DeviceKeys, DevicePublic, DocumentId, EpochId, EpochSecrets, FORMAT_VERSION,
    Membership, OpeningId, SealError, TenantId, body, context, wire,
};

/// The most that one change may hold before it is sealed, in bytes.
pub const MAX_CHANGE_BYTES: usize = 256 * 1024;
/// The most that one snapshot may hold before it is sealed, in bytes.
pub const MAX_SNAPSHOT_BYTES: usize = 8 * 1024 * 1024;
/// The most that one encoded change may take, in bytes; of every kind but a snapshot.
pub const MAX_SEALED_CHANGE_BYTES: usize = body::body_len(MAX_CHANGE_BYTES) + ENVELOPE_BYTES;
/// The most that one encoded snapshot may take, in bytes.
pub const MAX_SEALED_SNAPSHOT_BYTES: usize = body::body_len(MAX_SNAPSHOT_BYTES) + ENVELOPE_BYTES;

/// Room for header, hash, signature and what a newer build adds to them.
const ENVELOPE_BYTES: usize = MAX_HEADER_BYTES + 256;
const MAX_HEADER_BYTES: usize = 1024;
/// What an encoded change has beside header and body: hash, signature, and CBOR.
const AROUND_BYTES: usize = 32 + 64 + 24;

/// What a change is, as far as anyone outside may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// An edit of a document.
    Change,
    /// Something that cannot be edited.
    Fact,
    /// A document's whole state.
    Snapshot,
    /// A release, as the clinic keeps it for itself.
    Release,
    /// A statement, as the clinic keeps it for itself.
    Statement,
    /// Of a newer build, with its code: kept and carried.
    Unknown(u16),
}

impl ChangeKind {
    const fn code(self) -> u16 {
        match self {
            Self::Change => 0,
            Self::Fact => 1,
            Self::Snapshot => 2,
            Self::Release => 3,
            Self::Statement => 4,
            Self::Unknown(code) => code,
        }
    }

    const fn from_code(code: u16) -> Self {
        match code {
            0 => Self::Change,
            1 => Self::Fact,
            2 => Self::Snapshot,
            3 => Self::Release,
            4 => Self::Statement,
            code => Self::Unknown(code),
        }
    }

    const fn max_plain(self) -> usize {
        match self {
            Self::Snapshot => MAX_SNAPSHOT_BYTES,
            _ => MAX_CHANGE_BYTES,
        }
    }
}

impl<C> Encode<C> for ChangeKind {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.u16(self.code())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for ChangeKind {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        d.u16().map(Self::from_code)
    }
}

/// All that is to be read of a change without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct Header {
    /// [`FORMAT_VERSION`].
    #[n(0)]
    pub version: u16,
    /// Whose it is.
    #[n(1)]
    pub tenant: TenantId,
    /// Which document it belongs to.
    #[n(2)]
    pub document: DocumentId,
    /// Under which epoch's secret it is sealed.
    #[n(3)]
    pub epoch: EpochId,
    /// Who wrote it.
    #[n(4)]
    pub device: DeviceId,
    /// In which opening of the device's store.
    #[n(5)]
    pub opening: OpeningId,
    /// The how-manieth of that opening, without gaps.
    #[n(6)]
    pub number: u64,
    /// What it is.
    #[n(7)]
    pub kind: ChangeKind,
}

/// A sealed change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedChange {
    id: ChangeId,
    header: Header,
    wire: Wire,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Wire {
    /// As it came: an unknown key of a newer build in it is signed, too.
    #[cbor(n(0), with = "minicbor::bytes")]
    header: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    body_hash: [u8; 32],
    #[cbor(n(2), with = "minicbor::bytes")]
    signature: [u8; 64],
    /// Absent once erased.
    #[cbor(n(3), with = "minicbor::bytes")]
    body: Option<Vec<u8>>,
}

impl Wire {
    /// Header and body's hash; the hash has a fixed length, so the two cannot be parted in another place.
    fn signed_part(&self) -> Vec<u8> {
        [self.header.as_slice(), &self.body_hash].concat()
    }
}

impl SealedChange {
    /// Seals `plain` under the epoch and for the document that the header names, and signs it.
    ///
    /// [`SealError::WrongDevice`] when the header names another device than `device`; [`SealError::WrongTenant`] and
    /// [`SealError::UnknownEpoch`] when `secrets` are not those of its tenant and epoch; [`SealError::TooLarge`] above
    /// the limit of its kind; [`SealError::NewerVersion`] when the header has another version than this build writes.
    pub fn seal(
        header: Header,
        plain: &[u8],
        secrets: &EpochSecrets,
        device: &DeviceKeys,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, SealError> {
        if header.version != FORMAT_VERSION {
            return Err(SealError::NewerVersion);
        }
        if header.tenant != secrets.tenant() {
            return Err(SealError::WrongTenant);
        }
        if header.device != device.id() {
            return Err(SealError::WrongDevice);
        }
        if plain.len() > header.kind.max_plain() {
            return Err(SealError::TooLarge);
        }
        let key = secrets.document_key(&header.epoch, &header.document)?;
        let header_bytes = wire::encode(&header);
        let body = body::seal(&key, context::CHANGE_BODY, &header_bytes, plain, rng)?;
        let mut wire = Wire {
            header: header_bytes,
            body_hash: body_hash(&body),
            signature: [0; 64],
            body: Some(body),
        };
        let signed_part = wire.signed_part();
        wire.signature = device.sign(context::CHANGE_SIGNATURE, &signed_part);
        Ok(Self {
            id: id_of(&signed_part),
            header,
            wire,
        })
    }

    /// Reads a change: its form, its version, its size, and that the body is the one whose hash is signed.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let wire: Wire = wire::decode(bytes, MAX_SEALED_SNAPSHOT_BYTES)?;
        let header: Header = wire::decode_versioned(&wire.header, MAX_HEADER_BYTES)?;
        if let Some(body) = &wire.body {
            if body.len() > body::body_len(header.kind.max_plain()) {
                return Err(SealError::TooLarge);
            }
            if body_hash(body) != wire.body_hash {
                return Err(SealError::Damaged);
            }
        }
        Ok(Self {
            id: id_of(&wire.signed_part()),
            header,
            wire,
        })
    }

    /// The bytes to store and to send.
    pub fn encode(&self) -> Vec<u8> {
        let n_body = self.wire.body.as_ref().map_or(0, Vec::len);
        wire::encode_sized(&self.wire, self.wire.header.len() + n_body + AROUND_BYTES)
    }

    /// The hash of the signed part; the same with and without the body.
    pub fn id(&self) -> ChangeId {
        self.id
    }

    /// What can be read without a key.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The sealed body; `None` once erased.
    pub fn body(&self) -> Option<&[u8]> {
        self.wire.body.as_deref()
    }

    /// The change with its body erased: header, hash and signature stay, and it still verifies.
    #[must_use]
    pub fn without_body(mut self) -> Self {
        self.wire.body = None;
        self
    }

    /// Was it written by a member of this tenant, under one of its epochs?
    ///
    /// [`SealError::BeyondRemoval`] when the signature is that of a device that was removed, and the change is none of
    /// those that its removal lets stand: not to be merged, and not to be lost.
    pub fn verify(&self, membership: &Membership) -> Result<(), SealError> {
        let header = &self.header;
        if header.tenant != membership.tenant() {
            return Err(SealError::WrongTenant);
        }
        if !membership.has_epoch(&header.epoch) {
            return Err(SealError::UnknownEpoch);
        }
        let signed_part = self.wire.signed_part();
        membership.verify(
            &header.device,
            context::CHANGE_SIGNATURE,
            &signed_part,
            &self.wire.signature,
        )?;
        match membership.admits_change(&header.device, &header.opening, header.number) {
            Admission::Member => Ok(()),
            Admission::BeyondRemoval => Err(SealError::BeyondRemoval),
            Admission::NoDevice => Err(SealError::UnknownDevice),
        }
    }

    /// Does the signature fit this device's key? Says nothing about whether the device belongs: [`Self::verify`] does.
    pub fn is_signed_by(&self, device: &DevicePublic) -> bool {
        self.header.device == device.id()
            && crate::verify(
                &device.sign,
                context::CHANGE_SIGNATURE,
                &self.wire.signed_part(),
                &self.wire.signature,
            )
            .is_ok()
    }

    /// What was sealed. Says nothing about who sealed it: [`Self::verify`] does.
    pub fn open(&self, secrets: &EpochSecrets) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if self.header.tenant != secrets.tenant() {
            return Err(SealError::WrongTenant);
        }
        let body = self.wire.body.as_deref().ok_or(SealError::Erased)?;
        let key = secrets.document_key(&self.header.epoch, &self.header.document)?;
        body::open(&key, context::CHANGE_BODY, &self.wire.header, body)
    }
}

fn id_of(signed_part: &[u8]) -> ChangeId {
    ChangeId::from_bytes(context::hash(context::CHANGE_ID, signed_part))
}

fn body_hash(body: &[u8]) -> [u8; 32] {
    context::hash(context::CHANGE_BODY_HASH, body)
}
