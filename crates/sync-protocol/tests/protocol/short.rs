//! What a connection leaves out of a change because both ends know it, and that nobody notices.

use std::collections::VecDeque;
use std::sync::Arc;

use minicbor::bytes::ByteVec;
use rand_chacha::ChaCha20Rng;
use sync_protocol::compact::{Heard, Said};
use sync_protocol::sim::{PeerLink, SimClinic, SimDevice, settle_peers};
use sync_protocol::{
    ChangeItem, DeviceError, DeviceMessage, DeviceSession, Few, Greeting, MAX_PEER_FRAME_BYTES, OutId, PeerHello,
    PeerMessage, PeerStore, RefusedCode, RelayMessage, RelaySession, ShortItem, SyncStore, WireError,
};

use crate::memory_relay::MemoryRelay;
use crate::peers::{clinic_of, ids, messages};
use crate::{NOW, relay_of, rng};

/// What went over one connection.
struct Spoken {
    up: Vec<DeviceMessage>,
    down: Vec<RelayMessage>,
    n_bytes_up: usize,
    n_bytes_down: usize,
}

/// Lets a device speak to a relay whose greeting says that it speaks no newer version than this.
fn speak(device: &SimDevice, relay: &mut MemoryRelay, newest: u16, rng: &mut ChaCha20Rng) -> Spoken {
    let mut session = DeviceSession::new(Arc::clone(&device.store) as _, Arc::clone(&device.keys));
    let (mut other, step) = RelaySession::open(relay, rng);
    let mut down: VecDeque<Vec<u8>> = step.send.into_iter().map(|outgoing| outgoing.frame).collect();
    let Ok(RelayMessage::Greeting(greeting)) = RelayMessage::decode(&down[0]) else {
        panic!()
    };
    down[0] = RelayMessage::Greeting(Greeting { newest, ..greeting }).encode();
    let mut spoken = Spoken {
        up: Vec::new(),
        down: Vec::new(),
        n_bytes_up: 0,
        n_bytes_down: 0,
    };
    while let Some(frame) = down.pop_front() {
        spoken.n_bytes_down += frame.len();
        spoken.down.push(RelayMessage::decode(&frame).unwrap());
        for frame in session.receive(&frame, NOW).unwrap().send {
            spoken.n_bytes_up += frame.len();
            spoken.up.push(DeviceMessage::decode(&frame).unwrap());
            let step = other.receive(&frame, relay, NOW, rng).unwrap();
            assert_eq!(step.end, None);
            down.extend(step.send.into_iter().map(|outgoing| outgoing.frame));
        }
    }
    assert!(session.is_idle());
    spoken
}

fn bodies(device: &SimDevice) -> Vec<Vec<u8>> {
    device.store.held().changes.into_values().collect()
}

#[test]
fn a_change_is_the_same_bytes_at_the_relay_and_on_the_other_device() {
    for newest in [1, 2, 3] {
        let rng = &mut rng(1);
        let (mut clinic, mut writer) = SimClinic::found(NOW, rng);
        let reader = clinic.admit(NOW, rng);
        let mut relay = relay_of(&clinic);
        (0..700).for_each(|_| writer.write(rng));
        let written: Vec<_> = writer.store.outbox(1_000, usize::MAX).unwrap();
        let pushed = speak(&writer, &mut relay, newest, rng);
        let given = speak(&reader, &mut relay, newest, rng);

        let stored: Vec<_> = relay.changes.iter().map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(stored, written.into_iter().map(|item| item.bytes).collect::<Vec<_>>());
        let mut stored_here = bodies(&reader);
        let mut stored_there = bodies(&writer);
        stored_here.sort();
        stored_there.sort();
        assert_eq!(stored_here.len(), 700);
        assert_eq!(stored_here, stored_there);
        // Short from version 3 on, and before that as it always was.
        let is_short = |message: &DeviceMessage| matches!(message, DeviceMessage::ShortPush(_));
        assert_eq!(pushed.up.iter().any(is_short), newest >= 3);
        let is_whole = |message: &DeviceMessage| matches!(message, DeviceMessage::Push(_));
        assert_eq!(pushed.up.iter().any(is_whole), newest < 3);
        let is_short = |message: &RelayMessage| matches!(message, RelayMessage::ShortChanges(_));
        assert_eq!(given.down.iter().any(is_short), newest >= 3);
        let is_whole = |message: &RelayMessage| matches!(message, RelayMessage::Changes(_));
        assert_eq!(given.down.iter().any(is_whole), newest < 3);
        println!(
            "version {newest}: 700 changes are {} bytes up and {} down",
            pushed.n_bytes_up, given.n_bytes_down
        );
    }
}

