//! What the protocol asks of a relay's store.
//!
//! Every call blocks, and what it wrote is durable when it returns. A method that both reads and writes does it in
//! one transaction; that is where positions, one-time use and consent get their meaning.

use std::sync::Arc;

use seal::{ChangeId, DeviceId, GrantClear, GrantId, ReleaseId, TenantId};

use crate::{
    AuditLine, AuditOutcome, Consent, Feed, FormerLife, Incarnation, Refusal, RelayAudit, RelayChunks, RelayMail,
    RelayUsage, Roster, SignedReceipt,
};

/// The store failed; the text is for the operator's log and holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the relay's store failed: {0}")]
pub struct RelayStoreFailed(pub String);

/// The last position of each feed of a clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heads {
    /// Of [`crate::Feed::Changes`].
    pub changes: u64,
    /// Of [`crate::Feed::Consents`].
    pub consents: u64,
    /// Of [`crate::Feed::Audit`].
    pub audit: u64,
}

/// Which part of a feed to read: after a position, at most so many items and bytes, but one item if there is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Positions after this one.
    pub after: u64,
    /// At most so many items.
    pub max_items: usize,
    /// At most so many bytes of bodies.
    pub max_bytes: usize,
}

/// Positions and encodings of sealed changes; `None` for a run of positions up to that one that snapshots cover.
pub type ChangesPage = Vec<(u64, Option<Vec<u8>>)>;

/// A pushed item whose signature and ownership hold; whether its grants live is for the store's transaction to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// A sealed change of the pushing clinic.
    Change {
        /// Its id.
        id: ChangeId,
        /// Its encoding.
        bytes: Vec<u8>,
        /// Whether it came without its body: it was erased.
        is_bodyless: bool,
    },
    /// A grant given by the pushing clinic.
    Grant {
        /// The part that a relay may read.
        clear: GrantClear,
        /// Its encoding.
        bytes: Vec<u8>,
    },
    /// A revocation by the pushing clinic.
    Revocation {
        /// Of this grant. Only ever applied to a grant of the same source.
        grant: GrantId,
        /// Its encoding.
        bytes: Vec<u8>,
    },
    /// A release by the pushing clinic.
    Release {
        /// Its id.
        id: ReleaseId,
        /// The release that it takes the place of.
        supersedes: Option<ReleaseId>,
        /// For the holders of these grants.
        grants: Vec<GrantId>,
        /// Its encoding.
        bytes: Vec<u8>,
    },
    /// A snapshot of the pushing clinic covers this change of its own.
    Covered {
        /// The change.
        id: ChangeId,
    },
    /// The pushing clinic erased this change of its own.
    Erased {
        /// The change.
        id: ChangeId,
    },
}

/// What one transaction of pushes did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pushed {
    /// Per item, in order: `None` = durably here (now or already).
    pub refusals: Vec<Option<Refusal>>,
    /// Per item, in order: the position that it was given in [`crate::Feed::Changes`], if it is a change that is new.
    pub positions: Vec<Option<u64>>,
    /// Whom to wake once the transaction is committed.
    pub wake: Vec<Wake>,
}

/// News for other connections. It carries no data: the woken session reads by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wake {
    /// Something of this clinic moved on.
    Clinic(TenantId),
    /// The data began another life: every connection of the life before ends.
    NewLife,
    /// This grant ended now: what is still on its way to this clinic must not arrive.
    Revoked {
        /// The receiving clinic.
        recipient: TenantId,
        /// The grant.
        grant: GrantId,
    },
}

impl Wake {
    /// Whether connections of this clinic are to look.
    pub fn concerns(&self, clinic: &TenantId) -> bool {
        match self {
            Self::Clinic(tenant) | Self::Revoked { recipient: tenant, .. } => tenant == clinic,
            Self::NewLife => true,
        }
    }
}

/// What became of an invitation's token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// The clinic is here now, or was by this very token (its first answer was lost).
    Joined,
    /// No such token.
    Unknown,
    /// Used by another clinic, or replaced.
    Used,
    /// Too old.
    Expired,
    /// The clinic is here by another token.
    AlreadyJoined,
}

/// One request for releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseAsk {
    /// Names this access in both clinics' audit.
    pub request: [u8; 16],
    /// The clinic that asks.
    pub requester: TenantId,
    /// The device that asks.
    pub device: DeviceId,
    /// Under which grant.
    pub grant: GrantId,
    /// Which part.
    pub page: Page,
    /// The relay's clock, milliseconds since 1970, UTC.
    pub now_ms: i64,
}

/// The answer to [`ReleaseAsk`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseAnswer {
    /// The grant is active now.
    Served {
        /// The clinic that released them.
        source: TenantId,
        /// Position and encoding.
        items: Vec<(u64, Vec<u8>)>,
        /// Everything up to here is served.
        up_to: u64,
        /// Whether there is more.
        more: bool,
    },
    /// It is not.
    Denied {
        /// Why, as the requester may know it: a stranger to the grant hears [`AuditOutcome::DeniedNoGrant`].
        outcome: AuditOutcome,
        /// The giving clinic, whose audit has a new line; `None` when no such grant is known.
        source: Option<TenantId>,
    },
}

