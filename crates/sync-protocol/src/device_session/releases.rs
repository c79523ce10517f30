//! Pulling releases: one grant after another, one request at a time.

use std::collections::VecDeque;

use seal::{GrantId, TenantId};

use super::{DeviceError, DeviceEvent, DeviceStep, Live};
use crate::{DeviceMessage, ReleaseHead, Releases, Scope, StoreError, SyncStore};

/// What is to be pulled. The first of the queue is the one that was asked for.
#[derive(Default)]
pub(super) struct Pulls {
    queue: VecDeque<GrantId>,
    asked: bool,
    /// Releases that came, and wait for their giver's statements.
    held: Option<Releases>,
}

impl Pulls {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Live {
    /// The relay has releases of these grants, at least so far.
    pub(super) fn releases_wait(
        &mut self,
        store: &dyn SyncStore,
        heads: Vec<ReleaseHead>,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        for head in heads {
            let held = store.cursor(&self.incarnation, &Scope::Releases(head.grant))?;
            if held < head.position && !self.pulls.queue.iter().skip(1).any(|grant| *grant == head.grant) {
                self.pulls.queue.push_back(head.grant);
            }
        }
        Ok(self.pull(store, step)?)
    }

    /// Stores them, once the giver's present statements are here.
    pub(super) fn releases_came(
        &mut self,
        store: &dyn SyncStore,
        releases: Releases,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        if !self.pulls.asked || self.pulls.queue.front() != Some(&releases.grant) || self.pulls.held.is_some() {
            return Err(DeviceError::Unexpected);
        }
        let source = releases.source;
        if releases.items.is_empty() || self.sources.get(&source) == Some(&releases.source_statements) {
            return self.absorb_releases(store, releases, step);
        }
        self.pulls.held = Some(releases);
        self.fetch(source, step);
        Ok(())
    }

    /// Statements of `source` came: what waited for them is stored now.
    pub(super) fn release_held(
        &mut self,
        store: &dyn SyncStore,
        source: TenantId,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        match self.pulls.held.take_if(|held| held.source == source) {
            Some(releases) => self.absorb_releases(store, releases, step),
            None => Ok(()),
        }
    }

    /// The relay does not serve this grant now. Should that change, it says so.
    pub(super) fn releases_denied(
        &mut self,
        store: &dyn SyncStore,
        grant: GrantId,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        if !self.pulls.asked || self.pulls.queue.front() != Some(&grant) {
            return Err(DeviceError::Unexpected);
        }
        self.next_pull(store, step)
    }

    fn absorb_releases(
        &mut self,
        store: &dyn SyncStore,
        releases: Releases,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        let cursor = self.cursor(Scope::Releases(releases.grant), releases.up_to);
        store.absorb_releases(
            &cursor,
            releases.items.into_iter().map(|item| item.bytes.into()).collect(),
        )?;
        step.events.push(DeviceEvent::Moved);
        if releases.more {
            self.pulls.asked = false;
            return Ok(self.pull(store, step)?);
        }
        self.next_pull(store, step)
    }

    fn next_pull(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), DeviceError> {
        self.pulls.queue.pop_front();
        self.pulls.asked = false;
        self.pull(store, step)?;
        if self.pulls.is_empty() {
            self.move_what_waited(store, step)?;
        }
        Ok(())
    }

    fn pull(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        if let (false, Some(grant)) = (self.pulls.asked, self.pulls.queue.front()) {
            let after = store.cursor(&self.incarnation, &Scope::Releases(*grant))?;
            step.say(&DeviceMessage::PullReleases(*grant, after));
            self.pulls.asked = true;
        }
        Ok(())
    }
}
