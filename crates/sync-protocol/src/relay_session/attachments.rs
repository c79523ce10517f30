//! What a member's connection keeps of attachments: one chunk that comes, one that is asked for, and those that were asked
//! for in vain.

use std::collections::{BTreeMap, BTreeSet};

use seal::{AttachmentId, ChunkName, MAX_SEALED_CHUNK_BYTES, TenantId};

use super::member::Member;
use super::{RelayStep, Stop};
use crate::limits::{MAX_CHUNK_ASKS, MAX_CHUNK_NAMES, MAX_MISSED_CHUNKS, WITH_ATTACHMENTS};
use crate::{
    AttachmentAnswer, AttachmentAsk, ChunkId, ChunkPlace, ChunkRefusal, ObjectDone, ObjectKey, ObjectRead, ObjectWork,
    RefusedCode, RelayMessage, RelayStore, Wake,
};

/// So long after its objects failed a connection tries again, in milliseconds.
const TRY_AGAIN_MS: i64 = 60_000;

/// What is on its way in one connection.
#[derive(Default)]
pub(super) struct Attachments {
    /// Is being written.
    put: Option<ChunkId>,
    /// Was asked for.
    get: Option<ChunkId>,
    /// And is being read.
    reads: bool,
    missed: BTreeSet<ChunkId>,
    /// Could not be written, or read: when this connection may try again.
    later_put: Option<(ChunkId, i64)>,
    later_get: Option<(ChunkId, i64)>,
    n_asked: u32,
}

impl Member {
    /// A device asks.
    pub(super) fn hear_of_attachments(
        &mut self,
        ask: AttachmentAsk,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        if self.version < WITH_ATTACHMENTS {
            return Err(RefusedCode::BadMessage.into());
        }
        match ask {
            AttachmentAsk::Offer(attachment, names) => {
                if names.0.is_empty() {
                    return Err(RefusedCode::BadMessage.into());
                }
                let answer = match store.chunks_lacking(&self.tenant, &attachment, &names.0)? {
                    Some(lacking) => AttachmentAnswer::Lacking(attachment, lacking.into()),
                    None => AttachmentAnswer::Forgotten(attachment),
                };
                step.say(&RelayMessage::Attachments(answer));
            }
            AttachmentAsk::Put(chunk, bytes) => self.take_chunk(chunk, bytes.into(), store, now_ms, step)?,
            AttachmentAsk::Get(chunk) => {
                let attachments = &mut self.attachments;
                attachments.n_asked += 1;
                if attachments.get.is_some() || attachments.n_asked > MAX_CHUNK_ASKS {
                    return Err(RefusedCode::BadMessage.into());
                }
                attachments.get = Some(chunk);
            }
            AttachmentAsk::Forget(attachment) => {
                store.forget_attachment(&self.tenant, &attachment)?;
                step.objects.push(ObjectWork::Remove(self.tenant, attachment));
                step.say(&RelayMessage::Attachments(AttachmentAnswer::Forgotten(attachment)));
            }
        }
        self.tell_news(store, now_ms, step)
    }

    fn take_chunk(
        &mut self,
        chunk: ChunkId,
        bytes: Vec<u8>,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        if self.attachments.put.is_some() {
            return Err(RefusedCode::BadMessage.into());
        }
        let place = if bytes.len() > MAX_SEALED_CHUNK_BYTES {
            ChunkPlace::Refused(ChunkRefusal::TooLarge)
        } else if seal::chunk_name(&bytes) != chunk.name {
            ChunkPlace::Refused(ChunkRefusal::WrongName)
        } else {
            store.place_for(&self.tenant, &chunk)?
        };
        if place == ChunkPlace::Free && !store.takes_attachments(&self.tenant, now_ms)? {
            // The clinic's plan is full: its device keeps it, and is told when there is room.
            self.attachments.later_put = Some((chunk, now_ms.saturating_add(TRY_AGAIN_MS)));
            say_stored(chunk, Some(ChunkRefusal::Later), step);
            return Ok(());
        }
        match place {
            ChunkPlace::Here => say_stored(chunk, None, step),
            ChunkPlace::Refused(refusal) => say_stored(chunk, Some(refusal), step),
            ChunkPlace::Free => {
                self.attachments.put = Some(chunk);
                let tenant = self.tenant;
                step.objects.push(ObjectWork::Write(ObjectKey { tenant, chunk }, bytes));
            }
        }
        Ok(())
    }

