//! What the protocol asks of a device's store so that chunks of attachments reach the relay and the clinic's other devices.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use seal::{AttachmentId, ChunkName};

use crate::{ChunkId, Incarnation, StoreError};

/// Who gave a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkSource {
    /// The relay: so it has it.
    Relay,
    /// Another device of the clinic.
    Peer,
}

/// The chunks that lie on a device, those that it wants, and what it knows of the relay's.
///
/// The rules of [`crate::SyncStore`] hold here too: calls block, and what they wrote is durable.
pub trait ChunkStore: Send + Sync {
    /// The relay that answers keeps its attachments in this life of its data. In another one than the last, nothing is
    /// known to be there, and what was erased is to be told again.
    fn begin_attachments(&self, life: &Incarnation) -> Result<(), StoreError>;

    /// An attachment of which chunks are here that the relay is not known to have and has not refused: at most `max`.
    fn chunks_to_offer(&self, max: usize) -> Result<Option<(AttachmentId, Vec<ChunkName>)>, StoreError>;

    /// The relay has these durably.
    fn chunks_at_relay(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError>;

    /// The relay will not take these, in this life of its data; or they cannot be read here.
    fn chunks_refused(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError>;

    /// The relay had these and lost them.
    fn chunks_lost(&self, attachment: &AttachmentId, names: &[ChunkName]) -> Result<(), StoreError>;

    /// Whether this chunk is here.
    fn holds_chunk(&self, chunk: &ChunkId) -> Result<bool, StoreError>;

    /// The bytes of a chunk; `None` when it is not here, or no longer what it was. They are those of its name.
    fn chunk(&self, chunk: &ChunkId) -> Result<Option<Vec<u8>>, StoreError>;

    /// The first chunk that is wanted and not here, and that neither stands in `passed_over` nor is claimed by another
    /// connection. Whoever asks holds the claim until it has come, or is passed over.
    ///
    /// After an [`StoreError::DiskFull`] of [`ChunkStore::absorb_chunk`] there is none, until there may be room again.
    fn wanted_chunk(&self, passed_over: &BTreeSet<ChunkId>) -> Result<Option<(ChunkId, Claim)>, StoreError>;

    /// Stores a chunk; the caller has compared its bytes with its name. One that is not wanted (any more) is not kept.
    fn absorb_chunk(&self, chunk: &ChunkId, bytes: &[u8], from: ChunkSource) -> Result<(), StoreError>;

    /// An erased attachment of which the relay is still to be told.
    fn attachment_to_forget(&self) -> Result<Option<AttachmentId>, StoreError>;

    /// The relay was told.
    fn attachment_forgotten(&self, attachment: &AttachmentId) -> Result<(), StoreError>;
}

/// Who asks for which chunk, over all connections of a device: none is asked for twice at one time.
#[derive(Clone)]
pub struct Claims {
    held: Arc<Mutex<BTreeSet<ChunkId>>>,
    let_go: Arc<dyn Fn() + Send + Sync>,
}

/// One claim. Dropping it lets go.
pub struct Claim {
    chunk: ChunkId,
    of: Claims,
}

impl Claims {
    /// No claims yet. `let_go` is called after each that ends: another connection may have a use for it.
    pub fn new(let_go: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            held: Arc::default(),
            let_go: Arc::new(let_go),
        }
    }

    /// Claims a chunk; `None` while another has it.
    pub fn take(&self, chunk: ChunkId) -> Option<Claim> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(chunk).then(|| Claim {
            chunk,
            of: self.clone(),
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut held = self.of.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.chunk);
        drop(held);
        (self.of.let_go)();
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim({:?})", self.chunk)
    }
}
