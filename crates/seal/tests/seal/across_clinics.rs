//! Grants, revocations and releases.

use minicbor::{Decode, Encode};
use seal::{
    DeviceId, Grant, GrantClear, GrantId, MAX_RELEASE_BYTES, MAX_RELEASE_GRANTS, MAX_SEALED_GRANT_BYTES,
    MAX_SEALED_RELEASE_BYTES, MAX_TERMS_BYTES, NewGrant, NewRelease, Release, ReleaseHeader, ReleaseId, Revocation,
    SealError, derive_release_document,
};

use crate::world::{Clinic, NOW_MS, rng};

fn new_grant(recipient: &Clinic, id: u8) -> NewGrant {
    NewGrant {
        id: GrantId::from_bytes([id; 16]),
        recipient: recipient.tenant(),
        purpose: 0,
        mode: 1,
        from_ms: NOW_MS,
        until_ms: NOW_MS + 86_400_000,
        erase_at_ms: NOW_MS + 2 * 86_400_000,
    }
}

fn grant(source: &Clinic, recipient: &Clinic, terms: &[u8]) -> Grant {
    let new = new_grant(recipient, 1);
    Grant::make(
        new,
        source.tenant(),
        terms,
        &recipient.membership,
        source.device(),
        &mut rng(5),
    )
    .unwrap()
}

fn new_release() -> NewRelease {
    NewRelease {
        id: ReleaseId::from_bytes([8; 16]),
        document: [7; 32],
        supersedes: Some(ReleaseId::from_bytes([6; 16])),
        as_of_ms: NOW_MS,
    }
}

fn release(source: &Clinic, recipients: &[(&GrantClear, &Clinic)], plain: &[u8]) -> Release {
    let recipients: Vec<_> = recipients
        .iter()
        .map(|(grant, clinic)| (*grant, &clinic.membership))
        .collect();
    Release::seal(
        new_release(),
        source.tenant(),
        plain,
        &recipients,
        source.device(),
        &mut rng(6),
    )
    .unwrap()
}

/// No single flipped bit survives `verdict`.
#[track_caller]
fn check_every_flip(bytes: &[u8], verdict: impl Fn(&[u8]) -> Result<(), SealError>) {
    assert_eq!(verdict(bytes), Ok(()));
    for at in 0..bytes.len() {
        let mut flipped = bytes.to_vec();
        flipped[at] ^= 1;
        assert!(verdict(&flipped).is_err(), "byte {at}");
    }
}

#[test]
fn the_terms_of_a_grant_open_at_the_recipient_only() {
    let (a, b, c) = (Clinic::make(1), Clinic::make(2), Clinic::make(3));
    let grant = Grant::decode(&grant(&a, &b, b"encounters, prescriptions").encode()).unwrap();
    grant.verify(&a.membership).unwrap();
    assert_eq!(
        grant.open_terms(&b.secrets).unwrap().as_slice(),
        b"encounters, prescriptions"
    );
    assert_eq!(grant.open_terms(&a.secrets).unwrap_err(), SealError::NotForUs);
    assert_eq!(grant.open_terms(&c.secrets).unwrap_err(), SealError::NotForUs);
    assert_eq!(grant.clear().recipient, b.tenant());
    assert_eq!(grant.device(), a.device().id());
}

#[test]
fn a_grant_is_its_sources_word_only() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let honest = grant(&a, &b, b"terms");
    assert_eq!(honest.verify(&b.membership), Err(SealError::WrongTenant));
    let new = new_grant(&b, 1);
    let forged = Grant::make(new, a.tenant(), b"terms", &b.membership, b.device(), &mut rng(5)).unwrap();
    assert_eq!(forged.verify(&a.membership), Err(SealError::UnknownDevice));
}

#[test]
fn no_flipped_bit_of_a_grant_gets_through() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    check_every_flip(&grant(&a, &b, b"terms").encode(), |bytes| {
        let grant = Grant::decode(bytes)?;
        grant.verify(&a.membership)?;
        grant.open_terms(&b.secrets).map(|_| ())
    });
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawGrant {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
    #[cbor(n(2), with = "minicbor::bytes")]
    sealed_terms: Vec<u8>,
}

#[test]
fn terms_that_someone_else_sealed_for_the_recipient_do_not_fit_the_grant() {
    // Anybody can make an envelope: only the signed hash ties it to the source's word.
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let mut narrow: RawGrant = minicbor::decode(&grant(&a, &b, b"allergies").encode()).unwrap();
    let wide: RawGrant = minicbor::decode(&grant(&a, &b, b"everything").encode()).unwrap();
    narrow.sealed_terms = wide.sealed_terms;
    assert_eq!(
        Grant::decode(&minicbor::to_vec(narrow).unwrap()),
        Err(SealError::Damaged)
    );
}

