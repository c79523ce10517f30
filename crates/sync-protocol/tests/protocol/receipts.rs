//! A relay that was put back, that leaves something out, or that shows two devices different things.

use std::sync::Arc;

use seal::{Receipt, RelayKey};
use sync_protocol::sim::{Link, PeerLink, SimClinic, SimDevice, settle, settle_peers};
use sync_protocol::{
    DeviceError, DeviceSession, Incarnation, OutId, OutItem, RefusedCode, RelayLie, RelayMessage, RelaySession,
    RelayStore, SignedReceipt, SyncStore, Welcome,
};

use crate::memory_relay::MemoryRelay;
use crate::{NOW, relay_of, rng};

type Rng = rand_chacha::ChaCha20Rng;

const BEHIND: Option<DeviceError> = Some(DeviceError::Refused(RefusedCode::RelayBehind));

/// A clinic with a writer and a reader, which both have three changes from the relay.
fn two_with_three(rng: &mut Rng) -> (SimClinic, SimDevice, SimDevice, MemoryRelay) {
    let (mut clinic, mut writer) = SimClinic::found(NOW, rng);
    let reader = clinic.admit(NOW, rng);
    let mut relay = relay_of(&clinic);
    (0..3).for_each(|_| writer.write(rng));
    call(&writer, &mut relay, NOW, rng);
    call(&reader, &mut relay, NOW, rng);
    (clinic, writer, reader, relay)
}

fn call(device: &SimDevice, relay: &mut MemoryRelay, now_ms: i64, rng: &mut Rng) -> Option<DeviceError> {
    let mut link = Link::open(device, relay, rng);
    settle(&mut [&mut link], relay, now_ms, rng);
    link.device_error
}

fn lies(device: &SimDevice) -> Vec<RelayLie> {
    device.store.held().lies
}

fn receipt_of(device: &SimDevice) -> SignedReceipt {
    let life = device.store.last_incarnation().unwrap().unwrap();
    device.store.relay_standing(&life).unwrap().receipt.unwrap()
}

fn meet(one: &SimDevice, two: &SimDevice, rng: &mut Rng) {
    let mut binding = [0; 32];
    rand_chacha::rand_core::Rng::fill_bytes(rng, &mut binding);
    let mut links = [PeerLink::open(one, two, binding)];
    settle_peers(&mut links);
    assert!(links[0].is_equal(), "the two hold the same in the end");
}

#[test]
fn whoever_wrote_and_whoever_read_hold_the_same_receipt() {
    let rng = &mut rng(70);
    let (_, writer, reader, mut relay) = two_with_three(rng);
    call(&writer, &mut relay, NOW, rng);
    assert_eq!(receipt_of(&writer), receipt_of(&reader));
    assert_eq!(receipt_of(&writer).changes, 3);
    let life = Incarnation([1; 16]);
    let tenant = writer.store.tenant();
    assert!(receipt_of(&writer).verify(tenant, life, &relay.key.public()).is_ok());
    assert!(lies(&writer).is_empty() && lies(&reader).is_empty());
}

#[test]
fn a_change_that_is_left_out_is_noticed() {
    let rng = &mut rng(71);
    let (mut clinic, _, _, mut relay) = two_with_three(rng);
    let late = clinic.admit(NOW, rng);
    relay.know(crate::roster(&clinic));
    relay.hides = Some(2);
    assert_eq!(
        call(&late, &mut relay, NOW, rng),
        None,
        "what it gives is taken all the same"
    );
    assert_eq!(late.store.held().changes.len(), 2);
    assert_eq!(lies(&late), [RelayLie::LeftOut]);
}

#[test]
fn a_change_in_the_place_of_another_is_noticed() {
    let rng = &mut rng(72);
    let (mut clinic, _, _, mut relay) = two_with_three(rng);
    let late = clinic.admit(NOW, rng);
    relay.know(crate::roster(&clinic));
    relay.doubles = Some(2);
    assert_eq!(call(&late, &mut relay, NOW, rng), None);
    assert_eq!(lies(&late), [RelayLie::LeftOut]);
}

