//! A clinic's card: by it another clinic knows, in person, which tenant it shares with.

use minicbor::{Decode, Encode};

use crate::{FORMAT_VERSION, SealError, TenantId, text_code, wire};

const PREFIX: &str = "CLINIC1";
const MAX_CARD_BYTES: usize = 1024;

/// What a clinic shows of itself as a QR code. It pins the tenant's id; everything else can be verified from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClinicCard {
    /// The clinic's tenant.
    pub tenant: TenantId,
    /// The relay at which it is to be reached, as a `wss://` or `ws://` address.
    pub relay_url: String,
    /// Its name, for the person who scans.
    pub name: String,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Wire {
    #[n(0)]
    version: u16,
    #[n(1)]
    tenant: TenantId,
    #[n(2)]
    relay_url: String,
    #[n(3)]
    name: String,
}

impl ClinicCard {
    /// The code, to be drawn as QR or sent as text: `CLINIC1-XXXXX-...`.
    pub fn to_text(&self) -> String {
        let wire = Wire {
            version: FORMAT_VERSION,
            tenant: self.tenant,
            relay_url: self.relay_url.clone(),
            name: self.name.clone(),
        };
        text_code::encode(PREFIX, &wire::encode(&wire)).to_string()
    }

    /// The card behind a code; [`SealError::WrongCode`] when it is misspelt or something else.
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let wire: Wire = wire::decode_versioned(&text_code::decode(PREFIX, text)?, MAX_CARD_BYTES)?;
        Ok(Self {
            tenant: wire.tenant,
            relay_url: wire.relay_url,
            name: wire.name,
        })
    }
}