#[test]
fn a_grant_is_made_for_the_clinic_that_it_names_and_within_its_limit() {
    let (a, b, c) = (Clinic::make(1), Clinic::make(2), Clinic::make(3));
    let make = |terms: &[u8], to: &Clinic| {
        Grant::make(
            new_grant(&b, 1),
            a.tenant(),
            terms,
            &to.membership,
            a.device(),
            &mut rng(5),
        )
    };
    assert_eq!(make(b"x", &c).unwrap_err(), SealError::WrongTenant);
    assert_eq!(
        make(&vec![0; MAX_TERMS_BYTES + 1], &b).unwrap_err(),
        SealError::TooLarge
    );
    let largest = make(&vec![0; MAX_TERMS_BYTES], &b).unwrap().encode();
    assert!(largest.len() <= MAX_SEALED_GRANT_BYTES);
    Grant::decode(&largest).unwrap();
}

#[test]
fn a_revocation_is_its_sources_word_only() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let id = GrantId::from_bytes([1; 16]);
    let bytes = Revocation::make(id, a.tenant(), NOW_MS, &a.second).encode();
    check_every_flip(&bytes, |bytes| Revocation::decode(bytes)?.verify(&a.membership));
    let revocation = Revocation::decode(&bytes).unwrap();
    assert_eq!(
        (revocation.grant(), revocation.source(), revocation.at_ms()),
        (id, a.tenant(), NOW_MS)
    );
    assert_eq!(revocation.device(), a.second.id());
    assert_eq!(revocation.verify(&b.membership), Err(SealError::WrongTenant));
    let forged = Revocation::make(id, a.tenant(), NOW_MS, b.device());
    assert_eq!(forged.verify(&a.membership), Err(SealError::UnknownDevice));
}

#[test]
fn a_release_opens_for_each_grant_at_its_clinic_only() {
    let (a, b, c, d) = (Clinic::make(1), Clinic::make(2), Clinic::make(3), Clinic::make(4));
    let for_b = grant(&a, &b, b"terms");
    let for_c = GrantClear {
        id: GrantId::from_bytes([2; 16]),
        recipient: c.tenant(),
        ..for_b.clear().clone()
    };
    let for_d = GrantClear {
        id: GrantId::from_bytes([3; 16]),
        recipient: d.tenant(),
        ..for_b.clear().clone()
    };
    let release = release(
        &a,
        &[(for_b.clear(), &b), (&for_c, &c)],
        b"{\"resourceType\":\"Bundle\"}",
    );
    let release = Release::decode(&release.encode()).unwrap();
    release.verify(&a.membership).unwrap();
    assert_eq!(
        release.open(for_b.clear(), &b.secrets).unwrap().as_slice(),
        b"{\"resourceType\":\"Bundle\"}"
    );
    assert_eq!(
        release.open(&for_c, &c.secrets).unwrap().as_slice(),
        b"{\"resourceType\":\"Bundle\"}"
    );

    let refused = |grant: &GrantClear, clinic: &Clinic| release.open(grant, &clinic.secrets).unwrap_err();
    assert_eq!(refused(for_b.clear(), &c), SealError::NotForUs, "another clinic");
    assert_eq!(refused(&for_c, &b), SealError::NotForUs, "another clinic's grant");
    assert_eq!(refused(&for_d, &d), SealError::NotForUs, "no envelope");
    assert_eq!(
        refused(for_b.clear(), &a),
        SealError::NotForUs,
        "not even the source by this way"
    );
    let elsewhere = GrantClear {
        source: d.tenant(),
        ..for_b.clear().clone()
    };
    assert_eq!(refused(&elsewhere, &b), SealError::WrongTenant);
}

#[test]
fn a_release_tells_the_relay_its_header_and_nothing_else() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let grant = grant(&a, &b, b"terms");
    let release = release(&a, &[(grant.clear(), &b)], b"amoxicillin");
    let header = release.header();
    assert_eq!(header.grants, [grant.clear().id]);
    assert_eq!(
        (header.id, header.source, header.as_of_ms),
        (new_release().id, a.tenant(), NOW_MS)
    );
    assert_eq!(
        (header.document, header.supersedes),
        (new_release().document, new_release().supersedes)
    );
    assert_eq!(release.device(), a.device().id());
    assert!(header.size < release.encode().len() as u64);
    assert!(!release.encode().windows(5).any(|window| window == b"amoxi"));
}