#[test]
fn a_tail_that_is_kept_from_one_device_comes_out_when_the_two_meet() {
    let rng = &mut rng(73);
    let (_, mut writer, reader, mut relay) = two_with_three(rng);
    writer.write(rng);
    call(&writer, &mut relay, NOW + 1, rng);
    // An hour later the reader is told that there is nothing new.
    let mut honest_tail = relay.changes.split_off(3);
    assert_eq!(call(&reader, &mut relay, NOW + 3_600_000, rng), None);
    relay.changes.append(&mut honest_tail);
    assert!(lies(&reader).is_empty(), "alone it cannot know");
    meet(&reader, &writer, rng);
    assert_eq!(lies(&writer), [RelayLie::TwoFaces]);
    assert_eq!(lies(&reader), [RelayLie::TwoFaces]);
    assert_eq!(reader.store.held().changes.len(), 4, "and has it from the other device");
}

#[test]
fn a_relay_with_two_faces_that_are_each_consistent_comes_out_when_the_two_meet() {
    let rng = &mut rng(74);
    let (mut clinic, mut one) = SimClinic::found(NOW, rng);
    let mut two = clinic.admit(NOW, rng);
    let mut faces = [relay_of(&clinic), relay_of(&clinic)];
    one.write(rng);
    two.write(rng);
    for (device, face) in [&one, &two].into_iter().zip(&mut faces) {
        assert_eq!(call(device, face, NOW, rng), None);
        assert!(lies(device).is_empty());
    }
    meet(&two, &one, rng);
    assert_eq!(
        (lies(&one), lies(&two)),
        (vec![RelayLie::TwoFaces], vec![RelayLie::TwoFaces])
    );
}

#[test]
fn an_honest_relay_is_accused_of_nothing_when_two_meet_who_stand_at_different_places() {
    let rng = &mut rng(75);
    let (_, mut writer, reader, mut relay) = two_with_three(rng);
    for later in 1..4 {
        writer.write(rng);
        call(&writer, &mut relay, NOW + later, rng);
        meet(&writer, &reader, rng);
        meet(&reader, &writer, rng);
    }
    call(&reader, &mut relay, NOW + 9, rng);
    meet(&reader, &writer, rng);
    assert!(lies(&writer).is_empty() && lies(&reader).is_empty());
}

#[test]
fn a_receipt_that_only_a_peer_could_have_forged_accuses_nobody() {
    let rng = &mut rng(76);
    let (_, writer, reader, _) = two_with_three(rng);
    let life = Incarnation([1; 16]);
    let (tenant, receipt) = (writer.store.tenant(), receipt_of(&reader));
    let forged = signed(tenant, life, receipt.changes, [9; 32], &RelayKey::make(rng));
    reader.store.keep_receipt(&life, &[0; 32], Some(&forged)).unwrap();
    meet(&reader, &writer, rng);
    assert!(lies(&writer).is_empty());
}

fn signed(tenant: seal::TenantId, life: Incarnation, changes: u64, chain: [u8; 32], key: &RelayKey) -> SignedReceipt {
    let receipt = Receipt {
        tenant,
        incarnation: life.0,
        changes,
        consents: 0,
        sum: [0; 32],
        at_ms: NOW,
    };
    SignedReceipt::make(&receipt, chain, [0; 32], key)
}

#[test]
fn a_receipt_proves_to_the_relay_itself_that_it_was_put_back() {
    let rng = &mut rng(77);
    let (_, writer, reader, mut relay) = two_with_three(rng);
    call(&writer, &mut relay, NOW, rng);
    relay.changes.truncate(1);
    let before = relay.incarnation();
    assert_eq!(call(&reader, &mut relay, NOW, rng), BEHIND);
    assert_ne!(relay.incarnation(), before, "it begins another life");
    assert_eq!(call(&reader, &mut relay, NOW, rng), None);
    assert_eq!(relay.changes.len(), 3, "and has it all again, also what others wrote");
    assert!(lies(&reader).is_empty(), "it said so");
}

