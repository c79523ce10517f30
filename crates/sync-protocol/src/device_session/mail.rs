//! The clinic's mailbox and the directory: one thing said at a time, one page of each list at a time.
//!
//! Before a page of messages is stored the present statements of each sender are asked for: the device that signed may
//! have been admitted a moment ago.

use std::collections::BTreeSet;

use seal::{Mail, MailId, TenantId};

use super::{DeviceError, DeviceEvent, DeviceStep, Live};
use crate::limits::WITH_MAIL;
use crate::{
    DeviceMessage, DirectoryAnswer, DirectoryAsk, DirectoryRefusal, Incarnation, MailAnswer, MailAsk, MailCursors,
    MailHeads, MailPage, MailRefusal, MailToSay, PostHeads, StoreError, SyncStore,
};

/// What one connection is about to say and to hear.
pub(super) struct Mailing {
    speaks: bool,
    /// The relay was told how far this store is.
    has_begun: bool,
    heads: MailHeads,
    directory: u64,
    here: MailCursors,
    /// Said, and not answered yet.
    said: Option<Said>,
    /// The relay takes none now, until it says otherwise.
    posts_wait: bool,
    cards_wait: bool,
    asked_mail: bool,
    asked_states: bool,
    asked_cards: bool,
    /// Messages that came, and whose statements they wait for.
    held: Option<(MailPage, BTreeSet<TenantId>)>,
}

enum Said {
    Post(MailId),
    Read(TenantId, MailId),
    Card(u64),
}

impl Mailing {
    pub(super) fn begin(version: u16, life: &Incarnation, store: &dyn SyncStore) -> Result<Self, StoreError> {
        let speaks = version >= WITH_MAIL;
        let here = if speaks {
            store.begin_mail(life)?
        } else {
            MailCursors::default()
        };
        Ok(Self {
            speaks,
            has_begun: false,
            heads: MailHeads::default(),
            directory: 0,
            here,
            said: None,
            posts_wait: false,
            cards_wait: false,
            asked_mail: false,
            asked_states: false,
            asked_cards: false,
            held: None,
        })
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.said.is_none() && !self.asked_mail && !self.asked_states && !self.asked_cards
    }

    fn say(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        if !self.speaks {
            return Ok(());
        }
        if !std::mem::replace(&mut self.has_begun, true) && self.here != MailCursors::default() {
            let MailCursors {
                inbox,
                states,
                directory,
            } = self.here;
            let mail = MailHeads { inbox, states };
            step.say(&DeviceMessage::Mail(MailAsk::Here(PostHeads { mail, directory })));
        }
        if self.said.is_some() {
            return Ok(());
        }
        let (said, message) = match store.mail_to_say(!self.posts_wait, !self.cards_wait)? {
            None => return Ok(()),
            Some(MailToSay::Post(id, bytes)) => (Said::Post(id), DeviceMessage::Mail(MailAsk::Post(bytes.into()))),
            Some(MailToSay::Read(from, id)) => (Said::Read(from, id), DeviceMessage::Mail(MailAsk::Read(from, id))),
            Some(MailToSay::Card(number, bytes)) => {
                let publish = DirectoryAsk::Publish(bytes.into());
                (Said::Card(number), DeviceMessage::Directory(publish))
            }
        };
        step.say(&message);
        self.said = Some(said);
        Ok(())
    }

    fn ask(&mut self, step: &mut DeviceStep) {
        if !self.asked_mail && self.heads.inbox > self.here.inbox {
            self.asked_mail = true;
            step.say(&DeviceMessage::Mail(MailAsk::Fetch(self.here.inbox)));
        }
        if !self.asked_states && self.heads.states > self.here.states {
            self.asked_states = true;
            step.say(&DeviceMessage::Mail(MailAsk::States(self.here.states)));
        }
        if !self.asked_cards && self.directory > self.here.directory {
            self.asked_cards = true;
            step.say(&DeviceMessage::Directory(DirectoryAsk::Fetch(self.here.directory)));
        }
    }
}

/// A page that stands still would be asked for for ever.
fn goes_on(before: u64, up_to: u64, more: bool) -> Result<(), DeviceError> {
    match up_to > before || (up_to == before && !more) {
        true => Ok(()),
        false => Err(DeviceError::Unexpected),
    }
}

impl Live {
    /// Says what waits to be said to other clinics.
    pub(super) fn say_mail(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        self.mailing.say(store, step)
    }

