//! What the protocol asks of a device's store.
//!
//! [`SyncStore`] is the one seam between syncing and storing: the vault implements it over SQLCipher,
//! [`crate::memory::MemoryStore`] in its plainest form. Bodies are opaque bytes here; the store verifies, opens,
//! quarantines. It never sees a socket, and the protocol never sees a patient.

use seal::{ChangeId, GrantId, ReleaseId, TenantId};

use crate::codes::cbor_codes;
use crate::{
    AuditLine, AuditStore, ChunkStore, MailStore, RelayLie, RelayStanding, SignedReceipt, UsageStore, WantedFirst,
};

/// The name of one life of a relay's data: 16 random bytes, new after a restore. A cursor means nothing without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Incarnation(pub [u8; 16]);

/// What a cursor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The sealed changes of this clinic, from all its devices.
    Changes,
    /// Grants and revocations that name this clinic, as giver or as receiver.
    Consents,
    /// The relay's audit lines that concern this clinic.
    Audit,
    /// The releases of one grant that was given to this clinic.
    Releases(GrantId),
}

/// Everything of `scope` up to and including `position` is durably here.
///
/// Positions start at 1, so 0 means "nothing yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which life of the relay's data the position belongs to.
    pub incarnation: Incarnation,
    /// What is counted.
    pub scope: Scope,
    /// The last position that is held.
    pub position: u64,
    /// The chain of the feed up to there ([`crate::follow`]), where it has one and it is known.
    pub chain: Option<[u8; 32]>,
    /// The relay's receipt that this batch led up to; kept with the cursor.
    pub receipt: Option<SignedReceipt>,
}

impl Cursor {
    /// A cursor of which no chain is known.
    pub fn at(incarnation: Incarnation, scope: Scope, position: u64) -> Self {
        Self {
            incarnation,
            scope,
            position,
            chain: None,
            receipt: None,
        }
    }
}

/// One thing that waits to be sent, exactly as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutItem {
    /// Its name.
    pub id: OutId,
    /// Its encoding, as it goes over the wire and as the relay keeps it.
    pub bytes: Vec<u8>,
}

/// The name of a thing that waits to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutId {
    /// A `seal::SealedChange`.
    Change(ChangeId),
    /// A `seal::Grant`.
    Grant(GrantId),
    /// A `seal::Revocation` of this grant.
    Revocation(GrantId),
    /// A `seal::Release`.
    Release(ReleaseId),
    /// A snapshot covers this change: the relay need not give it to whoever comes. Has no bytes.
    Covered(ChangeId),
    /// This change was erased: the relay drops its body and never takes it again. Has no bytes.
    Erased(ChangeId),
}

/// Why the relay did not take an item. It will not take it later either: the store sets it aside and tells once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It could not be decoded, or is larger than the relay takes.
    Malformed,
    /// Its signature does not hold.
    BadSignature,
    /// Its writer is no device of this clinic, or its epoch none of the clinic's, as far as the relay's statements tell.
    /// The one refusal that new statements may overcome: the store may offer it again when some have come.
    UnknownDevice,
    /// It belongs to another clinic.
    WrongTenant,
    /// A release for a grant that the relay does not have, or that is revoked or over.
    NoGrant,
}

cbor_codes!(Refusal {
    Malformed = 0,
    BadSignature = 1,
    UnknownDevice = 2,
    WrongTenant = 3,
    NoGrant = 4,
} else Malformed);

/// A grant or a revocation that names this clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// An encoded `seal::Grant`, given by this clinic or to it.
    Grant(Vec<u8>),
    /// An encoded `seal::Revocation`; may come before its grant, and holds for ever.
    Revocation(Vec<u8>),
}

/// Why the store could not do what was asked. Syncing stops with this as its state, and tries again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No room left.
    #[error("the disk is full")]
    DiskFull,
    /// The store was closed while syncing.
    #[error("the store is closed")]
    Closed,
    /// Anything else; the code names it in logs and never holds personal data.
    #[error("the store failed: {0}")]
    Failed(&'static str),
}

/// The durable half of a device, as syncing sees it.
///
/// Every call blocks, and what it wrote is durable when it returns. Each `absorb_*` stores its items **and** moves
/// the cursor in one transaction, is idempotent, and never fails because of what an item *is*: an item that cannot be
/// verified, opened or decoded is quarantined by the store, and the cursor moves over it all the same. An error
/// therefore always means "the store could not write", and the same batch comes again.
///
/// Calls come from one blocking thread at a time, except `outbox` and `pending`, which may come from any.
pub trait SyncStore: ChunkStore + MailStore + UsageStore + AuditStore + WantedFirst {
    /// The clinic whose store this is.
    fn tenant(&self) -> TenantId;

