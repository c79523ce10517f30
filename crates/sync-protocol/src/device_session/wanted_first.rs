//! What a new device wants first, asked for by name. Until all of it has come, what else comes is stored and not acknowledged:
//! so the relay sends no more of it than two batches.

use std::collections::VecDeque;

use minicbor::bytes::ByteVec;
use seal::ChangeId;

use super::{DeviceError, DeviceStep, Live};
use crate::limits::{BATCH_ITEMS, MAX_FRAME_BYTES, NAMED_IN_FLIGHT, WITH_NAMED_CHANGES};
use crate::{DeviceEvent, DeviceMessage, Feed, StoreError, SyncStore, name_of_change};

/// What one connection has still to ask for, and what waits for that.
#[derive(Default)]
pub(super) struct First {
    is_open: bool,
    wanted: VecDeque<ChangeId>,
    asked: VecDeque<Vec<ChangeId>>,
    /// The last positions of batches that are stored and not acknowledged.
    held_back: Vec<u64>,
    /// How much the relay had at the welcome, until that is here.
    behind: Option<u64>,
}

impl First {
    /// An older relay gives nothing by name.
    pub(super) fn begin(version: u16, position: u64, of: u64, store: &dyn SyncStore) -> Result<Self, StoreError> {
        let mut first = Self {
            behind: Some(of),
            ..Self::default()
        };
        first.note_how_far(position, store)?;
        if version >= WITH_NAMED_CHANGES {
            first.wanted = store.wanted_first()?.into();
            first.is_open = !first.wanted.is_empty();
        }
        Ok(first)
    }

    /// Whether all that the relay had at the welcome is here now, and was not before.
    fn note_how_far(&mut self, position: u64, store: &dyn SyncStore) -> Result<bool, StoreError> {
        let Some(of) = self.behind else {
            return Ok(false);
        };
        store.came_to(position, of)?;
        self.behind = self.behind.filter(|of| position < *of);
        Ok(self.behind.is_none())
    }

    /// The next that are not here: another device may have given some.
    fn next(&mut self, store: &dyn SyncStore) -> Result<Vec<ChangeId>, StoreError> {
        while !self.wanted.is_empty() {
            let n_ids = self.wanted.len().min(BATCH_ITEMS);
            let ids: Vec<_> = self.wanted.drain(..n_ids).collect();
            let lacking = store.lacking_of(&ids)?;
            if !lacking.is_empty() {
                return Ok(lacking);
            }
        }
        Ok(Vec::new())
    }

    fn ask(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        while self.asked.len() < NAMED_IN_FLIGHT {
            let ids = self.next(store)?;
            if ids.is_empty() {
                break;
            }
            step.say(&DeviceMessage::AskChanges(ids.clone().into()));
            self.asked.push_back(ids);
        }
        Ok(())
    }
}

impl Live {
    /// Asks for what is wanted first, as much as may be on its way. Once there is no more, everything else goes on.
    pub(super) fn ask_for_first(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        if !self.first.is_open {
            return Ok(());
        }
        self.first.ask(store, step)?;
        if self.first.asked.is_empty() {
            store.forget_wanted_first()?;
            self.first.is_open = false;
            for end in std::mem::take(&mut self.first.held_back) {
                step.say(&DeviceMessage::Ack(Feed::Changes, end));
            }
        }
        Ok(())
    }

    /// These batches are stored; the last ends at `position`.
    pub(super) fn acknowledge_changes(
        &mut self,
        store: &dyn SyncStore,
        position: u64,
        ends: &[u64],
        step: &mut DeviceStep,
    ) -> Result<(), StoreError> {
        if self.first.is_open {
            self.first.held_back.extend(ends);
        } else {
            for end in ends {
                step.say(&DeviceMessage::Ack(Feed::Changes, *end));
            }
        }
        if self.first.note_how_far(position, store)? {
            // What the relay has not is offered only now.
            self.push(store, step)?;
        }
        Ok(())
    }

    /// What was asked for came: each under the name under which it was asked for.
    pub(super) fn named_changes_came(
        &mut self,
        store: &dyn SyncStore,
        items: Vec<Option<ByteVec>>,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let ids = self.first.asked.pop_front().ok_or(DeviceError::Unexpected)?;
        if items.is_empty() || items.len() > ids.len() {
            return Err(DeviceError::Unexpected);
        }
        let items = self.heard.items(items, MAX_FRAME_BYTES)?;
        for id in ids[items.len()..].iter().rev() {
            self.first.wanted.push_front(*id);
        }
        let mut changes = Vec::with_capacity(items.len());
        for (id, item) in ids.iter().zip(items) {
            let Some(change) = item.map(Vec::from) else { continue };
            if name_of_change(&change) != *id {
                return Err(DeviceError::Unexpected);
            }
            changes.push(change);
        }
        if !changes.is_empty() {
            store.absorb_first(changes)?;
            step.events.push(DeviceEvent::Moved);
        }
        Ok(self.ask_for_first(store, step)?)
    }
}
