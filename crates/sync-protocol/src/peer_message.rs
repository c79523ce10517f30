//! What two devices of one clinic say to each other.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::limits::{BATCH_ITEMS, MAX_ASKS, MAX_STATEMENTS};
use crate::tree::{Bucket, FAN_OUT, Prefix};
use crate::wire::{self, WireError};
use crate::{Incarnation, ItemId, PeerChunks, PeerSet, RefusedCode, SignedReceipt};

/// One frame between two devices of one clinic.
///
/// Every list is bounded by its type, before it is read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum PeerMessage {
    /// First, from both sides at once.
    #[n(0)]
    Hello(#[n(0)] PeerHello),
    /// All the statements of the clinic that hold by what this side knows. Sent when the other side has others.
    #[n(1)]
    Statements(#[n(0)] Few<ByteVec, MAX_STATEMENTS>),
    /// The other side is a member: this is what is held here.
    #[n(2)]
    Standing(#[n(0)] Standing),
    /// Which buckets are under these prefixes? Only the caller asks. Answered by `Tree`.
    #[n(3)]
    AskTree(#[n(0)] PeerSet, #[n(1)] Few<Prefix, MAX_ASKS>),
    /// The buckets of the children of each prefix that was asked for.
    #[n(4)]
    Tree(#[n(0)] Few<[Bucket; FAN_OUT], MAX_ASKS>),
    /// Which ids? Only the caller asks. Answered by `Ids`.
    #[n(5)]
    AskIds(#[n(0)] PeerSet, #[n(1)] Few<IdsAsk, MAX_ASKS>),
    /// One page for each ask from the first on, as many as fit.
    #[n(6)]
    Ids(#[n(0)] Few<IdsPage, MAX_ASKS>),
    /// The caller has compared everything and told what the other side lacks.
    #[n(7)]
    Compared,
    /// These are held here. Answered by `Heard`; the next one waits for it.
    #[n(8)]
    Have(#[n(0)] PeerSet, #[n(1)] Few<ItemId, BATCH_ITEMS>),
    /// The next `Have` may come.
    #[n(9)]
    Heard,
    /// These, please. Answered by `Items`.
    #[n(10)]
    Want(#[n(0)] PeerSet, #[n(1)] Few<ItemId, BATCH_ITEMS>),
    /// One entry for each wanted id from the first on, as many as fit; none for what is not held (any more).
    #[n(11)]
    Items(#[n(0)] Few<Option<ByteVec>, BATCH_ITEMS>),
    /// Refused; the connection ends here.
    #[n(12)]
    Refused(#[n(0)] RefusedCode),
    /// The newest receipt of the relay in this life of its data. From version 2.
    #[n(13)]
    Receipt(#[n(0)] Incarnation, #[n(1)] SignedReceipt),
    /// Chunks of attachments. From version 3.
    #[n(14)]
    Chunks(#[n(0)] PeerChunks),
    /// [`PeerMessage::Items`] of changes, each as [`crate::compact::Said::change`] makes it. From version 3.
    #[n(20)]
    ShortItems(#[n(0)] Few<Option<ByteVec>, BATCH_ITEMS>),
}

/// Who speaks, for somebody who knows the clinic; to anybody else it says nothing. See `proof.rs`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PeerHello {
    /// The oldest version that this side speaks.
    #[n(0)]
    pub oldest: u16,
    /// The newest version that this side speaks.
    #[n(1)]
    pub newest: u16,
    /// The clinic's id, hashed with the channel.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub clinic: [u8; 32],
    /// The device's id, hashed with the channel.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub device: [u8; 32],
    /// [`crate::digest_of_statements`] of what holds, hashed with the channel.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub statements: [u8; 32],
    /// The device's signature over the channel.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// What is held here, summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Standing {
    /// All of [`PeerSet::Consents`].
    #[n(0)]
    pub consents: Bucket,
    /// All of [`PeerSet::Changes`].
    #[n(1)]
    pub changes: Bucket,
}

/// A request for ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct IdsAsk {
    /// Those that begin so …
    #[n(0)]
    pub prefix: Prefix,
    /// … and are higher than this one.
    #[n(1)]
    pub after: Option<ItemId>,
}

/// Some ids under one prefix.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct IdsPage {
    /// In order, without gaps.
    #[n(0)]
    pub ids: Few<ItemId, BATCH_ITEMS>,
    /// Whether there are more after the last.
    #[n(1)]
    pub more: bool,
}

/// A list of at most `MAX` things; a longer one is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Few<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> From<Vec<T>> for Few<T, MAX> {
    fn from(list: Vec<T>) -> Self {
        Self(list)
    }
}

impl<C, T: Encode<C>, const MAX: usize> Encode<C> for Few<T, MAX> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.encode(e, ctx)
    }
}

impl<'b, C, T: Decode<'b, C>, const MAX: usize> Decode<'b, C> for Few<T, MAX> {
    fn decode(d: &mut minicbor::Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        match d.array()? {
            Some(n) if n <= MAX as u64 => (0..n).map(|_| T::decode(d, ctx)).collect::<Result<_, _>>().map(Self),
            _ => Err(minicbor::decode::Error::message("a list is too long")),
        }
    }
}

impl Standing {
    pub(crate) fn of(&self, set: PeerSet) -> Bucket {
        match set {
            PeerSet::Consents => self.consents,
            PeerSet::Changes => self.changes,
        }
    }
}

impl PeerMessage {
    /// The frame.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// The message in a frame of at most `max_bytes`.
    ///
    /// # Errors
    /// [`WireError`]; a frame that is too large is not looked into.
    pub fn decode(frame: &[u8], max_bytes: usize) -> Result<Self, WireError> {
        wire::decode_within(frame, max_bytes)
    }
}
