//! What the store reads that others wrote: inside a sealed change, in a backup, in a file carried by hand.

use std::io::Write;
use std::num::NonZeroU64;

use automerge::transaction::Transactable;
use automerge::{ActorId, AutoCommit, Change, ROOT};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use minicbor::Encode;
use minicbor::bytes::{ByteArray, ByteVec};
use seal::{BACKUP_PIECE_BYTES, ChangeKind, begin_backup};
use sha2::{Digest, Sha256};
use sync_protocol::Consent;

use crate::world::{NOW_MS, WORLD, rng};

/// The open body of a change; no more comes out of one than this.
pub(crate) fn payload(bytes: &[u8]) {
    open_payload(bytes);
    // Inside the deflate, where mutations of its bytes seldom reach.
    open_payload(&deflated(bytes));
    // The second form has the same behind its flags, deflated or not.
    if let [2, flags, plain @ ..] = bytes {
        let mut deflate = DeflateEncoder::new(vec![2, flags | 1], Compression::fast());
        deflate.write_all(plain).expect("memory");
        open_payload(&deflate.finish().expect("memory"));
    }
}

/// What was taken leaves a document as good as all its numbers.
fn open_payload(plain: &[u8]) {
    let highest = vault::decoders::payload(plain).unwrap_or(0);
    assert!(highest <= 1 << 17, "the numbers of a document are used up: {highest}");
}

fn deflated(cbor: &[u8]) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(vec![1], Compression::fast());
    deflate.write_all(cbor).expect("memory");
    deflate.finish().expect("memory")
}

#[derive(Encode)]
#[cbor(map)]
struct Payload {
    #[cbor(n(0), with = "minicbor::bytes")]
    staff: Option<[u8; 16]>,
    #[n(1)]
    path: &'static str,
    #[cbor(n(2), with = "minicbor::bytes")]
    change: Option<Vec<u8>>,
    #[n(3)]
    fact: Option<Fact>,
}

#[derive(Encode)]
#[cbor(map)]
struct Fact {
    #[n(0)]
    kind: u16,
    #[n(1)]
    at_ms: i64,
    #[cbor(n(2), with = "minicbor::bytes")]
    signature: Option<[u8; 64]>,
    #[n(3)]
    body: &'static str,
}

/// The first is a fact; each is there as it is sealed, and as it is inside the deflate.
pub(crate) fn payloads() -> Vec<Vec<u8>> {
    let fact = |kind, body| Payload {
        staff: Some([1; 16]),
        path: "clinic",
        change: None,
        fact: Some(Fact {
            kind,
            at_ms: NOW_MS,
            signature: Some([5; 64]),
            body,
        }),
    };
    let mut doc = AutoCommit::new().with_actor(ActorId::from([7; 32]));
    doc.put(ROOT, "name", "Klinik Sentosa").expect("memory");
    doc.put(ROOT, "n", 7).expect("memory");
    let change = doc.get_last_local_change().expect("there is one").raw_bytes().to_vec();
    let edit = |change: Vec<u8>| Payload {
        staff: None,
        path: "clinic",
        change: Some(change),
        fact: None,
    };
    let audit = r#"{"action":"patient_opened","patient":null,"visit":null,"detail":""}"#;
    let addendum = r#"{"patient":"0193a5f0-0000-7000-8000-000000000001","visit":"0193a5f0-0000-7000-8000-000000000002","text":"x"}"#;
    let short = short_payloads(&change, audit);
    let far_ahead = minicbor::to_vec(edit(begins_far_ahead(&mut doc))).expect("memory");
    [fact(7, audit), edit(change), fact(8, addendum), fact(99, "{}")]
        .iter()
        .flat_map(|payload| {
            let cbor = minicbor::to_vec(payload).expect("memory");
            [deflated(&cbor), cbor]
        })
        .chain(short)
        .chain([far_ahead])
        .collect()
}

