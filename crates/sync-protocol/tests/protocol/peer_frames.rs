//! The frames between peers as they travel, frozen; and decoders that never panic.

use proptest::prelude::*;
use sync_protocol::{
    Bucket, IdsAsk, IdsPage, Incarnation, ItemId, MAX_PEER_FRAME_BYTES, PeerHello, PeerMessage, PeerSet, PeerStream,
    Prefix, RefusedCode, SignedReceipt, Standing,
};

fn frames() -> Vec<(&'static str, PeerMessage)> {
    let id = |byte| ItemId::from_bytes([byte; 32]);
    let bucket = Bucket {
        n: 1_000,
        sum: [0xab; 32],
    };
    let hello = PeerHello {
        oldest: 1,
        newest: 1,
        clinic: [0xcc; 32],
        device: [0xdd; 32],
        statements: [4; 32],
        signature: [0x51; 64],
    };
    let standing = Standing {
        consents: Bucket::default(),
        changes: bucket,
    };
    let child = Prefix::of(&id(0x7f), 3);
    let mut children = [Bucket::default(); 16];
    children[7] = bucket;
    let asks = [(Prefix::ROOT, None), (child, Some(id(0x7f)))].map(|(prefix, after)| IdsAsk { prefix, after });
    let pages = [(vec![], false), (vec![id(1)], true)].map(|(ids, more)| IdsPage { ids: ids.into(), more });
    vec![
        ("hello", PeerMessage::Hello(hello)),
        (
            "statements",
            PeerMessage::Statements(vec![vec![1].into(), vec![2].into()].into()),
        ),
        ("standing", PeerMessage::Standing(standing)),
        (
            "ask tree",
            PeerMessage::AskTree(PeerSet::Changes, vec![Prefix::ROOT, child].into()),
        ),
        ("tree", PeerMessage::Tree(vec![children].into())),
        ("ask ids", PeerMessage::AskIds(PeerSet::Consents, asks.to_vec().into())),
        ("ids", PeerMessage::Ids(pages.to_vec().into())),
        ("compared", PeerMessage::Compared),
        ("have", PeerMessage::Have(PeerSet::Changes, vec![id(1)].into())),
        ("heard", PeerMessage::Heard),
        ("want", PeerMessage::Want(PeerSet::Consents, vec![id(1), id(2)].into())),
        ("items", PeerMessage::Items(vec![Some(vec![9].into()), None].into())),
        ("refused", PeerMessage::Refused(RefusedCode::Removed)),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_frame_of_a_receipt_stays_as_it_is() {
    let receipt = SignedReceipt {
        changes: 1000,
        changes_chain: [6; 32],
        consents: 2,
        consents_chain: [7; 32],
        at_ms: 1_795_000_000_000,
        signature: [8; 64],
    };
    let message = PeerMessage::Receipt(Incarnation([1; 16]), receipt);
    let frame = message.encode();
    assert_eq!(PeerMessage::decode(&frame, MAX_PEER_FRAME_BYTES), Ok(message));
    insta::assert_snapshot!(hex(&frame));
}

#[test]
fn frames_of_peers_stay_as_they_are() {
    let frames = frames().into_iter().map(|(name, message)| {
        let frame = message.encode();
        assert_eq!(
            PeerMessage::decode(&frame, MAX_PEER_FRAME_BYTES).as_ref(),
            Ok(&message),
            "{name}"
        );
        format!("{name}\n  {}", hex(&frame))
    });
    insta::assert_snapshot!(frames.collect::<Vec<_>>().join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_peers_decoder_panic(bytes: Vec<u8>, at: usize, with: u8) {
        drop(PeerMessage::decode(&bytes, MAX_PEER_FRAME_BYTES));
        for (_, message) in frames() {
            let mut frame = message.encode();
            let at = at % frame.len();
            frame[at] = with;
            drop(PeerMessage::decode(&frame, MAX_PEER_FRAME_BYTES));
        }
    }

    #[test]
    fn a_stream_in_any_pieces_gives_the_same_frames(sizes in proptest::collection::vec(0..300usize, 0..20), piece in 1..50usize) {
        let frames: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(nth, size)| vec![nth as u8; *size]).collect();
        let bytes: Vec<u8> = frames.iter().flat_map(|frame| PeerStream::wrap(frame)).collect();
        let mut stream = PeerStream::default();
        let mut came = Vec::new();
        for piece in bytes.chunks(piece) {
            stream.push(piece);
            while let Some(frame) = stream.next(300).unwrap() {
                came.push(frame);
            }
        }
        prop_assert_eq!(came, frames);
    }
}
