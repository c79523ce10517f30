//! The end of a grant, as the source clinic's device signs it.

use minicbor::{Decode, Encode};

use crate::{DeviceId, DeviceKeys, FORMAT_VERSION, GrantId, Membership, SealError, TenantId, context, wire};

/// The most that one encoded revocation may take, in bytes.
pub const MAX_REVOCATION_BYTES: usize = 1024;

/// The end of a grant, for ever; kept even if it arrives before the grant.
///
/// Whoever applies one must match grant *and* source: any clinic can sign a revocation of any id in its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
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
    grant: GrantId,
    #[n(3)]
    source: TenantId,
    #[n(4)]
    at_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Wire {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
}

impl Revocation {
    /// Ends `grant` of the clinic `source`; `at_ms` is the device's clock, in milliseconds since 1970.
    pub fn make(grant: GrantId, source: TenantId, at_ms: i64, device: &DeviceKeys) -> Self {
        let body = Body {
            version: FORMAT_VERSION,
            device: device.id(),
            grant,
            source,
            at_ms,
        };
        let bytes = wire::encode(&body);
        let signature = device.sign(context::REVOCATION_SIGNATURE, &bytes);
        Self {
            body,
            wire: Wire { body: bytes, signature },
        }
    }

    /// Reads a revocation: its form and its version.
    pub fn decode(bytes: &[u8]) -> Result<Self, SealError> {
        let wire: Wire = wire::decode(bytes, MAX_REVOCATION_BYTES)?;
        let body = wire::decode_versioned(&wire.body, MAX_REVOCATION_BYTES)?;
        Ok(Self { body, wire })
    }

    /// The bytes to store and to send.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(&self.wire)
    }

    /// The grant that ends.
    pub fn grant(&self) -> GrantId {
        self.body.grant
    }

    /// The clinic that says so, which must be the grant's source.
    pub fn source(&self) -> TenantId {
        self.body.source
    }

    /// When, by the device's clock, in milliseconds since 1970. Shown to people; it ends the grant whatever it says.
    pub fn at_ms(&self) -> i64 {
        self.body.at_ms
    }

    /// The device that signed it.
    pub fn device(&self) -> DeviceId {
        self.body.device
    }

    /// Did a member of the source clinic sign it?
    pub fn verify(&self, source: &Membership) -> Result<(), SealError> {
        if source.tenant() != self.body.source {
            return Err(SealError::WrongTenant);
        }
        source.verify(
            &self.body.device,
            context::REVOCATION_SIGNATURE,
            &self.wire.body,
            &self.wire.signature,
        )
    }
}
