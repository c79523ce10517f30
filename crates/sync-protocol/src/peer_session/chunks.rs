//! Chunks of attachments between two devices: asked for when both hold the same otherwise, one at a time each way.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::bytes::ByteVec;
use seal::{AttachmentId, ChunkName};

use super::{PeerEvent, PeerStep, Stop};
use crate::limits::{MAX_CHUNK_ASKS, MAX_CHUNK_NAMES, MAX_MISSED_CHUNKS, PEER_VERSION, PEER_WITH_ATTACHMENTS};
use crate::{ChunkId, ChunkSource, Claim, PeerChunks, PeerMessage, PeerStore, RefusedCode, StoreError};

/// What one side keeps of it.
pub(super) struct Chunks {
    speaks: bool,
    asked: Option<(ChunkId, Claim)>,
    /// Asked for in vain.
    passed_over: BTreeSet<ChunkId>,
    /// Of these the other side gave other bytes: it is not asked again.
    wrong: BTreeSet<ChunkId>,
    /// The other side asked for this one.
    owed: Option<ChunkId>,
    n_asked: u32,
    /// The other side asked for these in vain.
    missed: BTreeSet<ChunkId>,
}

impl Chunks {
    /// `newest`: the newest version of the protocol that the other side speaks.
    pub(super) fn begin(newest: u16) -> Self {
        Self {
            speaks: PEER_VERSION.min(newest) >= PEER_WITH_ATTACHMENTS,
            asked: None,
            passed_over: BTreeSet::new(),
            wrong: BTreeSet::new(),
            owed: None,
            n_asked: 0,
            missed: BTreeSet::new(),
        }
    }

    pub(super) fn hear(&mut self, store: &dyn PeerStore, message: PeerChunks, step: &mut PeerStep) -> Result<(), Stop> {
        if !self.speaks {
            return Err(RefusedCode::BadMessage.into());
        }
        match message {
            PeerChunks::Get(chunk) => {
                self.n_asked += 1;
                if self.owed.replace(chunk).is_some() || self.n_asked > MAX_CHUNK_ASKS {
                    return Err(RefusedCode::BadMessage.into());
                }
            }
            PeerChunks::Chunk(bytes) => self.came(store, &bytes, step)?,
            PeerChunks::NotHere(name) => {
                let (chunk, claim) = self.asked.take().ok_or(RefusedCode::BadMessage)?;
                if chunk.name != name {
                    return Err(RefusedCode::BadMessage.into());
                }
                self.passed_over.insert(chunk);
                drop(claim);
            }
            PeerChunks::Here(attachment, names) => {
                for name in names.0 {
                    let chunk = ChunkId { attachment, name };
                    if !self.wrong.contains(&chunk) {
                        self.passed_over.remove(&chunk);
                    }
                }
            }
        }
        Ok(())
    }

    fn came(&mut self, store: &dyn PeerStore, bytes: &ByteVec, step: &mut PeerStep) -> Result<(), Stop> {
        let (chunk, claim) = self.asked.take().ok_or(RefusedCode::BadMessage)?;
        if seal::chunk_name(bytes) == chunk.name {
            match store.absorb_chunk(&chunk, bytes, ChunkSource::Peer) {
                // The fetch pauses; everything else goes on.
                Ok(()) | Err(StoreError::DiskFull) => step.events.push(PeerEvent::Moved),
                Err(error) => return Err(error.into()),
            }
        } else {
            self.passed_over.insert(chunk);
            self.wrong.insert(chunk);
        }
        drop(claim);
        Ok(())
    }

    /// Gives what is owed: called when nothing else is to be told.
    pub(super) fn give(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), StoreError> {
        let Some(chunk) = self.owed.take() else {
            return Ok(());
        };
        match store.chunk(&chunk)? {
            Some(bytes) => step.say(&PeerMessage::Chunks(PeerChunks::Chunk(bytes.into()))),
            None => {
                if self.missed.len() < MAX_MISSED_CHUNKS {
                    self.missed.insert(chunk);
                }
                step.say(&PeerMessage::Chunks(PeerChunks::NotHere(chunk.name)));
            }
        }
        Ok(())
    }

    /// Asks for the next: called when nothing else is to be asked or heard.
    pub(super) fn ask(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), StoreError> {
        if self.speaks
            && self.asked.is_none()
            && let Some((chunk, claim)) = store.wanted_chunk(&self.passed_over)?
        {
            step.say(&PeerMessage::Chunks(PeerChunks::Get(chunk)));
            self.asked = Some((chunk, claim));
        }
        Ok(())
    }

    /// Something came into the store: is it what the other side asked for in vain?
    pub(super) fn look_for_missed(&mut self, store: &dyn PeerStore, step: &mut PeerStep) -> Result<(), StoreError> {
        let mut came: BTreeMap<AttachmentId, Vec<ChunkName>> = BTreeMap::new();
        for chunk in &self.missed {
            if store.holds_chunk(chunk)? {
                came.entry(chunk.attachment).or_default().push(chunk.name);
            }
        }
        for (attachment, names) in came {
            for names in names.chunks(MAX_CHUNK_NAMES) {
                names.iter().for_each(|name| {
                    self.missed.remove(&ChunkId {
                        attachment,
                        name: *name,
                    });
                });
                step.say(&PeerMessage::Chunks(PeerChunks::Here(
                    attachment,
                    names.to_vec().into(),
                )));
            }
        }
        Ok(())
    }
}