    pub(super) fn hear_of_mail(
        &mut self,
        store: &dyn SyncStore,
        answer: MailAnswer,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let life = self.incarnation;
        let mailing = &mut self.mailing;
        if !mailing.speaks {
            return Err(DeviceError::Unexpected);
        }
        match (answer, &mailing.said) {
            (MailAnswer::Heads(heads), _) => {
                if heads.inbox < mailing.here.inbox || heads.states < mailing.here.states {
                    store.mail_was_lost(&life)?;
                    mailing.here = store.begin_mail(&life)?;
                }
                mailing.heads = heads;
                mailing.posts_wait = false;
            }
            (MailAnswer::Posted(id, refusal), Some(Said::Post(said))) => {
                let said = *said;
                // A refusal of what could not even be read names nothing.
                if id != said && refusal != Some(MailRefusal::Malformed) {
                    return Err(DeviceError::Unexpected);
                }
                mailing.said = None;
                if refusal == Some(MailRefusal::Later) {
                    mailing.posts_wait = true;
                } else {
                    store.mail_posted(&said, refusal)?;
                    step.events.push(DeviceEvent::Moved);
                }
            }
            (MailAnswer::ReadNoted(from, id), Some(Said::Read(said_from, said))) => {
                if (from, id) != (*said_from, *said) {
                    return Err(DeviceError::Unexpected);
                }
                mailing.said = None;
                store.mail_read_told(&from, &id)?;
            }
            (MailAnswer::Came(page), _) => {
                if !mailing.asked_mail || mailing.held.is_some() {
                    return Err(DeviceError::Unexpected);
                }
                goes_on(mailing.here.inbox, page.up_to, page.more)?;
                let froms = page.items.0.iter().filter_map(|bytes| Mail::decode(bytes).ok());
                let froms: BTreeSet<_> = froms.map(|mail| mail.header().from).collect();
                mailing.held = Some((page, froms.clone()));
                froms.into_iter().for_each(|from| self.fetch(from, step));
                return self.store_held_mail(store, None, step);
            }
            (MailAnswer::States(page), _) => {
                if !std::mem::take(&mut mailing.asked_states) {
                    return Err(DeviceError::Unexpected);
                }
                goes_on(mailing.here.states, page.up_to, page.more)?;
                store.absorb_mail_states(&life, page.items.0, page.up_to)?;
                mailing.here.states = page.up_to;
                step.events.push(DeviceEvent::Moved);
            }
            _ => return Err(DeviceError::Unexpected),
        }
        self.mailing.ask(step);
        Ok(self.say_mail(store, step)?)
    }

    pub(super) fn hear_of_directory(
        &mut self,
        store: &dyn SyncStore,
        answer: DirectoryAnswer,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let life = self.incarnation;
        let mailing = &mut self.mailing;
        if !mailing.speaks {
            return Err(DeviceError::Unexpected);
        }
        match (answer, &mailing.said) {
            (DirectoryAnswer::Head(head), _) => {
                if head < mailing.here.directory {
                    store.mail_was_lost(&life)?;
                    mailing.here = store.begin_mail(&life)?;
                }
                mailing.directory = head;
                mailing.cards_wait = false;
            }
            (DirectoryAnswer::Published(_, refusal), Some(Said::Card(number))) => {
                let number = *number;
                mailing.said = None;
                if refusal == Some(DirectoryRefusal::Later) {
                    mailing.cards_wait = true;
                } else {
                    store.card_published(number, refusal)?;
                    step.events.push(DeviceEvent::Moved);
                }
            }
            (DirectoryAnswer::Cards(page), _) => {
                if !std::mem::take(&mut mailing.asked_cards) {
                    return Err(DeviceError::Unexpected);
                }
                goes_on(mailing.here.directory, page.up_to, page.more)?;
                let cards = page.items.0.into_iter().map(Vec::from).collect();
                store.absorb_cards(&life, cards, page.up_to)?;
                mailing.here.directory = page.up_to;
                step.events.push(DeviceEvent::Moved);
            }
            _ => return Err(DeviceError::Unexpected),
        }
        self.mailing.ask(step);
        Ok(self.say_mail(store, step)?)
    }

    /// Statements of `from` came, or none are waited for: the page is stored once all of its senders' are here.
    pub(super) fn store_held_mail(
        &mut self,
        store: &dyn SyncStore,
        from: Option<TenantId>,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let Some((_, froms)) = &mut self.mailing.held else {
            return Ok(());
        };
        if let Some(from) = from {
            froms.remove(&from);
        }
        let Some((page, _)) = self.mailing.held.take_if(|(_, froms)| froms.is_empty()) else {
            return Ok(());
        };
        let items: Vec<Vec<u8>> = page.items.0.into_iter().map(Vec::from).collect();
        let is_empty = items.is_empty();
        store.absorb_mail(&self.incarnation, items, page.up_to)?;
        if !is_empty {
            step.say(&DeviceMessage::Mail(MailAsk::Stored(page.up_to)));
        }
        self.mailing.here.inbox = page.up_to;
        self.mailing.asked_mail = false;
        step.events.push(DeviceEvent::Moved);
        self.mailing.ask(step);
        Ok(())
    }
}
