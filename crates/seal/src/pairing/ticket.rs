//! What the QR code beside a pairing code says: whom the new device will meet, where, and a secret for one time.
//!
//! The code of eight characters is short because people type it, so it needs a PAKE. This is read by a scanner, or pasted:
//! it has room for the member's full keys and for 32 random bytes. The new device knows the member by the keys, the member
//! the new device by the secret. Whoever photographs it can come first, once; the person at the member's screen then sees a
//! device that is not the one in her hand.

use std::fmt;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use super::PairingCode;
use crate::{
    DevicePublic, FORMAT_VERSION, SealError, TenantId, body,
    context::{self, bind},
    text_code, wire,
};

const PREFIX: &str = "MEDIECOPAIR1";
const MAX_TICKET_BYTES: usize = 1024;

/// What a person scans or pastes on the new device. A secret until it is used, and good for one pairing.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingTicket {
    /// The clinic.
    pub tenant: TenantId,
    /// The member that will answer.
    pub member: DevicePublic,
    /// The relay at which the two meet.
    pub relay_url: String,
    /// SHA-256 of the relay's public key, where it is pinned.
    pub relay_key_sha256: Option<[u8; 32]>,
    mailbox: String,
    secret: Zeroizing<[u8; 32]>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Wire {
    #[n(0)]
    version: u16,
    #[n(1)]
    tenant: TenantId,
    #[n(2)]
    member: DevicePublic,
    #[n(3)]
    relay_url: String,
    #[cbor(n(4), with = "minicbor::bytes")]
    relay_key_sha256: Option<[u8; 32]>,
    #[n(5)]
    mailbox: String,
    #[cbor(n(6), with = "minicbor::bytes")]
    secret: [u8; 32],
}

impl PairingTicket {
    /// A new ticket for the mailbox of this code.
    pub fn make(
        tenant: TenantId,
        member: DevicePublic,
        relay_url: &str,
        relay_key_sha256: Option<[u8; 32]>,
        code: &PairingCode,
        rng: &mut impl CryptoRng,
    ) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(secret.as_mut());
        Self {
            tenant,
            member,
            relay_url: relay_url.to_owned(),
            relay_key_sha256,
            mailbox: code.rendezvous().to_owned(),
            secret,
        }
    }

    /// The name of the mailbox; not a secret.
    pub fn rendezvous(&self) -> &str {
        &self.mailbox
    }

    /// The ticket as text, `MEDIECOPAIR1-XXXXX-...`: letters and digits, which every scanner types alike.
    pub fn to_text(&self) -> Zeroizing<String> {
        text_code::encode(PREFIX, &self.payload())
    }

    /// The ticket behind a text; [`SealError::WrongCode`] when it is misspelt or something else.
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let mut wire: Wire = wire::decode_versioned(&text_code::decode(PREFIX, text)?, MAX_TICKET_BYTES)?;
        let secret = Zeroizing::new(wire.secret);
        wire.secret.zeroize();
        if !PairingCode::is_rendezvous(&wire.mailbox) {
            return Err(SealError::Malformed);
        }
        Ok(Self {
            tenant: wire.tenant,
            member: wire.member,
            relay_url: wire.relay_url,
            relay_key_sha256: wire.relay_key_sha256,
            mailbox: wire.mailbox,
            secret,
        })
    }

    fn payload(&self) -> Zeroizing<Vec<u8>> {
        let mut wire = Wire {
            version: FORMAT_VERSION,
            tenant: self.tenant,
            member: self.member,
            relay_url: self.relay_url.clone(),
            relay_key_sha256: self.relay_key_sha256,
            mailbox: self.mailbox.clone(),
            secret: *self.secret,
        };
        let payload = Zeroizing::new(wire::encode(&wire));
        wire.secret.zeroize();
        payload
    }

    /// What both sides know of this pairing and nobody else does: of the whole ticket, and of the member's nonce.
    pub(super) fn session(&self, nonce: &[u8; 32]) -> Zeroizing<Vec<u8>> {
        let ticket = context::hash(context::PAIRING_TICKET, &self.payload());
        let info = bind(context::PAIRING_BY_TICKET, &[&ticket]);
        Zeroizing::new(body::derive_key(self.secret.as_ref(), Some(nonce), &info).to_vec())
    }
}

impl fmt::Debug for PairingTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingTicket(..)")
    }
}
