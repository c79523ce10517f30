//! Stores that break one rule of `SyncStore` on purpose: a simulator that does not notice them would be worth nothing.

use std::collections::BTreeSet;

use seal::{AttachmentId, ChangeId, ChunkName, GrantId, MailId, TenantId};
use sync_protocol::{
    AuditLine, AuditStore, ChunkId, ChunkSource, ChunkStore, Claim, Consent, Cursor, DirectoryRefusal, Incarnation,
    MailCursors, MailRefusal, MailStore, MailToSay, MailTold, OutId, OutItem, Refusal, RelayLie, RelayStanding, Scope,
    SignedHead, SignedReceipt, StoreError, SyncStore, Usage, UsageStore, WantedFirst,
};
use vault::Vault;

/// Which rule is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// What was handed over counts as sent before anybody has it.
    SentTooEarly,
    /// The cursor moves over a change that was not stored.
    SkipsAChange,
    /// A relay that was put back is not told again what it lost.
    TrustsTheRelay,
    /// Revocations are not taken in.
    DeafToRevocations,
    /// The relay is not told what was erased.
    HushesErasures,
}

/// A vault behind a store that breaks a rule.
pub(super) struct Faulty {
    pub(super) vault: Vault,
    pub(super) fault: Fault,
}

impl UsageStore for Faulty {
    fn n_staff(&self) -> Result<Option<u32>, StoreError> {
        self.vault.n_staff()
    }

    fn keep_usage(&self, usage: &Usage) -> Result<(), StoreError> {
        self.vault.keep_usage(usage)
    }
}

impl WantedFirst for Faulty {
    fn wanted_first(&self) -> Result<Vec<ChangeId>, StoreError> {
        self.vault.wanted_first()
    }

    fn lacking_of(&self, ids: &[ChangeId]) -> Result<Vec<ChangeId>, StoreError> {
        self.vault.lacking_of(ids)
    }

    fn absorb_first(&self, changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.vault.absorb_first(changes)
    }

    fn came_to(&self, position: u64, of: u64) -> Result<(), StoreError> {
        self.vault.came_to(position, of)
    }

    fn forget_wanted_first(&self) -> Result<(), StoreError> {
        self.vault.forget_wanted_first()
    }
}

impl AuditStore for Faulty {
    fn audit_hash(&self, incarnation: &Incarnation, number: u64) -> Result<Option<[u8; 32]>, StoreError> {
        self.vault.audit_hash(incarnation, number)
    }

    fn newest_head(&self, incarnation: &Incarnation) -> Result<Option<SignedHead>, StoreError> {
        self.vault.newest_head(incarnation)
    }

    fn keep_head(&self, incarnation: &Incarnation, head: &SignedHead) -> Result<(), StoreError> {
        self.vault.keep_head(incarnation, head)
    }
}

impl SyncStore for Faulty {
    fn outbox(&self, max_items: usize, max_bytes: usize) -> Result<Vec<OutItem>, StoreError> {
        let items = self.vault.outbox(max_items, max_bytes)?;
        if self.fault == Fault::HushesErasures {
            let is_told = |item: &OutItem| matches!(item.id, OutId::Erased(_));
            let hushed: Vec<OutId> = items.iter().filter(|item| is_told(item)).map(|item| item.id).collect();
            self.vault.mark_sent(&hushed)?;
            return Ok(items.into_iter().filter(|item| !is_told(item)).collect());
        }
        if self.fault == Fault::SentTooEarly {
            let ids: Vec<OutId> = items.iter().map(|item| item.id).collect();
            self.vault.mark_sent(&ids)?;
        }
        Ok(items)
    }

    fn begin_incarnation(&self, incarnation: &Incarnation) -> Result<(), StoreError> {
        match self.fault {
            Fault::TrustsTheRelay => Ok(()),
            _ => self.vault.begin_incarnation(incarnation),
        }
    }

    fn absorb_changes(&self, cursor: &Cursor, mut changes: Vec<Vec<u8>>) -> Result<(), StoreError> {
        if self.fault == Fault::SkipsAChange {
            changes.pop();
        }
        self.vault.absorb_changes(cursor, changes)
    }

    fn absorb_consents(&self, cursor: &Cursor, mut consents: Vec<Consent>) -> Result<(), StoreError> {
        if self.fault == Fault::DeafToRevocations {
            consents.retain(|consent| matches!(consent, Consent::Grant(_)));
        }
        self.vault.absorb_consents(cursor, consents)
    }

    fn relay_standing(&self, incarnation: &Incarnation) -> Result<RelayStanding, StoreError> {
        self.vault.relay_standing(incarnation)
    }

    fn last_incarnation(&self) -> Result<Option<Incarnation>, StoreError> {
        self.vault.last_incarnation()
    }

    fn keep_receipt(
        &self,
        incarnation: &Incarnation,
        key: &[u8; 32],
        receipt: Option<&SignedReceipt>,
    ) -> Result<(), StoreError> {
        self.vault.keep_receipt(incarnation, key, receipt)
    }

