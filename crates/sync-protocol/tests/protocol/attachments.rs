//! Chunks of attachments between devices and their relay.

mod refusals;

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use seal::{AttachmentId, MAX_SEALED_CHUNK_BYTES};
use sync_protocol::sim::{Link, SimClinic, SimDevice, SimObjects, settle};
use sync_protocol::{
    AttachmentAnswer, AttachmentAsk, ChunkId, ChunkRefusal, DeviceMessage, MAX_CHUNKS_OF_ATTACHMENT, ObjectKey,
    PROTOCOL_VERSION, RefusedCode, RelayMessage, SyncStore, Wake,
};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng};

const SOUND: AttachmentId = AttachmentId::from_bytes([5; 16]);

/// Some chunks that this device recorded.
fn record(device: &SimDevice, n: usize, rng: &mut ChaCha20Rng) -> Vec<ChunkId> {
    let mut bytes = [0; 700];
    let chunks = (0..n).map(|_| {
        rng.fill_bytes(&mut bytes);
        device.store.record_chunk(SOUND, bytes.to_vec())
    });
    chunks.collect()
}

fn connect(device: &SimDevice, relay: &MemoryRelay, objects: &Arc<Mutex<SimObjects>>, rng: &mut ChaCha20Rng) -> Link {
    let mut link = Link::open(device, relay, rng);
    link.objects = Arc::clone(objects);
    link
}

/// A clinic of two devices, and its relay.
fn two(rng: &mut ChaCha20Rng) -> (SimClinic, [SimDevice; 2], MemoryRelay, Arc<Mutex<SimObjects>>) {
    let (mut clinic, first) = SimClinic::found(NOW, rng);
    let second = clinic.admit(NOW, rng);
    let relay = relay_of(&clinic);
    (clinic, [first, second], relay, Arc::default())
}

fn sync(device: &SimDevice, relay: &mut MemoryRelay, objects: &Arc<Mutex<SimObjects>>, rng: &mut ChaCha20Rng) -> Link {
    let mut link = connect(device, relay, objects, rng);
    settle(&mut [&mut link], relay, NOW, rng);
    link
}

fn is_put(frame: &[u8]) -> bool {
    matches!(
        DeviceMessage::decode(frame),
        Ok(DeviceMessage::Attachments(AttachmentAsk::Put(..)))
    )
}

fn is_chunk(frame: &[u8]) -> bool {
    matches!(
        RelayMessage::decode(frame),
        Ok(RelayMessage::Attachments(AttachmentAnswer::Chunk(_)))
    )
}

