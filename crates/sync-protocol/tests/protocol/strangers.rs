//! Who is no member of the clinic, or not the one that it claims to be, learns nothing on the LAN.

use std::sync::Arc;

use seal::DeviceKeys;
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{PeerLink, SimClinic, SimDevice, settle_peers};
use sync_protocol::{PEER_VERSION, PeerError, PeerMessage, RefusedCode, SyncStore};

use crate::{NOW, rng};

/// What the answerer sent, by kind; and that no id of the clinic's is in it in the clear.
fn said(link: &PeerLink, end: usize, clinic: &SimClinic) -> Vec<&'static str> {
    let frames = link.ends[end].sent.iter();
    frames
        .map(|frame| match PeerMessage::decode(frame, usize::MAX).unwrap() {
            PeerMessage::Hello(_) => {
                let holds = |id: &[u8; 32]| frame.windows(32).any(|window| window == id);
                assert!(!holds(clinic.tenant.as_bytes()));
                assert!(clinic.membership().devices().all(|(id, _)| !holds(id.as_bytes())));
                "hello"
            }
            PeerMessage::Statements(_) => "statements",
            PeerMessage::Refused(_) => "refused",
            other => panic!("this says more than it should: {other:?}"),
        })
        .collect()
}

fn try_out(caller: &SimDevice, answerer: &SimDevice) -> PeerLink {
    let mut links = [PeerLink::open(caller, answerer, [9; 32])];
    settle_peers(&mut links);
    let [link] = links;
    link
}

/// A device with a store of its choice and keys of its choice.
fn device(of: SimDevice, store: MemoryStore, keys: DeviceKeys) -> SimDevice {
    let mut device = of;
    device.store = Arc::new(store);
    device.keys = Arc::new(keys);
    device
}

#[test]
fn another_clinic_learns_nothing() {
    let rng = &mut rng(1);
    let (clinic, mut ours) = SimClinic::found(NOW, rng);
    let (other, mut theirs) = SimClinic::found(NOW, rng);
    ours.write(rng);
    theirs.write(rng);
    for (caller, answerer) in [(&ours, &theirs), (&theirs, &ours)] {
        let link = try_out(caller, answerer);
        assert!(!link.is_open());
        let refused = [link.ends[0].refused, link.ends[1].refused];
        assert!(refused.contains(&Some(RefusedCode::UnknownClinic)), "{refused:?}");
        for end in 0..2 {
            said(&link, end, &clinic);
            let kinds = said(&link, end, &other);
            assert!(!kinds.contains(&"statements"));
        }
    }
}

#[test]
fn a_stranger_who_knows_the_clinic_hears_its_statements_and_nothing_else() {
    let rng = &mut rng(2);
    let (mut clinic, mut ours) = SimClinic::found(NOW, rng);
    let (other, stranger) = SimClinic::found(NOW, rng);
    ours.write(rng);
    // It has our statements (a relay, a clinic that receives from us), even a new one, and keys that none of them names.
    clinic.admit(NOW, rng);
    for extra in [Vec::new(), other.encoded_statements()] {
        let store = MemoryStore::new(clinic.tenant, clinic.encoded_statements().into_iter().chain(extra));
        let (_, base) = SimClinic::found(NOW, rng);
        let stranger = device(base, store, (*stranger.keys).clone());
        let link = try_out(&stranger, &ours);
        assert_eq!(link.ends[1].refused, Some(RefusedCode::UnknownDevice));
        said(&link, 1, &clinic);
        assert_eq!(link.ends[1].session.peer(), None);
    }
    assert_eq!(
        ours.store.statements().unwrap().len(),
        clinic.statements.len() - 1,
        "nothing is kept of what a stranger brings, not even what is true"
    );
}

#[test]
fn a_member_s_name_without_its_key_is_refused() {
    let rng = &mut rng(3);
    let (mut clinic, ours) = SimClinic::found(NOW, rng);
    let member = clinic.admit(NOW, rng);
    ours.store.absorb_statements(clinic.encoded_statements()).unwrap();
    let mut link = PeerLink::open(&member, &ours, [9; 32]);
    let PeerMessage::Hello(mut hello) = PeerMessage::decode(&link.ends[0].sent[0], 1024).unwrap() else {
        panic!()
    };
    hello.signature[5] ^= 1;
    link.replace_coming(1, &PeerMessage::Hello(hello).encode());
    link.deliver(1, usize::MAX);
    assert_eq!(link.ends[1].refused, Some(RefusedCode::BadSignature));
    said(&link, 1, &clinic);
}