    fn note_lie(&self, incarnation: &Incarnation, lie: RelayLie) -> Result<(), StoreError> {
        self.vault.note_lie(incarnation, lie)
    }

    fn tenant(&self) -> TenantId {
        self.vault.tenant()
    }

    fn statements(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.vault.statements()
    }

    fn absorb_statements(&self, statements: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.vault.absorb_statements(statements)
    }

    fn absorb_foreign_statements(&self, tenant: TenantId, statements: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.vault.absorb_foreign_statements(tenant, statements)
    }

    fn pending(&self) -> Result<u64, StoreError> {
        self.vault.pending()
    }

    fn mark_sent(&self, ids: &[OutId]) -> Result<(), StoreError> {
        self.vault.mark_sent(ids)
    }

    fn mark_refused(&self, items: &[(OutId, Refusal)]) -> Result<(), StoreError> {
        self.vault.mark_refused(items)
    }

    fn cursor(&self, incarnation: &Incarnation, scope: &Scope) -> Result<u64, StoreError> {
        self.vault.cursor(incarnation, scope)
    }

    fn absorb_releases(&self, cursor: &Cursor, releases: Vec<Vec<u8>>) -> Result<(), StoreError> {
        self.vault.absorb_releases(cursor, releases)
    }

    fn absorb_relay_audit(&self, cursor: &Cursor, lines: Vec<AuditLine>) -> Result<(), StoreError> {
        self.vault.absorb_relay_audit(cursor, lines)
    }

    fn inbound_grants(&self, now_ms: i64) -> Result<Vec<GrantId>, StoreError> {
        self.vault.inbound_grants(now_ms)
    }
}

impl ChunkStore for Faulty {
    fn begin_attachments(&self, life: &Incarnation) -> Result<(), StoreError> {
        self.vault.begin_attachments(life)
    }

    fn chunks_to_offer(&self, max: usize) -> Result<Option<(AttachmentId, Vec<ChunkName>)>, StoreError> {
        self.vault.chunks_to_offer(max)
    }

    fn chunks_at_relay(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        self.vault.chunks_at_relay(attachment, names)
    }

    fn chunks_refused(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        self.vault.chunks_refused(attachment, names)
    }

    fn chunks_lost(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        self.vault.chunks_lost(attachment, names)
    }

    fn holds_chunk(&self, chunk: &ChunkId) -> Result<bool, StoreError> {
        self.vault.holds_chunk(chunk)
    }

    fn chunk(&self, chunk: &ChunkId) -> Result<Option<Vec<u8>>, StoreError> {
        self.vault.chunk(chunk)
    }

    fn wanted_chunk(&self, passed_over: &BTreeSet<ChunkId>) -> Result<Option<(ChunkId, Claim)>, StoreError> {
        self.vault.wanted_chunk(passed_over)
    }

    fn absorb_chunk(&self, chunk: &ChunkId, bytes: &[u8], from: ChunkSource) -> Result<(), StoreError> {
        self.vault.absorb_chunk(chunk, bytes, from)
    }

    fn attachment_to_forget(&self) -> Result<Option<AttachmentId>, StoreError> {
        self.vault.attachment_to_forget()
    }

    fn attachment_forgotten(&self, attachment: &AttachmentId) -> Result<(), StoreError> {
        self.vault.attachment_forgotten(attachment)
    }
}

impl MailStore for Faulty {
    fn begin_mail(&self, life: &Incarnation) -> Result<MailCursors, StoreError> {
        self.vault.begin_mail(life)
    }

    fn mail_was_lost(&self, life: &Incarnation) -> Result<(), StoreError> {
        self.vault.mail_was_lost(life)
    }

    fn mail_to_say(&self, with_posts: bool, with_cards: bool) -> Result<Option<MailToSay>, StoreError> {
        self.vault.mail_to_say(with_posts, with_cards)
    }

    fn mail_posted(&self, id: &MailId, refusal: Option<MailRefusal>) -> Result<(), StoreError> {
        self.vault.mail_posted(id, refusal)
    }

    fn mail_read_told(&self, from: &TenantId, id: &MailId) -> Result<(), StoreError> {
        self.vault.mail_read_told(from, id)
    }

    fn card_published(&self, number: u64, refusal: Option<DirectoryRefusal>) -> Result<(), StoreError> {
        self.vault.card_published(number, refusal)
    }

    fn absorb_mail(&self, life: &Incarnation, items: Vec<Vec<u8>>, up_to: u64) -> Result<(), StoreError> {
        self.vault.absorb_mail(life, items, up_to)
    }

    fn absorb_mail_states(&self, life: &Incarnation, told: Vec<MailTold>, up_to: u64) -> Result<(), StoreError> {
        self.vault.absorb_mail_states(life, told, up_to)
    }

    fn absorb_cards(&self, life: &Incarnation, cards: Vec<Vec<u8>>, up_to: u64) -> Result<(), StoreError> {
        self.vault.absorb_cards(life, cards, up_to)
    }
}
