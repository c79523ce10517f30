//! A member's mailbox and the directory, as one connection sees them. Nothing is kept here but what was told.

use minicbor::bytes::ByteVec;
use seal::MailId;

use super::member::Member;
use super::{RelayStep, Stop};
use crate::limits::{BATCH_BYTES, MAX_CARDS_OF_PAGE, MAX_MAIL_OF_PAGE, MAX_STATES_OF_PAGE, WITH_MAIL};
use crate::relay_mail::{check_card, check_mail};
use crate::{
    CardsPage, DirectoryAnswer, DirectoryAsk, DirectoryRefusal, MailAnswer, MailAsk, MailPage, MailRefusal, Page,
    PostHeads, RefusedCode, RelayMessage, RelayStore, StatesPage, Wake,
};

/// So long after something was put off the device is told to try again, in milliseconds.
const TRY_AGAIN_MS: i64 = 60_000;

/// What one connection was told: of an empty list nothing.
#[derive(Default)]
pub(super) struct Mailbox {
    told: PostHeads,
    /// The last position of the inbox that this connection was given.
    given: u64,
    /// Something was put off until then.
    again_ms: Option<i64>,
}

impl Mailbox {
    fn put_off(&mut self, now_ms: i64) {
        self.again_ms = Some(now_ms.saturating_add(TRY_AGAIN_MS));
    }
}

fn page(after: u64, max_items: usize) -> Page {
    Page {
        after,
        max_items,
        max_bytes: BATCH_BYTES,
    }
}

impl Member {
    /// A device asks about messages between clinics.
    pub(super) fn hear_of_mail(
        &mut self,
        ask: MailAsk,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        if self.version < WITH_MAIL {
            return Err(RefusedCode::BadMessage.into());
        }
        let answer = match ask {
            MailAsk::Post(bytes) => self.post(&bytes, store, now_ms, step)?,
            MailAsk::Fetch(after) => {
                let part = store.mail(&self.tenant, page(after, MAX_MAIL_OF_PAGE), now_ms)?;
                self.mailbox.given = self.mailbox.given.max(part.up_to);
                MailAnswer::Came(MailPage {
                    items: part.items.into_iter().map(ByteVec::from).collect::<Vec<_>>().into(),
                    up_to: part.up_to,
                    more: part.more,
                })
            }
            MailAsk::Stored(up_to) => {
                // Nobody has what he was not given.
                if up_to > self.mailbox.given {
                    return Err(RefusedCode::BadMessage.into());
                }
                step.wake.extend(store.mail_stored(&self.tenant, up_to, now_ms)?);
                return self.tell_news(store, now_ms, step);
            }
            MailAsk::Here(here) => {
                self.look_where(here, store, now_ms, step)?;
                return self.tell_news(store, now_ms, step);
            }
            MailAsk::States(after) => {
                let part = store.mail_states(&self.tenant, page(after, MAX_STATES_OF_PAGE))?;
                MailAnswer::States(StatesPage {
                    items: part.items.into(),
                    up_to: part.up_to,
                    more: part.more,
                })
            }
            MailAsk::Read(from, id) => {
                step.wake.extend(store.mail_read(&self.tenant, &from, &id, now_ms)?);
                MailAnswer::ReadNoted(from, id)
            }
        };
        step.say(&RelayMessage::Mail(answer));
        self.tell_news(store, now_ms, step)
    }

    /// A device says where it is. What it has is with its receiver; of what it has and is not here it is told.
    fn look_where(
        &mut self,
        here: PostHeads,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let heads = store.post_heads(&self.tenant)?;
        self.mailbox.given = here.mail.inbox.min(heads.mail.inbox);
        if self.mailbox.given > 0 {
            step.wake
                .extend(store.mail_stored(&self.tenant, self.mailbox.given, now_ms)?);
        }
        if here.mail.inbox > heads.mail.inbox || here.mail.states > heads.mail.states {
            step.say(&RelayMessage::Mail(MailAnswer::Heads(heads.mail)));
        }
        if here.directory > heads.directory {
            step.say(&RelayMessage::Directory(DirectoryAnswer::Head(heads.directory)));
        }
        Ok(())
    }

    fn post(
        &mut self,
        bytes: &[u8],
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<MailAnswer, Stop> {
        let mail = match check_mail(&self.tenant, self.roster.membership(), bytes) {
            Ok(mail) => mail,
            // What cannot be read has no name to be refused by.
            Err(MailRefusal::Malformed) => {
                let id = seal::Mail::decode(bytes).map_or(MailId::from_bytes([0; 16]), |mail| mail.header().id);
                return Ok(MailAnswer::Posted(id, Some(MailRefusal::Malformed)));
            }
            Err(refusal) => {
                let id = seal::Mail::decode(bytes)
                    .map_err(|_| RefusedCode::BadMessage)?
                    .header()
                    .id;
                return Ok(MailAnswer::Posted(id, Some(refusal)));
            }
        };
        let header = *mail.header();
        if store.post_mail(&mail, now_ms)? {
            step.wake.extend([Wake::Clinic(header.to), Wake::Clinic(header.from)]);
            return Ok(MailAnswer::Posted(header.id, None));
        }
        self.mailbox.put_off(now_ms);
        Ok(MailAnswer::Posted(header.id, Some(MailRefusal::Later)))
    }

    /// A device asks about the directory.
    pub(super) fn hear_of_directory(
        &mut self,
        ask: DirectoryAsk,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        if self.version < WITH_MAIL {
            return Err(RefusedCode::BadMessage.into());
        }
        let answer = match ask {
            DirectoryAsk::Publish(bytes) => {
                let checked = check_card(&self.tenant, self.roster.membership(), &bytes);
                let number = seal::DirectoryCard::decode(&bytes).map_or(0, |card| card.number());
                let refusal = match checked {
                    Ok(card) => store.publish_card(&card, now_ms)?,
                    Err(refusal) => Some(refusal),
                };
                match refusal {
                    None => step.wake.push(Wake::Clinic(self.tenant)),
                    Some(DirectoryRefusal::Later) => self.mailbox.put_off(now_ms),
                    Some(_) => {}
                }
                DirectoryAnswer::Published(number, refusal)
            }
            DirectoryAsk::Fetch(after) => {
                let part = store.cards(&self.tenant, page(after, MAX_CARDS_OF_PAGE))?;
                DirectoryAnswer::Cards(CardsPage {
                    items: part.items.into_iter().map(ByteVec::from).collect::<Vec<_>>().into(),
                    up_to: part.up_to,
                    more: part.more,
                })
            }
        };
        step.say(&RelayMessage::Directory(answer));
        self.tell_news(store, now_ms, step)
    }

    /// Tells how far the clinic's lists and the directory reach, when the device does not know, and when it may try again.
    pub(super) fn tell_mail(
        &mut self,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        if self.version < WITH_MAIL {
            return Ok(());
        }
        let heads = store.post_heads(&self.tenant)?;
        let is_due = self.mailbox.again_ms.take_if(|at| *at <= now_ms).is_some();
        let told = std::mem::replace(&mut self.mailbox.told, heads);
        if is_due || told.mail != heads.mail {
            step.say(&RelayMessage::Mail(MailAnswer::Heads(heads.mail)));
        }
        if is_due || told.directory != heads.directory {
            step.say(&RelayMessage::Directory(DirectoryAnswer::Head(heads.directory)));
        }
        Ok(())
    }
}
