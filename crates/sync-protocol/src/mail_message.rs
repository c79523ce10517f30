//! What device and relay say to each other about messages between clinics, and about the directory.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use seal::{MailId, TenantId};

use crate::Few;
use crate::codes::cbor_codes;
use crate::limits::{MAX_CARDS_OF_PAGE, MAX_MAIL_OF_PAGE, MAX_STATES_OF_PAGE};

/// A device, about messages between clinics. From version 4.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum MailAsk {
    /// An encoded `seal::Mail` of this clinic's. Answered by `Posted`; the next waits for it.
    #[n(0)]
    Post(#[n(0)] ByteVec),
    /// What came for this clinic after a position. Answered by `Came`.
    #[n(1)]
    Fetch(#[n(0)] u64),
    /// Everything that came up to this position is durably here.
    #[n(2)]
    Stored(#[n(0)] u64),
    /// What became of this clinic's own messages, after a position of its own. Answered by `States`.
    #[n(3)]
    States(#[n(0)] u64),
    /// Somebody here has read this message, and its sender may know. Answered by `ReadNoted`.
    #[n(4)]
    Read(#[n(0)] TenantId, #[n(1)] MailId),
    /// So far this device is, said once in a connection if it is anywhere. What came up to there is durably here: an
    /// acknowledgement may have been lost. A relay that has less answers with `Heads`.
    #[n(5)]
    Here(#[n(0)] PostHeads),
}

/// A relay, about messages between clinics. From version 4.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum MailAnswer {
    /// How far both lists of the clinic reach: after the welcome if there is anything, when one has grown, and when what
    /// was put off may be tried again.
    #[n(0)]
    Heads(#[n(0)] MailHeads),
    /// The message is durably at the relay, now or already, or why not.
    #[n(1)]
    Posted(#[n(0)] MailId, #[n(1)] Option<MailRefusal>),
    /// The next messages for this clinic.
    #[n(2)]
    Came(#[n(0)] MailPage),
    /// What became of this clinic's own.
    #[n(3)]
    States(#[n(0)] StatesPage),
    /// The word is kept for the sender. Said as well of a message that is not here.
    #[n(4)]
    ReadNoted(#[n(0)] TenantId, #[n(1)] MailId),
}

/// The last positions of a clinic's two lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct MailHeads {
    /// Of what came.
    #[n(0)]
    pub inbox: u64,
    /// Of what became of its own.
    #[n(1)]
    pub states: u64,
}

/// The last positions of everything that concerns a clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct PostHeads {
    /// Of its own two lists.
    #[n(0)]
    pub mail: MailHeads,
    /// Of the directory, which is everybody's.
    #[n(1)]
    pub directory: u64,
}

/// A part of what came.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct MailPage {
    /// Encoded `seal::Mail`s, in the order of their positions.
    #[n(0)]
    pub items: Few<ByteVec, MAX_MAIL_OF_PAGE>,
    /// Everything up to here is now served, also where a position holds nothing any more.
    #[n(1)]
    pub up_to: u64,
    /// Whether there is more after `up_to`.
    #[n(2)]
    pub more: bool,
}

/// A part of what became of a clinic's own messages.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct StatesPage {
    /// In the order in which it happened; of each message the last alone.
    #[n(0)]
    pub items: Few<MailTold, MAX_STATES_OF_PAGE>,
    /// As [`MailPage::up_to`].
    #[n(1)]
    pub up_to: u64,
    /// As [`MailPage::more`].
    #[n(2)]
    pub more: bool,
}

/// What became of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct MailTold {
    /// The message.
    #[n(0)]
    pub id: MailId,
    /// What became of it.
    #[n(1)]
    pub state: MailState,
    /// When, by the relay's clock, in milliseconds since 1970.
    #[n(2)]
    pub at_ms: i64,
}

/// How far a message has come. A clinic that is unknown to the relay, suspended or only slow is never told apart: what
/// is for it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailState {
    /// It waits at the relay.
    Stored,
    /// A device of the receiver has it durably.
    Delivered,
    /// The receiver says that somebody has read it.
    Read,
    /// Nobody came for it in 90 days; the relay has it no more.
    Expired,
    /// A word of a newer relay.
    Other(u8),
}

impl MailState {
    /// Whether a message that had come as far as `known` has now come further. A relay that was put back may say again what
    /// was long over; one that nobody came for may have been fetched all the same.
    #[must_use]
    pub fn is_after(self, known: Self) -> bool {
        let far = |state| match state {
            Self::Stored => Some(0),
            Self::Expired => Some(1),
            Self::Delivered => Some(2),
            Self::Read => Some(3),
            Self::Other(_) => None,
        };
        match (far(self), far(known)) {
            (Some(now), Some(before)) => now > before,
            _ => self != known,
        }
    }
}

cbor_codes!(MailState {
    Stored = 0,
    Delivered = 1,
    Read = 2,
    Expired = 3,
} else Other(number));

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailRefusal {
    /// It could not be decoded, is larger than the relay takes, or is for its own sender.
    Malformed,
    /// In another clinic's name.
    WrongTenant,
    /// Its signature does not hold.
    BadSignature,
    /// The device that signed it does not belong.
    UnknownDevice,
    /// Not now: too many in this hour, or too many that wait. It stays with the device, which tries again.
    Later,
}

cbor_codes!(MailRefusal {
    Malformed = 0,
    WrongTenant = 1,
    BadSignature = 2,
    UnknownDevice = 3,
    Later = 4,
} else Later);

impl MailRefusal {
    /// A stable name for the store and the screens' words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongTenant => "wrong_tenant",
            Self::BadSignature => "bad_signature",
            Self::UnknownDevice => "unknown_device",
            Self::Later => "later",
        }
    }
}

/// A device, about the directory. From version 4.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum DirectoryAsk {
    /// An encoded `seal::DirectoryCard` of this clinic's. Answered by `Published`.
    #[n(0)]
    Publish(#[n(0)] ByteVec),
    /// What changed after a position. Answered by `Cards`.
    #[n(1)]
    Fetch(#[n(0)] u64),
}

/// A relay, about the directory. From version 4.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum DirectoryAnswer {
    /// How far it reaches: as [`MailAnswer::Heads`]. Of other clinics' cards it is said within a minute.
    #[n(0)]
    Head(#[n(0)] u64),
    /// The card of this number stands in the directory, now or already, or why not.
    #[n(1)]
    Published(#[n(0)] u64, #[n(1)] Option<DirectoryRefusal>),
    /// The next changes.
    #[n(2)]
    Cards(#[n(0)] CardsPage),
}

/// A part of what changed in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CardsPage {
    /// Encoded `seal::DirectoryCard`s, withdrawals among them: of each clinic the last alone.
    #[n(0)]
    pub items: Few<ByteVec, MAX_CARDS_OF_PAGE>,
    /// As [`MailPage::up_to`].
    #[n(1)]
    pub up_to: u64,
    /// As [`MailPage::more`].
    #[n(2)]
    pub more: bool,
}

/// Why a card was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DirectoryRefusal {
    /// It could not be decoded.
    Malformed,
    /// Another clinic's.
    WrongTenant,
    /// Its signature does not hold.
    BadSignature,
    /// No admin's device that belongs has signed it.
    NotAdmin,
    /// One of this number or a higher one stands there already.
    Older,
    /// Not now: the last one came a moment ago. It stays with the device, which tries again.
    Later,
}

cbor_codes!(DirectoryRefusal {
    Malformed = 0,
    WrongTenant = 1,
    BadSignature = 2,
    NotAdmin = 3,
    Older = 4,
    Later = 5,
} else Later);

impl DirectoryRefusal {
    /// A stable name for the store and the screens' words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::WrongTenant => "wrong_tenant",
            Self::BadSignature => "bad_signature",
            Self::NotAdmin => "not_admin",
            Self::Older => "older",
            Self::Later => "later",
        }
    }
}
