//! Heads of a clinic's audit chain as they travel, and what both ends keep of them.
//!
//! Once a day the relay signs the head of each clinic's chain (`seal::AuditHead`) and gives it to the clinic's devices, after
//! the lines that lead there. A device compares it with the chain that it was given and with every head before. What does not
//! agree is a lie of the relay's ([`crate::RelayLie::AuditChanged`]); the heads are kept, since two that cannot both be
//! true prove it to anybody.

use minicbor::{Decode, Encode};
use seal::{AuditHead, RelayKey, SealError, TenantId};

use crate::{Incarnation, RelayStoreFailed, StoreError};

const DAY_MS: i64 = 86_400_000;

/// The head of one clinic's chain; which clinic, and in which life of the relay's data, the connection says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct SignedHead {
    /// The number of the chain's last line.
    #[n(0)]
    pub number: u64,
    /// [`crate::AuditLine::hash`] of that line.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hash: [u8; 32],
    /// By the relay's clock, milliseconds since 1970, UTC; never goes back.
    #[n(2)]
    pub at_ms: i64,
    /// The relay's.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// The day of a time, counted from 1970, UTC: the relay signs one head of a clinic's a day.
pub fn day_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(DAY_MS)
}

impl SignedHead {
    /// Signs where a chain ends.
    pub fn make(head: &AuditHead, relay: &RelayKey) -> Self {
        Self {
            number: head.number,
            hash: head.hash,
            at_ms: head.at_ms,
            signature: head.sign(relay),
        }
    }

    /// Whether the relay with this key signed it, for this clinic and in this life.
    ///
    /// # Errors
    /// [`SealError::BadSignature`].
    pub fn verify(&self, tenant: TenantId, incarnation: Incarnation, relay: &[u8; 32]) -> Result<(), SealError> {
        let head = AuditHead {
            tenant,
            incarnation: incarnation.0,
            number: self.number,
            hash: self.hash,
            at_ms: self.at_ms,
        };
        head.verify(relay, &self.signature)
    }

    /// Whether both can be true of one chain that only grows.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let (earlier, later) = if self.at_ms <= other.at_ms {
            (self, other)
        } else {
            (other, self)
        };
        let grew = earlier.at_ms == later.at_ms || earlier.number <= later.number;
        grew && (self.number != other.number || self.hash == other.hash)
    }

    /// The encoding, as it is stored.
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to a Vec cannot fail")
    }

    /// The head that `bytes` encode.
    ///
    /// # Errors
    /// [`minicbor::decode::Error`] when they are not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, minicbor::decode::Error> {
        minicbor::decode(bytes)
    }
}

/// What a device keeps of the relay's audit, beside the lines themselves.
pub trait AuditStore {
    /// The hash of the line of this number as it was given in this life of the relay's data; `None` when it was not, or when
    /// that is not known.
    fn audit_hash(&self, incarnation: &Incarnation, number: u64) -> Result<Option<[u8; 32]>, StoreError>;

    /// The newest signed head of this life.
    fn newest_head(&self, incarnation: &Incarnation) -> Result<Option<SignedHead>, StoreError>;

    /// Keeps a signed head for good, also one that contradicts another.
    fn keep_head(&self, incarnation: &Incarnation, head: &SignedHead) -> Result<(), StoreError>;
}

/// What a relay keeps of a clinic's audit, beside the lines themselves.
pub trait RelayAudit {
    /// The head of a clinic's chain that was signed today, or later; it is signed now if there is none. `None` while the chain
    /// has no line. A day's head stays the same, whoever asks, and its time never goes back.
    fn head_of_the_day(&mut self, tenant: &TenantId, now_ms: i64) -> Result<Option<SignedHead>, RelayStoreFailed>;
}
