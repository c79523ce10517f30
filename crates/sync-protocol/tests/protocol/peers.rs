//! Two and more devices on a LAN, without a relay: whatever is cut, in the end everyone holds the same.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seal::ChangeId;
use sync_protocol::sim::{PeerLink, SimClinic, SimDevice, settle_peers};
use sync_protocol::{OutId, PeerMessage, PeerSet, PeerStore, SyncStore};

use crate::{NOW, rng};

/// A clinic of `n` devices that know each other.
pub fn clinic_of<const N: usize>(rng: &mut impl rand_chacha::rand_core::CryptoRng) -> (SimClinic, [SimDevice; N]) {
    let (mut clinic, first) = SimClinic::found(NOW, rng);
    let mut devices = vec![first];
    devices.extend((1..N).map(|_| clinic.admit(NOW, rng)));
    for device in &devices {
        device.store.absorb_statements(clinic.encoded_statements()).unwrap();
    }
    (clinic, devices.try_into().ok().unwrap())
}

pub fn ids(device: &SimDevice) -> BTreeSet<ChangeId> {
    device.store.held().changes.into_keys().collect()
}

pub fn meet(one: &SimDevice, other: &SimDevice) -> PeerLink {
    let mut link = [PeerLink::open(one, other, [9; 32])];
    settle_peers(&mut link);
    let [link] = link;
    assert!(link.is_equal(), "{:?} {:?}", link.ends[0].refused, link.ends[1].refused);
    link
}

