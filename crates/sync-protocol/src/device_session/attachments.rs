//! Chunks of attachments, when nothing more urgent waits: one on its way up, one on its way down.

use std::collections::{BTreeSet, VecDeque};

use seal::{AttachmentId, ChunkName};

use super::{DeviceError, DeviceEvent, DeviceStep, Live};
use crate::limits::{MAX_CHUNK_NAMES, WITH_ATTACHMENTS, WITH_USAGE};
use crate::{
    AttachmentAnswer, AttachmentAsk, ChunkId, ChunkRefusal, ChunkSource, Claim, DeviceMessage, Heads, StoreError,
    SyncStore, Usage, Welcome,
};

/// What one connection is about to move.
pub(super) struct Attachments {
    speaks: bool,
    /// Where the relay stood at the beginning: until that has come, chunks wait.
    behind: Option<Heads>,
    /// Said, and not answered yet.
    up: Option<Up>,
    to_put: VecDeque<ChunkId>,
    /// The relay takes none now, until it says otherwise.
    is_full: bool,
    /// The clinic's plan has no room for them, as the relay says.
    is_refused: bool,
    down: Option<(ChunkId, Claim)>,
    /// Asked for in vain.
    passed_over: BTreeSet<ChunkId>,
    /// Of these the relay gave other bytes: it is not asked again.
    wrong: BTreeSet<ChunkId>,
}

enum Up {
    Offer(AttachmentId, Vec<ChunkName>),
    Put(ChunkId),
    Forget(AttachmentId),
}

impl Attachments {
    pub(super) fn begin(version: u16, welcome: &Welcome) -> Self {
        Self {
            speaks: version >= WITH_ATTACHMENTS,
            behind: Some(Heads {
                changes: welcome.changes,
                consents: welcome.consents,
                audit: welcome.audit,
            }),
            up: None,
            to_put: VecDeque::new(),
            is_full: false,
            is_refused: false,
            down: None,
            passed_over: BTreeSet::new(),
            wrong: BTreeSet::new(),
        }
    }

    /// Whether nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.up.is_none() && self.down.is_none()
    }

    fn pass_over(&mut self, chunk: ChunkId, is_wrong: bool) {
        self.passed_over.insert(chunk);
        if is_wrong {
            self.wrong.insert(chunk);
        }
    }

    /// What the relay is to hear next: what was erased, then what it lacks, then what it may lack.
    fn ask_up(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        if self.up.is_some() {
            return Ok(());
        }
        if let Some(attachment) = store.attachment_to_forget()? {
            return self.say_up(Up::Forget(attachment), AttachmentAsk::Forget(attachment), step);
        }
        while let Some(chunk) = self.to_put.pop_front() {
            if let Some(bytes) = store.chunk(&chunk)? {
                return self.say_up(Up::Put(chunk), AttachmentAsk::Put(chunk, bytes.into()), step);
            }
            // Erased meanwhile, or damaged on this disk.
            store.chunks_refused(&chunk.attachment, &[chunk.name])?;
        }
        if !self.is_full
            && !self.is_refused
            && let Some((attachment, names)) = store.chunks_to_offer(MAX_CHUNK_NAMES)?
        {
            let ask = AttachmentAsk::Offer(attachment, names.clone().into());
            return self.say_up(Up::Offer(attachment, names), ask, step);
        }
        Ok(())
    }

    fn say_up(&mut self, up: Up, ask: AttachmentAsk, step: &mut DeviceStep) -> Result<(), StoreError> {
        self.up = Some(up);
        step.say(&DeviceMessage::Attachments(ask));
        Ok(())
    }

    fn ask_down(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        if self.down.is_none()
            && let Some((chunk, claim)) = store.wanted_chunk(&self.passed_over)?
        {
            step.say(&DeviceMessage::Attachments(AttachmentAsk::Get(chunk)));
            self.down = Some((chunk, claim));
        }
        Ok(())
    }

    fn hear(
        &mut self,
        store: &dyn SyncStore,
        answer: AttachmentAnswer,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        match (answer, &self.up) {
            (AttachmentAnswer::Lacking(attachment, lacking), Some(Up::Offer(offered, names))) => {
                let lacking = lacking.0;
                if attachment != *offered || !lacking.iter().all(|name| names.contains(name)) {
                    return Err(DeviceError::Unexpected);
                }
                let held: Vec<_> = names.iter().filter(|name| !lacking.contains(name)).copied().collect();
                store.chunks_at_relay(&attachment, &held)?;
                self.to_put
                    .extend(lacking.into_iter().map(|name| ChunkId { attachment, name }));
                self.up = None;
            }
            (AttachmentAnswer::Stored(name, refusal), Some(Up::Put(chunk))) if chunk.name == name => {
                let attachment = chunk.attachment;
                match refusal {
                    None => {
                        store.chunks_at_relay(&attachment, &[name])?;
                        step.events.push(DeviceEvent::Moved);
                    }
                    Some(ChunkRefusal::Later) => {
                        self.is_full = true;
                        self.to_put.clear();
                    }
                    Some(_) => store.chunks_refused(&attachment, &[name])?,
                }
                self.up = None;
            }
            (AttachmentAnswer::Forgotten(attachment), Some(Up::Forget(told))) if attachment == *told => {
                store.attachment_forgotten(&attachment)?;
                step.events.push(DeviceEvent::Moved);
                self.up = None;
            }
            (AttachmentAnswer::Forgotten(attachment), Some(Up::Offer(offered, names))) if attachment == *offered => {
                store.chunks_refused(&attachment, names)?;
                step.events.push(DeviceEvent::Moved);
                self.up = None;
            }
            (AttachmentAnswer::Chunk(bytes), _) => {
                let (chunk, claim) = self.down.take().ok_or(DeviceError::Unexpected)?;
                if seal::chunk_name(&bytes) == chunk.name {
                    match store.absorb_chunk(&chunk, &bytes, ChunkSource::Relay) {
                        // The fetch pauses; everything else goes on.
                        Ok(()) | Err(StoreError::DiskFull) => step.events.push(DeviceEvent::Moved),
                        Err(error) => return Err(error.into()),
                    }
                } else {
                    self.pass_over(chunk, true);
                }
                drop(claim);
            }
            (AttachmentAnswer::NotHere(name), _) => {
                let (chunk, claim) = self.down.take().ok_or(DeviceError::Unexpected)?;
                if chunk.name != name {
                    return Err(DeviceError::Unexpected);
                }
                self.pass_over(chunk, false);
                drop(claim);
            }
            (AttachmentAnswer::Here(attachment, names), _) => {
                for name in names.0 {
                    let chunk = ChunkId { attachment, name };
                    if !self.wrong.contains(&chunk) {
                        self.passed_over.remove(&chunk);
                    }
                }
            }
            (AttachmentAnswer::Lost(attachment, names), _) => {
                store.chunks_lost(&attachment, &names.0)?;
                self.is_full = false;
            }
            _ => return Err(DeviceError::Unexpected),
        }
        Ok(())
    }
}

