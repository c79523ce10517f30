//! Signed heads of the audit: given once a day, compared with what came, kept; and a relay that does not stand by them.

use seal::AuditHead;
use sync_protocol::sim::{Link, SimClinic, SimDevice, settle};
use sync_protocol::{
    AuditLine, AuditOutcome, AuditStore, DeviceError, Incarnation, RelayLie, RelayMessage, SignedHead, day_of,
};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng};

type Rng = rand_chacha::ChaCha20Rng;

const DAY: i64 = 86_400_000;
const LIFE: Incarnation = Incarnation([1; 16]);

fn add(relay: &mut MemoryRelay, clinic: &SimClinic, n: u8) {
    let previous = relay.lines.last().map_or([0; 32], AuditLine::hash);
    relay.lines.push(AuditLine {
        number: relay.lines.len() as u64 + 1,
        previous,
        request: [n; 16],
        at_ms: NOW,
        requester: clinic.tenant,
        device: seal::DeviceId::from_bytes([3; 32]),
        source: None,
        grant: seal::GrantId::from_bytes([4; 16]),
        purpose: None,
        outcome: AuditOutcome::DeniedNoGrant,
        count: 0,
    });
}

/// A device that holds three lines and the head of the first day.
fn held_three(rng: &mut Rng) -> (SimClinic, SimDevice, MemoryRelay) {
    let (clinic, device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    (1..=3).for_each(|n| add(&mut relay, &clinic, n));
    assert_eq!(call(&device, &mut relay, NOW, rng), None);
    assert_eq!((heads(&device).len(), lies(&device)), (1, vec![]));
    (clinic, device, relay)
}

fn call(device: &SimDevice, relay: &mut MemoryRelay, now_ms: i64, rng: &mut Rng) -> Option<DeviceError> {
    let mut link = Link::open(device, relay, rng);
    settle(&mut [&mut link], relay, now_ms, rng);
    link.device_error
}

fn lies(device: &SimDevice) -> Vec<RelayLie> {
    device.store.held().lies
}

fn heads(device: &SimDevice) -> Vec<SignedHead> {
    let heads = device.store.held().audit_kept.heads;
    heads.into_iter().map(|(_, head)| head).collect()
}

/// The lines from this number on are others than they were.
fn altered_from(relay: &mut MemoryRelay, number: usize) {
    for nth in number - 1..relay.lines.len() {
        let previous = nth.checked_sub(1).map_or([0; 32], |before| relay.lines[before].hash());
        relay.lines[nth].request[0] ^= 0x80;
        relay.lines[nth].previous = previous;
    }
}

#[test]
fn a_head_comes_once_a_day_behind_its_lines_and_is_kept() {
    let rng = &mut rng(130);
    let (clinic, device, mut relay) = held_three(rng);
    let first = heads(&device)[0];
    assert_eq!((first.number, first.hash), (3, relay.lines[2].hash()));
    assert!(first.verify(clinic.tenant, LIFE, &relay.key.public()).is_ok());
    add(&mut relay, &clinic, 4);
    call(&device, &mut relay, NOW + 1_000, rng);
    assert_eq!(
        heads(&device),
        [first],
        "the same all day long, also for lines that came since"
    );
    call(&device, &mut relay, NOW + DAY, rng);
    assert_eq!((heads(&device).len(), heads(&device)[1].number), (2, 4));
    assert_eq!(device.store.newest_head(&LIFE).unwrap(), Some(heads(&device)[1]));
    assert_eq!(lies(&device), []);
}

#[test]
fn a_connection_that_outlasts_the_day_hears_the_next_head() {
    let rng = &mut rng(131);
    let (clinic, device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let mut link = Link::open(&device, &relay, rng);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(heads(&device), [], "nothing is signed of a chain that has no line");
    add(&mut relay, &clinic, 1);
    for (at, n) in [(NOW, 1), (NOW + 1, 1), (NOW + DAY, 2), (NOW + DAY + 1, 2)] {
        link.wake(&sync_protocol::Wake::Clinic(clinic.tenant), &mut relay, at);
        settle(&mut [&mut link], &mut relay, at, rng);
        assert_eq!(heads(&device).len(), n, "at {}", day_of(at));
    }
    assert_eq!(lies(&device), []);
}

#[test]
fn a_chain_that_was_cut_off_is_found_out_and_syncing_goes_on() {
    let rng = &mut rng(132);
    let (clinic, mut device, mut relay) = held_three(rng);
    relay.lines.truncate(2);
    device.write(rng);
    assert_eq!(call(&device, &mut relay, NOW + DAY, rng), None);
    assert_eq!(lies(&device)[0], RelayLie::AuditChanged);
    assert_eq!(relay.changes.len(), 1, "what was written went out all the same");
    // Another line grows there: it is heard.
    add(&mut relay, &clinic, 9);
    assert_eq!(call(&device, &mut relay, NOW + DAY, rng), None);
    assert_eq!(device.store.audit_hash(&LIFE, 3), Ok(Some(relay.lines[2].hash())));
}

#[test]
fn a_cut_off_chain_is_found_out_by_the_head_alone() {
    let rng = &mut rng(133);
    let (mut clinic, device, mut relay) = held_three(rng);
    // A device that was put back to before it heard the lines, and still has the head.
    let late = clinic.admit(NOW, rng);
    relay.know(crate::roster(&clinic));
    late.store.keep_head(&LIFE, &heads(&device)[0]).unwrap();
    relay.lines.truncate(2);
    relay.signed_heads.clear();
    assert_eq!(call(&late, &mut relay, NOW + DAY, rng), None);
    assert_eq!(lies(&late)[0], RelayLie::AuditChanged);
}

#[test]
fn lines_that_were_rewritten_are_found_out_whichever_way() {
    for from in 1..=3 {
        let rng = &mut rng(140 + from as u8);
        let (clinic, device, mut relay) = held_three(rng);
        altered_from(&mut relay, from);
        add(&mut relay, &clinic, 4);
        // The relay signs for what it has now.
        assert_eq!(call(&device, &mut relay, NOW + DAY, rng), None);
        assert_eq!(lies(&device), [RelayLie::AuditChanged], "from line {from} on");
    }
}

#[test]
fn another_chain_of_the_same_length_is_found_out_by_its_next_head() {
    let rng = &mut rng(134);
    let (_, device, mut relay) = held_three(rng);
    altered_from(&mut relay, 3);
    assert_eq!(call(&device, &mut relay, NOW + DAY, rng), None);
    assert_eq!(lies(&device), [RelayLie::AuditChanged]);
    assert_eq!(heads(&device).len(), 2, "both heads are kept: they prove it");
    assert!(!heads(&device)[0].agrees_with(&heads(&device)[1]));
}

#[test]
fn a_head_that_the_relay_did_not_sign_is_not_kept() {
    for forge in [
        |head: &mut AuditHead| head.number += 1,
        |head: &mut AuditHead| head.hash[0] ^= 1,
        |head: &mut AuditHead| head.at_ms += 1,
        |head: &mut AuditHead| head.incarnation[0] ^= 1,
    ] {
        let rng = &mut rng(135);
        let (clinic, device, mut relay) = held_three(rng);
        let mut head = AuditHead {
            tenant: clinic.tenant,
            incarnation: LIFE.0,
            number: 3,
            hash: relay.lines[2].hash(),
            at_ms: NOW + DAY,
        };
        let honest = SignedHead::make(&head, &relay.key);
        forge(&mut head);
        let forged = SignedHead {
            number: head.number,
            hash: head.hash,
            at_ms: head.at_ms,
            // Of the honest one, or of another life.
            signature: if head.incarnation == LIFE.0 {
                honest.signature
            } else {
                SignedHead::make(&head, &relay.key).signature
            },
        };
        relay.signed_heads.push(forged);
        assert_eq!(call(&device, &mut relay, NOW + DAY, rng), None);
        assert_eq!(lies(&device), [RelayLie::AuditChanged]);
        assert_eq!(heads(&device).len(), 1);
    }
}

#[test]
fn in_another_life_of_the_relays_data_a_shorter_chain_is_no_lie() {
    let rng = &mut rng(136);
    let (clinic, device, mut relay) = held_three(rng);
    relay.lines.truncate(1);
    relay.signed_heads.clear();
    relay.become_another([2; 16]);
    add(&mut relay, &clinic, 9);
    assert_eq!(call(&device, &mut relay, NOW + DAY, rng), None);
    assert_eq!(lies(&device), []);
    assert_eq!(heads(&device).len(), 2, "the heads of the life before stay");
}

#[test]
fn an_older_device_and_an_older_relay_hear_of_no_head() {
    let rng = &mut rng(137);
    let (clinic, device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    add(&mut relay, &clinic, 1);
    for newest in [1, 2, 3] {
        let mut link = Link::open(&device, &relay, rng);
        link.as_an_older_relay_of(newest);
        settle(&mut [&mut link], &mut relay, NOW, rng);
        assert_eq!((link.device_error, heads(&device).len()), (None, 0), "version {newest}");
    }
    assert_eq!(device.store.held().audit.len(), 1, "and has the line");
    // What comes unasked from a relay that speaks no version 4 has no place.
    let mut link = Link::open(&device, &relay, rng);
    link.as_an_older_relay_of(3);
    settle(&mut [&mut link], &mut relay, NOW, rng);
    let head = sync_protocol::RelayAudit::head_of_the_day(&mut relay, &clinic.tenant, NOW)
        .unwrap()
        .unwrap();
    let frame = RelayMessage::AuditHead(head).encode();
    assert_eq!(link.device().receive(&frame, NOW), Err(DeviceError::Unexpected));
    assert_eq!(heads(&device), []);
}

/// Since version 4.
#[test]
fn the_frame_of_a_head_stays_as_it_is() {
    let key = seal::RelayKey::from_secret_bytes(&[[1].as_slice(), &[7; 32]].concat()).unwrap();
    let head = AuditHead {
        tenant: seal::TenantId::from_bytes([0xa1; 32]),
        incarnation: [1; 16],
        number: 1000,
        hash: [6; 32],
        at_ms: 1_795_000_000_000,
    };
    let message = RelayMessage::AuditHead(SignedHead::make(&head, &key));
    let frame = message.encode();
    assert_eq!(RelayMessage::decode(&frame), Ok(message));
    let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex);
}

#[test]
fn two_heads_agree_only_if_both_can_be_true_of_one_chain() {
    let head = |number, fill, at_ms| SignedHead {
        number,
        hash: [fill; 32],
        at_ms,
        signature: [0; 64],
    };
    let one = head(5, 5, 100);
    for (other, agrees) in [
        (head(5, 5, 100), true),
        (head(5, 5, 200), true),
        (head(6, 6, 200), true),
        (head(6, 6, 100), true),
        (head(4, 4, 50), true),
        (head(5, 6, 200), false),
        (head(4, 4, 200), false),
        (head(6, 6, 50), false),
    ] {
        assert_eq!(one.agrees_with(&other), agrees, "{other:?}");
        assert_eq!(other.agrees_with(&one), agrees, "{other:?}");
    }
}
