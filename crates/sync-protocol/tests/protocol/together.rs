//! Batches that a device takes together, and how many are on their way to it.

use std::collections::VecDeque;
use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use sync_protocol::sim::{Link, SimClinic, SimDevice, settle};
use sync_protocol::{DeviceEvent, DeviceMessage, DeviceSession, Feed, RelayMessage, RelaySession};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng};

/// As large that each is a batch by itself.
const A_BATCH: usize = 200_000;
const N_BATCHES: usize = 24;

/// A relay that has many batches for a device that has nothing.
fn far_behind(rng: &mut ChaCha20Rng) -> (SimDevice, SimDevice, MemoryRelay) {
    let (mut clinic, mut one) = SimClinic::found(NOW, rng);
    let two = clinic.admit(NOW, rng);
    one.learn(&clinic);
    let mut relay = relay_of(&clinic);
    for _ in 0..N_BATCHES {
        let item = one.seal(A_BATCH, rng);
        one.store.write(item);
    }
    let mut link = Link::open(&one, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    (one, two, relay)
}

fn is_batch(frame: &[u8]) -> bool {
    matches!(
        RelayMessage::decode(frame),
        Ok(RelayMessage::Changes(_) | RelayMessage::ShortChanges(_))
    )
}

fn is_ack(frame: &[u8]) -> bool {
    matches!(DeviceMessage::decode(frame), Ok(DeviceMessage::Ack(Feed::Changes, _)))
}

/// Brings a device up to date that takes whatever is there together, and acknowledges it so long after it was sent. Gives how
/// many batches it took at a time.
fn taken_together(device: &SimDevice, relay: &mut MemoryRelay, after_ms: i64, rng: &mut ChaCha20Rng) -> Vec<usize> {
    let mut session = DeviceSession::new(Arc::clone(&device.store) as _, Arc::clone(&device.keys));
    let (mut other, step) = RelaySession::open(relay, rng);
    let mut down: Vec<Vec<u8>> = step.send.into_iter().map(|outgoing| outgoing.frame).collect();
    let (mut now_ms, mut taken) = (NOW, Vec::new());
    while !down.is_empty() {
        let n_batches = down.iter().filter(|frame| is_batch(frame)).count();
        let step = session.receive_all(&down, now_ms).unwrap();
        let mut up: VecDeque<_> = step.send.into();
        assert_eq!(up.iter().filter(|frame| is_ack(frame)).count(), n_batches);
        if n_batches > 0 {
            let n_stored = step.events.iter().filter(|event| **event == DeviceEvent::Moved).count();
            assert!(
                n_stored <= 3,
                "stored in one go, but for what came behind a receipt, or behind what is used of the plan: {n_stored}"
            );
            taken.push(n_batches);
        }
        down.clear();
        now_ms += after_ms;
        while let Some(frame) = up.pop_front() {
            let step = other.receive(&frame, relay, now_ms, rng).unwrap();
            assert_eq!(step.end, None);
            down.extend(step.send.into_iter().map(|outgoing| outgoing.frame));
        }
    }
    taken
}

#[test]
fn a_prompt_device_has_more_and_more_on_its_way_and_stores_it_together() {
    let rng = &mut rng(41);
    let (one, two, mut relay) = far_behind(rng);
    let taken = taken_together(&two, &mut relay, 100, rng);
    assert_eq!(taken, [2, 4, 8, 8, 2]);
    assert_eq!(two.store.held().changes, one.store.held().changes);
}

#[test]
fn behind_a_slow_link_no_more_than_two_batches_are_on_their_way() {
    let rng = &mut rng(42);
    let (one, two, mut relay) = far_behind(rng);
    let taken = taken_together(&two, &mut relay, 1_000, rng);
    assert_eq!(taken, [2; N_BATCHES / 2]);
    assert_eq!(two.store.held().changes, one.store.held().changes);
}

#[test]
fn what_came_before_a_frame_that_is_wrong_is_stored() {
    let rng = &mut rng(43);
    let (_, two, mut relay) = far_behind(rng);
    let mut session = DeviceSession::new(Arc::clone(&two.store) as _, Arc::clone(&two.keys));
    let (mut other, step) = RelaySession::open(&relay, rng);
    let hello = session.receive(&step.send[0].frame, NOW).unwrap().send.remove(0);
    let mut down: Vec<Vec<u8>> = Vec::new();
    for outgoing in other.receive(&hello, &mut relay, NOW, rng).unwrap().send {
        down.push(outgoing.frame);
    }
    down.push(vec![0xff; 9]);
    assert!(session.receive_all(&down, NOW).is_err());
    assert_eq!(two.store.held().changes.len(), 2, "two batches were on their way");
}