#[test]
fn a_relay_that_went_on_after_it_was_put_back_is_noticed_by_what_stands_at_a_position() {
    let rng = &mut rng(78);
    let (_, mut writer, reader, mut relay) = two_with_three(rng);
    call(&writer, &mut relay, NOW, rng);
    relay.changes.truncate(1);
    // Somebody who had only the first change comes first, and goes beyond all that the reader knows.
    let others: Vec<_> = (0..4).map(|_| writer.seal(40, rng)).collect();
    relay
        .changes
        .extend(others.into_iter().map(|item| (item.id, item.bytes)));
    let before = relay.incarnation();
    assert_eq!(call(&reader, &mut relay, NOW, rng), BEHIND);
    assert_ne!(relay.incarnation(), before);
    assert_eq!(call(&reader, &mut relay, NOW, rng), None);
    assert_eq!(relay.changes.len(), 7, "the union");
}

#[test]
fn a_forged_receipt_changes_nothing_and_is_counted() {
    let rng = &mut rng(79);
    let (clinic, writer, reader, mut relay) = two_with_three(rng);
    call(&writer, &mut relay, NOW, rng);
    let life = relay.incarnation();
    let (other, _) = SimClinic::found(NOW, rng);
    let forgeries = [
        signed(clinic.tenant, life, 9, [9; 32], &RelayKey::make(rng)),
        // Another clinic's, and another life's, are the relay's own.
        signed(other.tenant, life, 9, [9; 32], &relay.key),
        signed(clinic.tenant, Incarnation([8; 16]), 9, [9; 32], &relay.key),
    ];
    for (nth, forged) in forgeries.iter().enumerate() {
        let store = &reader.store;
        store.keep_receipt(&life, &relay.key.public(), Some(forged)).unwrap();
        // A cursor that the relay never gave.
        let far = sync_protocol::Cursor::at(life, sync_protocol::Scope::Changes, 9);
        store.absorb_changes(&far, Vec::new()).unwrap();
        assert_eq!(call(&reader, &mut relay, NOW, rng), BEHIND);
        assert_eq!((relay.incarnation(), relay.n_forged), (life, nth as u32 + 1));
    }
}

#[test]
fn a_true_receipt_of_less_than_the_relay_has_changes_nothing() {
    let rng = &mut rng(80);
    let (_, mut writer, reader, mut relay) = two_with_three(rng);
    writer.write(rng);
    call(&writer, &mut relay, NOW, rng);
    let (tenant, life) = (reader.store.tenant(), relay.incarnation());
    let shown = relay
        .shown(&tenant, &receipt_of(&reader), Incarnation([9; 16]))
        .unwrap();
    assert_eq!(shown, sync_protocol::Shown::Holds);
    assert_eq!(relay.incarnation(), life);
}

#[test]
fn a_relay_that_says_openly_that_it_has_less_is_left_and_told_on() {
    let rng = &mut rng(81);
    let (_, _, reader, relay) = two_with_three(rng);
    let mut session = DeviceSession::new(Arc::clone(&reader.store) as _, Arc::clone(&reader.keys));
    let (_, greeting) = RelaySession::open(&relay, rng);
    session.receive(&greeting.send[0].frame, NOW).unwrap();
    let welcome = Welcome {
        changes: 2,
        consents: 0,
        audit: 0,
        statements: [0; 32],
        now_ms: NOW,
        key: None,
        receipt: None,
        closed: None,
    };
    let answer = session.receive(&RelayMessage::Welcome(welcome).encode(), NOW);
    assert_eq!(answer.err(), BEHIND);
    assert_eq!(lies(&reader), [RelayLie::Forgot]);
}

#[test]
fn another_key_in_the_same_life_is_another_face() {
    let rng = &mut rng(82);
    let (_, _, reader, mut relay) = two_with_three(rng);
    relay.key = RelayKey::make(rng);
    assert_eq!(call(&reader, &mut relay, NOW, rng), None);
    assert_eq!(lies(&reader), [RelayLie::TwoFaces]);
}