/// An edit whose first operation has a number behind which hardly any are left.
fn begins_far_ahead(doc: &mut AutoCommit) -> Vec<u8> {
    let mut change = doc.get_last_local_change().expect("there is one").decode();
    change.start_op = NonZeroU64::new(u64::from(u32::MAX) - 1).expect("it is not zero");
    Change::from(change).raw_bytes().to_vec()
}

/// In the second form: a fact, and an edit with its columns as a list.
fn short_payloads(chunk: &[u8], json: &str) -> [Vec<u8>; 2] {
    const STAFF: u8 = 2;
    const FACT: u8 = 8;
    const CLINIC: u8 = 1;
    let staff = [1; 16];
    let fact = [&[2, STAFF | FACT], &staff[..], &[CLINIC, 7, 0], json.as_bytes()].concat();
    // Behind head (10) and no parents comes the writer (33), then two numbers, no time, no message and nobody else.
    let (numbers, columns) = (&chunk[44..46], &chunk[49..]);
    let edit = [&[2, STAFF], &staff[..], &[CLINIC, 0], numbers, &[0, 0, 0], columns].concat();
    [fact, edit]
}

/// The open body of a snapshot: as it came, inside the deflate, and as the document alone with its checksum put right.
pub(crate) fn snapshot(bytes: &[u8]) {
    vault::decoders::snapshot(bytes);
    vault::decoders::snapshot(&deflated(bytes));
    vault::decoders::snapshot_document(&with_checksum(bytes));
}

/// An Automerge chunk has the beginning of its hash after four magic bytes.
fn with_checksum(chunk: &[u8]) -> Vec<u8> {
    let mut chunk = chunk.to_vec();
    if let Some((head, hashed)) = chunk.split_first_chunk_mut::<8>() {
        head[4..].copy_from_slice(&Sha256::digest(&*hashed)[..4]);
    }
    chunk
}

#[derive(Encode)]
#[cbor(map)]
struct Snapshot {
    #[n(0)]
    path: &'static str,
    #[cbor(n(1), with = "minicbor::bytes")]
    document: Vec<u8>,
    #[n(2)]
    heads: Vec<ByteArray<32>>,
    #[n(3)]
    n_changes: u64,
    #[n(4)]
    held: Vec<Held>,
}

#[derive(Encode)]
#[cbor(map)]
struct Held {
    #[n(0)]
    device: ByteArray<32>,
    #[n(1)]
    opening: ByteArray<16>,
    #[n(2)]
    numbers: ByteVec,
}

/// A snapshot, the word for one, and documents: small, and with two writers who differ.
pub(crate) fn snapshots() -> Vec<Vec<u8>> {
    let mut doc = AutoCommit::new().with_actor(ActorId::from([7; 16]));
    doc.put(ROOT, "name", "Klinik Sentosa").expect("memory");
    let small = doc.save_nocompress();
    let mut other = doc.fork().with_actor(ActorId::from([8; 16]));
    for n in 0..40_i64 {
        doc.put(ROOT, format!("n{}", n % 5), n).expect("memory");
        other.put(ROOT, "flag", n % 3 == 0).expect("memory");
        other.commit();
    }
    doc.merge(&mut other).expect("memory");
    let heads = doc.get_heads().iter().map(|head| head.0.into()).collect();
    let held = Held {
        device: [1; 32].into(),
        opening: [2; 16].into(),
        numbers: vec![1, 0xc7, 1].into(),
    };
    let whole = doc.save_nocompress();
    let cbor = minicbor::to_vec(Snapshot {
        path: "clinic",
        document: whole.clone(),
        heads,
        n_changes: 42,
        held: vec![held],
    });
    let cbor = cbor.expect("memory");
    let mut word = minicbor::Encoder::new(Vec::new());
    let mut write = || {
        word.map(2)?.u8(0)?.str("snapshots")?.u8(5)?.array(1)?.bytes(&[3; 32])?;
        Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
    };
    write().expect("memory");
    vec![deflated(&cbor), cbor, deflated(&word.into_writer()), small, whole]
}

