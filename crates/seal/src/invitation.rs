//! An invitation to a relay: one new clinic, one time, until a given hour.

use std::fmt;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::{FORMAT_VERSION, SealError, context, text_code, wire};

const PREFIX: &str = "MEDIECO1";
const MAX_INVITATION_BYTES: usize = 2048;

/// What the operator hands to a clinic's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The relay's address, `wss://` or `ws://`.
    pub relay_url: String,
    /// SHA-256 of the relay's public key, so that a dead clock battery does not stop TLS; `None` without TLS, or where
    /// a public certificate speaks for the relay.
    pub relay_key_sha256: Option<[u8; 32]>,
    /// The secret that lets its bearer in, once.
    pub token: InvitationToken,
    /// Until when, in milliseconds since 1970. The relay decides; this copy is for a clear word beforehand.
    pub expires_ms: i64,
    /// What the operator calls the clinic.
    pub clinic_hint: Option<String>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Wire {
    #[n(0)]
    version: u16,
    #[n(1)]
    relay_url: String,
    #[cbor(n(2), with = "minicbor::bytes")]
    relay_key_sha256: Option<[u8; 32]>,
    #[cbor(n(3), with = "minicbor::bytes")]
    token: [u8; 32],
    #[n(4)]
    expires_ms: i64,
    #[n(5)]
    clinic_hint: Option<String>,
}

impl Invitation {
    /// The invitation as text, `MEDIECO1-XXXXX-...`. A secret until it is used.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut wire = Wire {
            version: FORMAT_VERSION,
            relay_url: self.relay_url.clone(),
            relay_key_sha256: self.relay_key_sha256,
            token: *self.token.as_bytes(),
            expires_ms: self.expires_ms,
            clinic_hint: self.clinic_hint.clone(),
        };
        let payload = Zeroizing::new(wire::encode(&wire));
        wire.token.zeroize();
        text_code::encode(PREFIX, &payload)
    }

    /// The invitation behind a text; [`SealError::WrongCode`] when it is misspelt or something else.
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let mut wire: Wire = wire::decode_versioned(&text_code::decode(PREFIX, text)?, MAX_INVITATION_BYTES)?;
        let token = InvitationToken::from_bytes(wire.token);
        wire.token.zeroize();
        Ok(Self {
            relay_url: wire.relay_url,
            relay_key_sha256: wire.relay_key_sha256,
            token,
            expires_ms: wire.expires_ms,
            clinic_hint: wire.clinic_hint,
        })
    }
}

/// The secret of an invitation. The relay stores its [`Self::hash`] only.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationToken(Zeroizing<[u8; 32]>);

impl InvitationToken {
    /// A new random token.
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        let mut token = Zeroizing::new([0; 32]);
        rng.fill_bytes(token.as_mut());
        Self(token)
    }

    /// The token with these bytes, as they came over the wire.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret itself, for the one message that consumes the invitation.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What the relay stores and looks up; the token cannot be found from it.
    pub fn hash(&self) -> [u8; 32] {
        context::hash(context::INVITATION_TOKEN, self.0.as_ref())
    }
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationToken(..)")
    }
}
