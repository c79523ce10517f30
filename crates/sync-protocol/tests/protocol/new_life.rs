//! A relay that was restored: it is offered what it lost, and not once more the years that it has.

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use sync_protocol::sim::{Link, SimClinic, SimDevice};
use sync_protocol::{DeviceMessage, OutId};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng};

/// Until nothing moves; how many changes the device pushed, push by push.
fn pushes(device: &SimDevice, relay: &mut MemoryRelay, rng: &mut ChaCha20Rng) -> Vec<usize> {
    let mut link = Link::open(device, relay, rng);
    let mut pushes = Vec::new();
    loop {
        // The one that is delivered now.
        let next = link.frames_up().next().map(DeviceMessage::decode);
        if let Some(Ok(DeviceMessage::ShortPush(items))) = next {
            pushes.push(items.0.len());
        }
        if !(link.deliver_up(relay, NOW, rng).0 | link.deliver_down(NOW)) {
            return pushes;
        }
    }
}

fn write(device: &mut SimDevice, n: usize, rng: &mut ChaCha20Rng) {
    for _ in 0..n {
        device.write(rng);
    }
}

fn ids(relay: &MemoryRelay) -> BTreeSet<OutId> {
    relay.changes.iter().map(|(id, _)| *id).collect()
}

#[test]
fn a_relay_from_last_week_is_offered_that_week_and_not_the_years_before() {
    let rng = &mut rng(1);
    let (mut clinic, mut one) = SimClinic::found(NOW, rng);
    let two = clinic.admit(NOW, rng);
    let mut relay = relay_of(&clinic);
    write(&mut one, 1_300, rng);
    pushes(&one, &mut relay, rng);
    let last_week = relay.changes.len();
    write(&mut one, 40, rng);
    for device in [&one, &two] {
        pushes(device, &mut relay, rng);
    }
    let all = ids(&relay);

    relay.changes.truncate(last_week);
    relay.become_another([2; 16]);
    write(&mut one, 3, rng);
    // What was just written does not wait for the feed.
    assert_eq!(pushes(&one, &mut relay, rng), [3, 40]);
    assert_eq!(relay.changes.len(), all.len() + 3);
    assert!(all.is_subset(&ids(&relay)));
    // The next device to come finds that nothing is missing.
    assert_eq!(pushes(&two, &mut relay, rng), [0_usize; 0]);
    assert_eq!(one.store.held().changes, two.store.held().changes);
}

#[test]
fn a_relay_that_lost_everything_is_offered_everything() {
    let rng = &mut rng(2);
    let (clinic, mut one) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    write(&mut one, 700, rng);
    pushes(&one, &mut relay, rng);
    let all = ids(&relay);
    relay.changes.clear();
    relay.become_another([2; 16]);
    assert_eq!(pushes(&one, &mut relay, rng).iter().sum::<usize>(), 700);
    assert_eq!(ids(&relay), all);
}
