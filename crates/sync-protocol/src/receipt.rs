//! Receipts as they travel, what a device knows of a relay, and when two receipts cannot both be true.

use minicbor::{Decode, Encode};
use seal::{Receipt, RelayKey, SealError, TenantId};

use crate::Incarnation;

/// A relay's receipt for one clinic; which clinic, and in which life of the relay, the connection says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
#[cbor(map)]
pub struct SignedReceipt {
    /// The last position of [`crate::Feed::Changes`].
    #[n(0)]
    pub changes: u64,
    /// The chain up to there ([`crate::follow`]).
    #[cbor(n(1), with = "minicbor::bytes")]
    pub changes_chain: [u8; 32],
    /// The last position of [`crate::Feed::Consents`].
    #[n(2)]
    pub consents: u64,
    /// The chain up to there.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub consents_chain: [u8; 32],
    /// By the relay's clock, milliseconds since 1970, UTC; never goes back.
    #[n(4)]
    pub at_ms: i64,
    /// The relay's.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// How a relay was found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RelayLie {
    /// What it gave is not all of what it signed for.
    LeftOut,
    /// Two of its receipts cannot both be true: it shows devices different things, or forgot.
    TwoFaces,
    /// It has less than it signed for, and does not say that it was put back.
    Forgot,
    /// Its audit is not the one that it gave or signed for: lines were altered, taken out, or cut off.
    AuditChanged,
}

impl RelayLie {
    /// A stable name for stores and screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeftOut => "left_out",
            Self::TwoFaces => "two_faces",
            Self::Forgot => "forgot",
            Self::AuditChanged => "audit_changed",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::LeftOut, Self::TwoFaces, Self::Forgot, Self::AuditChanged]
            .into_iter()
            .find(|lie| lie.name() == name)
    }
}

/// What a device knows of its relay, in one life of the relay's data.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelayStanding {
    /// The key that verifies its receipts, as it was when it was first met; `None` before.
    pub key: Option<[u8; 32]>,
    /// The newest receipt.
    pub receipt: Option<SignedReceipt>,
    /// The chain at the cursor of the changes; `None` when it is not known.
    pub changes_chain: Option<[u8; 32]>,
    /// The chain at the cursor of the consents; `None` when it is not known.
    pub consents_chain: Option<[u8; 32]>,
    /// How far this store had come in other lives of the relay's data.
    pub former: Vec<FormerLife>,
}

/// How far a device had come in a former life of a relay's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FormerLife {
    /// Which.
    #[n(0)]
    pub incarnation: Incarnation,
    /// The last position of [`crate::Feed::Changes`] that it held.
    #[n(1)]
    pub changes: u64,
    /// The last position of [`crate::Feed::Consents`] that it held.
    #[n(2)]
    pub consents: u64,
}

impl SignedReceipt {
    /// Signs where the relay stands.
    pub fn make(receipt: &Receipt, changes_chain: [u8; 32], consents_chain: [u8; 32], relay: &RelayKey) -> Self {
        let mut signed = Self {
            changes: receipt.changes,
            changes_chain,
            consents: receipt.consents,
            consents_chain,
            at_ms: receipt.at_ms,
            signature: [0; 64],
        };
        signed.signature = signed
            .receipt(receipt.tenant, Incarnation(receipt.incarnation))
            .sign(relay);
        signed
    }

    /// Whether the relay with this key signed it, for this clinic and in this life.
    ///
    /// # Errors
    /// [`SealError::BadSignature`].
    pub fn verify(&self, tenant: TenantId, incarnation: Incarnation, relay: &[u8; 32]) -> Result<(), SealError> {
        self.receipt(tenant, incarnation).verify(relay, &self.signature)
    }

    /// Whether both can be true of one relay that tells all devices the same.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let same_changes = self.changes != other.changes || self.changes_chain == other.changes_chain;
        let same_consents = self.consents != other.consents || self.consents_chain == other.consents_chain;
        let (earlier, later) = if self.at_ms <= other.at_ms {
            (self, other)
        } else {
            (other, self)
        };
        let grew =
            earlier.at_ms == later.at_ms || (earlier.changes <= later.changes && earlier.consents <= later.consents);
        same_changes && same_consents && grew
    }

    fn receipt(&self, tenant: TenantId, incarnation: Incarnation) -> Receipt {
        Receipt {
            tenant,
            incarnation: incarnation.0,
            changes: self.changes,
            consents: self.consents,
            sum: crate::sum_of_chains(&self.changes_chain, &self.consents_chain),
            at_ms: self.at_ms,
        }
    }
}