/// What became of a receipt that a device showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Not this relay's, or not for this clinic or this life of the data; it was counted.
    Forged,
    /// It is true of what is here.
    Holds,
    /// It is this relay's, and what is here is less, or other: the data was put back and begins another life.
    WasPutBack,
}

/// The durable half of a relay, as the protocol sees it.
pub trait RelayStore: RelayChunks + RelayMail + RelayUsage + RelayAudit {
    /// The life of this relay's data.
    fn incarnation(&self) -> Incarnation;

    /// A clinic's statements; `None` when it never joined here.
    fn roster(&mut self, tenant: &TenantId) -> Result<Option<Arc<Roster>>, RelayStoreFailed>;

    /// Makes this the clinic's roster: it holds all that the old one held, and more.
    fn set_roster(&mut self, roster: &Roster) -> Result<(), RelayStoreFailed>;

    /// Uses a one-time token (by its hash) to make a clinic known, with its statements, in one transaction.
    fn redeem(&mut self, token: &[u8; 32], roster: &Roster, now_ms: i64) -> Result<Redeemed, RelayStoreFailed>;

    /// The last positions of a clinic's feeds.
    fn heads(&mut self, tenant: &TenantId) -> Result<Heads, RelayStoreFailed>;

    /// Sealed changes, in the order of their positions.
    fn changes(&mut self, tenant: &TenantId, page: Page) -> Result<ChangesPage, RelayStoreFailed>;

    /// Sealed changes of this clinic by their ids, one entry for each from the first on; `None` for one that is not here or is
    /// covered. Stops before `max_bytes` would be passed, but never before the first that is here.
    fn named_changes(
        &mut self,
        tenant: &TenantId,
        ids: &[ChangeId],
        max_bytes: usize,
    ) -> Result<Vec<Option<Vec<u8>>>, RelayStoreFailed>;

    /// The chain ([`crate::follow`]) of the changes or the consents up to a position.
    fn chain(&mut self, tenant: &TenantId, feed: Feed, position: u64) -> Result<[u8; 32], RelayStoreFailed>;

    /// The key that verifies this relay's receipts.
    fn receipt_key(&self) -> [u8; 32];

    /// A receipt for where this clinic's feeds stand. Its time never goes back.
    fn receipt(&mut self, tenant: &TenantId, now_ms: i64) -> Result<SignedReceipt, RelayStoreFailed>;

    /// A member shows a receipt for more than is here, or for something else. If it is this relay's own, the data was put
    /// back: they take `fresh` as their new incarnation, and every clinic is closed ([`RelayStore::is_closed`]).
    fn shown(
        &mut self,
        tenant: &TenantId,
        receipt: &SignedReceipt,
        fresh: Incarnation,
    ) -> Result<Shown, RelayStoreFailed>;

    /// Whether nothing that this clinic gives crosses, since the data was put back and it has not confirmed.
    fn is_closed(&mut self, source: &TenantId) -> Result<bool, RelayStoreFailed>;

    /// Whether the operator has suspended this clinic, or removed it: nobody of it is served. At least as new as what
    /// [`RelayStore::roster`] gave last.
    fn is_suspended(&mut self, tenant: &TenantId) -> Result<bool, RelayStoreFailed>;

    /// A device of this clinic has brought all grants and revocations that it holds. It opens the clinic only if in the
    /// former life it had come at least as far as what was put back (one that had not was away, and may well have missed
    /// a revocation), or if it is the last of all members to say so. Whom to wake: those to whom the clinic gives.
    fn consents_complete(
        &mut self,
        source: &TenantId,
        device: &DeviceId,
        former: &[FormerLife],
    ) -> Result<Vec<Wake>, RelayStoreFailed>;

    /// Grants and revocations, in the order of their positions.
    fn consents(&mut self, tenant: &TenantId, page: Page) -> Result<Vec<(u64, Consent)>, RelayStoreFailed>;

    /// The clinic's audit chain, in the order of its numbers.
    fn audit(&mut self, tenant: &TenantId, page: Page) -> Result<Vec<AuditLine>, RelayStoreFailed>;

    /// Stores what was checked, all in one transaction, and gives positions inside it.
    ///
    /// Idempotent by id. A revocation deletes the releases that only its grant led to. A release is refused
    /// ([`Refusal::NoGrant`]) unless at least one of its grants is this clinic's and neither revoked nor over.
    fn push(&mut self, tenant: &TenantId, items: &[Checked], now_ms: i64) -> Result<Pushed, RelayStoreFailed>;

    /// Grants that `consent::admits` for this receiving clinic now, with how far their releases reach (from 1).
    fn release_heads(&mut self, recipient: &TenantId, now_ms: i64) -> Result<Vec<(GrantId, u64)>, RelayStoreFailed>;

    /// Asks `consent::admits`, reads the releases and writes the audit lines of both clinics: one transaction.
    ///
    /// A permitted request that finds nothing new discloses nothing and writes no line.
    fn pull_releases(&mut self, ask: &ReleaseAsk) -> Result<ReleaseAnswer, RelayStoreFailed>;
}
