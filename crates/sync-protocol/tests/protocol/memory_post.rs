//! Mailboxes and directory of a [`MemoryRelay`]: the plainest form of what `RelayMail` promises.

use seal::{DirectoryCard, Mail, MailId, TenantId};
use sync_protocol::{
    DirectoryRefusal, MailHeads, MailState, MailTold, Page, Part, PostHeads, RelayMail, RelayStoreFailed, Wake,
};

use crate::memory_relay::MemoryRelay;

#[derive(Default)]
pub struct Post {
    /// In the order in which they came; with the place of each in what its sender is told.
    pub mail: Vec<(Mail, MailTold, u64)>,
    pub cards: Vec<DirectoryCard>,
    /// No message is taken now.
    pub puts_off: bool,
    n_states: u64,
}

impl Post {
    fn inbox(&self, tenant: &TenantId) -> impl Iterator<Item = &(Mail, MailTold, u64)> {
        self.mail.iter().filter(move |(mail, ..)| mail.header().to == *tenant)
    }

    fn told(&mut self, at: usize, state: MailState, now_ms: i64) -> Wake {
        self.n_states += 1;
        let (mail, told, place) = &mut self.mail[at];
        (told.state, told.at_ms, *place) = (state, now_ms, self.n_states);
        Wake::Clinic(mail.header().from)
    }
}

impl RelayMail for MemoryRelay {
    fn post_heads(&mut self, tenant: &TenantId) -> Result<PostHeads, RelayStoreFailed> {
        let own = self.post.mail.iter().filter(|(mail, ..)| mail.header().from == *tenant);
        Ok(PostHeads {
            mail: MailHeads {
                inbox: self.post.inbox(tenant).count() as u64,
                states: own.map(|(.., place)| *place).max().unwrap_or(0),
            },
            directory: self.post.cards.len() as u64,
        })
    }

    fn post_mail(&mut self, mail: &Mail, now_ms: i64) -> Result<bool, RelayStoreFailed> {
        let header = mail.header();
        let is_it = |known: &&(Mail, MailTold, u64)| {
            let known = known.0.header();
            (known.from, known.id) == (header.from, header.id)
        };
        if self.post.mail.iter().any(|known| is_it(&known)) {
            return Ok(true);
        }
        if self.post.puts_off {
            return Ok(false);
        }
        self.post.n_states += 1;
        let told = MailTold {
            id: header.id,
            state: MailState::Stored,
            at_ms: now_ms,
        };
        self.post.mail.push((mail.clone(), told, self.post.n_states));
        Ok(true)
    }

    fn mail(&mut self, tenant: &TenantId, page: Page, _: i64) -> Result<Part<Vec<u8>>, RelayStoreFailed> {
        let all: Vec<_> = self.post.inbox(tenant).map(|(mail, ..)| mail.encode()).collect();
        let after = usize::try_from(page.after).unwrap().min(all.len());
        let end = all.len().min(after + page.max_items);
        Ok(Part {
            items: all[after..end].to_vec(),
            up_to: end as u64,
            more: end < all.len(),
        })
    }

    fn mail_stored(&mut self, tenant: &TenantId, up_to: u64, now_ms: i64) -> Result<Vec<Wake>, RelayStoreFailed> {
        let (mut nth, mut wake) = (0, Vec::new());
        for at in 0..self.post.mail.len() {
            let (mail, told, _) = &self.post.mail[at];
            if mail.header().to != *tenant {
                continue;
            }
            nth += 1;
            if nth <= up_to && told.state == MailState::Stored {
                wake.push(self.post.told(at, MailState::Delivered, now_ms));
            }
        }
        Ok(wake)
    }

    fn mail_read(
        &mut self,
        tenant: &TenantId,
        from: &TenantId,
        id: &MailId,
        now_ms: i64,
    ) -> Result<Vec<Wake>, RelayStoreFailed> {
        let is_it = |(mail, ..): &(Mail, MailTold, u64)| {
            let header = mail.header();
            (header.from, header.id, header.to) == (*from, *id, *tenant)
        };
        let at = self.post.mail.iter().position(is_it);
        Ok(at
            .map(|at| self.post.told(at, MailState::Read, now_ms))
            .into_iter()
            .collect())
    }

    fn mail_states(&mut self, tenant: &TenantId, page: Page) -> Result<Part<MailTold>, RelayStoreFailed> {
        let own = self.post.mail.iter().filter(|(mail, ..)| mail.header().from == *tenant);
        let mut told: Vec<_> = own.map(|(_, told, place)| (*place, *told)).collect();
        told.retain(|(place, _)| *place > page.after);
        told.sort_by_key(|(place, _)| *place);
        Ok(Part {
            up_to: told.last().map_or(page.after, |(place, _)| *place),
            items: told.into_iter().map(|(_, told)| told).collect(),
            more: false,
        })
    }

    fn publish_card(&mut self, card: &DirectoryCard, _: i64) -> Result<Option<DirectoryRefusal>, RelayStoreFailed> {
        let known = self.post.cards.iter().filter(|known| known.tenant() == card.tenant());
        if known.map(DirectoryCard::number).max() >= Some(card.number()) {
            return Ok((!self.post.cards.contains(card)).then_some(DirectoryRefusal::Older));
        }
        self.post.cards.push(card.clone());
        Ok(None)
    }

    fn cards(&mut self, _: &TenantId, page: Page) -> Result<Part<Vec<u8>>, RelayStoreFailed> {
        let after = usize::try_from(page.after).unwrap().min(self.post.cards.len());
        Ok(Part {
            items: self.post.cards[after..].iter().map(DirectoryCard::encode).collect(),
            up_to: self.post.cards.len() as u64,
            more: false,
        })
    }
}
