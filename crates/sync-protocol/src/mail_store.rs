//! What the protocol asks of a device's store for messages between clinics and for the directory.

use seal::{MailId, TenantId};

use crate::{DirectoryRefusal, Incarnation, MailRefusal, MailTold, StoreError};

/// How far this store has come in one life of the relay's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailCursors {
    /// In what came for the clinic.
    pub inbox: u64,
    /// In what became of its own messages.
    pub states: u64,
    /// In the directory.
    pub directory: u64,
}

/// One thing that waits to be said to the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailToSay {
    /// A message that was written here.
    Post(MailId, Vec<u8>),
    /// A message was read here.
    Read(TenantId, MailId),
    /// The clinic's card of this number, signed here.
    Card(u64, Vec<u8>),
}

/// The durable half of a device's mailbox. As with [`crate::SyncStore`]: every call blocks, what it wrote is durable when
/// it returns, and no `absorb_*` fails because of what an item *is*.
pub trait MailStore {
    /// The relay that answers has this life of its data; how far the store had come in it.
    ///
    /// In a new life the relay may have lost what it had: every message that is not known to be with its receiver, and
    /// the card that was signed here last, wait to be said again.
    fn begin_mail(&self, life: &Incarnation) -> Result<MailCursors, StoreError>;

    /// In this very life the relay has less than this store has seen of it: as if it were a new one.
    fn mail_was_lost(&self, life: &Incarnation) -> Result<(), StoreError>;

    /// The oldest thing that waits; without messages, or without cards, while the relay has put them off.
    fn mail_to_say(&self, with_posts: bool, with_cards: bool) -> Result<Option<MailToSay>, StoreError>;

    /// The relay has the message, or will never take it. It is not asked again.
    fn mail_posted(&self, id: &MailId, refusal: Option<MailRefusal>) -> Result<(), StoreError>;

    /// The relay knows that this message was read.
    fn mail_read_told(&self, from: &TenantId, id: &MailId) -> Result<(), StoreError>;

    /// The relay has the card, or will never take it.
    fn card_published(&self, number: u64, refusal: Option<DirectoryRefusal>) -> Result<(), StoreError>;

    /// Stores messages for this clinic, and moves the cursor. The senders' statements came before. A message that is here
    /// already is not stored twice; one that cannot be verified or opened is put aside with its reason.
    fn absorb_mail(&self, life: &Incarnation, items: Vec<Vec<u8>>, up_to: u64) -> Result<(), StoreError>;

    /// Stores what became of this clinic's own messages, and moves the cursor.
    fn absorb_mail_states(&self, life: &Incarnation, told: Vec<MailTold>, up_to: u64) -> Result<(), StoreError>;

    /// Stores cards of the directory, and moves the cursor. Of a clinic the highest number counts; a withdrawal takes its
    /// card away.
    fn absorb_cards(&self, life: &Incarnation, cards: Vec<Vec<u8>>, up_to: u64) -> Result<(), StoreError>;
}
