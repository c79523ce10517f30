//! What a relay says of a clinic's plan, and what follows from it on both sides.

use std::sync::Arc;

use sync_protocol::sim::{Link, SimClinic, settle};
use sync_protocol::{
    DeviceError, DeviceMessage, DeviceSession, Greeting, Hello, MemberProof, PROTOCOL_VERSION, RefusedCode,
    RelayMessage, RelaySession, Usage, UsageLevel, Used, Wake, Want,
};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng};

fn usage() -> Usage {
    let used = |used, limit, level| Used { used, limit, level };
    Usage {
        at_ms: NOW,
        plan: Some("Kecil".into()),
        trial_until_ms: Some(NOW + 1),
        devices: used(Some(4), Some(5), UsageLevel::Near),
        staff: used(None, Some(3), UsageLevel::Fine),
        bytes: used(Some(1_000), None, UsageLevel::Fine),
        requests: used(Some(9), Some(9), UsageLevel::Full),
        refuses_devices: false,
        refuses_attachments: true,
    }
}

#[test]
fn the_frame_about_usage_stays_as_it_is() {
    let message = RelayMessage::Usage(usage());
    let frame = message.encode();
    assert_eq!(RelayMessage::decode(&frame), Ok(message));
    let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex);
    // A level of a newer relay is near, which refuses nothing.
    assert_eq!(
        minicbor::decode(&minicbor::to_vec(9_u8).unwrap()).ok(),
        Some(UsageLevel::Near)
    );
}

#[test]
fn other_numbers_alone_are_no_news() {
    let before = usage();
    let mut after = usage();
    after.at_ms += 1;
    after.devices.used = Some(3);
    assert!(!after.is_news_after(&before));
    let changes: [fn(&mut Usage); 6] = [
        |usage| usage.plan = None,
        |usage| usage.trial_until_ms = None,
        |usage| usage.bytes.limit = Some(1),
        |usage| usage.staff.level = UsageLevel::Full,
        |usage| usage.refuses_devices = true,
        |usage| usage.refuses_attachments = false,
    ];
    for change in changes {
        let mut after = usage();
        change(&mut after);
        assert!(after.is_news_after(&before));
    }
}

#[test]
fn a_device_says_how_many_people_are_on_the_staff_and_keeps_what_it_is_told() {
    let rng = &mut rng(30);
    let (clinic, device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    device.store.set_staff(7);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!((link.device_error, relay.staff_said), (None, Some(7)));
    let told = device.store.held().usage.unwrap();
    assert_eq!(told.devices.used, Some(1));
    relay.takes_no_attachments = true;
    link.wake(&Wake::Clinic(clinic.tenant), &mut relay, NOW);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert!(device.store.held().usage.unwrap().refuses_attachments);
}

#[test]
fn a_relay_and_a_device_of_version_three_say_nothing_of_it() {
    let rng = &mut rng(31);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    device.store.set_staff(7);
    device.write(rng);
    let mut link = Link::open(&device, &relay, rng);
    link.as_an_older_relay_of(3);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!((link.device_error, link.refused), (None, None));
    assert_eq!(
        (relay.staff_said, device.store.held().usage, relay.changes.len()),
        (None, None, 1)
    );
    // Whoever speaks version three is not believed to have heard of it.
    link.replace_down(Vec::new());
    let mut session = DeviceSession::new(Arc::clone(&device.store) as _, Arc::clone(&device.keys));
    let (mut other, step) = RelaySession::open(&relay, rng);
    let Ok(RelayMessage::Greeting(greeting)) = RelayMessage::decode(&step.send[0].frame) else {
        panic!()
    };
    let older = RelayMessage::Greeting(Greeting { newest: 3, ..greeting }).encode();
    let hello = session.receive(&older, NOW).unwrap().send;
    let welcome = other.receive(&hello[0], &mut relay, NOW, rng).unwrap().send;
    session.receive(&welcome[0].frame, NOW).unwrap();
    let unasked = session.receive(&RelayMessage::Usage(usage()).encode(), NOW);
    assert_eq!(unasked, Err(DeviceError::Unexpected));
}

/// What a member hears that hosts a pairing.
fn hosting(version: u16, relay: &mut MemoryRelay) -> (bool, Option<RefusedCode>) {
    let rng = &mut rng(32);
    let (clinic, device) = SimClinic::found(NOW, rng);
    let known = relay_of(&clinic);
    let (mut session, step) = RelaySession::open(&known, rng);
    let Ok(RelayMessage::Greeting(greeting)) = RelayMessage::decode(&step.send[0].frame) else {
        panic!()
    };
    relay.know(crate::roster(&clinic));
    let proof = MemberProof::make(&greeting, clinic.tenant, &device.keys);
    let hello = DeviceMessage::Hello(Hello {
        version,
        want: Want::HostPairing(proof, "7KD".into()),
    });
    let step = session.receive(&hello.encode(), relay, NOW, rng).unwrap();
    (step.pairing.is_some(), step.end)
}

#[test]
fn whoever_would_pair_a_device_for_which_there_is_no_place_is_told_so() {
    let full = || {
        let mut relay = MemoryRelay::new([1; 16]);
        relay.n_seats = Some(0);
        relay
    };
    assert_eq!(
        hosting(PROTOCOL_VERSION, &mut full()),
        (false, Some(RefusedCode::DeviceLimit))
    );
    assert_eq!(hosting(3, &mut full()), (false, Some(RefusedCode::Busy)));
    assert_eq!(hosting(PROTOCOL_VERSION, &mut MemoryRelay::new([1; 16])), (true, None));
}

#[test]
fn a_device_without_a_place_leaves_its_statements_and_comes_again_when_there_is_one() {
    let rng = &mut rng(33);
    let (mut clinic, device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    relay.n_seats = Some(1);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    let newcomer = clinic.admit(NOW, rng);
    let mut refused = Link::open(&newcomer, &relay, rng);
    settle(&mut [&mut link, &mut refused], &mut relay, NOW, rng);
    assert_eq!(
        refused.device_error,
        Some(DeviceError::Refused(RefusedCode::DeviceLimit))
    );
    let all = clinic.encoded_statements().len();
    assert_eq!(
        device.store.held().statements.len(),
        all,
        "the others hear of it all the same"
    );
    relay.n_seats = Some(2);
    let mut served = Link::open(&newcomer, &relay, rng);
    settle(&mut [&mut link, &mut served], &mut relay, NOW, rng);
    assert_eq!(served.device_error, None);
}
