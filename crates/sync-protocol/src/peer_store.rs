//! What the protocol asks of a store so that two devices of one clinic can compare what they hold, without a relay.

use minicbor::{Decode, Encode};
use seal::{ChangeId, Grant, GrantId, Revocation, SealError, SealedChange, TenantId};

use crate::tree::{Bucket, FAN_OUT, Prefix};
use crate::{Consent, StoreError, SyncStore, WireError, wire};

/// The two sets that peers make equal, in this order. Statements go before; releases go through the relay only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum PeerSet {
    /// Grants and revocations, named by [`Consent::item_id`].
    #[n(0)]
    Consents,
    /// Sealed changes, named by their ids.
    #[n(1)]
    Changes,
}

impl PeerSet {
    /// Both, in the order in which they are compared.
    pub const ALL: [Self; 2] = [Self::Consents, Self::Changes];
}

/// The name of a member of a [`PeerSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId([u8; 32]);

impl ItemId {
    /// The id with exactly these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<ChangeId> for ItemId {
    fn from(id: ChangeId) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<ItemId> for ChangeId {
    fn from(id: ItemId) -> Self {
        Self::from_bytes(id.0)
    }
}

impl<C> Encode<C> for ItemId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for ItemId {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        let bytes = bytes
            .try_into()
            .map_err(|_| minicbor::decode::Error::message("not an id"))?;
        Ok(Self(bytes))
    }
}

impl Consent {
    /// Its name among peers: of kind, giver and grant, so that a store can make it without reading the terms.
    ///
    /// # Errors
    /// [`SealError`] when it cannot be read.
    pub fn item_id(&self) -> Result<ItemId, SealError> {
        Ok(match self {
            Self::Grant(bytes) => {
                let grant = Grant::decode(bytes)?;
                Self::name(0, grant.clear().source.as_bytes(), grant.clear().id.as_bytes())
            }
            Self::Revocation(bytes) => {
                let revocation = Revocation::decode(bytes)?;
                Self::name(1, revocation.source().as_bytes(), revocation.grant().as_bytes())
            }
        })
    }

    /// The name of a grant that a store holds.
    pub fn name_of_grant(source: &TenantId, grant: &GrantId) -> ItemId {
        Self::name(0, source.as_bytes(), grant.as_bytes())
    }

    /// The name of a revocation that a store holds.
    pub fn name_of_revocation(source: &TenantId, grant: &GrantId) -> ItemId {
        Self::name(1, source.as_bytes(), grant.as_bytes())
    }

    fn name(kind: u8, source: &[u8; 32], grant: &[u8; 16]) -> ItemId {
        let mut hasher = blake3::Hasher::new_derive_key("medieco 2026 sync: the name of a grant or a revocation");
        hasher.update(&[kind]).update(source).update(grant);
        ItemId(*hasher.finalize().as_bytes())
    }

    /// The clinic that gives, or revokes.
    ///
    /// # Errors
    /// [`SealError`] when it cannot be read.
    pub fn giver(&self) -> Result<TenantId, SealError> {
        Ok(match self {
            Self::Grant(bytes) => Grant::decode(bytes)?.clear().source,
            Self::Revocation(bytes) => Revocation::decode(bytes)?.source(),
        })
    }

    pub(crate) fn to_item(&self) -> Vec<u8> {
        wire::encode(self)
    }

    pub(crate) fn from_item(bytes: &[u8]) -> Result<Self, WireError> {
        wire::decode(bytes)
    }
}

/// The name under which a change is filed: its id, or the hash of its bytes when this build cannot read it.
pub fn name_of_change(bytes: &[u8]) -> ChangeId {
    SealedChange::decode(bytes).map_or_else(|_| hash_of(bytes), |change| change.id())
}

/// Whether these bytes may stand under this name.
///
/// A build that could not read them has filed them under their hash; what a newer build wrote cannot be checked here,
/// and the store quarantines it.
pub(crate) fn change_may_be_named(bytes: &[u8], id: ItemId) -> bool {
    match SealedChange::decode(bytes) {
        Ok(change) => ItemId::from(change.id()) == id || ItemId::from(hash_of(bytes)) == id,
        Err(SealError::NewerVersion) => true,
        Err(_) => ItemId::from(hash_of(bytes)) == id,
    }
}

/// Whether this consent may stand under this name; of a newer build's, as [`change_may_be_named`].
pub(crate) fn consent_may_be_named(consent: &Consent, id: ItemId) -> bool {
    match consent.item_id() {
        Ok(name) => name == id,
        Err(error) => error == SealError::NewerVersion,
    }
}

fn hash_of(bytes: &[u8]) -> ChangeId {
    ChangeId::from_bytes(*blake3::hash(bytes).as_bytes())
}

/// A [`SyncStore`] that can be compared with another device's.
///
/// What is quarantined is a member of the set like any other, and so is what is held without its body (erased, or
/// covered by a snapshot): it travels as it is held. The rules of [`SyncStore`] hold here too: calls block, what they
/// wrote is durable, and absorbing never fails because of what an item *is*.
pub trait PeerStore: SyncStore {
    /// The buckets of the children of each of these prefixes (none of depth [`crate::tree::DEPTH`]), in their order.
    fn tree(&self, set: PeerSet, prefixes: &[Prefix]) -> Result<Vec<[Bucket; FAN_OUT]>, StoreError>;

    /// The lowest `max` ids that begin with `prefix` and are higher than `after`, in order.
    fn ids_under(
        &self,
        set: PeerSet,
        prefix: Prefix,
        after: Option<&ItemId>,
        max: usize,
    ) -> Result<Vec<ItemId>, StoreError>;

    /// Those of `ids` that are not held, in their order.
    fn lacking(&self, set: PeerSet, ids: &[ItemId]) -> Result<Vec<ItemId>, StoreError>;

    /// Sealed changes, one entry for each id from the first on; `None` for one that is not held.
    ///
    /// Stops before `max_bytes` would be passed, but never before the first entry that is held: with ids to look for,
    /// the answer has at least one entry.
    fn changes(&self, ids: &[ItemId], max_bytes: usize) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Grants and revocations, as [`PeerStore::changes`].
    fn consents(&self, ids: &[ItemId], max_bytes: usize) -> Result<Vec<Option<Consent>>, StoreError>;

    /// Stores sealed changes as [`SyncStore::absorb_changes`] does, without a cursor, and queues what is new for the
    /// relay: the device that wrote it may not reach the relay for long.
    ///
    /// A change without its body is kept so only if this store knows why; else it is left out, and asked for again at
    /// the next comparison. Otherwise a member could make others forget by sending headers.
    fn absorb_changes_from_peer(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError>;

    /// The same of what is wanted before all others ([`crate::WantedFirst`]).
    fn absorb_first_from_peer(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError>;

    /// Stores grants and revocations as [`SyncStore::absorb_consents`] does, without a cursor, and queues what is new
    /// and the own clinic's for the relay.
    fn absorb_consents_from_peer(&self, consents: Vec<Consent>) -> Result<(), StoreError>;

    /// The place of the newest item in the order in which items came into this store; 0 when there is none.
    fn newest(&self, set: PeerSet) -> Result<u64, StoreError>;

    /// At most `max` ids of what came into this store after `place`, from wherever, and the place up to which that is
    /// all; `place` itself when nothing came.
    fn since(&self, set: PeerSet, place: u64, max: usize) -> Result<(u64, Vec<ItemId>), StoreError>;
}
