//! The relay's audit: one line for each time that one clinic asked for another's releases, permitted or denied.
//!
//! Each line is written twice, into the chain of the clinic that asked and into the chain of the clinic whose record
//! it was, under one request id. A chain is numbered from 1 without gaps, and each line holds the hash of the one
//! before it, so that a clinic that holds its chain notices any line that was changed or taken out.
//!
//! A line's fields and codes belong to the version of the protocol: adding one needs a new version, since an older
//! build could not hash what it does not know.

use minicbor::{Decode, Encode};
use seal::{DeviceId, GrantId, TenantId};

use crate::limits::WITH_RECEIPTS;

/// One line of one clinic's chain.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AuditLine {
    /// Place in this clinic's chain, from 1.
    #[n(0)]
    pub number: u64,
    /// [`AuditLine::hash`] of the line before; zeros before the first.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub previous: [u8; 32],
    /// The same in both clinics' lines of one access.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub request: [u8; 16],
    /// By the relay's clock, milliseconds since 1970, UTC.
    #[n(3)]
    pub at_ms: i64,
    /// The clinic that asked.
    #[n(4)]
    pub requester: TenantId,
    /// The device that asked.
    #[n(5)]
    pub device: DeviceId,
    /// The clinic whose releases were asked for; `None` when the requester has no such grant.
    #[n(6)]
    pub source: Option<TenantId>,
    /// Under which grant.
    #[n(7)]
    pub grant: GrantId,
    /// The grant's purpose code; `None` when the requester has no such grant.
    #[n(8)]
    pub purpose: Option<u8>,
    /// What the relay answered.
    #[n(9)]
    pub outcome: AuditOutcome,
    /// How many releases were served; 0 when denied.
    #[n(10)]
    pub count: u64,
}

/// What the relay answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum AuditOutcome {
    /// Releases were served.
    #[n(0)]
    Permitted,
    /// No such grant, as far as the requester is concerned.
    #[n(1)]
    DeniedNoGrant,
    /// The grant is another clinic's. Only its giver is told so; the requester's line says "no such grant".
    #[n(2)]
    DeniedNotRecipient,
    /// The grant's period has not begun.
    #[n(3)]
    DeniedNotYet,
    /// The grant's period is over.
    #[n(4)]
    DeniedEnded,
    /// The grant was revoked.
    #[n(5)]
    DeniedRevoked,
    /// The grant's purpose or mode is of a newer build than the relay's.
    #[n(6)]
    DeniedNotUnderstood,
    /// Not available now: the relay was put back, and the giving clinic has not confirmed its revocations yet. From
    /// version 2 of the protocol.
    #[n(7)]
    DeniedSourceClosed,
}

impl AuditLine {
    /// The line's encoding, as it is hashed, stored and sent.
    pub fn encode(&self) -> Vec<u8> {
        minicbor::to_vec(self).expect("writing to a Vec cannot fail")
    }

    /// The line that `bytes` encode.
    ///
    /// # Errors
    /// [`minicbor::decode::Error`] when they are not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, minicbor::decode::Error> {
        minicbor::decode(bytes)
    }

    /// BLAKE3-256 of the encoding.
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.encode()).as_bytes()
    }

    /// Whether this line comes right after `previous` (`None`: whether it is a chain's first).
    pub fn follows(&self, previous: Option<&AuditLine>) -> bool {
        match previous {
            Some(line) => line.number.checked_add(1) == Some(self.number) && self.previous == line.hash(),
            None => self.number == 1 && self.previous == [0; 32],
        }
    }

    /// Whether a device that speaks this version of the protocol can read it.
    pub(crate) fn is_known_to(&self, version: u16) -> bool {
        version >= WITH_RECEIPTS || self.outcome != AuditOutcome::DeniedSourceClosed
    }

    /// Whether the answer was yes.
    pub fn permitted(&self) -> bool {
        self.outcome == AuditOutcome::Permitted
    }

    /// The other clinic's line of the same access, and whose chain it must be in, as far as the line of `owner` tells; without
    /// a place in that chain ([`AuditLine::without_place`]). `None` when no other clinic is concerned.
    pub fn twin(&self, owner: &TenantId) -> Option<(TenantId, Self)> {
        let source = self.source.filter(|source| *source != self.requester)?;
        let twin = self.without_place();
        if *owner == self.requester {
            return Some((source, twin));
        }
        if *owner != source {
            return None;
        }
        // A stranger to the grant learns nothing about it, not even that it exists.
        let twin = match self.outcome {
            AuditOutcome::DeniedNotRecipient => Self {
                source: None,
                purpose: None,
                outcome: AuditOutcome::DeniedNoGrant,
                ..twin
            },
            _ => twin,
        };
        Some((self.requester, twin))
    }

    /// The access alone: no number, and nothing before it.
    pub fn without_place(&self) -> Self {
        Self {
            number: 0,
            previous: [0; 32],
            ..self.clone()
        }
    }
}

impl AuditOutcome {
    /// A stable name for exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::DeniedNoGrant => "no_grant",
            Self::DeniedNotRecipient => "not_the_recipient",
            Self::DeniedNotYet => "not_yet",
            Self::DeniedEnded => "expired",
            Self::DeniedRevoked => "revoked",
            Self::DeniedNotUnderstood => "not_understood",
            Self::DeniedSourceClosed => "source_closed",
        }
    }
}
