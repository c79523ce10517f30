//! Messages and cards of a [`MemoryStore`]. It verifies nothing.

use std::collections::{BTreeMap, BTreeSet};

use seal::{DirectoryCard, Mail, MailId, TenantId};

use super::MemoryStore;
use crate::{
    DirectoryRefusal, Incarnation, MailCursors, MailRefusal, MailState, MailStore, MailToSay, MailTold, StoreError,
};

/// What a [`MemoryStore`] holds of mail and of the directory.
#[derive(Debug, Clone, Default)]
pub struct Mailed {
    /// Written here, in their order.
    pub written: Vec<(MailId, Vec<u8>)>,
    /// Those of them that wait to be posted.
    pub to_post: BTreeSet<MailId>,
    /// Those that the relay does not take.
    pub refused: Vec<(MailId, MailRefusal)>,
    /// What became of the clinic's own.
    pub states: BTreeMap<MailId, MailTold>,
    /// What came, in its order.
    pub came: Vec<Vec<u8>>,
    /// Was read, and the relay is still to be told.
    pub to_tell_read: BTreeSet<(TenantId, MailId)>,
    /// The own card that was signed here last.
    pub own_card: Option<(u64, Vec<u8>)>,
    /// Whether it waits to be published.
    pub card_waits: bool,
    /// What the relay said of it when it did not take it.
    pub card_refused: Option<DirectoryRefusal>,
    /// The directory.
    pub cards: BTreeMap<TenantId, DirectoryCard>,
    /// There is room for no more.
    pub is_full: bool,
    cursors: BTreeMap<Incarnation, MailCursors>,
    life: Option<Incarnation>,
}

impl Mailed {
    fn say_all_again(&mut self) {
        let with_its_receiver = |id: &MailId| {
            let state = self.states.get(id).map(|told| told.state);
            matches!(state, Some(MailState::Delivered | MailState::Read | MailState::Expired))
        };
        let refused = |id: &MailId| self.refused.iter().any(|(refused, _)| refused == id);
        let again = self.written.iter().map(|(id, _)| *id);
        self.to_post = again.filter(|id| !with_its_receiver(id) && !refused(id)).collect();
        self.card_waits = self.own_card.is_some();
    }
}

impl MemoryStore {
    /// A message was written here.
    pub fn write_mail(&self, mail: &Mail) {
        let mailed = &mut self.lock().mailed;
        mailed.written.push((mail.header().id, mail.encode()));
        mailed.to_post.insert(mail.header().id);
    }

    /// Somebody has read this message.
    pub fn read_mail(&self, from: TenantId, id: MailId) {
        self.lock().mailed.to_tell_read.insert((from, id));
    }

    /// The clinic's card was signed here.
    pub fn sign_card(&self, card: &DirectoryCard) {
        let mailed = &mut self.lock().mailed;
        mailed.own_card = Some((card.number(), card.encode()));
        (mailed.card_waits, mailed.card_refused) = (true, None);
    }

    /// The disk is full for messages, or is not any more.
    pub fn fill_mail(&self, is_full: bool) {
        self.lock().mailed.is_full = is_full;
    }
}

impl MailStore for MemoryStore {
    fn begin_mail(&self, life: &Incarnation) -> Result<MailCursors, StoreError> {
        let mailed = &mut self.lock().mailed;
        if mailed.life.replace(*life).is_some_and(|last| last != *life) {
            mailed.say_all_again();
        }
        Ok(mailed.cursors.get(life).copied().unwrap_or_default())
    }

    fn mail_was_lost(&self, life: &Incarnation) -> Result<(), StoreError> {
        let mailed = &mut self.lock().mailed;
        mailed.cursors.remove(life);
        mailed.say_all_again();
        Ok(())
    }

    fn mail_to_say(&self, with_posts: bool, with_cards: bool) -> Result<Option<MailToSay>, StoreError> {
        let mailed = &self.lock().mailed;
        let post = mailed.written.iter().find(|(id, _)| mailed.to_post.contains(id));
        if let Some((id, bytes)) = post.filter(|_| with_posts) {
            return Ok(Some(MailToSay::Post(*id, bytes.clone())));
        }
        if let Some((from, id)) = mailed.to_tell_read.first() {
            return Ok(Some(MailToSay::Read(*from, *id)));
        }
        let card = mailed.own_card.clone().filter(|_| with_cards && mailed.card_waits);
        Ok(card.map(|(number, bytes)| MailToSay::Card(number, bytes)))
    }

    fn mail_posted(&self, id: &MailId, refusal: Option<MailRefusal>) -> Result<(), StoreError> {
        let mailed = &mut self.lock().mailed;
        mailed.to_post.remove(id);
        mailed.refused.extend(refusal.map(|refusal| (*id, refusal)));
        Ok(())
    }

    fn mail_read_told(&self, from: &TenantId, id: &MailId) -> Result<(), StoreError> {
        self.lock().mailed.to_tell_read.remove(&(*from, *id));
        Ok(())
    }

    fn card_published(&self, number: u64, refusal: Option<DirectoryRefusal>) -> Result<(), StoreError> {
        let mailed = &mut self.lock().mailed;
        if mailed.own_card.as_ref().is_some_and(|(signed, _)| *signed == number) {
            (mailed.card_waits, mailed.card_refused) = (false, refusal);
        }
        Ok(())
    }

    fn absorb_mail(&self, life: &Incarnation, items: Vec<Vec<u8>>, up_to: u64) -> Result<(), StoreError> {
        let mailed = &mut self.lock().mailed;
        if mailed.is_full {
            return Err(StoreError::DiskFull);
        }
        for item in items {
            if !mailed.came.contains(&item) {
                mailed.came.push(item);
            }
        }
        mailed.cursors.entry(*life).or_default().inbox = up_to;
        Ok(())
    }

    fn absorb_mail_states(&self, life: &Incarnation, told: Vec<MailTold>, up_to: u64) -> Result<(), StoreError> {
        let mailed = &mut self.lock().mailed;
        for told in told {
            let known = mailed.states.get(&told.id);
            if known.is_none_or(|known| told.state.is_after(known.state)) {
                mailed.states.insert(told.id, told);
            }
        }
        mailed.cursors.entry(*life).or_default().states = up_to;
        Ok(())
    }

    fn absorb_cards(&self, life: &Incarnation, cards: Vec<Vec<u8>>, up_to: u64) -> Result<(), StoreError> {
        let mailed = &mut self.lock().mailed;
        for card in cards.iter().filter_map(|bytes| DirectoryCard::decode(bytes).ok()) {
            let known = mailed.cards.get(&card.tenant()).map_or(0, DirectoryCard::number);
            if card.number() > known {
                mailed.cards.insert(card.tenant(), card);
            }
        }
        mailed.cursors.entry(*life).or_default().directory = up_to;
        Ok(())
    }
}
