//! What a device may and must not do, and what a reconnect costs.

use std::sync::Arc;

use minicbor::bytes::ByteArray;
use seal::DeviceKeys;
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{Link, SimClinic, settle};
use sync_protocol::{
    DeviceError, DeviceMessage, DeviceSession, Greeting, Hello, Incarnation, MAX_FRAME_BYTES, MemberProof, OutId,
    OutItem, Refusal, RefusedCode, RelayMessage, RelaySession, RelayStore, SyncStore, Want, WireError,
};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng};

#[test]
fn an_idle_reconnect_is_one_round_trip_under_a_kilobyte() {
    let rng = &mut rng(1);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    (0..100).for_each(|_| device.write(rng));
    let mut first = Link::open(&device, &relay, rng);
    settle(&mut [&mut first], &mut relay, NOW, rng);

    let mut again = Link::open(&device, &relay, rng);
    settle(&mut [&mut again], &mut relay, NOW, rng);
    assert!(again.device().is_idle());
    assert_eq!(again.n_frames_up, 1, "one hello, and the welcome is its answer");
    let n_bytes = again.n_bytes_up + again.n_bytes_down;
    assert!(n_bytes < 1024, "{n_bytes} bytes");
    assert!(
        n_bytes < 640,
        "{n_bytes} bytes: it was 625, of which the relay's key and receipt are 290 and what is used of the plan 40; look before you let it grow"
    );
}

