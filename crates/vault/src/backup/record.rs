//! The records of a backup: one letter, a length, and the bytes as they are stored.
//!
//! They come in the order of their letters, and the last one tells how many of each there were.

use domain::AttachmentId;
use minicbor::{Decode, Encode};

use super::BackupError;

/// The most that one record may hold: a snapshot, or a chunk of sound, and a little.
const MAX_RECORD_BYTES: usize = 9 * 1024 * 1024;

/// The version that this build writes, and the highest that it reads.
const VERSION: u16 = 1;

/// From this letter on, a build that does not know a record passes it over; what it must not miss comes before.
const FIRST_OPTIONAL: u8 = b'a';

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// The first: what the clinic had beside the set.
    About(About),
    /// A statement, of this clinic or of one that a grant joins it with.
    Statement(Vec<u8>),
    /// A grant.
    Grant(Vec<u8>),
    /// A revocation.
    Revocation(Vec<u8>),
    /// A sealed change.
    Change(Vec<u8>),
    /// A sealed chunk of sound.
    Chunk(Chunk),
    /// The last.
    End(Totals),
}

/// What the clinic had beside the set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct About {
    #[n(0)]
    pub version: u16,
    /// The relay's address, as the clinic wrote it.
    #[n(1)]
    pub relay: Option<String>,
}

/// A sealed chunk of sound, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Chunk {
    #[cbor(n(0), with = "minicbor::bytes")]
    pub attachment: [u8; 16],
    #[n(1)]
    pub place: u32,
    #[n(2)]
    pub millis: u32,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub sealed: Vec<u8>,
}

/// How many records of each kind there are, and the sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Totals {
    #[n(0)]
    pub version: u16,
    #[n(1)]
    pub statements: Total,
    #[n(2)]
    pub grants: Total,
    #[n(3)]
    pub revocations: Total,
    #[n(4)]
    pub changes: Total,
    #[n(5)]
    pub chunks: Total,
}

/// Of one kind: how many, and the exclusive or of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Total {
    #[n(0)]
    pub n: u64,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hashes: [u8; 32],
}

impl Total {
    fn add(&mut self, bytes: &[u8]) {
        self.n += 1;
        let hash = blake3::hash(bytes);
        self.hashes
            .iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(sum, byte)| *sum ^= byte);
    }
}

impl Totals {
    /// Counts one record more.
    pub fn add(&mut self, record: &Record) {
        self.version = VERSION;
        match record {
            Record::Statement(bytes) => self.statements.add(bytes),
            Record::Grant(bytes) => self.grants.add(bytes),
            Record::Revocation(bytes) => self.revocations.add(bytes),
            Record::Change(bytes) => self.changes.add(bytes),
            Record::Chunk(chunk) => self.chunks.add(&chunk.sealed),
            Record::About(_) | Record::End(_) => (),
        }
    }
}

impl Chunk {
    pub fn attachment(&self) -> AttachmentId {
        AttachmentId::from_bytes(self.attachment)
    }
}

impl Record {
    pub fn about(relay: Option<String>) -> Self {
        let version = VERSION;
        Self::About(About { version, relay })
    }

    /// The letter, and the bytes.
    pub fn encode(&self) -> (u8, Vec<u8>) {
        match self {
            Self::About(about) => (b'A', cbor(about)),
            Self::Statement(bytes) => (b'B', bytes.clone()),
            Self::Grant(bytes) => (b'C', bytes.clone()),
            Self::Revocation(bytes) => (b'D', bytes.clone()),
            Self::Change(bytes) => (b'E', bytes.clone()),
            Self::Chunk(chunk) => (b'F', cbor(chunk)),
            Self::End(totals) => (b'Z', cbor(totals)),
        }
    }

    /// Reads what has this letter; `None` for what a newer build added and this one may miss.
    pub fn decode(letter: u8, bytes: Vec<u8>) -> Result<Option<Self>, BackupError> {
        let damaged = |_| BackupError::Damaged;
        let record = match letter {
            b'A' => Self::About(minicbor::decode(&bytes).map_err(damaged)?),
            b'B' => Self::Statement(bytes),
            b'C' => Self::Grant(bytes),
            b'D' => Self::Revocation(bytes),
            b'E' => Self::Change(bytes),
            b'F' => Self::Chunk(minicbor::decode(&bytes).map_err(damaged)?),
            b'Z' => Self::End(minicbor::decode(&bytes).map_err(damaged)?),
            FIRST_OPTIONAL.. => return Ok(None),
            _ => return Err(BackupError::Newer),
        };
        match &record {
            Self::About(About { version, .. }) | Self::End(Totals { version, .. }) if *version > VERSION => {
                Err(BackupError::Newer)
            }
            _ => Ok(Some(record)),
        }
    }

    /// How long a record with this length may be.
    pub fn check_length(length: u32) -> Result<usize, BackupError> {
        let length = usize::try_from(length).map_err(|_| BackupError::Damaged)?;
        if length > MAX_RECORD_BYTES {
            return Err(BackupError::Damaged);
        }
        Ok(length)
    }
}

fn cbor(value: &impl Encode<()>) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to a Vec cannot fail")
}
