//! The contract of [`ChunkStore`] in its plainest form.

use std::collections::{BTreeMap, BTreeSet};

use seal::{AttachmentId, ChunkName};

use super::MemoryStore;
use crate::{ChunkId, ChunkSource, ChunkStore, Claim, Incarnation, StoreError};

/// What a [`MemoryStore`] holds of attachments.
#[derive(Debug, Clone, Default)]
pub struct Chunks {
    /// Chunks that are here.
    pub here: BTreeMap<ChunkId, Vec<u8>>,
    /// Those that are wanted, the first first.
    pub wanted: Vec<ChunkId>,
    /// Those that the relay is known to have.
    pub at_relay: BTreeSet<ChunkId>,
    /// Those that it does not take.
    pub refused: BTreeSet<ChunkId>,
    /// Attachments that were erased.
    pub erased: BTreeSet<AttachmentId>,
    /// Those of which the relay is still to be told.
    pub to_forget: BTreeSet<AttachmentId>,
    /// Chunks that came and were stored, in their order.
    pub came: Vec<(ChunkId, bool)>,
    /// There is room for no more.
    pub is_full: bool,
    has_no_room: bool,
    life: Option<Incarnation>,
}

impl MemoryStore {
    /// This device records a chunk.
    pub fn record_chunk(&self, attachment: AttachmentId, bytes: Vec<u8>) -> ChunkId {
        let name = seal::chunk_name(&bytes);
        let chunk = ChunkId { attachment, name };
        self.lock().chunks.here.insert(chunk, bytes);
        chunk
    }

    /// Somebody wants to hear these; with room again, if there was none.
    pub fn want_chunks(&self, chunks: impl IntoIterator<Item = ChunkId>) {
        let mut held = self.lock();
        held.chunks.has_no_room = false;
        for chunk in chunks {
            if !held.chunks.here.contains_key(&chunk) {
                held.chunks.wanted.push(chunk);
            }
        }
    }

    /// The disk is full, or is not any more.
    pub fn fill(&self, is_full: bool) {
        self.lock().chunks.is_full = is_full;
    }

    /// The attachment was erased.
    pub fn erase_attachment(&self, attachment: AttachmentId) {
        let chunks = &mut self.lock().chunks;
        chunks.erased.insert(attachment);
        chunks.to_forget.insert(attachment);
        chunks.here.retain(|chunk, _| chunk.attachment != attachment);
        chunks.wanted.retain(|chunk| chunk.attachment != attachment);
    }
}

fn ids<'a>(attachment: &'a AttachmentId, names: &'a [ChunkName]) -> impl Iterator<Item = ChunkId> + 'a {
    names.iter().map(|name| ChunkId {
        attachment: *attachment,
        name: *name,
    })
}

impl ChunkStore for MemoryStore {
    fn begin_attachments(&self, life: &Incarnation) -> Result<(), StoreError> {
        let chunks = &mut self.lock().chunks;
        if chunks.life.replace(*life) != Some(*life) {
            chunks.at_relay.clear();
            chunks.refused.clear();
            chunks.to_forget = chunks.erased.clone();
        }
        Ok(())
    }

    fn chunks_to_offer(&self, max: usize) -> Result<Option<(AttachmentId, Vec<ChunkName>)>, StoreError> {
        let chunks = &self.lock().chunks;
        let is_new = |chunk: &&ChunkId| !chunks.at_relay.contains(chunk) && !chunks.refused.contains(chunk);
        let Some(first) = chunks.here.keys().find(is_new) else {
            return Ok(None);
        };
        let of_it = chunks.here.keys().filter(|chunk| chunk.attachment == first.attachment);
        let names = of_it.filter(is_new).take(max).map(|chunk| chunk.name).collect();
        Ok(Some((first.attachment, names)))
    }

    fn chunks_at_relay(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        self.lock().chunks.at_relay.extend(ids(attachment, names));
        Ok(())
    }

    fn chunks_refused(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        self.lock().chunks.refused.extend(ids(attachment, names));
        Ok(())
    }

    fn chunks_lost(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError> {
        let chunks = &mut self.lock().chunks;
        for chunk in ids(attachment, names) {
            chunks.at_relay.remove(&chunk);
        }
        Ok(())
    }

    fn holds_chunk(&self, chunk: &ChunkId) -> Result<bool, StoreError> {
        Ok(self.lock().chunks.here.contains_key(chunk))
    }

    fn chunk(&self, chunk: &ChunkId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.lock().chunks.here.get(chunk).cloned())
    }

    fn wanted_chunk(&self, passed_over: &BTreeSet<ChunkId>) -> Result<Option<(ChunkId, Claim)>, StoreError> {
        let wanted = {
            let chunks = &self.lock().chunks;
            if chunks.has_no_room {
                Vec::new()
            } else {
                chunks.wanted.clone()
            }
        };
        let mut open = wanted.into_iter().filter(|chunk| !passed_over.contains(chunk));
        Ok(open.find_map(|chunk| Some((chunk, self.claims.take(chunk)?))))
    }

    fn absorb_chunk(&self, chunk: &ChunkId, bytes: &[u8], from: ChunkSource) -> Result<(), StoreError> {
        let chunks = &mut self.lock().chunks;
        if !chunks.wanted.contains(chunk) {
            return Ok(());
        }
        if chunks.is_full {
            chunks.has_no_room = true;
            return Err(StoreError::DiskFull);
        }
        chunks.wanted.retain(|wanted| wanted != chunk);
        chunks.here.insert(*chunk, bytes.to_vec());
        chunks.came.push((*chunk, from == ChunkSource::Relay));
        if from == ChunkSource::Relay {
            chunks.at_relay.insert(*chunk);
        }
        Ok(())
    }

    fn attachment_to_forget(&self) -> Result<Option<AttachmentId>, StoreError> {
        Ok(self.lock().chunks.to_forget.first().copied())
    }

    fn attachment_forgotten(&self, attachment: &AttachmentId) -> Result<(), StoreError> {
        self.lock().chunks.to_forget.remove(attachment);
        Ok(())
    }
}
