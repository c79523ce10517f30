//! What the protocol asks of a relay for attachments: rows of its store, each in one transaction, and work with the objects
//! that hold the chunks, which the shell does wherever they are kept.

use seal::{AttachmentId, ChunkName, TenantId};

use crate::{ChunkId, ChunkRefusal, RelayStoreFailed};

/// The object that holds one chunk of one clinic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The clinic.
    pub tenant: TenantId,
    /// The chunk.
    pub chunk: ChunkId,
}

/// Work with objects, to be done by the shell: it may take long, and nothing else waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectWork {
    /// Write this object, whole and durable. An object of this name holds these bytes already, if there is one.
    Write(ObjectKey, Vec<u8>),
    /// Read this object.
    Read(ObjectKey),
    /// Remove every object of an attachment.
    Remove(TenantId, AttachmentId),
}

/// Work that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectDone {
    /// Whether it is whole and durable, and how many bytes it has.
    Written(ObjectKey, Option<u64>),
    /// What was read.
    Read(ObjectKey, ObjectRead),
    /// Nothing of it is there any more.
    Removed(TenantId, AttachmentId),
}

/// What reading an object gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectRead {
    /// These bytes, and their hash is the object's name.
    Whole(Vec<u8>),
    /// It is not there, or is not what was written.
    Lost,
    /// The place where objects are kept does not answer.
    Failed,
}

/// Whether a chunk may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkPlace {
    /// It is here already.
    Here,
    /// It may come.
    Free,
    /// It may not.
    Refused(ChunkRefusal),
}

/// The rows that say which chunks a relay has. A row is there only after its object is whole.
pub trait RelayChunks {
    /// Which of these are not here; `None` when the attachment was erased.
    fn chunks_lacking(
        &mut self,
        tenant: &TenantId,
        attachment: &AttachmentId,
        names: &[ChunkName],
    ) -> Result<Option<Vec<ChunkName>>, RelayStoreFailed>;

    /// Whether this chunk may come.
    fn place_for(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<ChunkPlace, RelayStoreFailed>;

    /// Whether this chunk is here.
    fn has_chunk(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<bool, RelayStoreFailed>;

    /// The object is whole and durable: from now on the chunk is here, unless the attachment was erased meanwhile or has
    /// too many.
    fn chunk_came(
        &mut self,
        tenant: &TenantId,
        chunk: &ChunkId,
        n_bytes: u64,
    ) -> Result<Option<ChunkRefusal>, RelayStoreFailed>;

    /// The object is gone: the chunk was here, and is wanted again.
    fn chunk_lost(&mut self, tenant: &TenantId, chunk: &ChunkId) -> Result<(), RelayStoreFailed>;

    /// Chunks that were here and are lost, at most `max`.
    fn lost_chunks(&mut self, tenant: &TenantId, max: usize) -> Result<Vec<ChunkId>, RelayStoreFailed>;

    /// Nothing of this attachment is here from now on, nor will ever be. Its objects are removed next.
    fn forget_attachment(&mut self, tenant: &TenantId, attachment: &AttachmentId) -> Result<(), RelayStoreFailed>;

    /// Its objects are removed.
    fn attachment_removed(&mut self, tenant: &TenantId, attachment: &AttachmentId) -> Result<(), RelayStoreFailed>;
}
