//! Letters between the clinics of a play: what waits for whom, and what became of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seal::{Mail, MailId};
use sync_protocol::{MailState, RelayMail};

use super::cast::{CAST, LETTERS, N};
use super::play::{ALL, Play, Played};

/// What the relay has of letters, as far as everything that was done tells.
#[derive(Clone, Default)]
pub struct Post {
    /// At which place in the receiver's list, and how far it came.
    pub letters: BTreeMap<usize, (u64, MailState)>,
    inbox: [u64; N],
}

fn id(letter: usize) -> MailId {
    CAST.letters[letter].header().id
}

impl Post {
    /// One that is here already is the same.
    fn take(&mut self, letter: usize) {
        let at = &mut self.inbox[LETTERS[letter].1];
        self.letters.entry(letter).or_insert_with(|| {
            *at += 1;
            (*at, MailState::Stored)
        });
    }

    /// Nothing of this clinic's is left, nor for it.
    pub fn remove(&mut self, clinic: usize) {
        self.letters
            .retain(|letter, _| ![LETTERS[*letter].0, LETTERS[*letter].1].contains(&clinic));
        self.inbox[clinic] = 0;
    }

    /// What lies in a clinic's mailbox, in its order.
    fn of(&self, clinic: usize) -> Vec<MailId> {
        let mut here: Vec<_> = self
            .letters
            .iter()
            .filter(|(letter, _)| LETTERS[**letter].1 == clinic)
            .map(|(letter, (at, _))| (*at, id(*letter)))
            .collect();
        here.sort_unstable_by_key(|(at, _)| *at);
        here.into_iter().map(|(_, id)| id).collect()
    }

    fn came_to(&mut self, letter: usize, state: MailState) {
        if let Some((_, now)) = self.letters.get_mut(&letter)
            && (*now == MailState::Stored || state == MailState::Read)
        {
            *now = state;
        }
    }
}

impl Play {
    /// The first device of whoever wrote it posts it.
    pub fn post(&mut self, letter: usize) -> Played {
        if self.is_turned_away(LETTERS[letter].0, 0)? {
            return Ok(());
        }
        let now_ms = self.now_ms;
        let taken = self.store().post_mail(&CAST.letters[letter], now_ms).unwrap();
        prop_assert!(taken);
        self.has.post.take(letter);
        Ok(())
    }

    /// A device looks into its clinic's mailbox, and what became of the clinic's own letters.
    pub fn fetch_mail(&mut self, clinic: usize, device: usize) -> Played {
        if self.is_turned_away(clinic, device)? {
            return Ok(());
        }
        let (tenant, now_ms) = (CAST.tenants[clinic], self.now_ms);
        let part = self.store().mail(&tenant, ALL, now_ms).unwrap();
        let ids: Vec<_> = part
            .items
            .iter()
            .map(|bytes| Mail::decode(bytes).unwrap().header().id)
            .collect();
        prop_assert_eq!(ids, self.has.post.of(clinic));
        let told = self.store().mail_states(&tenant, ALL).unwrap().items;
        let told: BTreeMap<_, _> = told.iter().map(|told| (told.id, told.state)).collect();
        let own = self.has.post.letters.iter();
        let own = own.filter(|(letter, _)| LETTERS[**letter].0 == clinic);
        prop_assert_eq!(told, own.map(|(letter, (_, state))| (id(*letter), *state)).collect());
        Ok(())
    }

    /// A device has all that waits for its clinic.
    pub fn acknowledge_mail(&mut self, clinic: usize, device: usize) -> Played {
        if self.is_turned_away(clinic, device)? {
            return Ok(());
        }
        let (up_to, now_ms) = (self.has.post.inbox[clinic], self.now_ms);
        self.store().mail_stored(&CAST.tenants[clinic], up_to, now_ms).unwrap();
        for (letter, (_, to)) in LETTERS.iter().enumerate() {
            if *to == clinic {
                self.has.post.came_to(letter, MailState::Delivered);
            }
        }
        Ok(())
    }

    /// Somebody says that she has read a letter, also one that is none of hers.
    pub fn read_mail(&mut self, clinic: usize, letter: usize) -> Played {
        if self.is_turned_away(clinic, 0)? {
            return Ok(());
        }
        let ((from, to), now_ms) = (LETTERS[letter], self.now_ms);
        let (tenant, sender) = (CAST.tenants[clinic], CAST.tenants[from]);
        self.store().mail_read(&tenant, &sender, &id(letter), now_ms).unwrap();
        if to == clinic {
            self.has.post.came_to(letter, MailState::Read);
        }
        Ok(())
    }
}
