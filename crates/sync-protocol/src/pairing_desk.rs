//! The mailbox where two devices of one clinic meet that share nothing yet but a short code.
//!
//! The desk passes opaque messages (seal's PAKE) between exactly one host and one joiner. A rendezvous is used up by
//! the first who joins it, so that a code can be guessed at once only, and in public.

use std::collections::{HashMap, VecDeque};

use minicbor::bytes::ByteVec;

use crate::limits::{MAX_MAILBOXES, MAX_PAIRINGS_A_MINUTE, MAX_POSTS, MAX_RENDEZVOUS_CHARS, PAIRING_LIFETIME_MS};
use crate::{RefusedCode, RelayMessage};

/// One connection, as the relay counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// What a session asks of the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairingAsk {
    /// A proven member waits here.
    Host(String),
    /// Somebody comes.
    Join(String),
    /// To the other side.
    Post(Vec<u8>),
}

/// A message for one connection; after [`RelayMessage::Refused`] or `PairingClosed` that connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingPost {
    /// For whom.
    pub to: ConnectionId,
    /// What.
    pub message: RelayMessage,
}

/// All open mailboxes of one relay, in memory: a pairing that a restart interrupts is begun again by its people.
#[derive(Debug, Default)]
pub struct PairingDesk {
    boxes: HashMap<String, Mailbox>,
    seats: HashMap<ConnectionId, String>,
    recent: VecDeque<i64>,
}

#[derive(Debug)]
struct Mailbox {
    host: ConnectionId,
    joiner: Option<ConnectionId>,
    posts: HashMap<ConnectionId, u32>,
    ends_ms: i64,
}

impl PairingDesk {
    /// Handles what a session asked, at `now_ms`, and says who hears what.
    pub fn handle(&mut self, from: ConnectionId, ask: PairingAsk, now_ms: i64) -> Vec<PairingPost> {
        let mut posts = self.expire(now_ms);
        posts.extend(match ask {
            PairingAsk::Host(rendezvous) => self.host(from, rendezvous, now_ms),
            PairingAsk::Join(rendezvous) => self.join(from, &rendezvous, now_ms),
            PairingAsk::Post(bytes) => self.post(from, bytes),
        });
        posts
    }

    /// The connection is gone: its mailbox closes.
    pub fn leave(&mut self, gone: ConnectionId) -> Vec<PairingPost> {
        let Some(rendezvous) = self.seats.get(&gone).cloned() else {
            return Vec::new();
        };
        self.close(&rendezvous, Some(gone))
    }

    /// Closes every mailbox whose time is over.
    pub fn expire(&mut self, now_ms: i64) -> Vec<PairingPost> {
        let over: Vec<String> = self
            .boxes
            .iter()
            .filter(|(_, mailbox)| mailbox.ends_ms <= now_ms)
            .map(|(name, _)| name.clone())
            .collect();
        over.iter()
            .flat_map(|rendezvous| self.close(rendezvous, None))
            .collect()
    }

    fn host(&mut self, from: ConnectionId, rendezvous: String, now_ms: i64) -> Vec<PairingPost> {
        let well_formed = !rendezvous.is_empty() && rendezvous.chars().count() <= MAX_RENDEZVOUS_CHARS;
        if !well_formed || self.seats.contains_key(&from) {
            return refused(from, RefusedCode::BadMessage);
        }
        let taken = self.boxes.contains_key(&rendezvous);
        if taken || self.boxes.len() >= MAX_MAILBOXES || !self.admit(now_ms) {
            return refused(from, RefusedCode::Busy);
        }
        let ends_ms = now_ms.saturating_add(PAIRING_LIFETIME_MS);
        self.seats.insert(from, rendezvous.clone());
        self.boxes.insert(
            rendezvous,
            Mailbox {
                host: from,
                joiner: None,
                posts: HashMap::new(),
                ends_ms,
            },
        );
        vec![PairingPost {
            to: from,
            message: RelayMessage::PairingOpen,
        }]
    }

    fn join(&mut self, from: ConnectionId, rendezvous: &str, now_ms: i64) -> Vec<PairingPost> {
        if !self.admit(now_ms) {
            return refused(from, RefusedCode::Busy);
        }
        match self.boxes.get_mut(rendezvous) {
            Some(mailbox) if mailbox.joiner.is_none() && !self.seats.contains_key(&from) => {
                mailbox.joiner = Some(from);
                self.seats.insert(from, rendezvous.to_owned());
                [from, mailbox.host]
                    .map(|to| PairingPost {
                        to,
                        message: RelayMessage::PairingOpen,
                    })
                    .into()
            }
            _ => refused(from, RefusedCode::NobodyWaits),
        }
    }

    fn post(&mut self, from: ConnectionId, bytes: Vec<u8>) -> Vec<PairingPost> {
        let mailbox = self
            .seats
            .get(&from)
            .and_then(|rendezvous| self.boxes.get_mut(rendezvous));
        let Some((mailbox, joiner)) = mailbox.and_then(|mailbox| mailbox.joiner.map(|joiner| (mailbox, joiner))) else {
            return refused(from, RefusedCode::BadMessage);
        };
        let n_posts = mailbox.posts.entry(from).or_default();
        *n_posts += 1;
        if *n_posts > MAX_POSTS || bytes.len() > seal::MAX_PAIRING_MESSAGE_BYTES {
            return refused(from, RefusedCode::BadMessage);
        }
        let to = if from == joiner { mailbox.host } else { joiner };
        vec![PairingPost {
            to,
            message: RelayMessage::Pairing(ByteVec::from(bytes)),
        }]
    }

    fn close(&mut self, rendezvous: &str, gone: Option<ConnectionId>) -> Vec<PairingPost> {
        let Some(mailbox) = self.boxes.remove(rendezvous) else {
            return Vec::new();
        };
        let sides = [Some(mailbox.host), mailbox.joiner];
        sides
            .into_iter()
            .flatten()
            .inspect(|side| drop(self.seats.remove(side)))
            .filter(|side| Some(*side) != gone)
            .map(|to| PairingPost {
                to,
                message: RelayMessage::PairingClosed,
            })
            .collect()
    }

    /// Whether one more pairing fits into the last minute.
    fn admit(&mut self, now_ms: i64) -> bool {
        while self
            .recent
            .front()
            .is_some_and(|at_ms| *at_ms <= now_ms.saturating_sub(60_000))
        {
            self.recent.pop_front();
        }
        let fits = self.recent.len() < MAX_PAIRINGS_A_MINUTE;
        if fits {
            self.recent.push_back(now_ms);
        }
        fits
    }
}

fn refused(to: ConnectionId, code: RefusedCode) -> Vec<PairingPost> {
    vec![PairingPost {
        to,
        message: RelayMessage::Refused(code),
    }]
}
