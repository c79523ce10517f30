//! Decoders meet anything, and answer.

use proptest::prelude::*;
use seal::{
    AttachmentKey, ClinicCard, DeviceKeys, DirectoryCard, Grant, GrantId, Invitation, Mail, Membership, NewGrant,
    NewRelease, OpeningEnd, PairingCode, PairingJoin, PairingOffer, RecoveryKit, Release, ReleaseId, Revocation,
    SealedChange, Statement, make_admin, remove_device,
};

use crate::world::{Clinic, rng};

/// Hands the bytes to everything that reads bytes from outside; whatever it makes of them, it must not panic.
fn read_as_everything(bytes: &[u8], clinic: &Clinic) {
    if let Ok(change) = SealedChange::decode(bytes) {
        let _ = change.verify(&clinic.membership);
        let _ = change.open(&clinic.secrets);
        let _ = change.encode();
    }
    if let Ok(statement) = Statement::decode(bytes) {
        let _ = Membership::from_statements(clinic.tenant(), clinic.statements.iter().chain([&statement]));
        let _ = Membership::from_statements(statement.tenant(), [&statement]);
    }
    if let Ok(grant) = Grant::decode(bytes) {
        let _ = grant.verify(&clinic.membership);
        let _ = grant.open_terms(&clinic.secrets);
        if let Ok(release) = Release::decode(bytes) {
            let _ = release.open(grant.clear(), &clinic.secrets);
        }
    }
    let _ = Release::decode(bytes).map(|release| release.verify(&clinic.membership));
    if let Ok(mail) = Mail::decode(bytes) {
        let _ = mail.verify(&clinic.membership);
        let _ = mail.open(&clinic.secrets);
    }
    let _ = DirectoryCard::decode(bytes).map(|card| card.verify(&clinic.membership));
    let _ = Revocation::decode(bytes).map(|revocation| revocation.verify(&clinic.membership));
    let _ = DeviceKeys::from_secret_bytes(bytes);
    let _ = AttachmentKey::from_bytes([1; 32]).open_chunk(0, bytes);
    let code = PairingCode::make(&mut rng(1));
    let (offer, first) = PairingOffer::start(&code, &mut rng(2));
    let _ = offer.hear(bytes);
    let _ = PairingJoin::answer(&code, bytes, clinic.device(), &mut rng(3));
    let (join, _) = PairingJoin::answer(&code, &first, clinic.device(), &mut rng(3)).unwrap();
    let _ = join.hear(bytes);
}

/// One of each, to be mutated: random bytes alone rarely get past the first length.
fn samples(clinic: &Clinic) -> Vec<Vec<u8>> {
    let new = NewGrant {
        id: GrantId::from_bytes([1; 16]),
        recipient: clinic.tenant(),
        purpose: 0,
        mode: 0,
        from_ms: 0,
        until_ms: 1,
        erase_at_ms: 2,
    };
    let grant = Grant::make(
        new,
        clinic.tenant(),
        b"terms",
        &clinic.membership,
        clinic.device(),
        &mut rng(4),
    )
    .unwrap();
    let new = NewRelease {
        id: ReleaseId::from_bytes([1; 16]),
        document: [1; 32],
        supersedes: None,
        as_of_ms: 0,
    };
    let recipients = [(grant.clear(), &clinic.membership)];
    let release = Release::seal(new, clinic.tenant(), b"x", &recipients, clinic.device(), &mut rng(5)).unwrap();
    let code = PairingCode::make(&mut rng(1));
    let (_, first) = PairingOffer::start(&code, &mut rng(2));
    let (_, second) = PairingJoin::answer(&code, &first, clinic.device(), &mut rng(3)).unwrap();
    let mut samples = vec![
        clinic.change(b"x").encode(),
        clinic.change(b"x").without_body().encode(),
        grant.encode(),
        release.encode(),
        crate::mail::letter(clinic, clinic, b"x").encode(),
        crate::mail::card(clinic, 1).encode(),
        Revocation::make(grant.clear().id, clinic.tenant(), 0, clinic.device()).encode(),
        clinic.device().to_secret_bytes().to_vec(),
        first,
        second,
    ];
    samples.extend(clinic.statements.iter().map(Statement::bytes));
    let ends = [OpeningEnd {
        opening: clinic.header().opening,
        number: 1,
    }];
    let (now, device) = (&clinic.membership, clinic.device());
    let removal = remove_device(now, device, clinic.second.id(), &ends, 0, &mut rng(6)).unwrap();
    samples.extend(removal.iter().map(Statement::bytes));
    samples.extend(crate::frozen::asking(clinic).map(|one| one.bytes()));
    samples.push(make_admin(now, device, clinic.second.id(), 0).unwrap().bytes());
    samples
}

#[test]
fn a_length_that_promises_gigabytes_is_refused_without_them() {
    let clinic = Clinic::make(1);
    for start in [0x5b, 0x7b, 0x9b, 0xbb] {
        let mut bytes = vec![start];
        bytes.extend_from_slice(&u64::MAX.to_be_bytes());
        read_as_everything(&bytes, &clinic);
        // The same inside of a map that begins as ours do.
        let inside = [&[0xa2, 0x00][..], &bytes].concat();
        read_as_everything(&inside, &clinic);
    }
    read_as_everything(&[0x9f; 4096], &clinic);
    read_as_everything(&[0xc1; 4096], &clinic);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_as_everything(&bytes, &Clinic::make(1));
    }

    #[test]
    fn anything_of_ours_cut_altered_and_spliced_is_read_or_refused(
        which: prop::sample::Index,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut: Option<prop::sample::Index>,
    ) {
        let clinic = Clinic::make(1);
        let samples = samples(&clinic);
        let mut bytes = which.get(&samples).clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_as_everything(&bytes, &clinic);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,120}") {
        let _ = Invitation::from_text(&text);
        let _ = Invitation::from_text(&format!("MEDIECO1-{text}"));
        let _ = ClinicCard::from_text(&format!("CLINIC1-{text}"));
        let _ = RecoveryKit::from_words(&text);
        let _ = text.parse::<PairingCode>();
        let _ = text.parse::<GrantId>();
    }
}