#[test]
fn grants_and_what_is_no_change_of_ours_go_beside_them_as_they_are() {
    let rng = &mut rng(2);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let (other, _) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    device.write(rng);
    device.grant(&other.membership(), NOW, NOW + 1_000, rng);
    device.write(rng);
    let spoken = speak(&device, &mut relay, 3, rng);
    let Some(DeviceMessage::ShortPush(items)) = spoken
        .up
        .iter()
        .find(|message| matches!(message, DeviceMessage::ShortPush(_)))
    else {
        panic!()
    };
    assert_eq!(
        items.0.iter().map(|item| item.id.is_some()).collect::<Vec<_>>(),
        [false, true, false]
    );
    assert_eq!((relay.changes.len(), relay.consents.len()), (2, 1));
}

/// Two sessions that have met, and what the device would say if it had said one change more than it did.
fn met_with_a_gap(rng: &mut ChaCha20Rng) -> (SimDevice, MemoryRelay, DeviceSession, RelaySession, Vec<u8>) {
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let mut said = Said::between(&clinic.tenant, &[device.keys.id()]);
    said.change(&device.seal(40, rng).bytes);
    let short = said.change(&device.seal(40, rng).bytes);
    let (mut other, step) = RelaySession::open(&relay, rng);
    let mut session = DeviceSession::new(Arc::clone(&device.store) as _, Arc::clone(&device.keys));
    let hello = session.receive(&step.send[0].frame, NOW).unwrap().send.remove(0);
    for outgoing in other.receive(&hello, &mut relay, NOW, rng).unwrap().send {
        session.receive(&outgoing.frame, NOW).unwrap();
    }
    (device, relay, session, other, short)
}

#[test]
fn a_push_that_refers_to_nothing_ends_the_connection_and_refuses_nothing_for_good() {
    let rng = &mut rng(3);
    let (_, mut relay, _, mut session, short) = met_with_a_gap(rng);
    let item = ShortItem {
        id: None,
        bytes: short.into(),
    };
    let push = DeviceMessage::ShortPush(vec![item].into()).encode();
    let step = session.receive(&push, &mut relay, NOW, rng).unwrap();
    assert_eq!(step.end, Some(RefusedCode::BadMessage));
    assert_eq!(step.send.len(), 1, "no word about the item");
    assert!(relay.changes.is_empty());
}

#[test]
fn a_batch_that_refers_to_nothing_is_not_stored() {
    let (device, _, mut session, _, short) = met_with_a_gap(&mut rng(4));
    let item = ChangeItem {
        position: 1,
        bytes: Some(short.into()),
        skipped: None,
    };
    let frame = RelayMessage::ShortChanges(vec![item].into()).encode();
    assert_eq!(
        session.receive(&frame, NOW),
        Err(DeviceError::Wire(WireError::Malformed))
    );
    assert!(device.store.held().changes.is_empty() && device.store.held().quarantined.is_empty());
    assert_eq!(session.position(), 0);
}

