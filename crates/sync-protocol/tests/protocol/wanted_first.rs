//! What a new device wants before all others comes before all others: from the relay, from other devices, over any loss.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use seal::ChangeId;
use sync_protocol::sim::{Link, PeerLink, SimClinic, SimDevice, settle, settle_peers};
use sync_protocol::{
    BATCH_ITEMS, BATCHES_IN_FLIGHT, DeviceError, DeviceMessage, OutId, OutItem, RefusedCode, RelayMessage,
};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng, roster};

/// What the feed may have brought before the relay waits for an acknowledgement.
const ON_THE_WAY: usize = BATCH_ITEMS * BATCHES_IN_FLIGHT as usize;

/// What a channel passes on at a time.
const SOME_BYTES: usize = 1 << 16;

/// Writes so many changes; their names, in the order of writing.
fn write(device: &mut SimDevice, n: usize, rng: &mut ChaCha20Rng) -> Vec<ChangeId> {
    let items: Vec<OutItem> = (0..n).map(|_| device.seal(40, rng)).collect();
    let names = items.iter().map(|item| match item.id {
        OutId::Change(id) => id,
        other => panic!("{other:?} is no change"),
    });
    let names = names.collect();
    items.into_iter().for_each(|item| device.store.write(item));
    names
}

fn sync(device: &SimDevice, relay: &mut MemoryRelay, rng: &mut ChaCha20Rng) -> Link {
    let mut link = Link::open(device, relay, rng);
    settle(&mut [&mut link], relay, NOW, rng);
    link
}

/// An old device, what it wrote, a relay that has it all, and a new device that has nothing.
fn clinic_of(n: usize, rng: &mut ChaCha20Rng) -> (SimDevice, SimDevice, MemoryRelay, Vec<ChangeId>) {
    let (mut clinic, mut old) = SimClinic::found(NOW, rng);
    let new = clinic.admit(NOW, rng);
    let mut relay = relay_of(&clinic);
    let written = write(&mut old, n, rng);
    sync(&old, &mut relay, rng);
    (old, new, relay, written)
}

/// Of what was written now and then one.
fn scattered(written: &[ChangeId], every: usize) -> Vec<ChangeId> {
    written.iter().rev().step_by(every).copied().collect()
}

/// How many changes one has and the other has not.
fn n_apart(one: &SimDevice, other: &SimDevice) -> usize {
    let [one, other] = [one, other].map(|device| device.store.held().changes.into_keys().collect::<BTreeSet<_>>());
    one.symmetric_difference(&other).count()
}

fn n_wanted(device: &SimDevice) -> usize {
    device.store.held().wanted_first.len()
}

fn has_all(device: &SimDevice, wanted: &[ChangeId]) -> bool {
    let held = device.store.held();
    wanted.iter().all(|id| held.changes.contains_key(id))
}

fn is_ask(frame: &[u8]) -> bool {
    matches!(DeviceMessage::decode(frame), Ok(DeviceMessage::AskChanges(_)))
}

fn is_answer(frame: &[u8]) -> bool {
    matches!(RelayMessage::decode(frame), Ok(RelayMessage::NamedChanges(_)))
}

#[test]
fn what_is_wanted_first_is_here_before_the_rest() {
    let rng = &mut rng(1);
    let (old, new, mut relay, written) = clinic_of(5_000, rng);
    let wanted = scattered(&written, 4);
    new.store.want_first(wanted.clone());
    let mut link = Link::open(&new, &relay, rng);
    while !has_all(&new, &wanted) {
        let moved = link.deliver_up(&mut relay, NOW, rng).0 | link.deliver_down(NOW);
        assert!(moved, "it stands still");
    }
    let n_held = new.store.held().changes.len();
    assert!(
        n_held <= wanted.len() + ON_THE_WAY,
        "{n_held} of {} were stored meanwhile",
        written.len()
    );

    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!((n_apart(&old, &new), n_wanted(&new)), (0, 0));
    assert_eq!(new.store.held().lies, []);
}

#[test]
fn what_is_here_already_is_not_asked_for_again() {
    let rng = &mut rng(2);
    let (_, new, mut relay, written) = clinic_of(700, rng);
    new.store.want_first(written.clone());
    sync(&new, &mut relay, rng);
    new.store.want_first(written);
    let mut link = Link::open(&new, &relay, rng);
    while link.deliver_up(&mut relay, NOW, rng).0 | link.deliver_down(NOW) {
        assert!(!link.frames_up().any(is_ask), "it asks for what it has");
    }
    assert_eq!(n_wanted(&new), 0, "and is done with it");
}

