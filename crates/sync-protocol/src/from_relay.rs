//! What a relay says to a device.

use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};
use seal::{GrantId, TenantId};

use crate::limits::{BATCH_ITEMS, OLDEST_VERSION, PROTOCOL_VERSION};
use crate::wire::{self, WireError};
use crate::{
    AttachmentAnswer, AuditOutcome, Consent, DirectoryAnswer, Few, Incarnation, MailAnswer, OutId, Refusal,
    RefusedCode, SignedHead, SignedReceipt, Usage,
};

/// One frame from a relay.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RelayMessage {
    /// First of all, unasked.
    #[n(0)]
    Greeting(#[n(0)] Greeting),
    /// The member is known; what follows is the difference, then live news.
    #[n(1)]
    Welcome(#[n(0)] Welcome),
    /// The relay does not know this device yet: it should send its statements, once.
    #[n(2)]
    StatementsWanted,
    /// Statements of a clinic: the own one when they changed, or another as asked. None: unknown here.
    #[n(3)]
    Statements(#[n(0)] TenantId, #[n(1)] Vec<ByteVec>),
    /// One result per pushed item, in its order.
    #[n(4)]
    Pushed(#[n(0)] Vec<PushResult>),
    /// The next positions of [`crate::Feed::Changes`].
    #[n(5)]
    Changes(#[n(0)] Vec<ChangeItem>),
    /// The next positions of [`crate::Feed::Consents`].
    #[n(6)]
    Consents(#[n(0)] Vec<ConsentItem>),
    /// The next encoded [`crate::AuditLine`]s; their numbers are the positions.
    #[n(7)]
    Audit(#[n(0)] Vec<ByteVec>),
    /// Grants whose releases reach at least this far.
    #[n(8)]
    ReleasesWaiting(#[n(0)] Vec<ReleaseHead>),
    /// A part of what was pulled.
    #[n(9)]
    Releases(#[n(0)] Releases),
    /// Not served, and why.
    #[n(10)]
    ReleasesDenied(#[n(0)] GrantId, #[n(1)] AuditOutcome),
    /// The clinic is known to the relay from now on.
    #[n(11)]
    Joined(#[n(0)] TenantId),
    /// The mailbox is open (to the host), or the host is there (to the joiner).
    #[n(12)]
    PairingOpen,
    /// A message from the other side of the pairing.
    #[n(13)]
    Pairing(#[n(0)] ByteVec),
    /// The other side left, or the time is over.
    #[n(14)]
    PairingClosed,
    /// Refused; the connection ends here.
    #[n(15)]
    Refused(#[n(0)] RefusedCode),
    /// The device holds more, or other things, than the relay has: it should show its newest receipt. From version 2.
    #[n(16)]
    ReceiptWanted,
    /// Where the relay stands. What leads there follows at once, if it has not come yet. From version 2.
    #[n(17)]
    Receipt(#[n(0)] SignedReceipt),
    /// As [`Welcome::closed`], when it became so during the connection. From version 2.
    #[n(18)]
    ConfirmWanted,
    /// About attachments. From version 3.
    #[n(19)]
    Attachments(#[n(0)] AttachmentAnswer),
    /// About messages to other clinics, and from them. From version 4.
    #[n(21)]
    Mail(#[n(0)] MailAnswer),
    /// About the directory. From version 4.
    #[n(22)]
    Directory(#[n(0)] DirectoryAnswer),
    /// What the clinic's plan allows, and how much is used. From version 4.
    #[n(23)]
    Usage(#[n(0)] Usage),
    /// The head of the clinic's audit, signed once a day; the lines up to it came before. From version 4.
    #[n(20)]
    AuditHead(#[n(0)] SignedHead),
    /// One entry for each change that was asked for by name, from the first on, as many as fit, each as
    /// [`crate::compact::Said::change`] makes it; none for what the relay does not give (any more). From version 5.
    #[n(24)]
    NamedChanges(#[n(0)] Few<Option<ByteVec>, BATCH_ITEMS>),
    /// [`RelayMessage::Changes`], each as [`crate::compact::Said::change`] makes it. From version 3.
    #[n(30)]
    ShortChanges(#[n(0)] Few<ChangeItem, BATCH_ITEMS>),
}

/// The relay introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Greeting {
    /// The oldest version that it speaks.
    #[n(0)]
    pub oldest: u16,
    /// The newest version that it speaks.
    #[n(1)]
    pub newest: u16,
    /// The life of its data.
    #[n(2)]
    pub incarnation: Incarnation,
    /// Fresh for each connection, to be signed by the device.
    #[n(3)]
    pub nonce: ByteArray<32>,
}

impl Greeting {
    /// The newest version that the relay speaks and this build does; `None` when there is none.
    pub fn common_version(&self) -> Option<u16> {
        let version = PROTOCOL_VERSION.min(self.newest);
        (version >= OLDEST_VERSION.max(self.oldest)).then_some(version)
    }
}

/// Where the relay stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Welcome {
    /// The last position of [`crate::Feed::Changes`].
    #[n(0)]
    pub changes: u64,
    /// The last position of [`crate::Feed::Consents`].
    #[n(1)]
    pub consents: u64,
    /// The last position of [`crate::Feed::Audit`].
    #[n(2)]
    pub audit: u64,
    /// [`crate::digest_of_statements`] of what the relay holds of this clinic.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub statements: [u8; 32],
    /// The relay's clock, milliseconds since 1970, UTC. For expiry beside the own clock; never to refuse syncing.
    #[n(4)]
    pub now_ms: i64,
    /// The key that verifies the relay's receipts. From version 2, like what follows.
    #[n(5)]
    pub key: Option<ByteArray<32>>,
    /// Where the relay stands.
    #[n(6)]
    pub receipt: Option<SignedReceipt>,
    /// The relay was put back: what this clinic shares stays closed until one of its devices has said
    /// [`crate::DeviceMessage::ConsentsComplete`].
    #[n(7)]
    pub closed: Option<bool>,
}

/// What became of one pushed item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PushResult {
    /// The item.
    #[n(0)]
    pub id: OutId,
    /// `None`: it is durably at the relay.
    #[n(1)]
    pub refusal: Option<Refusal>,
    /// The position that a change was given, if it was new. From version 2.
    #[n(2)]
    pub position: Option<u64>,
}

/// One position of the changes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ChangeItem {
    /// Its position.
    #[n(0)]
    pub position: u64,
    /// An encoded `seal::SealedChange`; `None` for one that this very connection pushed, and for a run of positions up
    /// to this one that a snapshot covers.
    #[n(1)]
    pub bytes: Option<ByteVec>,
    /// For such a run: the chain at its end.
    #[n(2)]
    pub skipped: Option<ByteArray<32>>,
}

/// One position of the consents.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ConsentItem {
    /// Its position.
    #[n(0)]
    pub position: u64,
    /// The grant or revocation.
    #[n(1)]
    pub consent: Consent,
}

/// How far the releases of one grant reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct ReleaseHead {
    /// The grant, given to this clinic.
    #[n(0)]
    pub grant: GrantId,
    /// The last position.
    #[n(1)]
    pub position: u64,
}

/// A part of the releases of one grant.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Releases {
    /// Under which grant.
    #[n(0)]
    pub grant: GrantId,
    /// The clinic that released them.
    #[n(1)]
    pub source: TenantId,
    /// Digest of that clinic's statements: a device that holds others fetches them first.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub source_statements: [u8; 32],
    /// In the order of their positions.
    #[n(3)]
    pub items: Vec<ReleaseItem>,
    /// Everything up to here is now served, also where a position holds nothing any more.
    #[n(4)]
    pub up_to: u64,
    /// Whether there is more after `up_to`.
    #[n(5)]
    pub more: bool,
}

/// One release.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ReleaseItem {
    /// Its position in its grant.
    #[n(0)]
    pub position: u64,
    /// An encoded `seal::Release`.
    #[n(1)]
    pub bytes: ByteVec,
}

impl RelayMessage {
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

impl<C> Encode<C> for Consent {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let (kind, bytes) = match self {
            Self::Grant(bytes) => (0, bytes),
            Self::Revocation(bytes) => (1, bytes),
        };
        e.array(2)?.u8(kind)?.bytes(bytes)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Consent {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let malformed = || minicbor::decode::Error::message("not a consent");
        if d.array()? != Some(2) {
            return Err(malformed());
        }
        match (d.u8()?, d.bytes()?) {
            (0, bytes) => Ok(Self::Grant(bytes.to_vec())),
            (1, bytes) => Ok(Self::Revocation(bytes.to_vec())),
            _ => Err(malformed()),
        }
    }
}