#[test]
fn a_proof_is_good_for_one_channel_only() {
    let rng = &mut rng(4);
    let (mut clinic, ours) = SimClinic::found(NOW, rng);
    let member = clinic.admit(NOW, rng);
    ours.store.absorb_statements(clinic.encoded_statements()).unwrap();
    // Somebody sits in the middle with two channels, and passes every frame on.
    let mut links = [PeerLink::between([&member, &ours], [[7; 32], [9; 32]])];
    settle_peers(&mut links);
    for end in 0..2 {
        assert_ne!(links[0].ends[end].refused, None);
        said(&links[0], end, &clinic);
    }

    // One who knows the clinic and its devices makes the names fit; the signature it cannot make.
    let names = PeerLink::open(&member, &ours, [9; 32]).ends[0].sent[0].clone();
    let proof = PeerLink::open(&member, &ours, [7; 32]).ends[0].sent[0].clone();
    let [PeerMessage::Hello(mut names), PeerMessage::Hello(proof)] =
        [names, proof].map(|frame| PeerMessage::decode(&frame, 1024).unwrap())
    else {
        panic!()
    };
    names.signature = proof.signature;
    let mut link = PeerLink::open(&member, &ours, [9; 32]);
    link.replace_coming(1, &PeerMessage::Hello(names).encode());
    link.deliver(1, usize::MAX);
    assert_eq!(link.ends[1].refused, Some(RefusedCode::BadSignature));
    said(&link, 1, &clinic);
}

#[test]
fn a_reflected_proof_is_refused() {
    let rng = &mut rng(5);
    let (clinic, ours) = SimClinic::found(NOW, rng);
    for end in 0..2 {
        let mut link = PeerLink::open(&ours, &ours, [9; 32]);
        let own = link.ends[end].sent[0].clone();
        link.replace_coming(end, &own);
        link.deliver(end, usize::MAX);
        assert_eq!(link.ends[end].refused, Some(RefusedCode::UnknownClinic));
        said(&link, end, &clinic);
    }

    // Its signature under names that fit the other role.
    let mut link = PeerLink::open(&ours, &ours, [9; 32]);
    let [mine, other] = [1, 0].map(|end| PeerMessage::decode(&link.ends[end].sent[0], 1024).unwrap());
    let [PeerMessage::Hello(mine), PeerMessage::Hello(mut other)] = [mine, other] else {
        panic!()
    };
    other.signature = mine.signature;
    link.replace_coming(1, &PeerMessage::Hello(other).encode());
    link.deliver(1, usize::MAX);
    assert_eq!(link.ends[1].refused, Some(RefusedCode::BadSignature));
}

#[test]
fn a_device_that_finds_itself_says_so() {
    let rng = &mut rng(6);
    let (_, ours) = SimClinic::found(NOW, rng);
    let link = try_out(&ours, &ours);
    assert_eq!(
        link.ends[1].refused.or(link.ends[0].refused),
        Some(RefusedCode::SameDevice)
    );
}

#[test]
fn a_newer_peer_that_speaks_no_old_version_is_refused_before_anything_else() {
    let rng = &mut rng(7);
    let (mut clinic, ours) = SimClinic::found(NOW, rng);
    let member = clinic.admit(NOW, rng);
    let mut link = PeerLink::open(&member, &ours, [9; 32]);
    let PeerMessage::Hello(mut hello) = PeerMessage::decode(&link.ends[0].sent[0], 1024).unwrap() else {
        panic!()
    };
    (hello.oldest, hello.newest) = (PEER_VERSION + 1, PEER_VERSION + 2);
    link.replace_coming(1, &PeerMessage::Hello(hello).encode());
    settle_peers(std::slice::from_mut(&mut link));
    assert_eq!(link.ends[1].refused, Some(RefusedCode::Version));
    assert_eq!(said(&link, 1, &clinic), ["hello", "refused"]);
    assert!(matches!(
        link.ends[0].error,
        Some(PeerError::Refused(RefusedCode::Version)) | None
    ));
}

