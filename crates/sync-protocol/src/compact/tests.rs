#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use seal::{ChangeKind, ChangeParts, DeviceId, DocumentId, EpochId, Header, OpeningId, SealedChange, TenantId};

use super::{EXPANSION, Heard, Said};
use crate::limits::{MAX_FRAME_BYTES, MAX_NAMED_IDS, MAX_NAMED_WRITERS, MAX_SHORTENED_BYTES};
use crate::{OutId, OutItem, WireError};

const TENANT: TenantId = TenantId::from_bytes([1; 32]);
const DEVICE: DeviceId = DeviceId::from_bytes([2; 32]);

fn ends() -> (Said, Heard) {
    (Said::between(&TENANT, &[DEVICE]), Heard::between(&TENANT, &[DEVICE]))
}

fn id(of: u32, nth: u32) -> [u8; 32] {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&of.to_be_bytes());
    id[28..].copy_from_slice(&nth.to_be_bytes());
    id
}

fn header(writer: u32, document: u32, number: u64) -> Header {
    let mut opening = [3; 16];
    opening[..4].copy_from_slice(&writer.to_be_bytes());
    Header {
        version: 1,
        tenant: TENANT,
        document: DocumentId::from_bytes(id(1, document)),
        epoch: EpochId::from_bytes(id(2, writer / 32)),
        device: if writer == 0 {
            DEVICE
        } else {
            DeviceId::from_bytes(id(3, writer / 4))
        },
        opening: OpeningId::from_bytes(opening),
        number,
        kind: ChangeKind::Change,
    }
}

/// Nobody's signature: whether it holds is not asked here.
fn sealed(header: Header, n_bytes: usize) -> SealedChange {
    let body = vec![7; n_bytes];
    let parts = ChangeParts {
        header,
        signature: [9; 64],
        body: &body,
    };
    SealedChange::from_parts(&parts).unwrap()
}

/// A change whose header has one key more than this build writes.
fn of_a_newer_build(change: &SealedChange) -> Vec<u8> {
    let mut bytes = change.encode();
    assert_eq!(bytes[..4], [0xa4, 0x00, 0x58, bytes[3]], "the header comes first");
    let (len, n_header) = (3, usize::from(bytes[3]));
    bytes[len] += 3;
    bytes[len + 1] += 1;
    bytes.splice(4 + n_header..4 + n_header, [0x18, 99, 0x01]);
    bytes
}

fn item(change: &SealedChange) -> OutItem {
    OutItem {
        id: OutId::Change(change.id()),
        bytes: change.encode(),
    }
}

#[derive(Debug, Clone)]
enum Kind {
    Plain,
    Snapshot,
    Unknown(u16),
    Erased,
    Newer,
    Large,
    Misnamed,
    NoChange(Vec<u8>),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        12 => Just(Kind::Plain),
        1 => Just(Kind::Snapshot),
        1 => any::<u16>().prop_map(Kind::Unknown),
        1 => Just(Kind::Erased),
        1 => Just(Kind::Newer),
        1 => Just(Kind::Large),
        1 => Just(Kind::Misnamed),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Kind::NoChange),
    ]
}

