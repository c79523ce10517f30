//! A letter from one clinic to another, through a mailbox at the relay: signed by a device of the sender, sealed for
//! whoever has the keys of the receiver.
//!
//! Who keeps it reads its id, its two clinics and its size. What kind of message it is and when it was written is inside
//! the envelope, with the content: one HPKE envelope for the receiver's clinic key, bound to id and clinics, so that it
//! opens nowhere else and as nothing else.

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    DeviceId, DeviceKeys, EpochSecrets, FORMAT_VERSION, MailId, Membership, SealError, TenantId,
    context::{self, bind},
    envelope, padding, wire,
};

/// The most that one message may say, in bytes.
pub const MAX_MAIL_BYTES: usize = 224 * 1024;
/// The most that one encoded message may take, in bytes.
pub const MAX_SEALED_MAIL_BYTES: usize = 256 * 1024;

const MAX_BODY_BYTES: usize = 512;
const MAX_INSIDE_BYTES: usize = MAX_MAIL_BYTES + 64;

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// A request for a patient's record.
    RecordRequest,
    /// The answer to one.
    Answer,
    /// A letter about a patient who is sent on.
    ReferralLetter,
    /// One of a newer build: kept as it came.
    Other(u16),
}

impl MailKind {
    /// Its number, which never changes.
    pub const fn code(self) -> u16 {
        match self {
            Self::RecordRequest => 1,
            Self::Answer => 2,
            Self::ReferralLetter => 3,
            Self::Other(code) => code,
        }
    }

    /// The kind with this number.
    pub const fn of(code: u16) -> Self {
        match code {
            1 => Self::RecordRequest,
            2 => Self::Answer,
            3 => Self::ReferralLetter,
            code => Self::Other(code),
        }
    }
}

/// What whoever keeps a message reads of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MailHeader {
    /// Its id. The same id of the same sender is the same message.
    #[n(0)]
    pub id: MailId,
    /// The clinic that sends.
    #[n(1)]
    pub from: TenantId,
    /// The clinic that it is for.
    #[n(2)]
    pub to: TenantId,
}

/// What a message says.
pub struct MailContent {
    /// What kind of message.
    pub kind: MailKind,
    /// When it was written, by the sender's clock, in milliseconds since 1970.
    pub written_ms: i64,
    /// The message.
    pub bytes: Zeroizing<Vec<u8>>,
}

/// A signed and sealed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    body: Body,
    wire: Wire,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    version: u16,
    #[n(1)]
    device: DeviceId,
    #[n(2)]
    header: MailHeader,
    #[cbor(n(3), with = "minicbor::bytes")]
    envelope_hash: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Wire {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
    #[cbor(n(2), with = "minicbor::bytes")]
    envelope: Vec<u8>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Inside {
    #[n(0)]
    kind: u16,
    #[n(1)]
    written_ms: i64,
    #[cbor(n(2), with = "minicbor::bytes")]
    bytes: Vec<u8>,
}

impl Drop for Inside {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.bytes);
    }
}

impl Mail {
    /// Seals a message of the clinic `from` for the clinic `to`, under the key that others seal to now.
    ///
    /// [`SealError::TooLarge`] above [`MAX_MAIL_BYTES`].
    pub fn seal(
        id: MailId,
        from: TenantId,
        content: &MailContent,
        to: &Membership,
        device: &DeviceKeys,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, SealError> {
        if content.bytes.len() > MAX_MAIL_BYTES {
            return Err(SealError::TooLarge);
        }
        let header = MailHeader {
            id,
            from,
            to: to.tenant(),
        };
        let inside = Inside {
            kind: content.kind.code(),
            written_ms: content.written_ms,
            bytes: content.bytes.to_vec(),
        };
        let plain = padding::pad(&Zeroizing::new(wire::encode(&inside)))?;
        let envelope = envelope::wrap(&to.clinic_key(), &envelope_info(&header), &plain, rng)?;
        let body = Body {
            version: FORMAT_VERSION,
            device: device.id(),
            header,
            envelope_hash: context::hash(context::MAIL_ENVELOPE_HASH, &envelope),
        };
        let bytes = wire::encode(&body);
        let signature = device.sign(context::MAIL_SIGNATURE, &bytes);
        Ok(Self {
            body,
            wire: Wire {
                body: bytes,
                signature,
                envelope,
            },
        })
    }

    /// Reads a message: its form, its version, its size, and that the envelope is the one that was signed.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let wire: Wire = wire::decode(bytes, MAX_SEALED_MAIL_BYTES)?;
        let body: Body = wire::decode_versioned(&wire.body, MAX_BODY_BYTES)?;
        if context::hash(context::MAIL_ENVELOPE_HASH, &wire.envelope) != body.envelope_hash {
            return Err(SealError::Damaged);
        }
        Ok(Self { body, wire })
    }

    /// The bytes to store and to send.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&self.wire)
    }

    /// What can be read without a key.
    pub fn header(&self) -> &MailHeader {
        &self.body.header
    }

    /// The device that signed it.
    pub fn device(&self) -> DeviceId {
        self.body.device
    }

    /// Did somebody who is or was a member of the sending clinic sign it?
    pub fn verify(&self, from: &Membership) -> Result<(), SealError> {
        if from.tenant() != self.body.header.from {
            return Err(SealError::WrongTenant);
        }
        from.verify(
            &self.body.device,
            context::MAIL_SIGNATURE,
            &self.wire.body,
            &self.wire.signature,
        )
    }

    /// What it says, for the clinic that it is for; [`SealError::NotForUs`] when none of the keys at hand opens it. Says
    /// nothing about who wrote it: [`Self::verify`] does.
    pub fn open(&self, to: &EpochSecrets) -> Result<MailContent, SealError> {
        if to.tenant() != self.body.header.to {
            return Err(SealError::WrongTenant);
        }
        let padded = to.open_envelope(&envelope_info(&self.body.header), &self.wire.envelope)?;
        let plain = padding::unpad(&padded)?;
        let mut inside: Inside = wire::decode(&plain, MAX_INSIDE_BYTES)?;
        if inside.bytes.len() > MAX_MAIL_BYTES {
            return Err(SealError::TooLarge);
        }
        Ok(MailContent {
            kind: MailKind::of(inside.kind),
            written_ms: inside.written_ms,
            bytes: Zeroizing::new(std::mem::take(&mut inside.bytes)),
        })
    }
}

fn envelope_info(header: &MailHeader) -> Vec<u8> {
    let ids: [&[u8]; 3] = [header.id.as_bytes(), header.from.as_bytes(), header.to.as_bytes()];
    bind(context::MAIL_WRAP, &ids)
}