fn holds_all(device: &SimDevice, chunks: &[ChunkId]) -> bool {
    let held = device.store.held();
    chunks.iter().all(|chunk| held.chunks.here.contains_key(chunk))
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Record(usize),
    Want(usize),
    Write(usize),
    Up(usize),
    Down(usize),
    Cut(usize),
    TruncateUp(usize),
    TruncateDown(usize),
    RepeatUp(usize),
    RepeatDown(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let who = 0..2usize;
    let act = prop_oneof![
        2 => who.clone().prop_map(Act::Record),
        2 => who.clone().prop_map(Act::Want),
        1 => who.clone().prop_map(Act::Write),
        8 => who.clone().prop_map(Act::Up),
        8 => who.clone().prop_map(Act::Down),
        1 => who.clone().prop_map(Act::Cut),
        1 => who.clone().prop_map(Act::TruncateUp),
        1 => who.clone().prop_map(Act::TruncateDown),
        1 => who.clone().prop_map(Act::RepeatUp),
        1 => who.prop_map(Act::RepeatDown),
    ];
    proptest::collection::vec(act, 0..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cut_in_the_end_every_chunk_is_where_it_is_wanted(acts in acts(), seed: u8) {
        let rng = &mut rng(seed);
        let (_, mut devices, mut relay, objects) = two(rng);
        let mut links = [0, 1].map(|who| connect(&devices[who], &relay, &objects, rng));
        let mut recorded = Vec::new();
        for act in acts {
            let (Act::Record(who) | Act::Want(who) | Act::Write(who) | Act::Up(who) | Act::Down(who) | Act::Cut(who)
                | Act::TruncateUp(who) | Act::TruncateDown(who) | Act::RepeatUp(who) | Act::RepeatDown(who)) = act;
            if !links[who].is_open() {
                links[who] = connect(&devices[who], &relay, &objects, rng);
            }
            match act {
                Act::Record(_) => {
                    recorded.extend(record(&devices[who], 1, rng));
                    links[who].nudge();
                }
                Act::Want(_) => {
                    devices[who].store.want_chunks(recorded.iter().copied());
                    links[who].nudge();
                }
                Act::Write(_) => {
                    devices[who].write(rng);
                    links[who].nudge();
                }
                Act::Up(_) => {
                    let (_, wakes) = links[who].deliver_up(&mut relay, NOW, rng);
                    for wake in wakes {
                        links.iter_mut().for_each(|link| drop(link.wake(&wake, &mut relay, NOW)));
                    }
                    if links[who].refused.is_some() {
                        links[who].cut();
                    }
                }
                Act::Down(_) => drop(links[who].deliver_down(NOW)),
                Act::Cut(_) => links[who].cut(),
                Act::TruncateUp(_) => links[who].truncate_up(3),
                Act::TruncateDown(_) => links[who].truncate_down(3),
                Act::RepeatUp(_) => links[who].repeat_up(),
                Act::RepeatDown(_) => links[who].repeat_down(),
            }
        }
        drop(links);
        devices.iter().for_each(|device| device.store.want_chunks(recorded.iter().copied()));
        // Now the line is good: one connection each is enough, whoever comes first.
        let mut last = [1, 0].map(|who| connect(&devices[who], &relay, &objects, rng));
        let [one, two] = &mut last;
        settle(&mut [one, two], &mut relay, NOW, rng);
        for device in &devices {
            prop_assert!(holds_all(device, &recorded));
            prop_assert!(device.store.held().chunks.wanted.is_empty());
        }
        prop_assert_eq!(relay.chunks.len(), recorded.len());
        prop_assert_eq!(objects.lock().unwrap().held.len(), recorded.len());
    }
}

#[test]
fn what_arrived_is_not_sent_again() {
    let rng = &mut rng(1);
    let (_, [one, two], mut relay, objects) = two(rng);
    let chunks = record(&one, 8, rng);
    let mut n_put = 0;
    // Each connection breaks after three frames upwards that the relay answered.
    for _ in 0..20 {
        let mut link = connect(&one, &relay, &objects, rng);
        for _ in 0..4 {
            link.deliver_down(NOW);
            n_put += usize::from(link.frames_up().next().is_some_and(is_put));
            link.deliver_up(&mut relay, NOW, rng);
        }
        link.deliver_down(NOW);
        link.cut();
    }
    assert_eq!((relay.chunks.len(), n_put), (8, 8));

    two.store.want_chunks(chunks.iter().copied());
    let mut n_given = 0;
    for _ in 0..20 {
        let mut link = connect(&two, &relay, &objects, rng);
        for _ in 0..4 {
            n_given += usize::from(link.frames_down().next().is_some_and(is_chunk));
            link.deliver_down(NOW);
            link.deliver_up(&mut relay, NOW, rng);
        }
        n_given += usize::from(link.frames_down().next().is_some_and(is_chunk));
        link.deliver_down(NOW);
        link.cut();
    }
    assert!(holds_all(&two, &chunks));
    assert_eq!(n_given, 8);
}

#[test]
fn a_change_is_never_behind_more_than_one_chunk() {
    let rng = &mut rng(2);
    let (_, [mut one, mut two], mut relay, objects) = two(rng);
    let chunks = record(&one, 6, rng);
    let mut link = connect(&one, &relay, &objects, rng);
    while !link.frames_up().any(is_put) {
        link.deliver_down(NOW);
        if !link.frames_up().any(is_put) {
            link.deliver_up(&mut relay, NOW, rng);
        }
    }
    // A chunk is on its way; a change is written now, and another when that one was answered.
    for _ in 0..2 {
        one.write(rng);
        link.nudge();
        let up: Vec<_> = link.frames_up().collect();
        assert_eq!(up.iter().filter(|frame| is_put(frame)).count(), 1);
        assert!(
            matches!(
                DeviceMessage::decode(up[1]),
                Ok(DeviceMessage::Push(_) | DeviceMessage::ShortPush(_))
            ),
            "the change follows it at once"
        );
        assert!(link.deliver_up(&mut relay, NOW, rng).0);
        link.deliver_down(NOW);
        assert!(
            !link.frames_up().any(is_put),
            "while a change waits for its answer, no chunk begins"
        );
        assert!(link.deliver_up(&mut relay, NOW, rng).0);
        while !link.frames_up().any(is_put) {
            assert!(link.deliver_down(NOW) || link.deliver_up(&mut relay, NOW, rng).0);
        }
    }
    settle(&mut [&mut link], &mut relay, NOW, rng);

    // And on the way down: with much to be told, what was asked for comes after it.
    let mut reader = sync(&two, &mut relay, &objects, rng);
    two.store.want_chunks(chunks.iter().copied());
    reader.nudge();
    (0..4_200).for_each(|_| one.write(rng));
    link.nudge();
    settle(&mut [&mut link], &mut relay, NOW, rng);
    reader.deliver_up(&mut relay, NOW, rng);
    assert!(
        !reader.frames_down().any(is_chunk),
        "a full window is on its way, and there is more"
    );
    settle(&mut [&mut reader], &mut relay, NOW, rng);
    assert!(holds_all(&two, &chunks));
    two.write(rng);
}

#[test]
fn who_is_behind_catches_up_before_a_chunk_moves() {
    let rng = &mut rng(3);
    let (_, [mut one, two], mut relay, objects) = two(rng);
    let chunks = record(&one, 2, rng);
    record(&two, 2, rng);
    (0..1_100).for_each(|_| one.write(rng));
    drop(sync(&one, &mut relay, &objects, rng));
    two.store.want_chunks(chunks.iter().copied());
    let mut link = connect(&two, &relay, &objects, rng);
    loop {
        let is_asking = link
            .frames_up()
            .any(|frame| matches!(DeviceMessage::decode(frame), Ok(DeviceMessage::Attachments(_))));
        if is_asking {
            break;
        }
        assert!(link.deliver_down(NOW) | link.deliver_up(&mut relay, NOW, rng).0);
    }
    assert_eq!(two.store.held().changes.len(), 1_100);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert!(holds_all(&two, &chunks));
    assert_eq!(relay.chunks.len(), 4);
}

#[test]
fn a_relay_that_gives_other_bytes_is_not_asked_again_and_nothing_is_stored() {
    let rng = &mut rng(4);
    let (_, [one, two], mut relay, objects) = two(rng);
    let chunks = record(&one, 2, rng);
    drop(sync(&one, &mut relay, &objects, rng));
    two.store.want_chunks(chunks.iter().copied());
    let mut link = connect(&two, &relay, &objects, rng);
    while !link.frames_down().next().is_some_and(is_chunk) {
        assert!(link.deliver_down(NOW) | link.deliver_up(&mut relay, NOW, rng).0);
    }
    let lie = RelayMessage::Attachments(AttachmentAnswer::Chunk(vec![6; 700].into()));
    link.replace_down(lie.encode());
    settle(&mut [&mut link], &mut relay, NOW, rng);
    // It says that it has it after all.
    let here = AttachmentAnswer::Here(SOUND, vec![chunks[0].name, chunks[1].name].into());
    let n_up = link.n_frames_up;
    let step = link
        .device()
        .receive(&RelayMessage::Attachments(here).encode(), NOW)
        .unwrap();
    assert_eq!((step.send, link.n_frames_up), (Vec::new(), n_up));
    let held = two.store.held().chunks;
    assert_eq!((held.here.len(), held.wanted.len()), (1, 1));
    // The next connection may be with an honest one.
    drop(sync(&two, &mut relay, &objects, rng));
    assert!(holds_all(&two, &chunks));
}

#[test]
fn another_clinic_hears_that_it_is_not_here() {
    let rng = &mut rng(5);
    let (_, [one, _], mut relay, objects) = two(rng);
    let chunks = record(&one, 1, rng);
    drop(sync(&one, &mut relay, &objects, rng));
    let (other, stranger) = SimClinic::found(NOW, rng);
    relay.know(crate::roster(&other));
    stranger.store.want_chunks(chunks.iter().copied());
    let never = ChunkId {
        attachment: SOUND,
        name: seal::chunk_name(b"never"),
    };
    stranger.store.want_chunks([never]);
    let mut link = connect(&stranger, &relay, &objects, rng);
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.extend(
            link.frames_down()
                .take(1)
                .filter_map(|frame| match RelayMessage::decode(frame) {
                    Ok(RelayMessage::Attachments(answer)) => Some(answer),
                    _ => None,
                }),
        );
        link.deliver_down(NOW);
        link.deliver_up(&mut relay, NOW, rng);
    }
    let not_here = [chunks[0], never].map(|chunk| AttachmentAnswer::NotHere(chunk.name));
    assert_eq!(
        answers, not_here,
        "what is another's and what was never anybody's are answered alike"
    );
    // What it brings under the same ids is its own.
    stranger.store.record_chunk(SOUND, b"other".to_vec());
    link.nudge();
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(relay.chunks.iter().filter(|key| key.tenant == other.tenant).count(), 1);
    stranger.store.erase_attachment(SOUND);
    link.nudge();
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(relay.chunks.len(), 1, "and only its own is forgotten");
}

#[test]
fn one_chunk_a_time_each_way() {
    let rng = &mut rng(14);
    let (_, [one, _], mut relay, objects) = two(rng);
    record(&one, 1, rng);
    let mut link = sync(&one, &mut relay, &objects, rng);
    // Its objects do not answer: the first chunk stays on its way.
    let get = |byte| {
        let chunk = ChunkId {
            attachment: SOUND,
            name: seal::chunk_name(&[byte]),
        };
        DeviceMessage::Attachments(AttachmentAsk::Get(chunk)).encode()
    };
    let (mut session, _) = sync_protocol::RelaySession::open(&relay, rng);
    drop(session.receive(&get(1), &mut relay, NOW, rng).unwrap());
    assert!(session.member().is_none(), "before a hello nothing is answered");
    link.inject_up(get(1));
    link.deliver_up(&mut relay, NOW, rng);
    assert_eq!(link.refused, None, "one that was answered makes room for the next");
    link.inject_up(get(2));
    link.deliver_up(&mut relay, NOW, rng);
    assert_eq!(link.refused, None);
}
