//! Sealed changes and attachments.

use proptest::prelude::*;
use seal::{
    AttachmentKey, ChangeKind, EpochId, Header, MAX_CHANGE_BYTES, MAX_CHUNK_BYTES, MAX_SEALED_CHANGE_BYTES,
    MAX_SEALED_SNAPSHOT_BYTES, MAX_SNAPSHOT_BYTES, SealError, SealedChange, chunk_name,
};

use crate::world::{Clinic, RawChange, rng};

const NONCE: usize = 0;
const COMMITMENT: usize = 24;
const CIPHERTEXT: usize = 24 + 32;

/// What becomes of a change on its way through a replica.
fn verdict(clinic: &Clinic, bytes: &[u8]) -> Result<Vec<u8>, SealError> {
    let change = SealedChange::decode(bytes)?;
    change.verify(&clinic.membership)?;
    Ok(change.open(&clinic.secrets)?.to_vec())
}

#[track_caller]
fn check(clinic: &Clinic, raw: &RawChange, expected: SealError) {
    assert_eq!(verdict(clinic, &raw.bytes()), Err(expected));
}

#[test]
fn what_one_device_seals_another_opens() {
    let clinic = Clinic::make(1);
    let change = clinic.change(b"allergy: penicillin");
    let secrets = seal::EpochSecrets::unwrap(&clinic.membership, &clinic.second).unwrap();
    let received = SealedChange::decode(&change.encode()).unwrap();
    received.verify(&clinic.membership).unwrap();
    assert_eq!(received.open(&secrets).unwrap().as_slice(), b"allergy: penicillin");
    assert_eq!(received.id(), change.id());
    assert_eq!(received, change);
}

#[test]
fn nothing_of_the_plaintext_is_outside_of_the_ciphertext() {
    let clinic = Clinic::make(1);
    let bytes = clinic.change(b"Siti Aminah").encode();
    assert!(!bytes.windows(4).any(|window| window == b"Siti"));
}

#[test]
fn the_same_plaintext_never_gives_the_same_bytes_twice() {
    let clinic = Clinic::make(1);
    let mut rng = rng(3);
    let mut once = || SealedChange::seal(clinic.header(), b"x", &clinic.secrets, clinic.device(), &mut rng).unwrap();
    assert_ne!(once().body(), once().body());
}

#[test]
fn short_changes_have_one_length() {
    let clinic = Clinic::make(1);
    assert_eq!(
        clinic.change(b"").encode().len(),
        clinic.change(&[7; 60]).encode().len()
    );
}