impl Live {
    /// Something about attachments came. What was written meanwhile goes first.
    pub(super) fn hear_of_attachments(
        &mut self,
        store: &dyn SyncStore,
        answer: AttachmentAnswer,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        if !self.attachments.speaks {
            return Err(DeviceError::Unexpected);
        }
        self.attachments.hear(store, answer, step)?;
        Ok(self.push(store, step)?)
    }

    /// A batch was stored: if it was the last that had to come first, chunks may begin.
    pub(super) fn look_whether_caught_up(
        &mut self,
        store: &dyn SyncStore,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        if self.attachments.speaks && self.attachments.behind.is_some() && self.has_caught_up() {
            self.push(store, step)?;
        }
        Ok(())
    }

    /// The relay says what the clinic's plan has room for: kept, and chunks wait for it, or go on.
    pub(super) fn hear_of_usage(
        &mut self,
        store: &dyn SyncStore,
        usage: &Usage,
        step: &mut DeviceStep,
    ) -> Result<(), DeviceError> {
        if self.version < WITH_USAGE {
            return Err(DeviceError::Unexpected);
        }
        store.keep_usage(usage)?;
        let was_refused = std::mem::replace(&mut self.attachments.is_refused, usage.refuses_attachments);
        if usage.refuses_attachments {
            // Offered again when there is room.
            self.attachments.to_put.clear();
        } else if was_refused {
            self.attachments.is_full = false;
        }
        step.events.push(DeviceEvent::Moved);
        Ok(self.push(store, step)?)
    }

    /// Something more urgent is done: chunks may go on.
    pub(super) fn move_what_waited(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        if self.attachments.speaks {
            self.push(store, step)?;
        }
        Ok(())
    }

    fn has_caught_up(&mut self) -> bool {
        let came = |heads: Heads| {
            self.standing.at_changes().0 >= heads.changes
                && self.standing.at_consents().0 >= heads.consents
                && self.audit >= heads.audit
        };
        if self.attachments.behind.is_some_and(came) {
            self.attachments.behind = None;
        }
        self.attachments.behind.is_none()
    }

    /// Moves chunks, if nothing else is to be moved. The outbox was empty just now.
    pub(super) fn move_chunks(&mut self, store: &dyn SyncStore, step: &mut DeviceStep) -> Result<(), StoreError> {
        let is_free = self.attachments.speaks
            && self.pushing.is_empty()
            && self.pulls.is_empty()
            && self.fetching.is_empty()
            && self.has_caught_up();
        if is_free {
            self.attachments.ask_up(store, step)?;
            self.attachments.ask_down(store, step)?;
        }
        Ok(())
    }
}
