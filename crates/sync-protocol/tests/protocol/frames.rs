//! The frames as they travel, frozen; and decoders that never panic.

use minicbor::bytes::ByteArray;
use proptest::prelude::*;
use seal::{ChangeId, DeviceId, GrantId, ReleaseId, TenantId};
use sync_protocol::{
    AuditLine, AuditOutcome, ChangeItem, Consent, ConsentItem, Cursors, DeviceMessage, Feed, FormerLife, Greeting,
    Hello, Incarnation, MemberProof, OutId, PushItem, PushResult, Refusal, RefusedCode, RelayMessage, ReleaseHead,
    ReleaseItem, Releases, SignedReceipt, Want, Welcome,
};

const TENANT: TenantId = TenantId::from_bytes([0xaa; 32]);
const DEVICE: DeviceId = DeviceId::from_bytes([0xdd; 32]);
const GRANT: GrantId = GrantId::from_bytes([0x66; 16]);

fn device_frames() -> Vec<(&'static str, DeviceMessage)> {
    let proof = MemberProof {
        tenant: TENANT,
        device: DEVICE,
        signature: [0x51; 64],
    };
    let cursors = Cursors {
        incarnation: Incarnation([1; 16]),
        changes: 1000,
        consents: 2,
        audit: 3,
        statements: [4; 32],
        releases: [5; 32],
        sum: None,
        staff: None,
    };
    let hello = |want| DeviceMessage::Hello(Hello { version: 1, want });
    let push = [
        OutId::Change(ChangeId::from_bytes([0xc0; 32])),
        OutId::Grant(GRANT),
        OutId::Revocation(GRANT),
        OutId::Release(ReleaseId::from_bytes([0x77; 16])),
    ];
    vec![
        ("hello: sync", hello(Want::Sync(proof.clone(), cursors))),
        (
            "hello: join",
            hello(Want::Join(ByteArray::from([7; 32]), vec![vec![1, 2].into()])),
        ),
        ("hello: host a pairing", hello(Want::HostPairing(proof, "7KD".into()))),
        ("hello: join a pairing", hello(Want::JoinPairing("7KD".into()))),
        (
            "statements",
            DeviceMessage::Statements(vec![vec![1].into(), vec![2].into()]),
        ),
        (
            "push",
            DeviceMessage::Push(
                push.map(|id| PushItem {
                    id,
                    bytes: vec![9].into(),
                })
                .into(),
            ),
        ),
        ("ack", DeviceMessage::Ack(Feed::Consents, 300)),
        ("pull releases", DeviceMessage::PullReleases(GRANT, 5)),
        ("fetch statements", DeviceMessage::FetchStatements(TENANT)),
        ("pairing", DeviceMessage::Pairing(vec![1, 2, 3].into())),
    ]
}

