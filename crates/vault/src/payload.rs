//! What a sealed change holds once it is open: who wrote it, in which document, and an Automerge change or a fact.
//!
//! Two forms, told apart by the first byte: CBOR inside bounded deflate, as the first builds wrote it, and a shorter one
//! (`short`), which is written wherever it gives back the very payload. Automerge's own compression is refused: a small
//! compressed chunk can inflate to hundreds of megabytes before anything is checked, so that only plain chunks are taken,
//! under our own limit. Of those the operations are counted first (`columns`).

mod bytes;
mod chunk;
mod path;
mod short;

use std::cell::RefCell;

use automerge::ActorId;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use minicbor::{Decode, Encode};
use seal::{DeviceId, Header, OpeningId};

use crate::documents::DocPath;
use crate::vault::actor;
use crate::{VaultError, columns};

/// The most that a payload may inflate to, in bytes.
const MAX_INFLATED: u64 = 1024 * 1024;

/// The first byte of the sealed plain text: deflate of CBOR. Other numbers are a newer build's.
const DEFLATED_CBOR: u8 = 1;
/// Without what the header says already.
const SHORT: u8 = 2;

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
    /// The bytes to seal, for a change by this device in this opening: in the short form where that gives back the very
    /// payload, else in the first one.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`] when it would not be read back.
    pub(crate) fn pack(&self, device: &DeviceId, opening: &OpeningId) -> Result<Vec<u8>, VaultError> {
        let writer = actor(device, opening);
        if let Some(short) = short::pack(self, writer.to_bytes())
            && Self::unpack_by(&short, &writer).is_ok_and(|(same, _)| same == *self)
        {
            return Ok(short);
        }
        let plain = minicbor::to_vec(self).expect("writing to a Vec cannot fail");
        if plain.len() as u64 > MAX_INFLATED {
            return Err(VaultError::TooLarge);
        }
        Ok(deflate(&plain, vec![DEFLATED_CBOR])?)
    }

    /// Reads what was sealed under this header; the word in an error becomes the reason of a quarantine.
    pub(crate) fn unpack(bytes: &[u8], header: &Header) -> Result<Self, &'static str> {
        Self::unpack_by(bytes, &actor(&header.device, &header.opening)).map(|(payload, _)| payload)
    }

    /// Reads what this writer sealed, and says which document it names: `None` when this build does not know.
    pub(crate) fn unpack_by(bytes: &[u8], writer: &ActorId) -> Result<(Self, Option<DocPath>), &'static str> {
        match bytes.split_first().ok_or("empty")? {
            (&DEFLATED_CBOR, deflated) => {
                let payload: Self = minicbor::decode(&inflate(deflated)?).map_err(|_| "malformed_payload")?;
                let path = payload.path.parse().ok();
                Ok((payload, path))
            }
            (&SHORT, short) => short::unpack(short, writer.to_bytes()),
            _ => Err("newer_payload"),
        }
    }

    /// The Automerge change inside, if it is a plain one.
    pub(crate) fn automerge(&self) -> Result<automerge::Change, &'static str> {
        let chunk = self.change.as_deref().ok_or("no_change_inside")?;
        if chunk.get(CHUNK_TYPE_AT) != Some(&PLAIN_CHANGE) {
            return Err("compressed_chunk");
        }
        columns::check_change(chunk)?;
        automerge::Change::try_from(chunk).map_err(|_| "malformed_change")
    }
}

fn deflate(plain: &[u8], mut deflated: Vec<u8>) -> std::io::Result<Vec<u8>> {
    DEFLATER.with_borrow_mut(|deflater| {
        deflater.reset();
        loop {
            deflated.reserve(plain.len() + 64);
            let n_read = deflater.total_in() as usize;
            let rest = plain.get(n_read..).unwrap_or_default();
            if deflater.compress_vec(rest, &mut deflated, FlushCompress::Finish)? == Status::StreamEnd {
                return Ok(deflated);
            }
        }
    })
}