#[test]
fn no_flipped_bit_of_a_release_gets_through() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let grant = grant(&a, &b, b"terms");
    check_every_flip(&release(&a, &[(grant.clear(), &b)], b"x").encode(), |bytes| {
        let release = Release::decode(bytes)?;
        release.verify(&a.membership)?;
        release.open(grant.clear(), &b.secrets).map(|_| ())
    });
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawRelease {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
    #[cbor(n(2), with = "minicbor::bytes")]
    envelopes: Vec<u8>,
    #[cbor(n(3), with = "minicbor::bytes")]
    ciphertext: Vec<u8>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawReleaseBody {
    #[n(0)]
    version: u16,
    #[n(1)]
    device: DeviceId,
    #[n(2)]
    header: ReleaseHeader,
    #[cbor(n(3), with = "minicbor::bytes")]
    envelopes_hash: [u8; 32],
    #[cbor(n(4), with = "minicbor::bytes")]
    ciphertext_hash: [u8; 32],
}

fn raw(release: &Release) -> RawRelease {
    minicbor::decode(&release.encode()).unwrap()
}

#[track_caller]
fn check_release(raw: &RawRelease, expected: SealError) {
    assert_eq!(Release::decode(&minicbor::to_vec(raw).unwrap()).unwrap_err(), expected);
}

#[test]
fn parts_of_another_release_do_not_fit() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let grant = grant(&a, &b, b"terms");
    let recipients = [(grant.clear(), &b.membership)];
    let other =
        Release::seal(new_release(), a.tenant(), b"y", &recipients, a.device(), &mut rng(7)).map(|other| raw(&other));
    let other = other.unwrap();
    let one = || raw(&release(&a, &[(grant.clear(), &b)], b"x"));
    check_release(
        &RawRelease {
            envelopes: other.envelopes.clone(),
            ..one()
        },
        SealError::Damaged,
    );
    check_release(
        &RawRelease {
            ciphertext: other.ciphertext.clone(),
            ..one()
        },
        SealError::Damaged,
    );
}

#[test]
fn a_header_that_tells_another_size_or_other_grants_is_malformed_whoever_signed_it() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let grant = grant(&a, &b, b"terms");
    let resigned = |alter: fn(&mut RawReleaseBody)| {
        let mut raw = raw(&release(&a, &[(grant.clear(), &b)], b"x"));
        let mut body = minicbor::decode(&raw.body).unwrap();
        alter(&mut body);
        raw.body = minicbor::to_vec(body).unwrap();
        raw.signature = a.device().sign("MediEco seal v1 release signature", &raw.body);
        raw
    };
    let same = resigned(|_| {});
    Release::decode(&minicbor::to_vec(&same).unwrap())
        .unwrap()
        .verify(&a.membership)
        .unwrap();
    check_release(&resigned(|body| body.header.size += 1), SealError::Malformed);
    check_release(
        &resigned(|body| body.header.grants[0] = GrantId::from_bytes([4; 16])),
        SealError::Malformed,
    );
    check_release(&resigned(|body| body.header.grants.clear()), SealError::Malformed);
    check_release(&resigned(|body| body.version = 2), SealError::NewerVersion);
}

#[test]
fn a_release_is_its_sources_word_only() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let grant = grant(&a, &b, b"terms");
    let recipients = [(grant.clear(), &b.membership)];
    let forged = Release::seal(new_release(), a.tenant(), b"x", &recipients, b.device(), &mut rng(6)).unwrap();
    assert_eq!(forged.verify(&a.membership), Err(SealError::UnknownDevice));
    assert_eq!(forged.verify(&b.membership), Err(SealError::WrongTenant));
}

#[test]
fn a_release_is_sealed_for_its_own_grants_and_within_its_limits() {
    let (a, b, c) = (Clinic::make(1), Clinic::make(2), Clinic::make(3));
    let grant = grant(&a, &b, b"terms");
    let seal = |source: &Clinic, plain: &[u8], recipients: &[(&GrantClear, &seal::Membership)]| {
        Release::seal(
            new_release(),
            source.tenant(),
            plain,
            recipients,
            source.device(),
            &mut rng(6),
        )
    };
    assert_eq!(
        seal(&a, b"x", &[(grant.clear(), &c.membership)]).unwrap_err(),
        SealError::WrongTenant
    );
    assert_eq!(
        seal(&c, b"x", &[(grant.clear(), &b.membership)]).unwrap_err(),
        SealError::WrongTenant
    );
    let too_large = vec![0; MAX_RELEASE_BYTES + 1];
    assert_eq!(
        seal(&a, &too_large, &[(grant.clear(), &b.membership)]).unwrap_err(),
        SealError::TooLarge
    );
    let too_many = vec![(grant.clear(), &b.membership); MAX_RELEASE_GRANTS + 1];
    assert_eq!(seal(&a, b"x", &too_many).unwrap_err(), SealError::TooLarge);

    let largest = seal(&a, &too_large[1..], &too_many[1..]).unwrap().encode();
    assert!(largest.len() <= MAX_SEALED_RELEASE_BYTES);
    Release::decode(&largest).unwrap();
}

#[test]
fn a_document_has_another_name_under_each_grant() {
    let clinic = Clinic::make(1);
    let name = |path: &str, grant: u8| {
        derive_release_document(
            clinic.secrets.naming_key(),
            &clinic.document(path),
            &GrantId::from_bytes([grant; 16]),
        )
    };
    assert_eq!(
        name("patient/1/allergies", 1),
        name("patient/1/allergies", 1),
        "and keeps it"
    );
    assert_ne!(name("patient/1/allergies", 1), name("patient/1/allergies", 2));
    assert_ne!(name("patient/1/allergies", 1), name("patient/2/allergies", 1));
    assert_ne!(
        &name("patient/1/allergies", 1),
        clinic.document("patient/1/allergies").as_bytes()
    );
}