fn relay_frames() -> Vec<(&'static str, RelayMessage)> {
    let greeting = Greeting {
        oldest: 1,
        newest: 1,
        incarnation: Incarnation([1; 16]),
        nonce: ByteArray::from([2; 32]),
    };
    let welcome = Welcome {
        changes: 1000,
        consents: 2,
        audit: 3,
        statements: [4; 32],
        now_ms: 1_795_000_000_000,
        key: None,
        receipt: None,
        closed: None,
    };
    let change = |position, bytes: Option<Vec<u8>>| ChangeItem {
        position,
        bytes: bytes.map(Into::into),
        skipped: None,
    };
    let consents = [Consent::Grant(vec![8]), Consent::Revocation(vec![9])];
    let releases = Releases {
        grant: GRANT,
        source: TENANT,
        source_statements: [4; 32],
        items: vec![ReleaseItem {
            position: 4,
            bytes: vec![3].into(),
        }],
        up_to: 4,
        more: true,
    };
    let refused = PushResult {
        id: OutId::Grant(GRANT),
        refusal: Some(Refusal::NoGrant),
        position: None,
    };
    let stored = PushResult {
        id: OutId::Grant(GRANT),
        refusal: None,
        position: None,
    };
    vec![
        ("greeting", RelayMessage::Greeting(greeting)),
        ("welcome", RelayMessage::Welcome(welcome)),
        ("statements wanted", RelayMessage::StatementsWanted),
        ("statements", RelayMessage::Statements(TENANT, vec![vec![1].into()])),
        ("pushed", RelayMessage::Pushed(vec![stored, refused])),
        (
            "changes",
            RelayMessage::Changes(vec![change(1, Some(vec![6])), change(2, None)]),
        ),
        (
            "consents",
            RelayMessage::Consents(
                consents
                    .into_iter()
                    .zip(1..)
                    .map(|(consent, position)| ConsentItem { position, consent })
                    .collect(),
            ),
        ),
        ("audit", RelayMessage::Audit(vec![line().encode().into()])),
        (
            "releases waiting",
            RelayMessage::ReleasesWaiting(vec![ReleaseHead {
                grant: GRANT,
                position: 4,
            }]),
        ),
        ("releases", RelayMessage::Releases(releases)),
        (
            "releases denied",
            RelayMessage::ReleasesDenied(GRANT, AuditOutcome::DeniedRevoked),
        ),
        ("joined", RelayMessage::Joined(TENANT)),
        ("pairing open", RelayMessage::PairingOpen),
        ("pairing", RelayMessage::Pairing(vec![1].into())),
        ("pairing closed", RelayMessage::PairingClosed),
        ("refused", RelayMessage::Refused(RefusedCode::InvitationUsed)),
    ]
}

fn receipt() -> SignedReceipt {
    SignedReceipt {
        changes: 1000,
        changes_chain: [6; 32],
        consents: 2,
        consents_chain: [7; 32],
        at_ms: 1_795_000_000_000,
        signature: [8; 64],
    }
}

/// Since version 2.
fn later_device_frames() -> Vec<(&'static str, DeviceMessage)> {
    let proof = MemberProof {
        tenant: TENANT,
        device: DEVICE,
        signature: [0x51; 64],
    };
    let cursors = Cursors {
        incarnation: Incarnation([1; 16]),
        changes: 1000,
        consents: 2,
        audit: 3,
        statements: [4; 32],
        releases: [5; 32],
        sum: Some(ByteArray::from([6; 32])),
        staff: None,
    };
    let want = Want::Sync(proof, cursors);
    let former = FormerLife {
        incarnation: Incarnation([2; 16]),
        changes: 900,
        consents: 1,
    };
    let change = ChangeId::from_bytes([0xc0; 32]);
    let names = [OutId::Covered(change), OutId::Erased(change)].map(|id| PushItem {
        id,
        bytes: Vec::new().into(),
    });
    vec![
        ("hello: sync", DeviceMessage::Hello(Hello { version: 2, want })),
        ("push: covered, erased", DeviceMessage::Push(names.into())),
        ("show a receipt", DeviceMessage::ShowReceipt(Some(receipt()))),
        ("show no receipt", DeviceMessage::ShowReceipt(None)),
        ("consents complete", DeviceMessage::ConsentsComplete(vec![former])),
    ]
}

/// Since version 2.
fn later_relay_frames() -> Vec<(&'static str, RelayMessage)> {
    let welcome = Welcome {
        changes: 1000,
        consents: 2,
        audit: 3,
        statements: [4; 32],
        now_ms: 1_795_000_000_000,
        key: Some(ByteArray::from([9; 32])),
        receipt: Some(receipt()),
        closed: Some(true),
    };
    let skipped = ChangeItem {
        position: 900,
        bytes: None,
        skipped: Some(ByteArray::from([6; 32])),
    };
    let pushed = PushResult {
        id: OutId::Change(ChangeId::from_bytes([0xc0; 32])),
        refusal: None,
        position: Some(1000),
    };
    vec![
        ("welcome", RelayMessage::Welcome(welcome)),
        ("changes: skipped", RelayMessage::Changes(vec![skipped])),
        ("pushed: a position", RelayMessage::Pushed(vec![pushed])),
        ("receipt wanted", RelayMessage::ReceiptWanted),
        ("receipt", RelayMessage::Receipt(receipt())),
        ("confirm wanted", RelayMessage::ConfirmWanted),
        (
            "releases denied: closed",
            RelayMessage::ReleasesDenied(GRANT, AuditOutcome::DeniedSourceClosed),
        ),
    ]
}