thread_local! {
    /// Making one of these takes longer than a change does: it has windows and tables which nothing small needs.
    static DEFLATER: RefCell<Compress> = RefCell::new(Compress::new(Compression::default(), false));
    static INFLATER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Most payloads inflate to less than this times their bytes, and need no second look for room.
const LIKELY: usize = 4;

fn inflate(deflated: &[u8]) -> Result<Vec<u8>, &'static str> {
    let most = MAX_INFLATED as usize + 1;
    let mut plain = Vec::with_capacity((deflated.len().saturating_mul(LIKELY)).clamp(512, most));
    let outcome = INFLATER.with_borrow_mut(|inflater| {
        inflater.reset(false);
        loop {
            let (n_read, n_before) = (inflater.total_in() as usize, plain.len());
            let rest = deflated.get(n_read..).unwrap_or_default();
            let status = inflater.decompress_vec(rest, &mut plain, FlushDecompress::Finish);
            let has_room = plain.len() < plain.capacity();
            match status {
                Ok(Status::StreamEnd) => return Ok(()),
                Err(_) => return Err("malformed_payload"),
                // The end is missing.
                Ok(_) if has_room && plain.len() == n_before => return Err("malformed_payload"),
                Ok(_) if has_room => {}
                Ok(_) if plain.capacity() >= most => return Ok(()),
                Ok(_) => plain.reserve_exact(plain.capacity().min(most - plain.capacity())),
            }
        }
    });
    if plain.len() as u64 > MAX_INFLATED {
        return Err("inflates_too_far");
    }
    outcome.map(|()| plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Read;

    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{AutoCommit, ReadDoc};

    use super::*;
    use crate::documents::{DocPath, fresh_document};

    const DEVICE: DeviceId = DeviceId::from_bytes([1; 32]);
    const OPENING: OpeningId = OpeningId::from_bytes([2; 16]);
    const PATIENT: &str = "0193a5f0-0000-7000-8000-000000000001";

    fn payload(change: Vec<u8>) -> Payload {
        Payload {
            staff: Some([1; 16]),
            path: "clinic".into(),
            change: Some(change),
            fact: None,
            at_ms: Some(1),
        }
    }

    fn unpack(bytes: &[u8]) -> Result<Payload, &'static str> {
        Payload::unpack_by(bytes, &actor(&DEVICE, &OPENING)).map(|(payload, _)| payload)
    }

    fn pack(payload: &Payload) -> Vec<u8> {
        payload.pack(&DEVICE, &OPENING).unwrap()
    }

    /// A staff member writes two fields of a patient's, the second time over what she wrote before.
    fn edit() -> Payload {
        let path = format!("patient/{PATIENT}/identity");
        let mut doc: AutoCommit = fresh_document(path.parse::<DocPath>().unwrap().kind());
        doc.set_actor(actor(&DEVICE, &OPENING));
        let mut change = Vec::new();
        for phone in ["012-345 9999", "012-345 9998"] {
            let (_, address) = doc.get(automerge::ROOT, "address").unwrap().unwrap();
            doc.put(automerge::ROOT, "phone", phone).unwrap();
            doc.put(&address, "city", phone).unwrap();
            let hash = doc.commit_with(CommitOptions::default().with_time(0)).unwrap();
            change = doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec();
        }
        Payload {
            staff: Some([3; 16]),
            path,
            change: Some(change),
            fact: None,
            at_ms: Some(1_795_000_000_000),
        }
    }

    fn fact(signature: Option<[u8; 64]>) -> Payload {
        let body = format!(r#"{{"action":"patient_opened","patient":"{PATIENT}","visit":null,"detail":""}}"#);
        Payload {
            staff: Some([3; 16]),
            path: "clinic".into(),
            change: None,
            fact: Some(FactPayload {
                kind: 7,
                at_ms: 1_795_000_000_000,
                signature,
                body,
            }),
            at_ms: None,
        }
    }

    /// As the first builds wrote it, and as this build does where there is no short form.
    fn in_the_first_form(payload: &Payload) -> Vec<u8> {
        deflate(&minicbor::to_vec(payload).unwrap(), vec![DEFLATED_CBOR]).unwrap()
    }

    #[test]
    fn what_is_written_is_short_and_reads_back() {
        for payload in [edit(), fact(None), fact(Some([5; 64]))] {
            let packed = pack(&payload);
            assert_eq!(packed[0], SHORT);
            assert_eq!(unpack(&packed).as_ref(), Ok(&payload));
            let first = in_the_first_form(&payload);
            println!("{} bytes, and {} in the first form", packed.len(), first.len());
            assert!(packed.len() < first.len());
            assert!(payload.change.is_none() || payload.automerge().is_ok());
        }
    }

    #[test]
    fn what_no_short_form_gives_back_is_written_in_the_first_form() {
        let by_another = |payload: &Payload| payload.pack(&DEVICE, &OpeningId::from_bytes([9; 16])).unwrap();
        let both = Payload {
            fact: fact(None).fact,
            ..edit()
        };
        let odd = [payload(vec![9; 1000]), both];
        let packed = odd.iter().map(|odd| (odd.clone(), pack(odd)));
        for (payload, packed) in packed.chain([(edit(), by_another(&edit()))]) {
            assert_eq!(packed[0], DEFLATED_CBOR);
            assert_eq!(unpack(&packed), Ok(payload));
        }
    }

    #[test]
    fn what_was_once_written_is_read_for_ever() {
        let frozen = include_str!("../tests/frozen/payloads.txt");
        let mut lines = frozen.lines().filter(|line| !line.starts_with('#'));
        for payload in [edit(), fact(Some([5; 64]))] {
            for form in [DEFLATED_CBOR, SHORT] {
                let bytes = hex::decode(lines.next().unwrap()).unwrap();
                assert_eq!(bytes[0], form);
                assert_eq!(unpack(&bytes).as_ref(), Ok(&payload));
            }
        }
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_sealed_or_read() {
        let mut large = fact(None);
        large.fact.as_mut().unwrap().body = "x".repeat(1024 * 1024);
        assert!(matches!(large.pack(&DEVICE, &OPENING), Err(VaultError::TooLarge)));
        let plain = vec![0; 64 * 1024 * 1024];
        for head in [vec![DEFLATED_CBOR], vec![SHORT, 1]] {
            let bomb = deflate(&plain, head).unwrap();
            assert!(bomb.len() < 128 * 1024);
            assert_eq!(unpack(&bomb), Err("inflates_too_far"));
        }
    }

    /// As it was inflated before: piece by piece.
    fn inflate_in_pieces(deflated: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut plain = Vec::new();
        let read = flate2::read::DeflateDecoder::new(deflated)
            .take(MAX_INFLATED + 1)
            .read_to_end(&mut plain);
        if plain.len() as u64 > MAX_INFLATED {
            return Err("inflates_too_far");
        }
        read.map(|_| plain).map_err(|_| "malformed_payload")
    }

    #[test]
    fn what_is_inflated_at_once_is_what_pieces_give_also_of_what_is_cut_or_harmed() {
        let words: Vec<u8> = (0..4000_u32)
            .flat_map(|n| (n * n % 977).to_string().into_bytes())
            .collect();
        let lengths = [0, 1, 200, 511, 512, 513, 5000, words.len()];
        let mut all: Vec<Vec<u8>> = lengths.map(|n| deflate(&words[..n], Vec::new()).unwrap()).to_vec();
        for n in [MAX_INFLATED - 1, MAX_INFLATED, MAX_INFLATED + 1, MAX_INFLATED + 2] {
            all.push(deflate(&vec![7; n as usize], Vec::new()).unwrap());
        }
        for deflated in &all {
            assert_eq!(inflate(deflated), inflate_in_pieces(deflated));
            let with_more = [deflated.as_slice(), &[1, 2, 3]].concat();
            assert_eq!(inflate(&with_more), inflate(deflated), "what follows is not looked at");
        }
        let deflated = &all[4];
        for place in 0..deflated.len() {
            let cut = &deflated[..place];
            assert_eq!(inflate(cut), inflate_in_pieces(cut), "cut to {place}");
            let mut harmed = deflated.clone();
            harmed[place] ^= 0x55;
            assert_eq!(inflate(&harmed), inflate_in_pieces(&harmed), "harmed at {place}");
        }
    }

    #[test]
    fn automerges_own_compression_is_refused() {
        let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83, 0, 0, 0, 0, 2];
        chunk.extend([0; 20]);
        assert_eq!(payload(chunk).automerge().unwrap_err(), "compressed_chunk");
    }

    #[test]
    fn a_payload_of_a_newer_build_is_told_apart_from_a_broken_one() {
        assert_eq!(unpack(&[3, 0, 0]), Err("newer_payload"));
        assert_eq!(unpack(&[DEFLATED_CBOR, 0xff, 0xff]), Err("malformed_payload"));
        assert_eq!(unpack(&[SHORT, 0x80, 1]), Err("newer_payload"), "a flag");
        assert_eq!(unpack(&[SHORT]), Err("malformed_payload"));
        let short = pack(&edit());
        for cut in 1..40 {
            assert_eq!(unpack(&short[..cut]), Err("malformed_payload"));
        }
    }

    #[test]
    fn what_a_newer_build_puts_beside_is_skipped() {
        let payload = edit();
        let short = pack(&payload);
        assert_eq!(short[1] & 1, 0, "not deflated");
        // Flags, staff, path, time.
        let at = 2 + 16 + 17 + 6;
        let newer = [&[SHORT, short[1] | 32], &short[2..at], &[3, 7, 7, 7], &short[at..]].concat();
        assert_eq!(unpack(&newer), Ok(payload));
    }
}
