//! The changes that a new device is to take first, in the welcome that lets it in.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use seal::{
    ChangeId, DeviceKeys, FirstChanges, MAX_FIRST_CHANGES, MAX_PAIRING_MESSAGE_BYTES, PairingCode, PairingJoin,
    PairingOffer, PairingWelcome, SealError, Statement, TenantId, Welcome,
};

use crate::pairing::welcome;
use crate::world::{Clinic, rng};

/// A welcome as builds knew it before there was such a list.
#[derive(Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Older {
    #[n(0)]
    tenant: TenantId,
    #[n(1)]
    statements: Vec<ByteVec>,
    #[n(2)]
    relay_url: Option<String>,
    #[cbor(n(3), with = "minicbor::bytes")]
    relay_key_sha256: Option<[u8; 32]>,
}

/// A welcome in which this stands where the list is.
#[derive(Encode)]
#[cbor(map)]
struct Free {
    #[n(0)]
    tenant: TenantId,
    #[n(1)]
    statements: Vec<ByteVec>,
    #[n(4)]
    first: ByteVec,
}

impl Older {
    fn of(welcome: &Welcome) -> Self {
        Self {
            tenant: welcome.tenant,
            statements: welcome.statements.iter().cloned().map(ByteVec::from).collect(),
            relay_url: welcome.relay_url.clone(),
            relay_key_sha256: welcome.relay_key_sha256,
        }
    }
}

fn ids(n: usize) -> Vec<ChangeId> {
    let id = |n: usize| {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&n.to_be_bytes());
        ChangeId::from_bytes(id)
    };
    (0..n).rev().map(id).collect()
}

/// A member and a new device that have met.
fn met(new: &DeviceKeys) -> (PairingWelcome, PairingJoin) {
    let code = PairingCode::make(&mut rng(20));
    let (offer, first) = PairingOffer::start(&code, &mut rng(31));
    let (join, second) = PairingJoin::answer(&code, &first, new, &mut rng(32)).unwrap();
    (offer.hear(&second).unwrap().1, join)
}

/// What the new device hears of this.
fn told(said: &Welcome, new: &DeviceKeys) -> Result<Welcome, SealError> {
    let (ready, join) = met(new);
    join.hear(&ready.send(said, &mut rng(33))?)
}

fn decoded(first: Vec<u8>) -> Option<Vec<ChangeId>> {
    let clinic = Clinic::make(1);
    let free = Free {
        tenant: clinic.tenant(),
        statements: vec![],
        first: first.into(),
    };
    let welcome: Welcome = minicbor::decode(&minicbor::to_vec(free).unwrap()).ok()?;
    Some(welcome.first.ids().to_vec())
}

#[test]
fn what_is_to_be_taken_first_arrives_in_its_order() {
    let (clinic, new) = (Clinic::make(1), DeviceKeys::make(&mut rng(30)));
    for n in [1, 2, 700, MAX_FIRST_CHANGES] {
        let said = Welcome {
            first: FirstChanges::of(ids(n)),
            ..welcome(&clinic, &new.public())
        };
        assert!(told(&said, &new).as_ref() == Ok(&said), "of {n}");
        assert_eq!(said.first.ids().len(), n);
    }
    // Of more the first go along.
    let (many, most) = (ids(MAX_FIRST_CHANGES + 5), FirstChanges::of(ids(MAX_FIRST_CHANGES + 5)));
    assert!(most.ids() == &many[..MAX_FIRST_CHANGES]);
}

#[test]
fn a_list_that_is_too_long_or_not_of_whole_ids_is_no_welcome() {
    let some = |n: usize| -> Vec<u8> { ids(n).iter().flat_map(|id| *id.as_bytes()).collect() };
    assert_eq!(decoded(some(3)), Some(ids(3)));
    assert_eq!(decoded(vec![]), Some(vec![]));
    assert!(decoded(some(MAX_FIRST_CHANGES)) == Some(ids(MAX_FIRST_CHANGES)));
    assert_eq!(decoded(some(MAX_FIRST_CHANGES + 1)), None);
    for n_bytes in [1, 31, 33, 95, 32 * MAX_FIRST_CHANGES - 1] {
        assert_eq!(decoded(vec![7; n_bytes]), None, "{n_bytes} bytes");
    }
}

#[test]
fn an_older_build_passes_the_list_over_and_a_welcome_without_one_is_its_own() {
    let (clinic, new) = (Clinic::make(1), DeviceKeys::make(&mut rng(30)));
    let without = welcome(&clinic, &new.public());
    let with = Welcome {
        first: FirstChanges::of(ids(9)),
        ..without.clone()
    };
    let older = Older::of(&without);
    assert_eq!(
        minicbor::decode::<Older>(&minicbor::to_vec(&with).unwrap()).unwrap(),
        older
    );
    let bytes = minicbor::to_vec(&older).unwrap();
    assert_eq!(minicbor::to_vec(&without).unwrap(), bytes, "to the byte");
    assert_eq!(minicbor::decode::<Welcome>(&bytes).unwrap(), without);
}

#[test]
fn where_statements_leave_no_room_for_the_list_it_is_left_out() {
    let (clinic, new) = (Clinic::make(1), DeviceKeys::make(&mut rng(30)));
    let mut said = Welcome {
        first: FirstChanges::of(ids(MAX_FIRST_CHANGES)),
        ..welcome(&clinic, &new.public())
    };
    let one = said.statements[0].clone();
    let room = MAX_PAIRING_MESSAGE_BYTES - 32 * MAX_FIRST_CHANGES;
    said.statements.extend(vec![one.clone(); room / one.len()]);
    let heard = told(&said, &new).unwrap();
    assert_eq!(
        (heard.first.ids(), heard.statements.len()),
        (&[][..], said.statements.len())
    );
    assert!(heard.statements.iter().all(|bytes| Statement::decode(bytes).is_ok()));
    // With as much less there is room for both.
    said.statements.truncate(said.statements.len() * 7 / 8);
    assert!(told(&said, &new).unwrap() == said);
    // What is too large without it is too large.
    said.statements
        .extend(vec![one.clone(); MAX_PAIRING_MESSAGE_BYTES / one.len()]);
    assert_eq!(told(&said, &new).unwrap_err(), SealError::TooLarge);
}