fn line() -> AuditLine {
    AuditLine {
        number: 1,
        previous: [0; 32],
        request: [1; 16],
        at_ms: 1_795_000_000_000,
        requester: TENANT,
        device: DEVICE,
        source: None,
        grant: GRANT,
        purpose: None,
        outcome: AuditOutcome::DeniedNoGrant,
        count: 0,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn frames_of_devices_stay_as_they_are() {
    let frames = device_frames().into_iter().map(|(name, message)| {
        let frame = message.encode();
        assert_eq!(DeviceMessage::decode(&frame).as_ref(), Ok(&message), "{name}");
        format!("{name}\n  {}", hex(&frame))
    });
    insta::assert_snapshot!(frames.collect::<Vec<_>>().join("\n"));
}

#[test]
fn frames_of_relays_stay_as_they_are() {
    let frames = relay_frames().into_iter().map(|(name, message)| {
        let frame = message.encode();
        assert_eq!(RelayMessage::decode(&frame).as_ref(), Ok(&message), "{name}");
        format!("{name}\n  {}", hex(&frame))
    });
    insta::assert_snapshot!(frames.collect::<Vec<_>>().join("\n"));
}

#[test]
fn later_frames_stay_as_they_are() {
    let device = later_device_frames().into_iter().map(|(name, message)| {
        let frame = message.encode();
        assert_eq!(DeviceMessage::decode(&frame).as_ref(), Ok(&message), "{name}");
        format!("device: {name}\n  {}", hex(&frame))
    });
    let relay = later_relay_frames().into_iter().map(|(name, message)| {
        let frame = message.encode();
        assert_eq!(RelayMessage::decode(&frame).as_ref(), Ok(&message), "{name}");
        format!("relay: {name}\n  {}", hex(&frame))
    });
    insta::assert_snapshot!(device.chain(relay).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_refusal_of_a_newer_relay_is_still_a_refusal() {
    let mut frame = RelayMessage::Refused(RefusedCode::Version).encode();
    let code = frame.len() - 1;
    frame.truncate(code);
    frame.extend([0x18, 99]);
    assert_eq!(
        RelayMessage::decode(&frame),
        Ok(RelayMessage::Refused(RefusedCode::Other(99)))
    );
}

#[test]
fn a_changed_audit_line_breaks_the_chain() {
    let first = line();
    let second = AuditLine {
        number: 2,
        previous: first.hash(),
        ..line()
    };
    assert!(first.follows(None));
    assert!(second.follows(Some(&first)));
    let altered = AuditLine {
        count: 7,
        ..first.clone()
    };
    assert!(!second.follows(Some(&altered)));
    assert!(
        !AuditLine {
            number: 3,
            ..second.clone()
        }
        .follows(Some(&first)),
        "a line was taken out"
    );
    assert!(!second.follows(None));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes: Vec<u8>, at: usize, with: u8) {
        drop(DeviceMessage::decode(&bytes));
        drop(RelayMessage::decode(&bytes));
        // Nearly right is worse than noise.
        for (_, message) in device_frames().into_iter().chain(later_device_frames()) {
            let mut frame = message.encode();
            let at = at % frame.len();
            frame[at] = with;
            drop(DeviceMessage::decode(&frame));
        }
        for (_, message) in relay_frames().into_iter().chain(later_relay_frames()) {
            let mut frame = message.encode();
            let at = at % frame.len();
            frame[at] = with;
            drop(RelayMessage::decode(&frame));
        }
    }
}