pub fn messages(link: &PeerLink, end: usize) -> Vec<PeerMessage> {
    let frames = link.ends[end].sent.iter();
    frames
        .map(|frame| PeerMessage::decode(frame, usize::MAX).unwrap())
        .collect()
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Write(usize),
    Grant(usize),
    Revoke(usize),
    Deliver(usize, usize, usize),
    News(usize, usize),
    Cut(usize),
    CutOne(usize, usize),
    /// The same pair meets a second time, the other way round, while the first connection lives.
    Again(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (who, end) = (0..3usize, 0..2usize);
    let n_bytes = prop_oneof![1..40usize, 1..4000usize, Just(usize::MAX)];
    let act = prop_oneof![
        4 => who.clone().prop_map(Act::Write),
        1 => who.clone().prop_map(Act::Grant),
        1 => who.clone().prop_map(Act::Revoke),
        20 => (0..5usize, end.clone(), n_bytes).prop_map(|(link, end, n)| Act::Deliver(link, end, n)),
        4 => (0..5usize, end.clone()).prop_map(|(link, end)| Act::News(link, end)),
        1 => who.clone().prop_map(Act::Cut),
        1 => (who.clone(), end).prop_map(|(link, end)| Act::CutOne(link, end)),
        1 => who.prop_map(Act::Again),
    ];
    proptest::collection::vec(act, 0..150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn three_devices_in_a_ring_end_with_the_union(acts in acts(), alone in proptest::collection::vec(0..30usize, 3), seed: u8) {
        let rng = &mut rng(seed);
        let (clinic, mut devices) = clinic_of::<3>(rng);
        let (other, _) = SimClinic::found(NOW, rng);
        // The partition before: each wrote for itself.
        for (device, n) in devices.iter_mut().zip(alone) {
            (0..n).for_each(|_| device.write(rng));
        }
        let ends = |link: usize| (link, (link + 1) % 3);
        let mut n_channels = 0;
        let mut open = |devices: &[SimDevice; 3], one: usize, two: usize| {
            n_channels += 1;
            PeerLink::open(&devices[one], &devices[two], [n_channels; 32])
        };
        let mut links = Vec::new();
        for link in 0..3 {
            links.push(open(&devices, ends(link).0, ends(link).1));
        }
        let mut granted = Vec::new();
        let mut written: BTreeSet<_> = devices.iter().flat_map(ids).collect();
        for act in acts {
            match act {
                Act::Write(who) => {
                    devices[who].write(rng);
                    written.extend(ids(&devices[who]));
                }
                Act::Grant(who) => granted.push(devices[who].grant(&other.membership(), NOW, NOW + 1, rng).clear().id),
                Act::Revoke(who) => {
                    if let Some(grant) = granted.first() {
                        devices[who].revoke(*grant, NOW);
                    }
                }
                Act::Deliver(link, end, n) => {
                    let link = link % links.len();
                    links[link].deliver(end, n);
                }
                Act::News(link, end) => {
                    let link = link % links.len();
                    links[link].news(end);
                }
                Act::Cut(link) => {
                    links[link].cut();
                    links[link] = open(&devices, ends(link).0, ends(link).1);
                }
                Act::CutOne(link, end) => {
                    // The other end goes on beside the new connection: what it says goes nowhere.
                    links[link].cut_one(end);
                    let new = open(&devices, ends(link).0, ends(link).1);
                    let left = std::mem::replace(&mut links[link], new);
                    links.push(left);
                }
                Act::Again(link) => links.push(open(&devices, ends(link).1, ends(link).0)),
            }
        }
        for link in &links {
            for end in &link.ends {
                prop_assert_eq!((end.error, end.refused), (None, None), "honest ends never refuse each other");
            }
        }
        // Only two sides of the ring are left, and what is on its way on the others is lost.
        let mut last = [open(&devices, 0, 1), open(&devices, 2, 1)];
        settle_peers(&mut last);
        prop_assert!(last.iter().all(PeerLink::is_equal));
        for device in &devices {
            prop_assert_eq!(ids(device), written.clone());
            let held = device.store.held();
            prop_assert_eq!(held.grants.len(), granted.len());
            prop_assert_eq!(held.revocations.len(), devices.iter().map(|one| one.store.held().revocations.len()).max().unwrap());
            prop_assert!(held.quarantined.is_empty());
            prop_assert_eq!(device.store.tenant(), clinic.tenant);
        }
    }
}

#[test]
fn news_goes_round_but_not_back() {
    let rng = &mut rng(5);
    let (_, [mut one, two, three]) = clinic_of::<3>(rng);
    let mut links = [
        PeerLink::open(&one, &two, [1; 32]),
        PeerLink::open(&two, &three, [2; 32]),
    ];
    settle_peers(&mut links);
    // From one to three by two; what came from the relay (here: straight into the store) goes the same way.
    one.write(rng);
    let OutId::Change(id) = one.store.held().outbox[0].id else {
        panic!()
    };
    settle_peers(&mut links);
    assert!(links.iter().all(PeerLink::is_equal));
    assert!(ids(&three).contains(&id));
    assert!(
        three
            .store
            .held()
            .outbox
            .iter()
            .any(|item| item.id == OutId::Change(id)),
        "whoever reaches the relay first brings it there"
    );
    let told = |link: &PeerLink, end| {
        messages(link, end)
            .into_iter()
            .filter(|m| matches!(m, PeerMessage::Have(..)))
            .count()
    };
    assert_eq!(
        [
            told(&links[0], 0),
            told(&links[0], 1),
            told(&links[1], 0),
            told(&links[1], 1)
        ],
        [1, 0, 1, 0]
    );
}

#[test]
fn grants_and_revocations_come_before_the_changes() {
    let rng = &mut rng(6);
    let (_, [mut one, two]) = clinic_of::<2>(rng);
    let (other, _) = SimClinic::found(NOW, rng);
    one.write(rng);
    let grant = one.grant(&other.membership(), NOW, NOW + 1, rng);
    two.revoke(grant.clear().id, NOW);
    let link = meet(&two, &one);
    let asked: Vec<_> = messages(&link, 0)
        .into_iter()
        .filter_map(|message| match message {
            PeerMessage::Want(set, _) => Some(set),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [PeerSet::Consents, PeerSet::Changes]);
    for device in [&one, &two] {
        let held = device.store.held();
        assert_eq!(
            (held.grants.len(), held.revocations.len(), held.changes.len()),
            (1, 1, 1)
        );
    }
}

#[test]
fn what_does_not_decode_is_a_member_of_the_set_too() {
    let rng = &mut rng(7);
    let (_, [one, two]) = clinic_of::<2>(rng);
    one.store
        .absorb_changes_from_peer(vec![b"not a change".to_vec()])
        .unwrap();
    meet(&one, &two);
    assert_eq!(two.store.held().quarantined, [b"not a change".to_vec()]);
}

#[test]
fn a_change_without_its_body_travels_and_the_store_decides() {
    let rng = &mut rng(8);
    let (_, [mut one, two]) = clinic_of::<2>(rng);
    let item = one.seal(40, rng);
    let bare = seal::SealedChange::decode(&item.bytes).unwrap().without_body().encode();
    let OutId::Change(id) = item.id else { panic!() };
    // One holds it without its body: one bucket with whoever holds it whole.
    let mut held_bare = item.clone();
    held_bare.bytes = bare;
    one.store.write(held_bare);
    meet(&one, &two);
    assert!(
        !ids(&two).contains(&id),
        "two knows of no reason why its body should be gone"
    );
    two.store.write(item);
    let link = meet(&one, &two);
    assert!(
        !messages(&link, 0).iter().any(|m| matches!(m, PeerMessage::AskTree(..))),
        "the same names: the same set"
    );
}

#[test]
fn statements_go_first_and_a_new_device_is_known_by_them() {
    let rng = &mut rng(9);
    let (mut clinic, mut first) = SimClinic::found(NOW, rng);
    first.write(rng);
    let new = clinic.admit(NOW, rng);
    // The first device has not heard of the new one.
    let link = meet(&new, &first);
    assert_eq!(link.ends[1].session.peer(), Some(new.keys.id()));
    assert_eq!(ids(&new).len(), 1);
    assert_eq!(first.store.statements().unwrap().len(), clinic.statements.len());

    // And while connected: a third one is told to both.
    let mut links = [link];
    let third = clinic.admit(NOW, rng);
    first.store.absorb_statements(clinic.encoded_statements()).unwrap();
    settle_peers(&mut links);
    assert_eq!(new.store.statements().unwrap().len(), clinic.statements.len());
    meet(&third, &new);
}

#[test]
fn two_connections_at_once_do_no_harm_and_one_is_to_close() {
    let rng = &mut rng(10);
    let (_, [mut one, mut two]) = clinic_of::<2>(rng);
    (0..50).for_each(|_| one.write(rng));
    (0..50).for_each(|_| two.write(rng));
    let mut links = [PeerLink::open(&one, &two, [1; 32]), PeerLink::open(&two, &one, [2; 32])];
    settle_peers(&mut links);
    assert_eq!(ids(&one).len(), 100);
    assert_eq!(ids(&one), ids(&two));
    let close = links
        .each_ref()
        .map(|link| link.ends.each_ref().map(|end| end.session.is_the_one_to_close()));
    assert_eq!(close[0][0], close[0][1], "both ends agree");
    assert_eq!(close[1][0], close[1][1], "both ends agree");
    assert_ne!(close[0][0], close[1][0]);
}

#[test]
fn what_a_newer_build_wrote_is_taken_on_trust_and_ends_nothing() {
    let rng = &mut rng(12);
    let (_, [one, two]) = clinic_of::<2>(rng);
    // {0: header {0: version 2}, 1: hash, 2: signature}: a name that this build cannot check.
    let newer = [
        &[0xa3, 0x00, 0x43, 0xa1, 0x00, 0x02, 0x01, 0x58, 0x20][..],
        &[7; 32],
        &[0x02, 0x58, 0x40],
        &[8; 64],
    ];
    let newer = newer.concat();
    assert_eq!(seal::SealedChange::decode(&newer), Err(seal::SealError::NewerVersion));
    let mut link = PeerLink::open(&two, &one, [9; 32]);
    while link.deliver(0, usize::MAX) | link.deliver(1, usize::MAX) {}
    assert!(link.is_equal());
    // The peer, of a newer build, knows it by its true name.
    let name = sync_protocol::ItemId::from_bytes([5; 32]);
    link.inject(0, &PeerMessage::Have(PeerSet::Changes, vec![name].into()).encode());
    link.deliver(0, usize::MAX);
    assert!(messages(&link, 0).contains(&PeerMessage::Want(PeerSet::Changes, vec![name].into())));
    link.replace_coming(0, &PeerMessage::Items(vec![Some(newer.clone().into())].into()).encode());
    link.deliver(0, usize::MAX);
    assert_eq!(link.ends[0].refused, None);
    assert_eq!(two.store.held().quarantined, [newer]);
}
