//! A device that cannot open the clinic's newest keys: it asks for them by itself, and is handed them, without anybody's
//! pressing anything.

use minicbor::Encode;
use seal::{DeviceId, Statement, StatementId, StatementKind, TenantId};
use vault::Vault;

use crate::{
    devices::{is_sent, joined},
    support::{Net, Place},
};

const NEW_EPOCH: u16 = 2;

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

/// Begins an epoch whose envelope for `victim` does not open.
fn break_an_epoch(by: &Vault, victim: DeviceId) {
    let belonging = by.belonging();
    let (membership, keys) = (&belonging.membership, &belonging.keys);
    let now_ms = by.now().as_millisecond();
    let mut rng = <rand_chacha::ChaCha20Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(50);
    let honest = seal::new_epoch(membership, keys, now_ms, &mut rng).unwrap();
    let StatementKind::NewEpoch(mut epoch) = honest.kind().clone() else {
        unreachable!()
    };
    let wrap = epoch.wraps.iter_mut().find(|wrap| wrap.recipient == *victim.as_bytes());
    wrap.unwrap().sealed.fill(0);
    let body = Body {
        version: seal::FORMAT_VERSION,
        kind: NEW_EPOCH,
        tenant: membership.tenant(),
        device: keys.id(),
        predecessors: membership.heads(),
        made_at_ms: now_ms,
        payload: minicbor::to_vec(epoch).unwrap(),
    };
    let body = minicbor::to_vec(body).unwrap();
    let signature = keys.sign("MediEco seal v1 statement signature", &body);
    let signed = minicbor::to_vec(Signed { body, signature }).unwrap();
    by.add_statements(&[Statement::decode(&signed).unwrap()]).unwrap();
}

#[test]
fn a_device_whose_envelope_is_broken_asks_by_itself_and_reads_what_was_written_meanwhile() {
    let net = Net::start();
    let first = Place::founded(&net, 71, "Klinik Seri Mawar");
    let tablet = joined(&net, &first, 72);
    first.wait_until("it is sent", is_sent);
    let other = first.desk.devices().unwrap().into_iter().find(|device| !device.this);
    first.desk.shut_down();
    let store = first.store();
    break_an_epoch(&store, other.unwrap().id.parse().unwrap());
    let epoch = store.belonging().membership.current_epoch();
    drop(store);

    let first = first.restarted(&net);
    first.sign_in(first.owner());
    first.patient("Siti Aminah", "900505145678");
    tablet.wait_longer("it has the keys, and reads", |desk| {
        desk.search_patients("siti".to_owned())
            .is_ok_and(|found| found.len() == 1)
    });
    assert_eq!(tablet.desk.status().unwrap().sync.quarantined, 0);
    // It was written under those keys, not under older ones.
    tablet.desk.shut_down();
    let store = tablet.store();
    assert!(store.belonging().epochs.has(&epoch));
    assert_eq!(store.belonging().membership.current_epoch(), epoch);
}