    /// All statements of the own clinic, encoded, in any order.
    fn statements(&self) -> Result<Vec<Vec<u8>>, StoreError>;

    /// Adds statements of the own clinic; unknown kinds are kept. May be called with what is there already.
    fn absorb_statements(&self, statements: Vec<Vec<u8>>) -> Result<(), StoreError>;

    /// Adds statements of another clinic with which a grant joins this one.
    ///
    /// Always called before the releases that need them. The store pins `tenant` (it is the hash of the genesis) and
    /// may hold releases that did not verify yet: they are tried again now.
    fn absorb_foreign_statements(&self, tenant: TenantId, statements: Vec<Vec<u8>>) -> Result<(), StoreError>;

    /// The oldest unsent items, in the order in which they were written.
    ///
    /// At most `max_items`, and at most `max_bytes` of item bytes, but always at least one item if any waits.
    fn outbox(&self, max_items: usize, max_bytes: usize) -> Result<Vec<OutItem>, StoreError>;

    /// How many items wait to be sent.
    fn pending(&self) -> Result<u64, StoreError>;

    /// The relay has these durably. Ids that do not wait (any more) are ignored.
    fn mark_sent(&self, ids: &[OutId]) -> Result<(), StoreError>;

    /// The relay will never take these. They leave the outbox, stay in the set, and are shown once with the reason.
    fn mark_refused(&self, items: &[(OutId, Refusal)]) -> Result<(), StoreError>;

    /// The relay that answers has this incarnation.
    ///
    /// If it is not the one of the last call (or of the last run), the relay may have lost what it once had: every
    /// change, grant, revocation and release that this store holds waits to be sent again, in one transaction.
    /// The very first incarnation of a store changes nothing.
    fn begin_incarnation(&self, incarnation: &Incarnation) -> Result<(), StoreError>;

    /// The last position held in `scope`; 0 when nothing is, or when the incarnation is new.
    fn cursor(&self, incarnation: &Incarnation, scope: &Scope) -> Result<u64, StoreError>;

    /// What is known of the relay in this life of its data.
    fn relay_standing(&self, incarnation: &Incarnation) -> Result<RelayStanding, StoreError>;

    /// The incarnation of the last [`SyncStore::begin_incarnation`].
    fn last_incarnation(&self) -> Result<Option<Incarnation>, StoreError>;

    /// Keeps the relay's key, and a receipt that came without a batch. The first key of a life of the relay's is the one that counts.
    fn keep_receipt(
        &self,
        incarnation: &Incarnation,
        key: &[u8; 32],
        receipt: Option<&SignedReceipt>,
    ) -> Result<(), StoreError>;

    /// The relay was found out; to be shown to people as long as this life of its data lasts.
    fn note_lie(&self, incarnation: &Incarnation, lie: RelayLie) -> Result<(), StoreError>;

    /// Stores sealed changes of the own clinic, in the order of their positions, and moves the cursor.
    ///
    /// `changes` may be empty: the positions up to the cursor are then this device's own, which it has.
    fn absorb_changes(&self, cursor: &Cursor, changes: Vec<Vec<u8>>) -> Result<(), StoreError>;

    /// Stores grants and revocations in their order, and moves the cursor.
    ///
    /// A revocation of a grant given *to* this clinic removes in the same transaction what was received under it.
    fn absorb_consents(&self, cursor: &Cursor, consents: Vec<Consent>) -> Result<(), StoreError>;

    /// Stores releases received under the grant that `cursor.scope` names, and moves the cursor.
    ///
    /// A grant that this store knows to be revoked keeps nothing, and the cursor moves all the same.
    fn absorb_releases(&self, cursor: &Cursor, releases: Vec<Vec<u8>>) -> Result<(), StoreError>;

    /// Stores the relay's audit lines, in the order of their numbers, and moves the cursor.
    ///
    /// [`AuditLine::follows`] tells whether the relay's chain still holds; a break is the store's to show.
    fn absorb_relay_audit(&self, cursor: &Cursor, lines: Vec<AuditLine>) -> Result<(), StoreError>;

    /// The grants given to this clinic that are neither revoked nor over at `now_ms` (milliseconds since 1970, UTC).
    fn inbound_grants(&self, now_ms: i64) -> Result<Vec<GrantId>, StoreError>;
}