/// A clinic with a second member, which both know, and what each has written.
fn two_members(rng: &mut rand_chacha::ChaCha20Rng) -> (SimClinic, SimDevice, SimDevice) {
    let (mut clinic, mut ours) = SimClinic::found(NOW, rng);
    let mut leaver = clinic.admit(NOW, rng);
    ours.store.absorb_statements(clinic.encoded_statements()).unwrap();
    ours.write(rng);
    leaver.write(rng);
    (clinic, ours, leaver)
}

#[test]
fn a_removed_device_hears_that_it_was_removed_and_nothing_else() {
    for caller_is_removed in [true, false] {
        let rng = &mut rng(8);
        let (mut clinic, ours, leaver) = two_members(rng);
        clinic.remove(&leaver, NOW, rng);
        ours.store.absorb_statements(clinic.encoded_statements()).unwrap();
        let (link, end) = match caller_is_removed {
            true => (try_out(&leaver, &ours), 1),
            false => (try_out(&ours, &leaver), 0),
        };
        assert_eq!(link.ends[end].refused, Some(RefusedCode::Removed));
        assert_eq!(said(&link, end, &clinic), ["hello", "statements", "refused"]);
        let removed = &link.ends[1 - end];
        assert_eq!(
            removed.error,
            Some(PeerError::Refused(RefusedCode::Removed)),
            "it hears why"
        );
        assert_eq!(
            leaver.store.statements().unwrap().len(),
            clinic.statements.len(),
            "and the statement that says so"
        );
        assert_eq!(ours.store.held().changes.len(), 1);

        // The next time it knows, and the statements are the same on both sides.
        let again = try_out(&leaver, &ours);
        assert_eq!(again.ends[1].refused, Some(RefusedCode::Removed));
        assert_eq!(said(&again, 1, &clinic), ["hello", "refused"]);
    }
}

#[test]
fn of_what_a_device_brings_that_is_known_to_be_removed_nothing_is_kept() {
    let rng = &mut rng(18);
    let (mut clinic, ours, leaver) = two_members(rng);
    let own = seal::new_epoch(&clinic.membership(), leaver.keys.as_ref(), NOW, rng).unwrap();
    leaver.store.absorb_statements(vec![own.bytes()]).unwrap();
    clinic.remove(&leaver, NOW, rng);
    ours.store.absorb_statements(clinic.encoded_statements()).unwrap();
    let link = try_out(&leaver, &ours);
    assert_eq!(link.ends[1].refused, Some(RefusedCode::Removed));
    assert!(!ours.store.statements().unwrap().contains(&own.bytes()));
}

#[test]
fn a_removed_device_that_brings_its_removal_is_believed() {
    let rng = &mut rng(9);
    let (mut clinic, ours, leaver) = two_members(rng);
    clinic.remove(&leaver, NOW, rng);
    leaver.store.absorb_statements(clinic.encoded_statements()).unwrap();
    let link = try_out(&leaver, &ours);
    assert_eq!(link.ends[1].refused, Some(RefusedCode::Removed));
    assert_eq!(said(&link, 1, &clinic), ["hello", "statements", "refused"]);
    assert_eq!(
        ours.store.statements().unwrap().len(),
        clinic.statements.len(),
        "ours knows it now"
    );
}

#[test]
fn a_member_that_is_removed_during_a_connection_loses_it() {
    let rng = &mut rng(10);
    let (mut clinic, mut ours, leaver) = two_members(rng);
    let mut links = [PeerLink::open(&leaver, &ours, [9; 32])];
    settle_peers(&mut links);
    assert!(links[0].is_equal());
    clinic.remove(&leaver, NOW, rng);
    ours.store.absorb_statements(clinic.encoded_statements()).unwrap();
    ours.write(rng);
    settle_peers(&mut links);
    assert_eq!(links[0].ends[1].refused, Some(RefusedCode::Removed));
    assert_eq!(links[0].ends[0].error, Some(PeerError::Refused(RefusedCode::Removed)));
    assert_eq!(
        leaver.store.held().changes.len(),
        2,
        "what came after its removal it did not get"
    );
    assert_eq!(leaver.store.statements().unwrap().len(), clinic.statements.len());

    // A third one that has not heard is told by whoever has; then it too refuses.
    let third = clinic.admit(NOW, rng);
    third.store.absorb_statements(clinic.encoded_statements()).unwrap();
    assert!(try_out(&third, &ours).is_equal());
    assert_eq!(try_out(&leaver, &third).ends[1].refused, Some(RefusedCode::Removed));
}
