//! What a sealed change holds once it is open: who wrote it, in which document, and an Automerge change or a fact.
//!
//! CBOR inside bounded deflate. Automerge's own compression is refused: a small compressed chunk can inflate to
//! hundreds of megabytes before anything is checked, so that only plain chunks are taken, under our own limit.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use minicbor::{Decode, Encode};

use crate::VaultError;

/// The most that a payload may inflate to, in bytes.
const MAX_INFLATED: u64 = 1024 * 1024;

/// The first byte of the sealed plain text: deflate of CBOR. Other numbers are a newer build's.
const DEFLATED_CBOR: u8 = 1;

/// An Automerge chunk starts with four magic bytes and a checksum of four; then comes its type, 1 = plain change.
const CHUNK_TYPE_AT: usize = 8;
const PLAIN_CHANGE: u8 = 1;

/// An opened sealed change. Keys of a newer build are skipped; the sealed bytes keep them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Payload {
    /// The staff member at the keyboard; `None` for what no person did.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub staff: Option<[u8; 16]>,
    /// Path of the document, whose keyed hash is in the header.
    #[n(1)]
    pub path: String,
    /// A plain Automerge change chunk.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub change: Option<Vec<u8>>,
    /// A fact.
    #[n(3)]
    pub fact: Option<FactPayload>,
    /// When, in milliseconds since 1970, UTC, by the writer's clock; a fact has its own.
    #[n(4)]
    pub at_ms: Option<i64>,
}

/// A fact as it is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct FactPayload {
    /// Which kind of fact.
    #[n(0)]
    pub kind: u16,
    /// When, in milliseconds since 1970, UTC, by the writer's clock.
    #[n(1)]
    pub at_ms: i64,
    /// The person's signature; `None` where none is asked for.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: Option<[u8; 64]>,
    /// JSON, exactly as it was signed.
    #[n(3)]
    pub body: String,
}

impl Payload {
    /// The bytes to seal.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`] when it would not be read back.
    pub(crate) fn pack(&self) -> Result<Vec<u8>, VaultError> {
        let plain = minicbor::to_vec(self).expect("writing to a Vec cannot fail");
        if plain.len() as u64 > MAX_INFLATED {
            return Err(VaultError::TooLarge);
        }
        let mut deflate = DeflateEncoder::new(vec![DEFLATED_CBOR], Compression::default());
        deflate.write_all(&plain)?;
        Ok(deflate.finish()?)
    }

    /// Reads what was sealed; the word in an error becomes the reason of a quarantine.
    pub(crate) fn unpack(bytes: &[u8]) -> Result<Self, &'static str> {
        let (&DEFLATED_CBOR, deflated) = bytes.split_first().ok_or("empty")? else {
            return Err("newer_payload");
        };
        let mut plain = Vec::new();
        let read = DeflateDecoder::new(deflated)
            .take(MAX_INFLATED + 1)
            .read_to_end(&mut plain);
        if plain.len() as u64 > MAX_INFLATED {
            return Err("inflates_too_far");
        }
        read.map_err(|_| "malformed_payload")?;
        minicbor::decode(&plain).map_err(|_| "malformed_payload")
    }

    /// The Automerge change inside, if it is a plain one.
    pub(crate) fn automerge(&self) -> Result<automerge::Change, &'static str> {
        let chunk = self.change.as_deref().ok_or("no_change_inside")?;
        if chunk.get(CHUNK_TYPE_AT) != Some(&PLAIN_CHANGE) {
            return Err("compressed_chunk");
        }
        automerge::Change::from_bytes(chunk.to_vec()).map_err(|_| "malformed_change")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn payload(change: Vec<u8>) -> Payload {
        Payload {
            staff: Some([1; 16]),
            path: "clinic".into(),
            change: Some(change),
            fact: None,
            at_ms: Some(1),
        }
    }

    #[test]
    fn a_payload_reads_back() {
        let payload = payload(vec![9; 1000]);
        assert_eq!(Payload::unpack(&payload.pack().unwrap()), Ok(payload));
    }

    #[test]
    fn a_small_body_that_inflates_too_far_is_refused_before_it_is_decoded() {
        let mut deflate = DeflateEncoder::new(vec![DEFLATED_CBOR], Compression::best());
        deflate.write_all(&vec![0; 64 * 1024 * 1024]).unwrap();
        let bomb = deflate.finish().unwrap();
        assert!(bomb.len() < 128 * 1024);
        assert_eq!(Payload::unpack(&bomb), Err("inflates_too_far"));
        assert!(matches!(
            payload(vec![0; 1024 * 1024]).pack(),
            Err(VaultError::TooLarge)
        ));
    }

    #[test]
    fn automerges_own_compression_is_refused() {
        let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 2];
        chunk.extend([0; 20]);
        assert_eq!(payload(chunk).automerge().unwrap_err(), "compressed_chunk");
    }

    #[test]
    fn a_payload_of_a_newer_build_is_told_apart_from_a_broken_one() {
        assert_eq!(Payload::unpack(&[2, 0, 0]), Err("newer_payload"));
        assert_eq!(Payload::unpack(&[DEFLATED_CBOR, 0xff, 0xff]), Err("malformed_payload"));
    }
}
