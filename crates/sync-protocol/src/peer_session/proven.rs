//! A connection between two proven members: who says what when.

use seal::DeviceId;

use super::chunks::Chunks;
use super::comparing::Comparing;
use super::items::Items;
use super::meeting::{absorb, roster, wrapped};
use super::receipts::Receipts;
use super::{PeerEvent, PeerRole, PeerStep, Stop};
use crate::limits::MAX_STATEMENTS;
use crate::tree::{Bucket, Prefix};
use crate::{PeerMessage, PeerSet, PeerStore, RefusedCode, Roster, Standing, StoreError, digest_of_statements};

/// A connection whose other side is a member.
pub(super) struct Proven {
    role: PeerRole,
    me: DeviceId,
    peer: DeviceId,
    statements: Statements,
    /// What was held here when this began.
    told: Standing,
    /// Whether the other side has said what it holds.
    met: bool,
    comparing: Comparing,
    items: Items,
    receipts: Receipts,
    chunks: Chunks,
    was_equal: bool,
}

/// What is known of the other side at the beginning.
pub(super) struct Theirs {
    /// Digest of the statements that it holds.
    pub(super) statements: [u8; 32],
    /// The newest version of the protocol that it speaks.
    pub(super) newest: u16,
}

/// What is known of the statements on both sides, so that equal ones are neither verified nor sent again.
struct Statements {
    /// Of everything in the store, whether it holds or not.
    in_store: [u8; 32],
    /// Of what holds.
    holds: [u8; 32],
    /// Of what the other side holds, as far as is known.
    theirs: [u8; 32],
    n_heard: usize,
}

impl Proven {
    /// Says what is held here.
    pub(super) fn begin(
        store: &dyn PeerStore,
        role: PeerRole,
        me: DeviceId,
        peer: DeviceId,
        roster: Roster,
        theirs: Theirs,
        step: &mut PeerStep,
    ) -> Result<Self, Stop> {
        // The places first: what comes between the two is told twice rather than never.
        let ends = match role {
            PeerRole::Caller => [me, peer],
            PeerRole::Answerer => [peer, me],
        };
        let items = Items::begin(store, ends, theirs.newest)?;
        let told = Standing {
            consents: root(store, PeerSet::Consents)?,
            changes: root(store, PeerSet::Changes)?,
        };
        let mut proven = Self {
            role,
            me,
            peer,
            statements: Statements {
                in_store: in_store(store)?,
                holds: roster.digest(),
                theirs: theirs.statements,
                n_heard: 0,
            },
            told,
            met: false,
            comparing: Comparing::default(),
            items,
            receipts: Receipts::begin(theirs.newest),
            chunks: Chunks::begin(theirs.newest),
            was_equal: false,
        };
        proven.tell_statements(&roster, step);
        step.say(&PeerMessage::Standing(told));
        // One of them tells, the other compares; should they not agree, it answers with its own.
        if role == PeerRole::Caller {
            proven.tell_receipt(store, step)?;
        }
        step.events.push(PeerEvent::Proven(peer));
        Ok(proven)
    }

    pub(super) fn device(&self) -> DeviceId {
        self.peer
    }

    pub(super) fn is_equal(&self) -> bool {
        self.met && self.comparing.is_done() && self.items.are_done()
    }

    pub(super) fn is_the_one_to_close(&self) -> bool {
        let (caller, answerer) = match self.role {
            PeerRole::Caller => (self.me, self.peer),
            PeerRole::Answerer => (self.peer, self.me),
        };
        caller > answerer
    }

