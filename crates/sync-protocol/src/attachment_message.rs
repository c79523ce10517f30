//! What is said about attachments: sealed chunks, named by their hashes. Since version 3 of both protocols.
//!
//! At most one chunk is on its way in each direction, so that whatever is more urgent never waits behind more than one.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use seal::{AttachmentId, ChunkName};

use crate::Few;
use crate::codes::cbor_codes;
use crate::limits::MAX_CHUNK_NAMES;

/// Chunks of one attachment, by name.
pub type ChunkNames = Few<ChunkName, MAX_CHUNK_NAMES>;

/// One chunk of one attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct ChunkId {
    /// Whose.
    #[n(0)]
    pub attachment: AttachmentId,
    /// The hash of its bytes.
    #[n(1)]
    pub name: ChunkName,
}

/// What a device says to its relay. One of the first, second and last at a time, and one `Get` beside it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum AttachmentAsk {
    /// These chunks are here. Answered by `Lacking` or `Forgotten`.
    #[n(0)]
    Offer(#[n(0)] AttachmentId, #[n(1)] ChunkNames),
    /// A chunk. Answered by `Stored`.
    #[n(1)]
    Put(#[n(0)] ChunkId, #[n(1)] ByteVec),
    /// This chunk, please. Answered by `Chunk` or `NotHere`.
    #[n(2)]
    Get(#[n(0)] ChunkId),
    /// This attachment was erased. Answered by `Forgotten`.
    #[n(3)]
    Forget(#[n(0)] AttachmentId),
}

/// What a relay says to a device.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum AttachmentAnswer {
    /// Of what was offered these are not here.
    #[n(0)]
    Lacking(#[n(0)] AttachmentId, #[n(1)] ChunkNames),
    /// What became of a chunk; `None`: it is durably here.
    #[n(1)]
    Stored(#[n(0)] ChunkName, #[n(1)] Option<ChunkRefusal>),
    /// What was asked for.
    #[n(2)]
    Chunk(#[n(0)] ByteVec),
    /// What was asked for is not here, or not this clinic's; which of the two is not said.
    #[n(3)]
    NotHere(#[n(0)] ChunkName),
    /// These were asked for in vain, and have come.
    #[n(4)]
    Here(#[n(0)] AttachmentId, #[n(1)] ChunkNames),
    /// This attachment was erased: nothing of it is here, nor will ever be taken.
    #[n(5)]
    Forgotten(#[n(0)] AttachmentId),
    /// These were here and are lost, or could not be kept a while ago: whoever has them may offer them again.
    #[n(6)]
    Lost(#[n(0)] AttachmentId, #[n(1)] ChunkNames),
}

/// What two devices of a clinic say to each other.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum PeerChunks {
    /// This chunk, please. Answered by `Chunk` or `NotHere`; the next one waits for that.
    #[n(0)]
    Get(#[n(0)] ChunkId),
    /// What was asked for.
    #[n(1)]
    Chunk(#[n(0)] ByteVec),
    /// What was asked for is not here.
    #[n(2)]
    NotHere(#[n(0)] ChunkName),
    /// These were asked for in vain, and have come.
    #[n(3)]
    Here(#[n(0)] AttachmentId, #[n(1)] ChunkNames),
}

/// Why a relay does not take a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChunkRefusal {
    /// Its name is not the hash of its bytes.
    WrongName,
    /// Larger than a sealed chunk can be.
    TooLarge,
    /// The attachment has as many as one may have.
    TooMany,
    /// The attachment was erased.
    Forgotten,
    /// Not now: there is no room, or the place where chunks are kept does not answer. Also what a newer relay may add.
    Later,
}

impl ChunkRefusal {
    /// A stable name for logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongName => "wrong_name",
            Self::TooLarge => "too_large",
            Self::TooMany => "too_many",
            Self::Forgotten => "forgotten",
            Self::Later => "later",
        }
    }
}

cbor_codes!(ChunkRefusal {
    WrongName = 0,
    TooLarge = 1,
    TooMany = 2,
    Forgotten = 3,
    Later = 4,
} else Later);