#[test]
fn peers_give_short_what_an_older_one_is_given_whole() {
    for newest in [1, 2, 3] {
        let rng = &mut rng(5);
        let (_, [mut one, two]) = clinic_of::<2>(rng);
        (0..600).for_each(|_| one.write(rng));
        let mut link = [PeerLink::open(&two, &one, [9; 32])];
        for end in 0..2 {
            let hello = PeerMessage::decode(&link[0].ends[end].sent[0], usize::MAX);
            let Ok(PeerMessage::Hello(hello)) = hello else { panic!() };
            link[0].replace_coming(1 - end, &PeerMessage::Hello(PeerHello { newest, ..hello }).encode());
        }
        settle_peers(&mut link);
        assert!(link[0].is_equal(), "version {newest}");
        assert_eq!(ids(&one), ids(&two));
        let (mut here, mut there) = (bodies(&one), bodies(&two));
        here.sort();
        there.sort();
        assert_eq!(here, there);
        let given = messages(&link[0], 1);
        let n_short = given
            .iter()
            .filter(|message| matches!(message, PeerMessage::ShortItems(_)))
            .count();
        let n_whole = given
            .iter()
            .filter(|message| matches!(message, PeerMessage::Items(_)))
            .count();
        assert_eq!(
            (n_short > 0, n_whole > 0),
            (newest >= 3, newest < 3),
            "version {newest}"
        );
    }
}

#[test]
fn short_items_answer_only_a_question_about_changes() {
    let rng = &mut rng(6);
    let (_, [mut one, two]) = clinic_of::<2>(rng);
    let (other, _) = SimClinic::found(NOW, rng);
    one.write(rng);
    one.grant(&other.membership(), NOW, NOW + 1_000, rng);
    let mut link = [PeerLink::open(&two, &one, [9; 32])];
    settle_peers(&mut link);
    let [mut link] = link;
    assert!(link.is_equal());
    link.inject(0, &PeerMessage::ShortItems(vec![None].into()).encode());
    link.deliver(0, usize::MAX);
    assert_eq!(link.ends[0].refused, Some(RefusedCode::BadMessage));
    assert_eq!(two.store.held().changes.len(), 1);
    let grants = two.store.newest(sync_protocol::PeerSet::Consents).unwrap();
    assert_eq!(grants, 1, "a grant went whole");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Since version 3: three changes of one opening, the first two of one document.
#[test]
fn short_changes_and_their_frames_stay_as_they_are() {
    let rng = &mut rng(7);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let ends = [device.keys.id()];
    let (mut said, mut heard) = (
        Said::between(&clinic.tenant, &ends),
        Heard::between(&clinic.tenant, &ends),
    );
    let items: Vec<_> = (0..2).map(|_| device.seal(3, rng)).collect();
    let mut lines = Vec::new();
    for item in &items {
        let short = said.change(&item.bytes);
        assert_eq!(heard.change(&short).as_ref(), Ok(&item.bytes));
        lines.push(format!("short, of {} bytes\n  {}", item.bytes.len(), hex(&short)));
    }
    let whole = said.change(&[1, 2, 3]);
    assert_eq!(heard.change(&whole), Ok(vec![1, 2, 3]));
    lines.push(format!("whole\n  {}", hex(&whole)));

    let bytes = || ByteVec::from(vec![9]);
    let push = [None, Some(OutId::Change(seal::ChangeId::from_bytes([0xc0; 32])))];
    let push = push.map(|id| ShortItem { id, bytes: bytes() });
    let push = DeviceMessage::ShortPush(push.to_vec().into());
    assert_eq!(DeviceMessage::decode(&push.encode()).as_ref(), Ok(&push));
    lines.push(format!("device: short push\n  {}", hex(&push.encode())));
    let item = |position, bytes| ChangeItem {
        position,
        bytes,
        skipped: None,
    };
    let changes = RelayMessage::ShortChanges(vec![item(1, Some(bytes())), item(2, None)].into());
    assert_eq!(RelayMessage::decode(&changes.encode()).as_ref(), Ok(&changes));
    lines.push(format!("relay: short changes\n  {}", hex(&changes.encode())));
    let items = PeerMessage::ShortItems(Few(vec![Some(bytes()), None]));
    assert_eq!(
        PeerMessage::decode(&items.encode(), MAX_PEER_FRAME_BYTES).as_ref(),
        Ok(&items)
    );
    lines.push(format!("peer: short items\n  {}", hex(&items.encode())));
    insta::assert_snapshot!(lines.join("\n"));
}