#[test]
fn a_device_with_the_wrong_key_is_refused() {
    let rng = &mut rng(2);
    let (clinic, device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let (mut session, step) = RelaySession::open(&relay, rng);
    let RelayMessage::Greeting(greeting) = RelayMessage::decode(&step.send[0].frame).unwrap() else {
        panic!()
    };
    // Another device's keys, under the first one's name.
    let mut proof = MemberProof::make(&greeting, clinic.tenant, &DeviceKeys::make(rng));
    proof.device = device.keys.id();
    let refused = say_hello(&mut session, Want::HostPairing(proof, "ABC".into()), &mut relay);
    assert_eq!(refused, Some(RefusedCode::BadSignature));
}

#[test]
fn a_proof_for_one_connection_is_no_good_for_another() {
    let rng = &mut rng(3);
    let (clinic, device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let (mut session, _) = RelaySession::open(&relay, rng);
    let overheard = Greeting {
        oldest: 1,
        newest: 1,
        incarnation: Incarnation([1; 16]),
        nonce: ByteArray::from([3; 32]),
    };
    let proof = MemberProof::make(&overheard, clinic.tenant, &device.keys);
    let refused = say_hello(&mut session, Want::HostPairing(proof, "ABC".into()), &mut relay);
    assert_eq!(refused, Some(RefusedCode::BadSignature));
}

#[test]
fn a_stranger_is_refused_whatever_statements_it_brings() {
    let rng = &mut rng(4);
    let (clinic, _) = SimClinic::found(NOW, rng);
    let (stranger_clinic, stranger) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    // A store that claims the first clinic's name, with both clinics' statements, under a stranger's keys.
    let statements = clinic
        .encoded_statements()
        .into_iter()
        .chain(stranger_clinic.encoded_statements());
    let store = Arc::new(MemoryStore::new(clinic.tenant, statements));
    let mut link = Link::between(DeviceSession::new(store, stranger.keys), &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(
        link.device_error,
        Some(DeviceError::Refused(RefusedCode::UnknownDevice))
    );
}

#[test]
fn a_device_that_the_relay_has_not_heard_of_brings_its_own_statement() {
    let rng = &mut rng(5);
    let (mut clinic, first) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let mut one = Link::open(&first, &relay, rng);
    settle(&mut [&mut one], &mut relay, NOW, rng);

    let second = clinic.admit(NOW, rng);
    let mut two = Link::open(&second, &relay, rng);
    settle(&mut [&mut one, &mut two], &mut relay, NOW, rng);
    assert!(two.device().is_live());
    assert_eq!(
        first.store.statements().unwrap().len(),
        clinic.statements.len(),
        "the first device was told"
    );
}

#[test]
fn a_statement_made_during_a_connection_goes_out_with_the_next_nudge() {
    let rng = &mut rng(12);
    let (mut clinic, first) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let mut one = Link::open(&first, &relay, rng);
    settle(&mut [&mut one], &mut relay, NOW, rng);
    let second = clinic.admit(NOW, rng);
    first.store.absorb_statements(clinic.encoded_statements()).unwrap();
    one.nudge();
    settle(&mut [&mut one], &mut relay, NOW, rng);
    let roster = relay.roster(&clinic.tenant).unwrap().unwrap();
    assert!(roster.membership().device(&second.keys.id()).is_some());
}

#[test]
fn statements_that_the_relay_does_not_accept_are_not_sent_back_and_forth_for_ever() {
    let rng = &mut rng(13);
    let (mut clinic, first) = SimClinic::found(NOW, rng);
    let (stranger, _) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    first.store.absorb_statements(stranger.encoded_statements()).unwrap();
    clinic.admit(NOW, rng);
    relay.know(crate::roster(&clinic));
    let mut one = Link::open(&first, &relay, rng);
    settle(&mut [&mut one], &mut relay, NOW, rng);
    assert!(one.device().is_idle());
    let held = first.store.statements().unwrap();
    assert_eq!(
        held.len(),
        clinic.statements.len() + stranger.statements.len(),
        "both know more now"
    );
    assert_eq!(
        relay.roster(&clinic.tenant).unwrap().unwrap().statements().len(),
        clinic.statements.len()
    );
}

#[test]
fn live_changes_reach_the_other_device_and_come_back_without_their_bytes() {
    let rng = &mut rng(6);
    let (mut clinic, mut writer) = SimClinic::found(NOW, rng);
    let reader = clinic.admit(NOW, rng);
    let mut relay = relay_of(&clinic);
    let (mut one, mut two) = (Link::open(&writer, &relay, rng), Link::open(&reader, &relay, rng));
    settle(&mut [&mut one, &mut two], &mut relay, NOW, rng);
    let before = one.n_bytes_down;
    let big = writer.seal(50_000, rng);
    writer.store.write(big);
    one.nudge();
    settle(&mut [&mut one, &mut two], &mut relay, NOW, rng);
    assert_eq!(reader.store.held().changes, writer.store.held().changes);
    assert_eq!((one.device().position(), two.device().position()), (1, 1));
    let echoed = one.n_bytes_down - before;
    assert!(
        echoed < 220,
        "{echoed} bytes came back to the writer; it was 205, of which the receipt 150"
    );
}

#[test]
fn a_refused_item_is_set_aside_and_the_rest_goes_on() {
    let rng = &mut rng(7);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let (_, mut stranger) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let foreign = stranger.seal(10, rng);
    let mut flipped = device.seal(10, rng);
    let at = flipped.bytes.len() / 2;
    flipped.bytes[at] ^= 1;
    let mut misnamed = device.seal(10, rng);
    misnamed.id = device.seal(10, rng).id;
    for item in [foreign.clone(), flipped.clone(), misnamed.clone()] {
        device.store.write(item);
    }
    device.write(rng);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    let refused = device.store.held().refused;
    assert_eq!(refused.len(), 3);
    assert_eq!(refused[0], (foreign.id, Refusal::WrongTenant));
    assert_eq!(refused[1].0, flipped.id);
    assert_eq!(refused[2], (misnamed.id, Refusal::Malformed));
    assert_eq!(relay.changes.len(), 1);
    assert_eq!(device.store.pending().unwrap(), 0);
}

#[test]
fn a_new_incarnation_is_given_everything_again() {
    let rng = &mut rng(8);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    (0..3).for_each(|_| device.write(rng));
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    // The relay was put back to a state in which it had only the first change.
    relay.changes.truncate(1);
    relay.become_another([2; 16]);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(relay.changes.len(), 3);
    assert_eq!(link.device().position(), 3);
}

#[test]
fn a_relay_that_lost_positions_under_the_same_incarnation_is_noticed() {
    let rng = &mut rng(9);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    (0..3).for_each(|_| device.write(rng));
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    relay.changes.truncate(1);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(link.device_error, Some(DeviceError::Refused(RefusedCode::RelayBehind)));
}

#[test]
fn a_frame_over_the_limit_is_refused_unseen() {
    let frame = vec![0; MAX_FRAME_BYTES + 1];
    assert_eq!(RelayMessage::decode(&frame), Err(WireError::TooLarge));
    assert_eq!(DeviceMessage::decode(&frame), Err(WireError::TooLarge));
}

#[test]
fn a_version_of_the_future_is_refused_by_both_sides() {
    let rng = &mut rng(10);
    let (clinic, device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let (mut session, _) = RelaySession::open(&relay, rng);
    let hello = Hello {
        version: 9,
        want: Want::JoinPairing("ABC".into()),
    };
    let step = session
        .receive(&DeviceMessage::Hello(hello).encode(), &mut relay, NOW, rng)
        .unwrap();
    assert_eq!(step.end, Some(RefusedCode::Version));

    let greeting = Greeting {
        oldest: 9,
        newest: 9,
        incarnation: Incarnation([1; 16]),
        nonce: ByteArray::from([0; 32]),
    };
    let mut session = DeviceSession::new(device.store, device.keys);
    let answer = session.receive(&RelayMessage::Greeting(greeting).encode(), NOW);
    assert_eq!(answer, Err(DeviceError::Refused(RefusedCode::Version)));
}

#[test]
fn an_acknowledgement_of_what_was_never_sent_ends_the_connection() {
    let rng = &mut rng(11);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    device.store.write(OutItem {
        id: OutId::Change(seal::ChangeId::from_bytes([0; 32])),
        bytes: vec![1, 2, 3],
    });
    device.write(rng);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(link.refused, None);

    let (mut session, step) = RelaySession::open(&relay, rng);
    let mut honest = DeviceSession::new(device.store, device.keys);
    let hello = honest.receive(&step.send[0].frame, NOW).unwrap().send;
    session.receive(&hello[0], &mut relay, NOW, rng).unwrap();
    let ack = DeviceMessage::Ack(sync_protocol::Feed::Changes, 7).encode();
    let step = session.receive(&ack, &mut relay, NOW, rng).unwrap();
    assert_eq!(step.end, Some(RefusedCode::BadMessage));
}

fn say_hello(session: &mut RelaySession, want: Want, relay: &mut MemoryRelay) -> Option<RefusedCode> {
    let hello = DeviceMessage::Hello(Hello { version: 1, want });
    session.receive(&hello.encode(), relay, NOW, &mut rng(99)).unwrap().end
}

#[test]
fn what_was_sealed_under_an_epoch_that_began_during_a_push_follows_its_statement() {
    let rng = &mut rng(20);
    let (mut clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    device.write(rng);
    link.nudge(); // its push is on its way …
    let membership = clinic.membership();
    let epoch = seal::new_epoch(&membership, device.keys.as_ref(), NOW, rng).unwrap();
    device.store.absorb_statements(vec![epoch.bytes()]).unwrap();
    clinic.statements.push(epoch);
    device.learn(&clinic); // … and this waits for its answer, under the new epoch
    device.write(rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!((relay.changes.len(), device.store.held().refused), (2, Vec::new()));
}
