//! An epoch whose envelope does not open for one device: it says so, is handed the keys, and reads what it had put aside.

use minicbor::Encode;
use seal::{AddWraps, DeviceKeys, EpochId, EpochWrap, StatementId, StatementKind, TenantId};

use super::*;

const NEW_EPOCH: u16 = 2;
const ADD_WRAPS: u16 = 5;

/// A statement's signed part, to be written as no honest build writes it.
#[derive(Encode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    version: u16,
    #[n(1)]
    kind: u16,
    #[n(2)]
    tenant: TenantId,
    #[n(3)]
    device: DeviceId,
    #[n(4)]
    predecessors: Vec<StatementId>,
    #[n(5)]
    made_at_ms: i64,
    #[cbor(n(6), with = "minicbor::bytes")]
    payload: Vec<u8>,
}

#[derive(Encode)]
#[cbor(map)]
struct Signed {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
}

/// Says something upon all that `by` knows.
fn say(by: &Vault, keys: &DeviceKeys, kind: u16, payload: Vec<u8>) {
    let membership = &by.belonging().membership;
    let body = Body {
        version: seal::FORMAT_VERSION,
        kind,
        tenant: membership.tenant(),
        device: keys.id(),
        predecessors: membership.heads(),
        made_at_ms: 5,
        payload,
    };
    let body = minicbor::to_vec(body).unwrap();
    let signature = keys.sign("MediEco seal v1 statement signature", &body);
    let signed = minicbor::to_vec(Signed { body, signature }).unwrap();
    by.add_statements(&[Statement::decode(&signed).unwrap()]).unwrap();
}

/// Begins an epoch whose envelope for `victim` does not open.
fn break_an_epoch(by: &Vault, keys: &DeviceKeys, victim: DeviceId) -> EpochId {
    let belonging = by.belonging();
    let honest = seal::new_epoch(&belonging.membership, keys, 5, &mut rng(50)).unwrap();
    let StatementKind::NewEpoch(mut epoch) = honest.kind().clone() else {
        unreachable!()
    };
    let wrap = epoch.wraps.iter_mut().find(|wrap| wrap.recipient == *victim.as_bytes());
    wrap.unwrap().sealed.fill(0);
    say(by, keys, NEW_EPOCH, minicbor::to_vec(epoch).unwrap());
    let belonging = by.belonging();
    belonging.membership.writing_epoch(&belonging.epochs).unwrap()
}

/// Hands on an epoch's keys in an envelope that does not open.
fn break_an_envelope(by: &Vault, keys: &DeviceKeys, victim: DeviceId, epoch: EpochId) {
    let sealed = vec![1; 112];
    let add = AddWraps {
        device: victim,
        wraps: vec![EpochWrap { epoch, sealed }],
    };
    say(by, keys, ADD_WRAPS, minicbor::to_vec(add).unwrap());
}

fn has(vault: &Vault, epoch: &EpochId) -> bool {
    vault.belonging().epochs.has(epoch)
}

#[test]
fn a_device_whose_envelope_is_broken_asks_and_reads_what_others_wrote_meanwhile() {
    let clinic = Clinic::with_devices(2);
    let [one, mut other] = [0, 1].map(|device| Machine::new(&clinic, device));
    let epoch = break_an_epoch(one.vault(), &clinic.devices[0], clinic.devices[1].id());
    let (maker, victim) = (one.vault(), other.vault());
    meet(maker, victim);
    write(maker, |w| w.put_patient(&patient(1)));
    let written = take_outbox(maker);
    assert_eq!(SealedChange::decode(&written[0]).unwrap().header().epoch, epoch);
    deliver(victim, written);
    assert_eq!(
        (aside(victim)[0].reason.as_str(), n_patients(victim)),
        ("unknown_epoch", 0)
    );
    // It writes on, under what it has.
    write(victim, |w| w.put_patient(&patient(2)));
    let own = take_outbox(victim);
    deliver(maker, own);
    assert_eq!(n_patients(maker), 2);
    assert_eq!(maker.hand_on_keys().unwrap(), 0, "nobody else sees it");

    assert_eq!((maker.ask_for_keys().unwrap(), victim.ask_for_keys().unwrap()), (0, 1));
    other.reopen();
    let victim = other.vault();
    assert_eq!(victim.ask_for_keys().unwrap(), 0, "once, until somebody answers");
    meet(maker, victim);
    assert_eq!((maker.hand_on_keys().unwrap(), maker.hand_on_keys().unwrap()), (1, 0));
    meet(maker, victim);
    assert!(has(victim, &epoch));
    assert_eq!((aside(victim), n_patients(victim)), (Vec::new(), 2));
    assert_same(maker, victim);
    assert_eq!((victim.ask_for_keys().unwrap(), victim.hand_on_keys().unwrap()), (0, 0));
    let before = victim.dump_tables().unwrap();
    victim.made_again();
    assert_eq!(difference(&before, &victim.dump_tables().unwrap()), None);
}

#[test]
fn who_answers_with_a_broken_envelope_again_does_not_keep_another_member_from_answering() {
    let clinic = Clinic::with_devices(3);
    let machines = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let [liar, honest, victim] = [0, 1, 2].map(|device| machines[device].vault());
    let (keys, lost) = (&clinic.devices[0], victim.device());
    let epoch = break_an_epoch(liar, keys, lost);
    hear_all(&[honest, victim], liar);
    write(honest, |w| w.put_patient(&patient(1)));
    write(liar, |w| w.put_patient(&patient(2)));
    let written = [take_outbox(honest), take_outbox(liar)];
    for vault in [liar, honest, victim] {
        deliver(vault, written.concat());
    }
    assert_eq!((n_patients(honest), n_patients(victim)), (2, 0));

    assert_eq!(victim.ask_for_keys().unwrap(), 1);
    meet(liar, victim);
    break_an_envelope(liar, keys, lost, epoch);
    hear_all(&[honest, victim], liar);
    // To the others that looks like an answer, until it says once more that it cannot open it.
    assert_eq!((honest.hand_on_keys().unwrap(), victim.ask_for_keys().unwrap()), (0, 1));
    meet(liar, victim);
    break_an_envelope(liar, keys, lost, epoch);
    hear_all(&[honest, victim], liar);
    assert_eq!(victim.ask_for_keys().unwrap(), 0);
    assert_eq!((honest.hand_on_keys().unwrap(), honest.hand_on_keys().unwrap()), (1, 0));
    hear_all(&[victim, liar], honest);
    assert!(has(victim, &epoch));
    assert_eq!((aside(victim), n_patients(victim)), (Vec::new(), 2));
    assert_same(honest, victim);
    assert_same(liar, victim);
}

#[test]
fn a_device_that_is_removed_after_it_asked_is_given_nothing() {
    let clinic = Clinic::with_devices(3);
    let machines = [0, 1, 2].map(|device| Machine::new(&clinic, device));
    let [admin, other, victim] = [0, 1, 2].map(|device| machines[device].vault());
    let epoch = break_an_epoch(admin, &clinic.devices[0], victim.device());
    hear_all(&[other, victim], admin);
    assert_eq!(victim.ask_for_keys().unwrap(), 1);
    remove(admin, victim.device());
    meet(admin, victim);
    meet(admin, other);
    assert_eq!((admin.hand_on_keys().unwrap(), other.hand_on_keys().unwrap()), (0, 0));
    assert_eq!(victim.ask_for_keys().unwrap(), 0);
    assert!(!has(victim, &epoch));
}