    /// Work is done, and [`note`]d.
    pub(super) fn worked(
        &mut self,
        done: ObjectDone,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let again_ms = now_ms.saturating_add(TRY_AGAIN_MS);
        match done {
            ObjectDone::Written(key, n_bytes) if self.attachments.put == Some(key.chunk) => {
                self.attachments.put = None;
                let refusal = match n_bytes {
                    None => {
                        self.attachments.later_put = Some((key.chunk, again_ms));
                        Some(ChunkRefusal::Later)
                    }
                    Some(_) => match store.place_for(&key.tenant, &key.chunk)? {
                        ChunkPlace::Here => None,
                        ChunkPlace::Refused(refusal) => Some(refusal),
                        ChunkPlace::Free => Some(ChunkRefusal::Later),
                    },
                };
                say_stored(key.chunk, refusal, step);
            }
            ObjectDone::Read(key, read) if self.attachments.get == Some(key.chunk) => {
                (self.attachments.get, self.attachments.reads) = (None, false);
                match read {
                    // It may have been erased while it was read.
                    ObjectRead::Whole(bytes) if store.has_chunk(&self.tenant, &key.chunk)? => {
                        step.say(&RelayMessage::Attachments(AttachmentAnswer::Chunk(bytes.into())));
                    }
                    ObjectRead::Failed => {
                        self.attachments.later_get = Some((key.chunk, again_ms));
                        say_not_here(key.chunk, step);
                    }
                    _ => self.not_here(key.chunk, step),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn not_here(&mut self, chunk: ChunkId, step: &mut RelayStep) {
        if self.attachments.missed.len() < MAX_MISSED_CHUNKS {
            self.attachments.missed.insert(chunk);
        }
        say_not_here(chunk, step);
    }

    /// Serves what was asked for, and tells what has come that was asked for in vain. Everything else was told before.
    pub(super) fn tell_chunks(
        &mut self,
        store: &mut dyn RelayStore,
        now_ms: i64,
        step: &mut RelayStep,
    ) -> Result<(), Stop> {
        let is_due = |later: &mut (ChunkId, i64)| later.1 <= now_ms;
        if let Some((chunk, _)) = self.attachments.later_put.take_if(is_due) {
            if store.takes_attachments(&self.tenant, now_ms)? {
                say_names(vec![chunk], AttachmentAnswer::Lost, step);
            } else {
                self.attachments.later_put = Some((chunk, now_ms.saturating_add(TRY_AGAIN_MS)));
            }
        }
        if let Some((chunk, _)) = self.attachments.later_get.take_if(is_due) {
            self.attachments.missed.insert(chunk);
        }
        if let (Some(chunk), false) = (self.attachments.get, self.attachments.reads) {
            if store.has_chunk(&self.tenant, &chunk)? {
                self.attachments.reads = true;
                let tenant = self.tenant;
                step.objects.push(ObjectWork::Read(ObjectKey { tenant, chunk }));
            } else {
                self.attachments.get = None;
                self.not_here(chunk, step);
            }
        }
        let mut came = Vec::new();
        for chunk in &self.attachments.missed {
            if store.has_chunk(&self.tenant, chunk)? {
                came.push(*chunk);
            }
        }
        for chunk in &came {
            self.attachments.missed.remove(chunk);
        }
        say_names(came, AttachmentAnswer::Here, step);
        Ok(())
    }
}

/// Tells a member what of its clinic's chunks was here and is lost.
pub(super) fn tell_lost(tenant: &TenantId, store: &mut dyn RelayStore, step: &mut RelayStep) -> Result<(), Stop> {
    let lost = store.lost_chunks(tenant, MAX_MISSED_CHUNKS)?;
    say_names(lost, AttachmentAnswer::Lost, step);
    Ok(())
}

/// Brings into the rows what came of work with objects, whoever had asked for it.
pub(super) fn note(done: &ObjectDone, store: &mut dyn RelayStore, step: &mut RelayStep) -> Result<(), Stop> {
    match done {
        ObjectDone::Written(key, Some(n_bytes)) => {
            let refused = store.chunk_came(&key.tenant, &key.chunk, *n_bytes)?;
            if refused == Some(ChunkRefusal::Forgotten) {
                step.objects.push(ObjectWork::Remove(key.tenant, key.chunk.attachment));
            }
            // Somebody may wait for it.
            step.wake.push(Wake::Clinic(key.tenant));
        }
        ObjectDone::Read(key, ObjectRead::Lost) => {
            // Its row may be gone as well: it was erased while it was read.
            if store.has_chunk(&key.tenant, &key.chunk)? {
                store.chunk_lost(&key.tenant, &key.chunk)?;
            }
        }
        ObjectDone::Removed(tenant, attachment) => store.attachment_removed(tenant, attachment)?,
        ObjectDone::Written(_, None) | ObjectDone::Read(..) => {}
    }
    Ok(())
}

fn say_not_here(chunk: ChunkId, step: &mut RelayStep) {
    step.say(&RelayMessage::Attachments(AttachmentAnswer::NotHere(chunk.name)));
}

fn say_stored(chunk: ChunkId, refusal: Option<ChunkRefusal>, step: &mut RelayStep) {
    step.say(&RelayMessage::Attachments(AttachmentAnswer::Stored(
        chunk.name, refusal,
    )));
}

/// One message for each attachment, or more.
fn say_names(
    chunks: Vec<ChunkId>,
    answer: impl Fn(AttachmentId, crate::ChunkNames) -> AttachmentAnswer,
    step: &mut RelayStep,
) {
    let mut by_attachment: BTreeMap<AttachmentId, Vec<ChunkName>> = BTreeMap::new();
    for ChunkId { attachment, name } in chunks {
        by_attachment.entry(attachment).or_default().push(name);
    }
    for (attachment, names) in by_attachment {
        for names in names.chunks(MAX_CHUNK_NAMES) {
            step.say(&RelayMessage::Attachments(answer(attachment, names.to_vec().into())));
        }
    }
}
