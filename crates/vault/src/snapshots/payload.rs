//! What a sealed change of the kind *snapshot* holds once it is open: a document's whole state, or the word of a device
//! that it has compared others' snapshots with its own changes.
//!
//! CBOR inside bounded deflate, as in `payload`, with the bound of a snapshot. Which of the two it is the path tells.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};

use super::numbers::HeldOfOpening;
use crate::VaultError;
use crate::documents::DocPath;

/// The path under which confirmations stand. Frozen: ids are derived from it. It is no document.
pub(crate) const CONFIRMATIONS: &str = "snapshots";

/// The most that a snapshot may inflate to, in bytes.
pub(crate) const MAX_INFLATED: usize = seal::MAX_SNAPSHOT_BYTES;

/// As many snapshots as one confirmation may name.
pub(crate) const MAX_CONFIRMED: usize = 256;

/// The first byte of the sealed plain text, as in `payload`.
const DEFLATED_CBOR: u8 = 1;

/// A document's whole state.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SnapshotPayload {
    /// Path of the document, whose keyed hash is in the header.
    #[n(0)]
    pub path: String,
    /// One Automerge document chunk without any compression of Automerge's own.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub document: Vec<u8>,
    /// Its heads: they commit to all of its history.
    #[n(2)]
    pub heads: Vec<ByteArray<32>>,
    /// How many Automerge changes that history has, the fixed first one included.
    #[n(3)]
    pub n_changes: u64,
    /// Which sealed changes it holds, and which earlier snapshots and confirmations it makes superfluous.
    #[n(4)]
    pub held: Vec<HeldOfOpening>,
}

/// The word of a device for snapshots of others.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Confirmation {
    /// [`CONFIRMATIONS`].
    #[n(0)]
    pub path: String,
    /// The ids of the snapshots.
    #[n(5)]
    pub snapshots: Vec<ByteArray<32>>,
}

/// The bytes to seal.
///
/// # Errors
/// [`VaultError::TooLarge`] when they would not be read back.
pub(crate) fn pack(payload: &impl Encode<()>) -> Result<Vec<u8>, VaultError> {
    let plain = minicbor::to_vec(payload).expect("writing to a Vec cannot fail");
    if plain.len() > MAX_INFLATED {
        return Err(VaultError::TooLarge);
    }
    let mut deflate = DeflateEncoder::new(vec![DEFLATED_CBOR], Compression::default());
    deflate.write_all(&plain)?;
    Ok(deflate.finish()?)
}

/// Reads what was sealed; the word in an error becomes the reason of a quarantine.
pub(crate) fn unpack<T: for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Result<T, &'static str> {
    let (&DEFLATED_CBOR, deflated) = bytes.split_first().ok_or("empty")? else {
        return Err("newer_payload");
    };
    let mut plain = Vec::new();
    let limit = MAX_INFLATED as u64 + 1;
    let read = DeflateDecoder::new(deflated).take(limit).read_to_end(&mut plain);
    if plain.len() > MAX_INFLATED {
        return Err("inflates_too_far");
    }
    read.map_err(|_| "malformed_payload")?;
    minicbor::decode(&plain).map_err(|_| "malformed_payload")
}

/// The path of the document that a snapshot is of; `None` for a word for other snapshots, and for what cannot be read.
pub(crate) fn path_in(bytes: &[u8]) -> Option<DocPath> {
    #[derive(Decode)]
    #[cbor(map)]
    struct Path {
        #[n(0)]
        path: String,
    }
    unpack::<Path>(bytes).ok()?.path.parse().ok()
}

impl Confirmation {
    pub(crate) fn of(snapshots: impl Iterator<Item = [u8; 32]>) -> Self {
        Self {
            path: CONFIRMATIONS.to_owned(),
            snapshots: snapshots.map(ByteArray::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_snapshot_reads_back_and_one_byte_more_than_it_may_hold_is_refused() {
        let with = |n_bytes| SnapshotPayload {
            path: "clinic".into(),
            document: vec![7; n_bytes],
            heads: vec![[1; 32].into()],
            n_changes: 3,
            held: Vec::new(),
        };
        let small = with(1000);
        assert_eq!(unpack(&pack(&small).unwrap()), Ok(small));
        let beside = minicbor::to_vec(with(MAX_INFLATED)).unwrap().len() - MAX_INFLATED;
        assert!(pack(&with(MAX_INFLATED - beside)).is_ok());
        assert!(matches!(
            pack(&with(MAX_INFLATED - beside + 1)),
            Err(VaultError::TooLarge)
        ));
    }

    #[test]
    fn a_small_body_that_inflates_too_far_is_refused_before_it_is_decoded() {
        let mut deflate = DeflateEncoder::new(vec![DEFLATED_CBOR], Compression::best());
        deflate.write_all(&vec![0; MAX_INFLATED + 1]).unwrap();
        let bomb = deflate.finish().unwrap();
        assert!(bomb.len() < 16 * 1024);
        assert_eq!(unpack::<SnapshotPayload>(&bomb), Err("inflates_too_far"));
        assert_eq!(unpack::<SnapshotPayload>(&[2, 0]), Err("newer_payload"));
    }
}
