//! A patient's agreement towards another clinic, as the source clinic's device signs it.
//!
//! The clear part is what a relay needs to enforce it; patient, categories, dates and evidence are sealed for the
//! recipient. Whether a grant is active now is `consent`'s question.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    DeviceId, DeviceKeys, EpochSecrets, FORMAT_VERSION, GrantId, Membership, SealError, TenantId, context, envelope,
    padding, wire,
};

/// The most that the terms of a grant may take before they are sealed, in bytes; a signature drawn by finger included.
pub const MAX_TERMS_BYTES: usize = 128 * 1024;
/// The most that one encoded grant may take, in bytes.
pub const MAX_SEALED_GRANT_BYTES: usize = padding::padded_len(MAX_TERMS_BYTES) + 2048;

const MAX_BODY_BYTES: usize = 1024;

/// The part of a grant that the relay reads.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct GrantClear {
    /// Its id.
    #[n(0)]
    pub id: GrantId,
    /// The clinic that gives.
    #[n(1)]
    pub source: TenantId,
    /// The clinic that may have.
    #[n(2)]
    pub recipient: TenantId,
    /// Purpose code (0 = treatment).
    #[n(3)]
    pub purpose: u8,
    /// Access mode code (0 = view, 1 = keep).
    #[n(4)]
    pub mode: u8,
    /// From when, in milliseconds since 1970.
    #[n(5)]
    pub from_ms: i64,
    /// Until when (exclusive), in milliseconds since 1970.
    #[n(6)]
    pub until_ms: i64,
    /// When kept copies are erased, in milliseconds since 1970.
    #[n(7)]
    pub erase_at_ms: i64,
    /// Hash of the sealed terms, which binds them to the signature.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub terms_hash: [u8; 32],
}

/// What a device says to make a grant; the rest follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// A new id.
    pub id: GrantId,
    /// The clinic that may have.
    pub recipient: TenantId,
    /// Purpose code.
    pub purpose: u8,
    /// Access mode code.
    pub mode: u8,
    /// From when, in milliseconds since 1970.
    pub from_ms: i64,
    /// Until when (exclusive), in milliseconds since 1970.
    pub until_ms: i64,
    /// When kept copies are erased, in milliseconds since 1970.
    pub erase_at_ms: i64,
}

/// A signed grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    body: GrantBody,
    wire: GrantWire,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct GrantBody {
    #[n(0)]
    version: u16,
    #[n(1)]
    device: DeviceId,
    #[n(2)]
    clear: GrantClear,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct GrantWire {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
    #[cbor(n(2), with = "minicbor::bytes")]
    sealed_terms: Vec<u8>,
}

impl Grant {
    /// Makes a grant of the clinic `source`, with `terms` sealed for the recipient's current key.
    ///
    /// [`SealError::WrongTenant`] when `recipient` is not the membership of the clinic that `new` names;
    /// [`SealError::TooLarge`] above [`MAX_TERMS_BYTES`].
    pub fn make(
        new: NewGrant,
        source: TenantId,
        terms: &[u8],
        recipient: &Membership,
        device: &DeviceKeys,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, SealError> {
        if recipient.tenant() != new.recipient {
            return Err(SealError::WrongTenant);
        }
        if terms.len() > MAX_TERMS_BYTES {
            return Err(SealError::TooLarge);
        }
        let info = terms_info(new.id, source, new.recipient);
        let sealed_terms = envelope::wrap(&recipient.clinic_key(), &info, &padding::pad(terms)?, rng)?;
        let clear = GrantClear {
            id: new.id,
            source,
            recipient: new.recipient,
            purpose: new.purpose,
            mode: new.mode,
            from_ms: new.from_ms,
            until_ms: new.until_ms,
            erase_at_ms: new.erase_at_ms,
            terms_hash: context::hash(context::TERMS_HASH, &sealed_terms),
        };
        let body = GrantBody {
            version: FORMAT_VERSION,
            device: device.id(),
            clear,
        };
        let bytes = wire::encode(&body);
        let signature = device.sign(context::GRANT_SIGNATURE, &bytes);
        Ok(Self {
            body,
            wire: GrantWire {
                body: bytes,
                signature,
                sealed_terms,
            },
        })
    }

    /// Reads a grant: its form, its version, and that the sealed terms are the ones whose hash is signed.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let wire: GrantWire = wire::decode(bytes, MAX_SEALED_GRANT_BYTES)?;
        let body: GrantBody = wire::decode_versioned(&wire.body, MAX_BODY_BYTES)?;
        if context::hash(context::TERMS_HASH, &wire.sealed_terms) != body.clear.terms_hash {
            return Err(SealError::Damaged);
        }
        Ok(Self { body, wire })
    }

    /// The bytes to store and to send.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&self.wire)
    }

    /// What can be read without a key.
    pub fn clear(&self) -> &GrantClear {
        &self.body.clear
    }

    /// The device that signed it.
    pub fn device(&self) -> DeviceId {
        self.body.device
    }

    /// Did a member of the source clinic sign it?
    pub fn verify(&self, source: &Membership) -> Result<(), SealError> {
        if source.tenant() != self.clear().source {
            return Err(SealError::WrongTenant);
        }
        source.verify(
            &self.body.device,
            context::GRANT_SIGNATURE,
            &self.wire.body,
            &self.wire.signature,
        )
    }

    /// The terms, for the recipient clinic; [`SealError::NotForUs`] for everyone else.
    pub fn open_terms(&self, recipient: &EpochSecrets) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let clear = self.clear();
        let info = terms_info(clear.id, clear.source, clear.recipient);
        padding::unpad(&recipient.open_envelope(&info, &self.wire.sealed_terms)?)
    }
}

fn terms_info(id: GrantId, source: TenantId, recipient: TenantId) -> Vec<u8> {
    context::bind(
        context::TERMS_WRAP,
        &[id.as_bytes(), source.as_bytes(), recipient.as_bytes()],
    )
}
