//! Whatever a link loses, repeats or cuts short: in the end everyone holds the same set.

use proptest::prelude::*;
use sync_protocol::sim::{Link, SimClinic, SimDevice, settle};
use sync_protocol::{OutId, SyncStore};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng};

#[derive(Debug, Clone, Copy)]
enum Act {
    Write(usize),
    Up(usize),
    Down(usize),
    Cut(usize),
    TruncateUp(usize, usize),
    TruncateDown(usize, usize),
    RepeatUp(usize),
    RepeatDown(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let who = 0..2usize;
    let act = prop_oneof![
        3 => who.clone().prop_map(Act::Write),
        6 => who.clone().prop_map(Act::Up),
        6 => who.clone().prop_map(Act::Down),
        1 => who.clone().prop_map(Act::Cut),
        1 => (who.clone(), 1..200usize).prop_map(|(who, n)| Act::TruncateUp(who, n)),
        1 => (who.clone(), 1..200usize).prop_map(|(who, n)| Act::TruncateDown(who, n)),
        1 => who.clone().prop_map(Act::RepeatUp),
        1 => who.prop_map(Act::RepeatDown),
    ];
    proptest::collection::vec(act, 0..120)
}

fn ids(device: &SimDevice) -> Vec<OutId> {
    device
        .store
        .held()
        .changes
        .keys()
        .map(|id| OutId::Change(*id))
        .collect()
}

fn relay_ids(relay: &MemoryRelay) -> Vec<OutId> {
    let mut ids: Vec<_> = relay.changes.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_devices_and_the_relay_end_with_the_same_set(acts in acts(), seed: u8) {
        let rng = &mut rng(seed);
        let (mut clinic, first) = SimClinic::found(NOW, rng);
        let second = clinic.admit(NOW, rng);
        // The relay does not know the second device yet: that too must come right by itself.
        let mut relay = MemoryRelay::new([1; 16]);
        relay.know(crate::roster(&clinic));
        let mut devices = [first, second];
        let mut links = [Link::open(&devices[0], &relay, rng), Link::open(&devices[1], &relay, rng)];
        let mut n_written = 0;
        for act in acts {
            let (Act::Write(who) | Act::Up(who) | Act::Down(who) | Act::Cut(who) | Act::TruncateUp(who, _)
                | Act::TruncateDown(who, _) | Act::RepeatUp(who) | Act::RepeatDown(who)) = act;
            if !links[who].is_open() {
                links[who] = Link::open(&devices[who], &relay, rng);
            }
            match act {
                Act::Write(_) => {
                    devices[who].write(rng);
                    n_written += 1;
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
                Act::TruncateUp(_, n) => links[who].truncate_up(n),
                Act::TruncateDown(_, n) => links[who].truncate_down(n),
                Act::RepeatUp(_) => links[who].repeat_up(),
                Act::RepeatDown(_) => links[who].repeat_down(),
            }
        }
        // Now the line is good: one connection each is enough.
        let mut last = [Link::open(&devices[0], &relay, rng), Link::open(&devices[1], &relay, rng)];
        let [one, two] = &mut last;
        settle(&mut [one, two], &mut relay, NOW, rng);
        prop_assert_eq!(ids(&devices[0]).len(), n_written);
        prop_assert_eq!(ids(&devices[0]), ids(&devices[1]));
        prop_assert_eq!(relay_ids(&relay), ids(&devices[0]));
        for device in &devices {
            prop_assert_eq!(device.store.pending().unwrap(), 0);
            prop_assert!(device.store.held().refused.is_empty());
            prop_assert!(device.store.held().quarantined.is_empty());
            prop_assert!(device.store.held().lies.is_empty(), "an honest relay is accused of nothing");
        }
    }
}

#[test]
fn a_lost_ack_is_resent_without_a_duplicate() {
    let rng = &mut rng(1);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    device.write(rng);
    link.nudge();
    assert!(link.deliver_up(&mut relay, NOW, rng).0);
    assert_eq!(relay.changes.len(), 1);
    link.cut();
    assert_eq!(
        device.store.pending().unwrap(),
        1,
        "the answer was lost, so the device cannot know"
    );

    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(relay.changes.len(), 1);
    assert_eq!(device.store.pending().unwrap(), 0);
}

#[test]
fn pages_of_exactly_one_batch_are_neither_skipped_nor_repeated() {
    for n_changes in [511, 512, 513, 1024, 1025] {
        let rng = &mut rng(2);
        let (mut clinic, mut writer) = SimClinic::found(NOW, rng);
        let reader = clinic.admit(NOW, rng);
        let mut relay = relay_of(&clinic);
        (0..n_changes).for_each(|_| writer.write(rng));
        let mut up = Link::open(&writer, &relay, rng);
        settle(&mut [&mut up], &mut relay, NOW, rng);
        let mut down = Link::open(&reader, &relay, rng);
        settle(&mut [&mut down], &mut relay, NOW, rng);
        assert_eq!(reader.store.held().changes.len(), n_changes);
        assert_eq!(down.device().position(), n_changes as u64);
    }
}
