//! What a device says to a relay.

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use seal::{ChangeId, DeviceId, GrantId, TenantId};

use crate::limits::BATCH_ITEMS;
use crate::wire::{self, Feed, WireError};
use crate::{AttachmentAsk, DirectoryAsk, Few, FormerLife, Incarnation, MailAsk, OutId, OutItem, SignedReceipt};

/// One frame from a device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum DeviceMessage {
    /// First, after the relay's greeting.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// All the statements of the own clinic that this device holds.
    #[n(1)]
    Statements(#[n(0)] Vec<ByteVec>),
    /// Things written here. Answered by `Pushed`; the next push waits for it.
    #[n(2)]
    Push(#[n(0)] Vec<PushItem>),
    /// Everything of this feed up to this position is durably here.
    #[n(3)]
    Ack(#[n(0)] Feed, #[n(1)] u64),
    /// The releases of a grant after a position. Answered by `Releases` or `ReleasesDenied`.
    #[n(4)]
    PullReleases(#[n(0)] GrantId, #[n(1)] u64),
    /// The statements of another clinic, named exactly. Answered by `Statements`.
    #[n(5)]
    FetchStatements(#[n(0)] TenantId),
    /// A message to the other side of the pairing.
    #[n(6)]
    Pairing(#[n(0)] ByteVec),
    /// The newest receipt of this life of the relay's, as the answer to `ReceiptWanted`. From version 2.
    #[n(7)]
    ShowReceipt(#[n(0)] Option<SignedReceipt>),
    /// Every grant and revocation of the own clinic that this device holds is with the relay, which was put back; and how
    /// far the device had come before. From version 2.
    #[n(8)]
    ConsentsComplete(#[n(0)] Vec<FormerLife>),
    /// About attachments. From version 3.
    #[n(9)]
    Attachments(#[n(0)] AttachmentAsk),
    /// About messages to other clinics, and from them. From version 4.
    #[n(10)]
    Mail(#[n(0)] MailAsk),
    /// About the directory. From version 4.
    #[n(11)]
    Directory(#[n(0)] DirectoryAsk),
    /// These changes of the own clinic, whatever their positions. Answered by `NamedChanges`. From version 5.
    #[n(12)]
    AskChanges(#[n(0)] Few<ChangeId, BATCH_ITEMS>),
    /// [`DeviceMessage::Push`], without what both ends know of the changes. From version 3.
    #[n(20)]
    ShortPush(#[n(0)] Few<ShortItem, BATCH_ITEMS>),
}

/// Which version the device speaks, and what the connection is for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// Between the greeting's `oldest` and `newest`.
    #[n(0)]
    pub version: u16,
    /// What the connection is for.
    #[n(1)]
    pub want: Want,
}

/// What a connection is for.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Want {
    /// Keep the sets equal, as a member.
    #[n(0)]
    Sync(#[n(0)] MemberProof, #[n(1)] Cursors),
    /// Make this clinic known to the relay: the one-time token of the operator's invitation, and the clinic's statements.
    #[n(1)]
    Join(#[n(0)] ByteArray<32>, #[n(1)] Vec<ByteVec>),
    /// Wait, as a member, for a new device at this rendezvous.
    #[n(2)]
    HostPairing(#[n(0)] MemberProof, #[n(1)] String),
    /// Meet the member who waits at this rendezvous.
    #[n(3)]
    JoinPairing(#[n(0)] String),
}

/// Proof that the device at this end is that member: its signature over the relay's challenge.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MemberProof {
    /// The clinic.
    #[n(0)]
    pub tenant: TenantId,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    /// See `proof.rs`.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

/// What the device holds already.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Cursors {
    /// The life of the relay's data that these positions belong to, as the greeting named it.
    #[n(0)]
    pub incarnation: Incarnation,
    /// Position in [`Feed::Changes`].
    #[n(1)]
    pub changes: u64,
    /// Position in [`Feed::Consents`].
    #[n(2)]
    pub consents: u64,
    /// Position in [`Feed::Audit`].
    #[n(3)]
    pub audit: u64,
    /// [`crate::digest_of_statements`] of the own clinic's.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub statements: [u8; 32],
    /// [`crate::digest_of_releases`] of the grants given to this clinic and how far each was pulled.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub releases: [u8; 32],
    /// [`crate::sum_of_chains`] of the changes and the consents at these positions, when they are known. From version 2.
    #[n(6)]
    pub sum: Option<ByteArray<32>>,
    /// How many people are on the clinic's staff, as far as this device knows. From version 4.
    #[n(7)]
    pub staff: Option<u32>,
}

/// One pushed item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PushItem {
    /// Its name; the relay recomputes it and refuses an item that lies about it.
    #[n(0)]
    pub id: OutId,
    /// Its encoding.
    #[n(1)]
    pub bytes: ByteVec,
}

/// One pushed item, from version 3.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ShortItem {
    /// Its name; `None` for a short change, whose name follows.
    #[n(0)]
    pub id: Option<OutId>,
    /// Its encoding, or a short change ([`crate::compact`]).
    #[n(1)]
    pub bytes: ByteVec,
}

impl From<OutItem> for ShortItem {
    fn from(item: OutItem) -> Self {
        Self {
            id: Some(item.id),
            bytes: item.bytes.into(),
        }
    }
}

impl From<OutItem> for PushItem {
    fn from(item: OutItem) -> Self {
        Self {
            id: item.id,
            bytes: item.bytes.into(),
        }
    }
}

impl DeviceMessage {
    /// The frame.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// The message in a frame.
    ///
    /// # Errors
    /// [`WireError`]; a frame that is too large is not looked into.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        wire::decode(frame)
    }
}
