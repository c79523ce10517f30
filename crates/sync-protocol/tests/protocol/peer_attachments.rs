//! Chunks of attachments between two devices of a clinic.

use rand_chacha::ChaCha20Rng;
use rand_core::Rng as _;
use seal::AttachmentId;
use sync_protocol::sim::{PeerLink, SimClinic, SimDevice, settle_peers};
use sync_protocol::{ChunkId, MAX_PEER_FRAME_BYTES, PeerChunks, PeerMessage, RefusedCode, SyncStore};

use crate::{NOW, rng};

const SOUND: AttachmentId = AttachmentId::from_bytes([5; 16]);

fn clinic_of(n: usize, rng: &mut ChaCha20Rng) -> (SimClinic, Vec<SimDevice>) {
    let (mut clinic, first) = SimClinic::found(NOW, rng);
    let mut devices = vec![first];
    devices.extend((1..n).map(|_| clinic.admit(NOW, rng)));
    for device in &devices {
        device.store.absorb_statements(clinic.encoded_statements()).unwrap();
    }
    (clinic, devices)
}

fn record(device: &SimDevice, n: usize, rng: &mut ChaCha20Rng) -> Vec<ChunkId> {
    let mut bytes = [0; 700];
    let chunks = (0..n).map(|_| {
        rng.fill_bytes(&mut bytes);
        device.store.record_chunk(SOUND, bytes.to_vec())
    });
    chunks.collect()
}

fn holds_all(device: &SimDevice, chunks: &[ChunkId]) -> bool {
    let held = device.store.held();
    chunks.iter().all(|chunk| held.chunks.here.contains_key(chunk))
}

fn about_chunks(frame: &[u8]) -> Option<PeerChunks> {
    match PeerMessage::decode(frame, MAX_PEER_FRAME_BYTES) {
        Ok(PeerMessage::Chunks(chunks)) => Some(chunks),
        _ => None,
    }
}

fn n_given(link: &PeerLink, end: usize) -> usize {
    let given = link.ends[end].sent.iter().filter_map(|frame| about_chunks(frame));
    given.filter(|said| matches!(said, PeerChunks::Chunk(_))).count()
}

#[test]
fn wherever_it_is_cut_every_chunk_comes_once_more_and_no_more_often() {
    for cut_after in (1..6_000).step_by(173) {
        let rng = &mut rng(1);
        let (_, devices) = clinic_of(2, rng);
        let chunks = record(&devices[1], 6, rng);
        devices[0].store.want_chunks(chunks.iter().copied());
        let mut link = PeerLink::open(&devices[0], &devices[1], [7; 32]);
        let mut n_left = cut_after;
        // The caller reads so many bytes in all, then the line is dead.
        while n_left > 0 && link.is_open() {
            link.deliver(1, usize::MAX);
            let n = n_left.min(97);
            if !link.deliver(0, n) {
                break;
            }
            n_left -= n;
        }
        let n_came = devices[0].store.held().chunks.here.len();
        link.cut();
        drop(link);
        let mut links = [PeerLink::open(&devices[0], &devices[1], [8; 32])];
        settle_peers(&mut links);
        assert!(holds_all(&devices[0], &chunks), "cut after {cut_after}");
        assert_eq!(n_given(&links[0], 1), 6 - n_came, "cut after {cut_after}");
        assert!(links[0].is_equal());
    }
}

#[test]
fn changes_go_first_and_a_live_one_is_behind_one_chunk_at_most() {
    let rng = &mut rng(2);
    let (_, mut devices) = clinic_of(2, rng);
    (0..700).for_each(|_| devices[1].write(rng));
    let chunks = record(&devices[1], 5, rng);
    devices[0].store.want_chunks(chunks.iter().copied());
    let mut link = PeerLink::open(&devices[0], &devices[1], [7; 32]);
    while n_given(&link, 1) == 0 {
        assert!(link.deliver(0, usize::MAX) | link.deliver(1, usize::MAX));
    }
    assert_eq!(devices[0].store.held().changes.len(), 700, "first everything else");
    devices[1].write(rng);
    link.news(1);
    let last: Vec<_> = link.ends[1].sent.iter().rev().take(2).collect();
    assert!(matches!(
        PeerMessage::decode(last[0], MAX_PEER_FRAME_BYTES),
        Ok(PeerMessage::Have(..))
    ));
    // Whatever happens, no two chunks are on their way, and none begins before the change is told.
    while !holds_all(&devices[0], &chunks) {
        assert!(link.deliver(0, usize::MAX) | link.deliver(1, usize::MAX));
        let (n_given, n_came) = (n_given(&link, 1), devices[0].store.held().chunks.came.len());
        assert!(n_given - n_came <= 1);
        if n_came >= 2 {
            assert_eq!(devices[0].store.held().changes.len(), 701);
        }
    }
}