#[test]
fn what_a_snapshot_covers_is_passed_over_and_the_chain_goes_on() {
    let rng = &mut rng(83);
    let (mut clinic, mut writer, _, mut relay) = two_with_three(rng);
    let first = relay.changes[0].0;
    let OutId::Change(id) = first else { panic!() };
    writer.store.write(OutItem {
        id: OutId::Covered(id),
        bytes: Vec::new(),
    });
    writer.write(rng);
    assert_eq!(call(&writer, &mut relay, NOW, rng), None);
    assert_eq!(writer.store.pending().unwrap(), 0);
    let late = clinic.admit(NOW, rng);
    relay.know(crate::roster(&clinic));
    assert_eq!(call(&late, &mut relay, NOW, rng), None);
    assert_eq!(late.store.held().changes.len(), 3);
    assert!(lies(&late).is_empty());
    assert_eq!(receipt_of(&late).changes_chain, receipt_of(&writer).changes_chain);
}

#[test]
fn a_device_of_a_former_life_confirms_once_all_its_consents_are_there_and_a_new_one_does_not() {
    let rng = &mut rng(84);
    let (mut clinic, writer, _, mut relay) = two_with_three(rng);
    let (other, _) = SimClinic::found(NOW, rng);
    let grant = writer.grant(&other.membership(), NOW, NOW + 1_000, rng);
    call(&writer, &mut relay, NOW, rng);
    writer.revoke(grant.clear().id, NOW);
    call(&writer, &mut relay, NOW, rng);
    assert_eq!(relay.consents.len(), 2);

    relay.consents.truncate(1);
    relay.become_another([2; 16]);
    relay.closed = true;
    let new = clinic.admit(NOW, rng);
    relay.know(crate::roster(&clinic));
    call(&new, &mut relay, NOW, rng);
    assert!(relay.confirmed.is_empty(), "it knows of no revocation");
    call(&writer, &mut relay, NOW, rng);
    assert_eq!(relay.confirmed, [clinic.tenant]);
    assert_eq!(
        relay.consents.len(),
        3,
        "the grant was pushed again, and the revocation"
    );
}

#[test]
fn to_an_older_relay_nothing_is_said_that_it_would_not_understand() {
    let rng = &mut rng(85);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let mut relay = relay_of(&clinic);
    let change = device.seal(10, rng);
    let OutId::Change(id) = change.id else { panic!() };
    device.store.write(change);
    for id in [OutId::Covered(id), OutId::Erased(id)] {
        let bytes = Vec::new();
        device.store.write(OutItem { id, bytes });
    }
    device.write(rng);
    let mut link = Link::open(&device, &relay, rng);
    link.as_an_older_relay();
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(link.device_error, None);
    assert_eq!(relay.changes.len(), 2);
    assert_eq!(device.store.pending().unwrap(), 2, "they wait for a newer one");
    let life = relay.incarnation();
    assert_eq!(device.store.relay_standing(&life).unwrap().receipt, None);
}

#[test]
fn receipts_that_cannot_both_be_true() {
    let key = RelayKey::make(&mut rng(86));
    let tenant = seal::TenantId::from_bytes([7; 32]);
    let at = |changes, chain: u8, at_ms| {
        let mut receipt = signed(tenant, Incarnation([1; 16]), changes, [chain; 32], &key);
        receipt.at_ms = at_ms;
        receipt
    };
    let agree = |one: SignedReceipt, two: SignedReceipt| {
        assert_eq!(one.agrees_with(&two), two.agrees_with(&one));
        one.agrees_with(&two)
    };
    assert!(agree(at(1, 1, 5), at(1, 1, 5)));
    assert!(agree(at(1, 1, 5), at(2, 2, 6)));
    assert!(
        agree(at(1, 1, 5), at(2, 2, 5)),
        "within one millisecond nothing is said of the order"
    );
    assert!(!agree(at(1, 1, 5), at(1, 2, 5)), "other things at one position");
    assert!(!agree(at(2, 2, 5), at(1, 1, 6)), "less at a later time");
}
