//! Mailboxes and directory as the protocol asks for them: each method one transaction.

use seal::{DirectoryCard, Mail, MailId, TenantId};
use sync_protocol::{DirectoryRefusal, MailTold, Page, Part, PostHeads, RelayMail, RelayStoreFailed, Wake};

use super::glance::glance;
use super::sql::Scope;
use super::{Store, directory, mail};

impl Store {
    /// Ends what has waited for 90 days, and drops what is over, at most some hundred at a time. `true`: there may be more.
    ///
    /// # Errors
    /// [`RelayStoreFailed`].
    pub fn expire_mail(&mut self, now_ms: i64) -> Result<bool, RelayStoreFailed> {
        self.write(Scope::House, |sql| mail::keep_house(sql, now_ms))
    }
}

impl RelayMail for Store {
    fn post_heads(&mut self, tenant: &TenantId) -> Result<PostHeads, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| Ok(glance(sql, tenant)?.post))
    }

    fn post_mail(&mut self, mail: &Mail, now_ms: i64) -> Result<bool, RelayStoreFailed> {
        self.write(Scope::Clinic(&mail.header().from), |sql| mail::post(sql, mail, now_ms))
    }

    fn mail(&mut self, tenant: &TenantId, page: Page, now_ms: i64) -> Result<Part<Vec<u8>>, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| mail::inbox(sql, tenant, page, now_ms))
    }

    fn mail_stored(&mut self, tenant: &TenantId, up_to: u64, now_ms: i64) -> Result<Vec<Wake>, RelayStoreFailed> {
        // Each of the clinic's devices says so, and the first is enough.
        let waits = self.read(Scope::Clinic(tenant), |sql| mail::waits(sql, tenant, up_to))?;
        if !waits {
            return Ok(Vec::new());
        }
        self.write(Scope::Clinic(tenant), |sql| mail::stored(sql, tenant, up_to, now_ms))
    }

    fn mail_read(
        &mut self,
        tenant: &TenantId,
        from: &TenantId,
        id: &MailId,
        now_ms: i64,
    ) -> Result<Vec<Wake>, RelayStoreFailed> {
        self.write(Scope::Clinic(tenant), |sql| mail::read(sql, tenant, from, id, now_ms))
    }

    fn mail_states(&mut self, tenant: &TenantId, page: Page) -> Result<Part<MailTold>, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| mail::states(sql, tenant, page))
    }

    fn publish_card(
        &mut self,
        card: &DirectoryCard,
        now_ms: i64,
    ) -> Result<Option<DirectoryRefusal>, RelayStoreFailed> {
        self.write(Scope::Clinic(&card.tenant()), |sql| {
            directory::publish(sql, card, now_ms)
        })
    }

    fn cards(&mut self, tenant: &TenantId, page: Page) -> Result<Part<Vec<u8>>, RelayStoreFailed> {
        self.read(Scope::Clinic(tenant), |sql| directory::cards(sql, page))
    }
}