#[test]
fn no_single_flipped_bit_gets_through() {
    let clinic = Clinic::make(1);
    let bytes = clinic.change(b"5 mg").encode();
    for at in 0..bytes.len() {
        for bit in [0, 4, 7] {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(verdict(&clinic, &flipped).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_body_that_is_flipped_on_the_way_is_damaged() {
    let clinic = Clinic::make(1);
    for region in [NONCE, COMMITMENT, CIPHERTEXT] {
        check(
            &clinic,
            &RawChange::of(&clinic.change(b"x")).with_body(|body| body[region] ^= 1),
            SealError::Damaged,
        );
    }
}

#[test]
fn a_body_that_is_flipped_and_hashed_anew_does_not_fit_the_signature() {
    let clinic = Clinic::make(1);
    for region in [NONCE, COMMITMENT, CIPHERTEXT] {
        let raw = RawChange::of(&clinic.change(b"x"))
            .with_body(|body| body[region] ^= 1)
            .rehashed();
        check(&clinic, &raw, SealError::BadSignature);
    }
}

#[test]
fn a_body_that_a_member_flips_and_signs_does_not_open() {
    let clinic = Clinic::make(1);
    for (region, expected) in [
        (NONCE, SealError::WrongCommitment),
        (COMMITMENT, SealError::WrongCommitment),
        (CIPHERTEXT, SealError::Damaged),
    ] {
        let raw = RawChange::of(&clinic.change(b"x"))
            .with_body(|body| body[region] ^= 1)
            .resigned(clinic.device());
        check(&clinic, &raw, expected);
    }
}

#[test]
fn a_flipped_signature_does_not_fit() {
    let clinic = Clinic::make(1);
    for at in [0, 31, 32, 63] {
        let mut raw = RawChange::of(&clinic.change(b"x"));
        raw.signature[at] ^= 1;
        check(&clinic, &raw, SealError::BadSignature);
    }
}

#[test]
fn a_header_altered_on_the_way_does_not_fit_the_signature() {
    let clinic = Clinic::make(1);
    let altered = |alter: fn(&mut Header)| RawChange::of(&clinic.change(b"x")).with_header(alter);
    check(&clinic, &altered(|header| header.number += 1), SealError::BadSignature);
    check(
        &clinic,
        &altered(|header| header.kind = ChangeKind::Fact),
        SealError::BadSignature,
    );
}

#[test]
fn a_header_that_a_member_alters_and_signs_does_not_fit_the_body() {
    let clinic = Clinic::make(1);
    let raw = RawChange::of(&clinic.change(b"x"))
        .with_header(|header| header.number += 1)
        .resigned(clinic.device());
    check(&clinic, &raw, SealError::Damaged);

    let other = clinic.document("day/2026-11-21");
    let raw = RawChange::of(&clinic.change(b"x"))
        .with_header(|header| header.document = other)
        .resigned(clinic.device());
    check(&clinic, &raw, SealError::WrongCommitment);
}

#[test]
fn a_change_in_the_name_of_another_device_is_refused() {
    let clinic = Clinic::make(1);
    let stranger = Clinic::make(2);
    let second = clinic.second.id();
    let raw = RawChange::of(&clinic.change(b"x"))
        .with_header(|header| header.device = second)
        .resigned(clinic.device());
    check(&clinic, &raw, SealError::BadSignature);

    let unknown = stranger.device().id();
    let raw = RawChange::of(&clinic.change(b"x"))
        .with_header(|header| header.device = unknown)
        .resigned(stranger.device());
    check(&clinic, &raw, SealError::UnknownDevice);
}

#[test]
fn a_change_under_an_unknown_epoch_is_refused() {
    let clinic = Clinic::make(1);
    let epoch = EpochId::from_bytes([7; 32]);
    let raw = RawChange::of(&clinic.change(b"x"))
        .with_header(|header| header.epoch = epoch)
        .resigned(clinic.device());
    check(&clinic, &raw, SealError::UnknownEpoch);
    assert_eq!(
        raw.read().verify(&clinic.membership),
        Err(SealError::UnknownEpoch),
        "the relay, too, sees it"
    );
    assert_eq!(raw.read().open(&clinic.secrets).unwrap_err(), SealError::UnknownEpoch);
}

#[test]
fn a_change_of_another_tenant_is_refused() {
    let (clinic, other) = (Clinic::make(1), Clinic::make(2));
    let change = clinic.change(b"x");
    assert_eq!(change.verify(&other.membership), Err(SealError::WrongTenant));
    assert_eq!(change.open(&other.secrets).unwrap_err(), SealError::WrongTenant);
}

#[test]
fn a_newer_version_is_told_apart_from_a_broken_one() {
    let clinic = Clinic::make(1);
    let raw = |version| RawChange::of(&clinic.change(b"x")).with_header(|header| header.version = version);
    check(&clinic, &raw(2), SealError::NewerVersion);
    check(&clinic, &raw(0), SealError::Malformed);
}

#[test]
fn an_unknown_kind_and_an_unknown_key_of_a_newer_build_are_kept_byte_for_byte() {
    let clinic = Clinic::make(1);
    let kind = ChangeKind::Unknown(40);
    let change = SealedChange::seal(
        Header {
            kind,
            ..clinic.header()
        },
        b"x",
        &clinic.secrets,
        clinic.device(),
        &mut rng(9),
    );
    assert_eq!(
        SealedChange::decode(&change.unwrap().encode()).unwrap().header().kind,
        kind
    );

    let mut raw = RawChange::of(&clinic.change(b"x"));
    assert_eq!(raw.header[0], 0xa8, "a map of eight keys");
    raw.header[0] = 0xa9;
    raw.header.extend_from_slice(&[0x18, 99, 0x01]);
    let change = raw.resigned(clinic.device()).read();
    change.verify(&clinic.membership).unwrap();
    let again = SealedChange::decode(&change.encode()).unwrap();
    assert_eq!(again.encode(), change.encode());
    assert_eq!(again.id(), change.id());
}

#[test]
fn an_erased_change_still_verifies_and_does_not_open() {
    let clinic = Clinic::make(1);
    let change = clinic.change(b"to be forgotten");
    let erased = SealedChange::decode(&change.clone().without_body().encode()).unwrap();
    assert_eq!(erased.id(), change.id());
    assert_eq!(erased.body(), None);
    erased.verify(&clinic.membership).unwrap();
    assert_eq!(erased.open(&clinic.secrets).unwrap_err(), SealError::Erased);
}

#[test]
fn each_kind_has_its_limit() {
    let clinic = Clinic::make(1);
    let seal = |kind, len: usize| {
        let header = Header {
            kind,
            ..clinic.header()
        };
        SealedChange::seal(header, &vec![0; len], &clinic.secrets, clinic.device(), &mut rng(9))
    };
    let largest = seal(ChangeKind::Change, MAX_CHANGE_BYTES).unwrap().encode();
    assert!(largest.len() <= MAX_SEALED_CHANGE_BYTES);
    assert_eq!(verdict(&clinic, &largest).unwrap().len(), MAX_CHANGE_BYTES);
    assert_eq!(
        seal(ChangeKind::Change, MAX_CHANGE_BYTES + 1).unwrap_err(),
        SealError::TooLarge
    );
    assert_eq!(
        seal(ChangeKind::Unknown(40), MAX_CHANGE_BYTES + 1).unwrap_err(),
        SealError::TooLarge
    );

    let snapshot = seal(ChangeKind::Snapshot, MAX_SNAPSHOT_BYTES).unwrap();
    assert!(snapshot.encode().len() <= MAX_SEALED_SNAPSHOT_BYTES);
    let disguised = RawChange::of(&snapshot).with_header(|header| header.kind = ChangeKind::Change);
    check(&clinic, &disguised.resigned(clinic.device()), SealError::TooLarge);
    assert_eq!(
        SealedChange::decode(&vec![0; MAX_SEALED_SNAPSHOT_BYTES + 1]).unwrap_err(),
        SealError::TooLarge,
        "before anything is read"
    );
}

#[test]
fn sealing_refuses_what_could_never_be_opened() {
    let (clinic, other) = (Clinic::make(1), Clinic::make(2));
    let seal = |header: Header| {
        SealedChange::seal(header, b"x", &clinic.secrets, clinic.device(), &mut rng(9))
            .map(|_| ())
            .unwrap_err()
    };
    assert_eq!(
        seal(Header {
            device: clinic.second.id(),
            ..clinic.header()
        }),
        SealError::WrongDevice
    );
    assert_eq!(
        seal(Header {
            tenant: other.tenant(),
            ..clinic.header()
        }),
        SealError::WrongTenant
    );
    assert_eq!(
        seal(Header {
            epoch: other.membership.current_epoch(),
            ..clinic.header()
        }),
        SealError::UnknownEpoch
    );
    assert_eq!(
        seal(Header {
            version: 2,
            ..clinic.header()
        }),
        SealError::NewerVersion
    );
}

#[test]
fn an_attachments_chunk_opens_in_its_place_and_with_its_key_only() {
    let mut rng = rng(4);
    let (key, other) = (AttachmentKey::make(&mut rng), AttachmentKey::make(&mut rng));
    let sealed = key.seal_chunk(3, b"sound", &mut rng).unwrap();
    let kept = AttachmentKey::from_bytes(*key.to_bytes());
    assert_eq!(kept.open_chunk(3, &sealed).unwrap().as_slice(), b"sound");
    assert_eq!(key.open_chunk(4, &sealed).unwrap_err(), SealError::Damaged);
    assert_eq!(other.open_chunk(3, &sealed).unwrap_err(), SealError::WrongCommitment);
    assert_eq!(key.open_chunk(3, &sealed[..20]).unwrap_err(), SealError::Malformed);
    assert_eq!(
        key.seal_chunk(0, &vec![0; MAX_CHUNK_BYTES + 1], &mut rng).unwrap_err(),
        SealError::TooLarge
    );
    assert_ne!(
        chunk_name(&sealed),
        chunk_name(&key.seal_chunk(3, b"sound", &mut rng).unwrap())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_payload_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..4096), seed: u8, number: u64, code: u16) {
        let clinic = Clinic::make(1);
        let kind = match code { 0 => ChangeKind::Change, 1 => ChangeKind::Fact, 2..=4 => ChangeKind::Snapshot, code => ChangeKind::Unknown(code) };
        let header = Header { number, kind, ..clinic.header() };
        let sealed = SealedChange::seal(header, &plain, &clinic.secrets, clinic.device(), &mut rng(seed)).unwrap();
        let received = SealedChange::decode(&sealed.encode()).unwrap();
        prop_assert_eq!(received.verify(&clinic.membership), Ok(()));
        prop_assert_eq!(received.header(), &header);
        let opened = received.open(&clinic.secrets).unwrap();
        prop_assert_eq!(opened.as_slice(), plain.as_slice());
    }
}