#[test]
fn a_chunk_is_asked_for_once_however_many_have_it() {
    let rng = &mut rng(3);
    let (_, devices) = clinic_of(4, rng);
    let chunks = record(&devices[1], 9, rng);
    for other in &devices[2..4] {
        for chunk in &chunks {
            let bytes = devices[1].store.held().chunks.here[chunk].clone();
            other.store.record_chunk(SOUND, bytes);
        }
    }
    devices[0].store.want_chunks(chunks.iter().copied());
    let mut links: Vec<_> = (1..4u8)
        .map(|n| PeerLink::open(&devices[0], &devices[usize::from(n)], [n; 32]))
        .collect();
    settle_peers(&mut links);
    assert!(holds_all(&devices[0], &chunks));
    let given: Vec<_> = links.iter().map(|link| n_given(link, 1)).collect();
    assert_eq!(given.iter().sum::<usize>(), 9, "{given:?}");
    assert!(given.iter().all(|n| *n > 0), "all three give: {given:?}");
}

#[test]
fn from_a_liar_nothing_is_stored_and_the_next_device_is_asked() {
    let rng = &mut rng(4);
    let (_, devices) = clinic_of(3, rng);
    let chunks = record(&devices[1], 1, rng);
    devices[2]
        .store
        .record_chunk(SOUND, devices[1].store.held().chunks.here[&chunks[0]].clone());
    devices[0].store.want_chunks(chunks.iter().copied());
    let mut link = PeerLink::open(&devices[0], &devices[1], [7; 32]);
    while n_given(&link, 1) == 0 {
        assert!(link.deliver(0, usize::MAX) | link.deliver(1, usize::MAX));
    }
    link.replace_coming(0, &PeerMessage::Chunks(PeerChunks::Chunk(vec![6; 700].into())).encode());
    link.deliver(0, usize::MAX);
    let here = PeerChunks::Here(SOUND, vec![chunks[0].name].into());
    link.inject(0, &PeerMessage::Chunks(here).encode());
    let mut links = [link, PeerLink::open(&devices[0], &devices[2], [8; 32])];
    settle_peers(&mut links);
    assert!(holds_all(&devices[0], &chunks));
    assert_eq!((n_given(&links[0], 1), n_given(&links[1], 1)), (1, 1));
}

#[test]
fn who_asked_in_vain_hears_when_it_has_come_through_the_third() {
    let rng = &mut rng(5);
    let (_, devices) = clinic_of(3, rng);
    let chunks = record(&devices[2], 3, rng);
    devices[0].store.want_chunks(chunks.iter().copied());
    let mut links = vec![PeerLink::open(&devices[0], &devices[1], [7; 32])];
    settle_peers(&mut links);
    assert!(!holds_all(&devices[0], &chunks));
    devices[1].store.want_chunks(chunks.iter().copied());
    links.push(PeerLink::open(&devices[1], &devices[2], [8; 32]));
    settle_peers(&mut links);
    assert!(holds_all(&devices[0], &chunks) && holds_all(&devices[1], &chunks));
}

#[test]
fn out_of_turn_ends_the_connection() {
    let get = |byte| {
        PeerChunks::Get(ChunkId {
            attachment: SOUND,
            name: seal::chunk_name(&[byte]),
        })
    };
    for (said, is_fine) in [
        (vec![get(1)], true),
        (vec![get(1), get(2)], true),
        (vec![PeerChunks::Chunk(vec![1].into())], false),
        (vec![PeerChunks::NotHere(seal::chunk_name(b"x"))], false),
    ] {
        let rng = &mut rng(6);
        let (_, devices) = clinic_of(2, rng);
        let mut links = [PeerLink::open(&devices[0], &devices[1], [7; 32])];
        settle_peers(&mut links);
        for message in &said {
            links[0].inject(1, &PeerMessage::Chunks(message.clone()).encode());
            links[0].deliver(1, usize::MAX);
        }
        let refused = links[0].ends[1].refused;
        assert_eq!(refused, (!is_fine).then_some(RefusedCode::BadMessage), "{said:?}");
    }
}

#[test]
fn who_asks_for_ever_is_hung_up_on() {
    let rng = &mut rng(7);
    let (_, devices) = clinic_of(2, rng);
    let mut links = [PeerLink::open(&devices[0], &devices[1], [7; 32])];
    settle_peers(&mut links);
    let chunk = ChunkId {
        attachment: SOUND,
        name: seal::chunk_name(b"nowhere"),
    };
    let ask = PeerMessage::Chunks(PeerChunks::Get(chunk)).encode();
    let mut n_asked = 0_u32;
    while links[0].ends[1].refused.is_none() {
        links[0].inject(1, &ask);
        links[0].deliver(1, usize::MAX);
        n_asked += 1;
    }
    assert_eq!(n_asked, (1 << 16) + 1);
}