fn made(kind: Kind, writer: u32, document: u32, number: u64) -> OutItem {
    let header = header(writer, document, number);
    let of = |kind| sealed(Header { kind, ..header }, 40);
    let plain = sealed(header, 40);
    match kind {
        Kind::Plain => item(&plain),
        Kind::Snapshot => item(&of(ChangeKind::Snapshot)),
        Kind::Unknown(code) => item(&of(ChangeKind::Unknown(code))),
        Kind::Erased => item(&plain.without_body()),
        Kind::Newer => OutItem {
            bytes: of_a_newer_build(&plain),
            ..item(&plain)
        },
        Kind::Large => item(&sealed(header, MAX_SHORTENED_BYTES)),
        Kind::Misnamed => OutItem {
            id: item(&of(ChangeKind::Fact)).id,
            ..item(&plain)
        },
        Kind::NoChange(bytes) => OutItem { bytes, ..item(&plain) },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// In whatever frames.
    #[test]
    fn whatever_is_said_comes_back_to_the_byte_and_both_ends_remember_the_same(
        changes in proptest::collection::vec((kind(), 0..100_u32, 0..700_u32, any::<u64>()), 0..200),
        frames in proptest::collection::vec((1..40_usize, any::<bool>()), 1..20),
    ) {
        let (mut said, mut heard) = ends();
        let mut items: Vec<OutItem> = changes.into_iter().map(|(kind, writer, document, number)| made(kind, writer, document, number)).collect();
        for (n_items, is_push) in frames.into_iter().cycle() {
            if items.is_empty() {
                break;
            }
            let frame: Vec<OutItem> = items.drain(..n_items.min(items.len())).collect();
            if is_push {
                let came = heard.pushed(said.push(frame.clone()), usize::MAX).unwrap();
                let came: Vec<_> = came.iter().map(|item| (item.id(), item.bytes().to_vec())).collect();
                let was: Vec<_> = frame.into_iter().map(|item| (item.id, item.bytes)).collect();
                prop_assert_eq!(came, was);
            } else {
                let change = |item: &OutItem| Some(said.change(&item.bytes).into());
                let short: Vec<_> = frame.iter().map(change).chain([None]).collect();
                let came = heard.items(short, usize::MAX).unwrap();
                prop_assert_eq!(came.len(), frame.len() + 1);
                for (came, item) in came.iter().zip(&frame) {
                    prop_assert_eq!(came.as_ref().unwrap().as_slice(), item.bytes.as_slice());
                }
            }
            prop_assert_eq!(&said.0, &heard.0);
        }
    }

    /// Whenever either end rests.
    #[test]
    fn whoever_forgets_what_he_said_is_understood_all_the_same(
        changes in proptest::collection::vec((0..100_u32, 0..700_u32, any::<u64>()), 0..1_500),
        rests in proptest::collection::vec(1..700_usize, 1..20),
    ) {
        let (mut said, mut heard) = ends();
        let mut changes = changes.into_iter();
        for n_until in rests.into_iter().cycle().take(40) {
            for (writer, document, number) in changes.by_ref().take(n_until) {
                let bytes = sealed(header(writer, document, number), 30).encode();
                prop_assert_eq!(heard.change(&said.change(&bytes)), Ok(bytes));
            }
            said.rest();
            heard.rest();
            prop_assert_eq!(said.0.sizes(), (0, 0));
        }
    }

    #[test]
    fn no_bytes_make_a_listener_panic(before in 0..5_u64, bytes: Vec<u8>, at: usize, with: u8) {
        let (mut said, mut heard) = ends();
        for number in 0..before {
            heard.change(&said.change(&sealed(header(1, 2, number), 10).encode())).unwrap();
        }
        drop(heard.change(&bytes));
        let mut short = said.change(&sealed(header(3, 4, before), 10).encode());
        let at = at % short.len();
        short[at] = with;
        drop(heard.change(&short));
    }
}

#[test]
fn the_oldest_names_give_way_and_what_is_remembered_stays_bounded() {
    let (mut said, mut heard) = ends();
    for nth in 0..3_000_u32 {
        // Most of what is written is written by few, in few documents.
        let (writer, document) = if nth % 3 == 0 {
            (nth % 200, nth % 1_100)
        } else {
            (nth % 5, nth % 17)
        };
        let bytes = sealed(header(writer, document, nth.into()), 30).encode();
        assert_eq!(heard.change(&said.change(&bytes)), Ok(bytes));
    }
    assert_eq!(said.0, heard.0);
    assert_eq!(said.0.sizes(), (MAX_NAMED_IDS, MAX_NAMED_WRITERS));
}

#[test]
fn what_was_named_once_costs_a_few_bytes() {
    let (mut said, _) = ends();
    let mut more_than_body = |writer, document, number| {
        let bytes = sealed(header(writer, document, number), 200).encode();
        said.change(&bytes).len() - 200 - 64
    };
    // Array, check, opening, epoch and document with their CBOR; tenant and device are known from the beginning.
    assert_eq!(more_than_body(0, 1, 1), 1 + 4 + (1 + 1 + 34 + 1 + 17) + 34 + 1 + 1);
    assert_eq!(more_than_body(0, 2, 2), 1 + 4 + 1 + 34 + 1 + 1);
    assert_eq!(more_than_body(0, 1, 3), 1 + 4 + 1 + 1 + 1 + 1);
}

#[test]
fn a_place_that_nobody_took_is_no_message() {
    let (mut said, mut heard) = ends();
    said.change(&sealed(header(1, 2, 1), 10).encode());
    // The first one never came.
    let later = said.change(&sealed(header(1, 2, 2), 10).encode());
    assert_eq!(heard.change(&later), Err(WireError::Malformed));
}

#[test]
fn a_frame_that_comes_twice_or_not_at_all_is_seen() {
    let (mut said, mut heard) = ends();
    let mut say = |document, number| said.change(&sealed(header(1, document, number), 10).encode());
    let (first, second, third) = (say(2, 1), say(2, 2), say(2, 3));
    heard.change(&first).unwrap();
    let mut missed = heard.clone();
    assert_eq!(missed.change(&third), Err(WireError::Malformed), "the numbers differ");
    heard.change(&second).unwrap();
    let mut twice = heard.clone();
    assert_eq!(twice.change(&second), Err(WireError::Malformed));
    heard.change(&third).unwrap();
}

#[test]
fn nothing_grows_beyond_what_is_stated_and_a_frame_not_beyond_its_bound() {
    let (mut said, _) = ends();
    let odd = Header {
        kind: ChangeKind::Unknown(u16::MAX),
        number: u64::MAX,
        ..header(1, 2, 0)
    };
    // The least that a short change can be, of which as much as possible is left out.
    said.change(
        &sealed(
            Header {
                number: u64::MAX - 1,
                ..odd
            },
            0,
        )
        .encode(),
    );
    let whole = sealed(odd, 0).encode();
    let short = said.change(&whole);
    assert!(short.len() < 76, "{} bytes", short.len());
    assert!(
        whole.len() <= EXPANSION * short.len(),
        "{} of {}",
        whole.len(),
        short.len()
    );

    let n_fit = MAX_FRAME_BYTES / 60_000;
    let (mut said, mut heard) = ends();
    let mut push = |n: usize| {
        let items = (1..=n as u64).map(|number| item(&sealed(header(1, 2, number), 60_000)));
        said.push(items.collect())
    };
    assert!(heard.pushed(push(n_fit - 1), MAX_FRAME_BYTES).is_ok());
    assert_eq!(heard.pushed(push(n_fit + 1), MAX_FRAME_BYTES), Err(WireError::TooLarge));
}