    pub(super) fn hear(
        &mut self,
        store: &dyn PeerStore,
        message: PeerMessage,
        step: &mut PeerStep,
    ) -> Result<(), Stop> {
        let leads = self.role == PeerRole::Caller;
        match message {
            PeerMessage::Statements(statements) => self.learn(store, &statements.0, step)?,
            PeerMessage::Standing(theirs) if !self.met => {
                self.met = true;
                self.comparing = Comparing::begin(leads, &self.told, &theirs);
                if theirs.changes.n > 0 {
                    self.items.want_first(store)?;
                }
            }
            PeerMessage::AskTree(set, prefixes) if !leads => self.comparing.tell_tree(store, set, &prefixes.0, step)?,
            PeerMessage::AskIds(set, asks) if !leads => self.comparing.tell_ids(store, set, &asks.0, step)?,
            PeerMessage::Tree(children) if leads => self.comparing.tree(store, &children.0)?,
            PeerMessage::Ids(pages) if leads => self.comparing.ids(store, pages.0, &mut self.items)?,
            PeerMessage::Compared if !leads => self.comparing.end()?,
            PeerMessage::Have(set, ids) => self.items.offered(store, set, &ids.0)?,
            PeerMessage::Heard => self.items.heard()?,
            PeerMessage::Want(set, ids) => self.items.give(store, set, &ids.0, step)?,
            PeerMessage::Items(items) => self.items.came(store, items.0, step)?,
            PeerMessage::ShortItems(items) => self.items.came_short(store, items.0, step)?,
            PeerMessage::Receipt(life, receipt) => self.receipts.heard(store, life, &receipt, step)?,
            PeerMessage::Chunks(message) => self.chunks.hear(store, message, step)?,
            _ => return Err(RefusedCode::BadMessage.into()),
        }
        self.go_on(store, step)
    }

    /// Says whatever can be said now.
    pub(super) fn go_on(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), Stop> {
        if !self.met {
            return Ok(());
        }
        self.items.go_on(store, step)?;
        if self.items.have_room() {
            self.comparing.ask(step);
        }
        if self.items.all_told() {
            self.comparing.say_compared(step);
        }
        let is_equal = self.is_equal();
        if is_equal && !self.was_equal {
            step.events.push(PeerEvent::Equal);
        }
        self.was_equal = is_equal;
        if self.items.all_told() {
            self.chunks.give(store, step)?;
        }
        if is_equal {
            self.chunks.ask(store, step)?;
        }
        Ok(())
    }

    pub(super) fn tell_receipt(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), Stop> {
        Ok(self.receipts.tell(store, step)?)
    }

    pub(super) fn look_for_missed(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), Stop> {
        Ok(self.chunks.look_for_missed(store, step)?)
    }

    /// Whether the statements in the store are others now: is the other side still a member, does it know them?
    pub(super) fn look_at_statements(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), Stop> {
        let in_store = in_store(store)?;
        if in_store == self.statements.in_store {
            return Ok(());
        }
        self.statements.in_store = in_store;
        let roster = roster(store, &[])?.ok_or(StoreError::Failed("own_statements"))?;
        self.tell_statements(&roster, step);
        self.check(&roster)
    }

    fn learn(
        &mut self,
        store: &dyn PeerStore,
        theirs: &[minicbor::bytes::ByteVec],
        step: &mut PeerStep,
    ) -> Result<(), Stop> {
        self.statements.n_heard += 1;
        if self.statements.n_heard > MAX_STATEMENTS {
            return Err(RefusedCode::BadMessage.into());
        }
        let all = roster(store, theirs)?.ok_or(RefusedCode::BadStatements)?;
        absorb(store, &all)?;
        self.statements.in_store = in_store(store)?;
        self.statements.theirs = digest_of_statements(theirs.iter().map(|bytes| bytes.as_slice()));
        step.events.push(PeerEvent::Moved);
        self.tell_statements(&all, step);
        self.check(&all)
    }

    /// Sends what holds, unless the other side has it or was sent it: two that disagree do not go on for ever.
    fn tell_statements(&mut self, roster: &Roster, step: &mut PeerStep) {
        let digest = roster.digest();
        let was_sent = std::mem::replace(&mut self.statements.holds, digest) == digest;
        if self.statements.theirs != digest && !(was_sent && self.met) {
            step.say(&PeerMessage::Statements(wrapped(roster).into()));
            self.statements.theirs = digest;
        }
    }

    fn check(&self, roster: &Roster) -> Result<(), Stop> {
        Ok(roster.belongs(&self.peer)?)
    }
}

fn in_store(store: &dyn PeerStore) -> Result<[u8; 32], StoreError> {
    let statements = store.statements()?;
    Ok(digest_of_statements(statements.iter().map(Vec::as_slice)))
}

/// Everything that is held of a set, summed up.
pub(super) fn root(store: &dyn PeerStore, set: PeerSet) -> Result<Bucket, StoreError> {
    let mut root = Bucket::default();
    for children in store.tree(set, &[Prefix::ROOT])? {
        children.iter().for_each(|child| root.join(child));
    }
    Ok(root)
}