pub(crate) fn unsent(bytes: &[u8]) {
    vault::decoders::unsent(bytes);
}

pub(crate) fn unsent_files() -> Vec<Vec<u8>> {
    #[derive(Encode)]
    #[cbor(map)]
    struct Carried {
        #[n(0)]
        version: u16,
        #[n(1)]
        tenant: ByteArray<32>,
        #[n(2)]
        statements: Vec<ByteVec>,
        #[n(3)]
        changes: Vec<ByteVec>,
        #[n(4)]
        consents: Vec<Consent>,
    }
    let here = &WORLD.here;
    let change = here.seal("clinic", ChangeKind::Fact, b"x").encode();
    let full = Carried {
        version: 1,
        tenant: (*here.membership.tenant().as_bytes()).into(),
        statements: here.everything().map(|one| one.bytes().into()).collect(),
        changes: vec![change.into()],
        consents: vec![Consent::Grant(WORLD.grant.encode())],
    };
    let empty = Carried {
        statements: vec![],
        changes: vec![],
        consents: vec![],
        ..full
    };
    let file = |carried| minicbor::to_vec::<&Carried>(carried).expect("memory");
    vec![file(&empty), file(&full)]
}

/// A backup's file.
pub(crate) fn backup(bytes: &[u8]) {
    vault::decoders::backup(bytes, |head| head.open_with_epochs(&WORLD.here.secrets));
}

pub(crate) fn backups() -> Vec<Vec<u8>> {
    record_streams().iter().map(|records| sealed(records)).collect()
}

/// What the pieces of a backup hold: whoever has a clinic's keys can write anything into one.
pub(crate) fn backup_records(bytes: &[u8]) {
    backup(&sealed(bytes));
}

fn sealed(records: &[u8]) -> Vec<u8> {
    let here = &WORLD.here;
    let (mut file, mut sealer) =
        begin_backup(&here.membership, &here.secrets, NOW_MS, &mut rng(7)).expect("our own keys");
    let n_whole = records.len().saturating_sub(1) / BACKUP_PIECE_BYTES * BACKUP_PIECE_BYTES;
    let (whole, last) = records.split_at(n_whole);
    for piece in whole.chunks(BACKUP_PIECE_BYTES) {
        file.extend(sealer.seal(piece).expect("few pieces"));
    }
    file.extend(sealer.seal_last(last).expect("few pieces"));
    file
}

pub(crate) fn record_streams() -> Vec<Vec<u8>> {
    #[derive(Encode)]
    #[cbor(map)]
    struct Total {
        #[n(0)]
        n: u64,
        #[cbor(n(1), with = "minicbor::bytes")]
        hashes: [u8; 32],
    }
    fn put(stream: &mut Vec<u8>, letter: u8, bytes: &[u8]) {
        stream.push(letter);
        stream.extend((bytes.len() as u32).to_be_bytes());
        stream.extend(bytes);
    }
    let statement = WORLD.here.statements[0].bytes();
    let total = |n, hashes| Total { n, hashes };
    let none = || total(0, [0; 32]);
    let end = |statements: Total| {
        // The totals of the five kinds have the keys 1 to 5.
        let mut e = minicbor::Encoder::new(Vec::new());
        let mut write = || {
            e.map(6)?.u8(0)?.u16(1)?.u8(1)?.encode(&statements)?;
            for key in 2..=5u8 {
                e.u8(key)?.encode(none())?;
            }
            Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
        };
        write().expect("memory");
        e.into_writer()
    };
    let mut empty = Vec::new();
    put(&mut empty, b'Z', &end(none()));
    let mut one = Vec::new();
    put(&mut one, b'A', &[0xa2, 0, 1, 1, 0x65, b'w', b's', b':', b'/', b'/']);
    put(&mut one, b'B', &statement);
    put(&mut one, b'b', b"of a newer build");
    put(&mut one, b'Z', &end(total(1, *blake3::hash(&statement).as_bytes())));
    vec![empty, one]
}
