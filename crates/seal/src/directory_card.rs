//! A clinic's entry in the relay's directory, as an admin's device of it signed it.
//!
//! Anybody can give himself any name. A card says only what the clinic with this id says of itself; whether that clinic is
//! the one that its name claims is for people to find out, by its digits ([`crate::ClinicCard`]).

use minicbor::{Decode, Encode};

use crate::{DeviceId, DeviceKeys, FORMAT_VERSION, Membership, SealError, TenantId, context, wire};

/// The most that one encoded card may take, in bytes.
pub const MAX_DIRECTORY_CARD_BYTES: usize = 4096;
/// The most specialties that a card may name.
pub const MAX_SPECIALTIES: usize = 24;

/// What a clinic says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DirectoryEntry {
    /// Its name: 1 to 200 bytes.
    #[n(0)]
    pub name: String,
    /// Telephone: at most 64 bytes.
    #[n(1)]
    pub telephone: String,
    /// Address: at most 600 bytes.
    #[n(2)]
    pub address: String,
    /// Codes of what it does, at most [`MAX_SPECIALTIES`]: small letters, digits and `_`, at most 48 bytes each.
    #[n(3)]
    pub specialties: Vec<String>,
    /// Whether other clinics may send it patients.
    #[n(4)]
    pub accepts_referrals: bool,
}

impl DirectoryEntry {
    /// Whether it is within its bounds; otherwise the name of the field that is not.
    pub fn misfit(&self) -> Option<&'static str> {
        let fits = |text: &str, max: usize| text.len() <= max && !text.chars().any(char::is_control);
        let is_code = |code: &String| {
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            !code.is_empty() && code.len() <= 48 && code.bytes().all(is_plain)
        };
        if self.name.trim().is_empty() || !fits(&self.name, 200) {
            return Some("name");
        }
        if !fits(&self.telephone, 64) {
            return Some("telephone");
        }
        // An address has lines.
        if self.address.len() > 600 || self.address.chars().any(|one| one.is_control() && one != '\n') {
            return Some("address");
        }
        let fit = self.specialties.len() <= MAX_SPECIALTIES && self.specialties.iter().all(is_code);
        (!fit).then_some("specialties")
    }
}

/// A signed entry, or its withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryCard {
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
    tenant: TenantId,
    #[n(3)]
    number: u64,
    #[n(4)]
    at_ms: i64,
    #[n(5)]
    entry: Option<DirectoryEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Wire {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
}

impl DirectoryCard {
    /// The `number`th card of this clinic; `None` withdraws those before. `at_ms` is the device's clock.
    ///
    /// [`SealError::TooLarge`] when the entry is not within its bounds.
    pub fn make(
        tenant: TenantId,
        number: u64,
        at_ms: i64,
        entry: Option<DirectoryEntry>,
        device: &DeviceKeys,
    ) -> Result<Self, SealError> {
        if entry.as_ref().is_some_and(|entry| entry.misfit().is_some()) {
            return Err(SealError::TooLarge);
        }
        let body = Body {
            version: FORMAT_VERSION,
            device: device.id(),
            tenant,
            number,
            at_ms,
            entry,
        };
        let bytes = wire::encode(&body);
        let signature = device.sign(context::DIRECTORY_CARD_SIGNATURE, &bytes);
        Ok(Self {
            body,
            wire: Wire { body: bytes, signature },
        })
    }

    /// Reads a card: its form, its version, its bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let wire: Wire = wire::decode(bytes, MAX_DIRECTORY_CARD_BYTES)?;
        let body: Body = wire::decode_versioned(&wire.body, MAX_DIRECTORY_CARD_BYTES)?;
        if body.entry.as_ref().is_some_and(|entry| entry.misfit().is_some()) {
            return Err(SealError::Malformed);
        }
        Ok(Self { body, wire })
    }

    /// The bytes to store and to send.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&self.wire)
    }

    /// The clinic whose card it is.
    pub fn tenant(&self) -> TenantId {
        self.body.tenant
    }

    /// Of two cards of a clinic the one with the higher number counts.
    pub fn number(&self) -> u64 {
        self.body.number
    }

    /// When it was signed, by the device's clock, in milliseconds since 1970.
    pub fn at_ms(&self) -> i64 {
        self.body.at_ms
    }

    /// What the clinic says of itself; `None` when it wants to stand in the directory no more.
    pub fn entry(&self) -> Option<&DirectoryEntry> {
        self.body.entry.as_ref()
    }

    /// The device that signed it.
    pub fn device(&self) -> DeviceId {
        self.body.device
    }

    /// Did an admin's device of the clinic sign it, one that belongs?
    pub fn verify(&self, clinic: &Membership) -> Result<(), SealError> {
        if clinic.tenant() != self.body.tenant {
            return Err(SealError::WrongTenant);
        }
        clinic.verify(
            &self.body.device,
            context::DIRECTORY_CARD_SIGNATURE,
            &self.wire.body,
            &self.wire.signature,
        )?;
        if clinic.is_removed(&self.body.device) {
            return Err(SealError::RemovedDevice);
        }
        match clinic.is_admin(&self.body.device) {
            true => Ok(()),
            false => Err(SealError::NotAdmin),
        }
    }
}
