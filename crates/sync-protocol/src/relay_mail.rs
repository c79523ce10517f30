//! What the protocol asks of a relay's store for messages between clinics and for the directory.

use seal::{DirectoryCard, Mail, Membership, SealError, TenantId};

use crate::{DirectoryRefusal, MailRefusal, MailTold, Page, PostHeads, RelayStoreFailed, Wake};

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<T> {
    /// In the order of their positions.
    pub items: Vec<T>,
    /// Everything up to here is served, also where a position holds nothing any more.
    pub up_to: u64,
    /// Whether there is more.
    pub more: bool,
}

/// The mailboxes and the directory of a relay.
pub trait RelayMail {
    /// How far everything reaches that concerns this clinic.
    fn post_heads(&mut self, tenant: &TenantId) -> Result<PostHeads, RelayStoreFailed>;

    /// Keeps a checked message for its receiver, whoever that is: a clinic that is not known here is not told apart from
    /// one that does not come. The same id of the same sender is the same message, also when that one is gone. `false`:
    /// not now ([`MailRefusal::Later`]).
    fn post_mail(&mut self, mail: &Mail, now_ms: i64) -> Result<bool, RelayStoreFailed>;

    /// Messages for this clinic that have not expired.
    fn mail(&mut self, tenant: &TenantId, page: Page, now_ms: i64) -> Result<Part<Vec<u8>>, RelayStoreFailed>;

    /// A device of this clinic has everything up to this position. Whom to wake.
    fn mail_stored(&mut self, tenant: &TenantId, up_to: u64, now_ms: i64) -> Result<Vec<Wake>, RelayStoreFailed>;

    /// Somebody of this clinic has read this message. Whom to wake: nobody, when there is no such message for it.
    fn mail_read(
        &mut self,
        tenant: &TenantId,
        from: &TenantId,
        id: &seal::MailId,
        now_ms: i64,
    ) -> Result<Vec<Wake>, RelayStoreFailed>;

    /// What became of this clinic's own messages.
    fn mail_states(&mut self, tenant: &TenantId, page: Page) -> Result<Part<MailTold>, RelayStoreFailed>;

    /// Puts a checked card into the directory.
    fn publish_card(&mut self, card: &DirectoryCard, now_ms: i64)
    -> Result<Option<DirectoryRefusal>, RelayStoreFailed>;

    /// Cards, for this clinic to read.
    fn cards(&mut self, tenant: &TenantId, page: Page) -> Result<Part<Vec<u8>>, RelayStoreFailed>;
}

/// Checks a message that a member of `tenant` posts.
pub(crate) fn check_mail(tenant: &TenantId, members: &Membership, bytes: &[u8]) -> Result<Mail, MailRefusal> {
    let mail = Mail::decode(bytes).map_err(|_| MailRefusal::Malformed)?;
    let header = mail.header();
    if header.from != *tenant {
        return Err(MailRefusal::WrongTenant);
    }
    if header.to == *tenant {
        return Err(MailRefusal::Malformed);
    }
    // One that was a member once is not enough here: what it signed may have been kept for a long time.
    if members.device(&mail.device()).is_none() {
        return Err(MailRefusal::UnknownDevice);
    }
    mail.verify(members).map_err(|_| MailRefusal::BadSignature)?;
    Ok(mail)
}

/// Checks a card that a member of `tenant` publishes.
pub(crate) fn check_card(
    tenant: &TenantId,
    members: &Membership,
    bytes: &[u8],
) -> Result<DirectoryCard, DirectoryRefusal> {
    let card = DirectoryCard::decode(bytes).map_err(|_| DirectoryRefusal::Malformed)?;
    if card.tenant() != *tenant {
        return Err(DirectoryRefusal::WrongTenant);
    }
    card.verify(members).map_err(|error| match error {
        SealError::NotAdmin | SealError::UnknownDevice | SealError::RemovedDevice => DirectoryRefusal::NotAdmin,
        _ => DirectoryRefusal::BadSignature,
    })?;
    Ok(card)
}
