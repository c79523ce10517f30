//! How two devices meet: is it the same clinic, are the statements the same, and is the other one a member by them?

use minicbor::bytes::ByteVec;
use seal::{DeviceId, DeviceKeys, SealError};

use super::proven::{Proven, Theirs};
use super::{PeerRole, PeerStep, Stop};
use crate::limits::{OLDEST_PEER_VERSION, PEER_VERSION};
use crate::proof::End;
use crate::{PeerHello, PeerMessage, PeerStore, RefusedCode, Roster, StoreError};

/// A connection whose other side is still to prove itself.
pub(super) struct Meeting {
    me: DeviceId,
    end: End,
    /// What the own hello stood for.
    told: Roster,
    /// The other side's hello, while its statements are still to come.
    hello: Option<PeerHello>,
}

impl Meeting {
    pub(super) fn begin(
        store: &dyn PeerStore,
        keys: &DeviceKeys,
        role: PeerRole,
        binding: [u8; 32],
        step: &mut PeerStep,
    ) -> Result<Self, StoreError> {
        let end = End { role, binding };
        let told = roster(store, &[])?.ok_or(StoreError::Failed("own_statements"))?;
        step.say(&PeerMessage::Hello(end.hello(&told, keys)));
        Ok(Self {
            me: keys.id(),
            end,
            told,
            hello: None,
        })
    }

    pub(super) fn was_greeted(&self) -> bool {
        self.hello.is_some()
    }

    /// Returns the proven connection, once it is one.
    pub(super) fn hear(
        &mut self,
        store: &dyn PeerStore,
        message: PeerMessage,
        step: &mut PeerStep,
    ) -> Result<Option<Proven>, Stop> {
        match (&self.hello, message) {
            (None, PeerMessage::Hello(hello)) => self.greeted(store, hello, step),
            (Some(hello), PeerMessage::Statements(statements)) => {
                let theirs = statements.0;
                let all = roster(store, &theirs)?.ok_or(RefusedCode::BadStatements)?;
                let proven = self.prove(hello, &all);
                // Only now: nothing is kept for whoever cannot prove itself by what it brought. A removed device may
                // well be the one that brings its removal; of one that was known to be removed nothing is kept, or it
                // could fill the clinic's statements up to their limit.
                let keeps = match proven {
                    Ok(_) => true,
                    Err(RefusedCode::Removed) => self.prove(hello, &self.told) != Err(RefusedCode::Removed),
                    Err(_) => false,
                };
                if keeps {
                    absorb(store, &all)?;
                }
                let device = proven?;
                let known = self.told.with(theirs.iter().map(|bytes| bytes.as_slice()));
                let theirs = Theirs {
                    statements: known.map_or(self.told.digest(), |known| known.digest()),
                    newest: hello.newest,
                };
                Proven::begin(store, self.end.role, self.me, device, all, theirs, step).map(Some)
            }
            _ => Err(RefusedCode::BadMessage.into()),
        }
    }

    fn greeted(
        &mut self,
        store: &dyn PeerStore,
        hello: PeerHello,
        step: &mut PeerStep,
    ) -> Result<Option<Proven>, Stop> {
        if PEER_VERSION.min(hello.newest) < OLDEST_PEER_VERSION.max(hello.oldest) {
            return Err(RefusedCode::Version.into());
        }
        if !self.end.other().is_of(&store.tenant(), &hello) {
            return Err(RefusedCode::UnknownClinic.into());
        }
        // Each side compares the two hellos, not what it holds by now, so that both come to the same answer.
        if !self.end.other().holds(&self.told.digest(), &hello) {
            step.say(&PeerMessage::Statements(wrapped(&self.told).into()));
            self.hello = Some(hello);
            return Ok(None);
        }
        // A removal may have come since the own hello.
        let now = roster(store, &[])?.ok_or(StoreError::Failed("own_statements"))?;
        let device = self.prove(&hello, &now)?;
        let theirs = Theirs {
            statements: self.told.digest(),
            newest: hello.newest,
        };
        Proven::begin(store, self.end.role, self.me, device, now, theirs, step).map(Some)
    }

    fn prove(&self, hello: &PeerHello, roster: &Roster) -> Result<DeviceId, RefusedCode> {
        let named = roster.named();
        let devices = named.iter().map(|(id, public)| (*id, public));
        let proven = self.end.other().prove(hello, &roster.membership().tenant(), devices);
        let device = proven.map_err(|error| match error {
            SealError::UnknownDevice => RefusedCode::UnknownDevice,
            _ => RefusedCode::BadSignature,
        })?;
        if device == self.me {
            return Err(RefusedCode::SameDevice);
        }
        roster.belongs(&device).map(|()| device)
    }
}

/// The roster of the store's statements and these; `None` when they are too many.
pub(super) fn roster(store: &dyn PeerStore, more: &[ByteVec]) -> Result<Option<Roster>, StoreError> {
    let own = store.statements()?;
    let all = own
        .iter()
        .map(Vec::as_slice)
        .chain(more.iter().map(|bytes| bytes.as_slice()));
    Ok(Roster::from_statements(store.tenant(), all))
}

/// Stores what holds; nothing else that a peer sends is kept.
pub(super) fn absorb(store: &dyn PeerStore, roster: &Roster) -> Result<(), StoreError> {
    store.absorb_statements(roster.statements().to_vec())
}

pub(super) fn wrapped(roster: &Roster) -> Vec<ByteVec> {
    roster.statements().iter().cloned().map(ByteVec::from).collect()
}