#[test]
fn names_of_nothing_hold_nothing_up() {
    let rng = &mut rng(3);
    let (old, new, mut relay, written) = clinic_of(900, rng);
    let nothing = (0..2_000_u32).map(nobodys);
    let wanted = nothing.chain(scattered(&written, 7)).collect();
    new.store.want_first(wanted);
    sync(&new, &mut relay, rng);
    assert_eq!((n_apart(&old, &new), n_wanted(&new)), (0, 0));
}

fn nobodys(n: u32) -> ChangeId {
    let mut bytes = [0x5a; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    ChangeId::from_bytes(bytes)
}

#[test]
fn an_older_relay_gives_everything_in_its_turn() {
    let rng = &mut rng(4);
    let (old, new, mut relay, written) = clinic_of(1_500, rng);
    let wanted = scattered(&written, 5);
    new.store.want_first(wanted.clone());
    let mut link = Link::open(&new, &relay, rng);
    link.as_an_older_relay_of(4);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!((n_apart(&old, &new), n_wanted(&new)), (0, wanted.len()));
}

#[test]
fn another_change_than_was_asked_for_ends_the_connection_and_is_not_kept() {
    let rng = &mut rng(5);
    let (mut clinic, mut old) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let written = write(&mut old, 600, rng);
    sync(&old, &mut relay, rng);
    let (asked, other) = (written[10], written[20]);
    let bytes = |id: ChangeId| Some(old.store.held().changes[&id].clone().into());
    let answers = [
        ("another", vec![bytes(other)]),
        ("more than was asked for", vec![bytes(asked), bytes(asked)]),
        ("no answer at all", vec![]),
    ];
    for (what, answer) in answers {
        let new = clinic.admit(NOW, rng);
        relay.know(roster(&clinic));
        new.store.want_first(vec![asked]);
        let mut link = Link::open(&new, &relay, rng);
        while !link.frames_down().any(is_answer) {
            assert!(
                link.deliver_up(&mut relay, NOW, rng).0 | link.deliver_down(NOW),
                "{what}"
            );
        }
        while !link.frames_down().next().is_some_and(is_answer) {
            link.deliver_down(NOW);
        }
        let before = new.store.held().changes.len();
        link.replace_down(RelayMessage::NamedChanges(answer.into()).encode());
        link.deliver_down(NOW);
        assert!(!link.is_open(), "{what}");
        assert_eq!(new.store.held().changes.len(), before, "{what}");
    }
}

#[test]
fn an_answer_to_nothing_ends_the_connection() {
    let rng = &mut rng(6);
    let (_, new, mut relay, _) = clinic_of(3, rng);
    let mut link = sync(&new, &mut relay, rng);
    let answer = RelayMessage::NamedChanges(vec![None].into()).encode();
    let error = link.device().receive(&answer, NOW).unwrap_err();
    assert_eq!(error, DeviceError::Unexpected);
}

#[test]
fn a_device_that_asks_for_nothing_or_without_end_is_refused() {
    let rng = &mut rng(7);
    let (old, _, mut relay, written) = clinic_of(3, rng);
    let ask = |ids: Vec<ChangeId>| DeviceMessage::AskChanges(ids.into()).encode();
    let mut link = sync(&old, &mut relay, rng);
    link.inject_up(ask(vec![]));
    link.deliver_up(&mut relay, NOW, rng);
    assert_eq!(link.refused, Some(RefusedCode::BadMessage));

    let mut link = sync(&old, &mut relay, rng);
    for n_asked in 0.. {
        assert!(n_asked < 1_000, "nobody stops it");
        link.inject_up(ask(vec![written[0]; BATCH_ITEMS]));
        link.deliver_up(&mut relay, NOW, rng);
        if link.refused.is_some() {
            break;
        }
    }
    assert_eq!(link.refused, Some(RefusedCode::BadMessage));
}

#[test]
fn a_peer_gives_it_first_too_and_need_not_have_it() {
    for caller in 0..2 {
        let rng = &mut rng(8);
        let (old, new, _, written) = clinic_of(4_000, rng);
        // More than a peer may claim and then not give: nobody claimed these.
        let nothing: Vec<_> = (0..5_000).map(nobodys).collect();
        let wanted = scattered(&written, 4);
        new.store.want_first(wanted.iter().copied().chain(nothing).collect());
        let ends = if caller == 0 { [&new, &old] } else { [&old, &new] };
        let mut link = PeerLink::open(ends[0], ends[1], [9; 32]);
        while !has_all(&new, &wanted) {
            let moved = (0..2).fold(false, |moved, end| moved | link.deliver(end, SOME_BYTES));
            assert!(moved, "it stands still");
        }
        let n_held = new.store.held().changes.len();
        assert!(n_held <= wanted.len() + ON_THE_WAY, "{n_held} were stored meanwhile");
        settle_peers(std::slice::from_mut(&mut link));
        assert!(link.is_open() && link.is_equal());
        assert_eq!(n_apart(&old, &new), 0);
    }
}

#[test]
fn what_a_peer_gave_meanwhile_the_relay_is_not_asked_for() {
    let rng = &mut rng(9);
    let (old, new, mut relay, written) = clinic_of(4_000, rng);
    let wanted = scattered(&written, 1);
    new.store.want_first(wanted.clone());
    let mut link = Link::open(&new, &relay, rng);
    while !link.frames_up().any(is_ask) {
        assert!(link.deliver_up(&mut relay, NOW, rng).0 | link.deliver_down(NOW));
    }
    settle_peers(&mut [PeerLink::open(&new, &old, [9; 32])]);
    link.nudge();
    let mut asked = BTreeSet::new();
    loop {
        for frame in link.frames_up() {
            if let Ok(DeviceMessage::AskChanges(ids)) = DeviceMessage::decode(frame) {
                asked.extend(ids.0);
            }
        }
        if !(link.deliver_up(&mut relay, NOW, rng).0 | link.deliver_down(NOW)) {
            break;
        }
    }
    assert!(asked.len() <= 4 * BATCH_ITEMS, "{} were asked for", asked.len());
    assert_eq!((n_apart(&old, &new), n_wanted(&new)), (0, 0));
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Up,
    Down,
    Peer(usize),
    Cut,
    CutPeer,
    TruncateUp,
    TruncateDown,
    RepeatUp,
    RepeatDown,
    Write,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        12 => Just(Act::Up),
        12 => Just(Act::Down),
        4 => (0..2usize).prop_map(Act::Peer),
        1 => Just(Act::Cut),
        1 => Just(Act::CutPeer),
        1 => Just(Act::TruncateUp),
        1 => Just(Act::TruncateDown),
        1 => Just(Act::RepeatUp),
        1 => Just(Act::RepeatDown),
        2 => Just(Act::Write),
    ];
    proptest::collection::vec(act, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_cut_and_whatever_is_wanted_both_end_with_everything(acts in acts(), seed: u8, every in 1..9usize) {
        let rng = &mut rng(seed);
        let (mut old, mut new, mut relay, written) = clinic_of(1_400, rng);
        new.store.want_first(scattered(&written, every).into_iter().chain((0..40).map(nobodys)).collect());
        let mut link = Link::open(&new, &relay, rng);
        let mut peers = PeerLink::open(&new, &old, [9; 32]);
        for act in acts {
            if !link.is_open() || link.refused.is_some() {
                link = Link::open(&new, &relay, rng);
            }
            if !peers.is_open() {
                peers = PeerLink::open(&old, &new, [9; 32]);
            }
            match act {
                Act::Up => drop(link.deliver_up(&mut relay, NOW, rng)),
                Act::Down => drop(link.deliver_down(NOW)),
                Act::Peer(end) => drop(peers.deliver(end, SOME_BYTES)),
                Act::Cut => link.cut(),
                Act::CutPeer => peers.cut(),
                Act::TruncateUp => link.truncate_up(3),
                Act::TruncateDown => link.truncate_down(3),
                Act::RepeatUp => link.repeat_up(),
                Act::RepeatDown => link.repeat_down(),
                Act::Write => {
                    write(&mut old, 1, rng);
                    write(&mut new, 1, rng);
                    link.nudge();
                    (0..2).for_each(|end| peers.news(end));
                }
            }
        }
        for device in [&old, &new, &old] {
            sync(device, &mut relay, rng);
        }
        prop_assert_eq!((n_apart(&old, &new), n_wanted(&new)), (0, 0));
        let held = new.store.held();
        prop_assert!(held.lies.is_empty() && held.quarantined.is_empty());
    }
}

#[test]
fn the_frames_about_named_changes_stay_as_they_are() {
    let ask = DeviceMessage::AskChanges(vec![nobodys(1), nobodys(2)].into());
    assert_eq!(DeviceMessage::decode(&ask.encode()), Ok(ask.clone()));
    let answer = RelayMessage::NamedChanges(vec![Some(vec![1, 2, 3].into()), None].into());
    assert_eq!(RelayMessage::decode(&answer.encode()), Ok(answer.clone()));
    let hex = |frame: Vec<u8>| frame.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    insta::assert_snapshot!(format!("ask {}\nanswer {}", hex(ask.encode()), hex(answer.encode())));
}

#[test]
fn who_has_come_so_far_of_how_much_is_told() {
    let rng = &mut rng(10);
    let (_, new, mut relay, _) = clinic_of(1_300, rng);
    let mut link = Link::open(&new, &relay, rng);
    let mut told = Vec::new();
    while link.deliver_up(&mut relay, NOW, rng).0 | link.deliver_down(NOW) {
        told.push(new.store.held().came_to);
    }
    told.dedup();
    let all = 1_300;
    assert_eq!(told, [(0, 0), (0, all), (512, all), (1_024, all), (all, all)]);
}
