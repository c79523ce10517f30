//! The head of a clinic's audit chain, under the relay's own signature: how many lines there were, and what the last one was.
//!
//! It binds a relay to every line up to there. A relay that later shows fewer lines, or others, has contradicted itself, and
//! whoever keeps the head can prove it.

use crate::{RelayKey, SealError, TenantId, context, keys};

/// What a relay signs of a clinic's audit, once a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuditHead {
    /// The clinic whose chain it is.
    pub tenant: TenantId,
    /// The life of the relay's data.
    pub incarnation: [u8; 16],
    /// The number of the chain's last line.
    pub number: u64,
    /// That line's hash.
    pub hash: [u8; 32],
    /// By the relay's clock, milliseconds since 1970, UTC; never goes back.
    pub at_ms: i64,
}

impl AuditHead {
    /// The relay's signature.
    pub fn sign(&self, relay: &RelayKey) -> [u8; 64] {
        relay.sign(context::RELAY_AUDIT_HEAD, &self.signed_part())
    }

    /// Whether the relay with this public key signed it.
    ///
    /// # Errors
    /// [`SealError::BadSignature`].
    pub fn verify(&self, relay: &[u8; 32], signature: &[u8; 64]) -> Result<(), SealError> {
        keys::verify(relay, context::RELAY_AUDIT_HEAD, &self.signed_part(), signature)
    }

    /// Every field has a fixed length, so two different heads never meet.
    fn signed_part(&self) -> Vec<u8> {
        [
            self.tenant.as_bytes().as_slice(),
            &self.incarnation,
            &self.number.to_be_bytes(),
            &self.hash,
            &self.at_ms.to_be_bytes(),
        ]
        .concat()
    }
}
