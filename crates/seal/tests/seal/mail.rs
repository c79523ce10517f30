//! Messages between clinics, and cards of the directory: where they open, and what they are bound to.

use minicbor::{Decode, Encode};
use seal::{
    DeviceKeys, DirectoryCard, DirectoryEntry, MAX_MAIL_BYTES, MAX_SEALED_MAIL_BYTES, Mail, MailContent, MailHeader,
    MailId, MailKind, Membership, SealError, make_admin, remove_device,
};

use crate::world::{Clinic, NOW_MS, rng};

pub fn letter(from: &Clinic, to: &Clinic, text: &[u8]) -> Mail {
    let content = MailContent {
        kind: MailKind::ReferralLetter,
        written_ms: NOW_MS,
        bytes: text.to_vec().into(),
    };
    let id = MailId::from_bytes([3; 16]);
    Mail::seal(id, from.tenant(), &content, &to.membership, from.device(), &mut rng(31)).unwrap()
}

pub fn entry() -> DirectoryEntry {
    DirectoryEntry {
        name: "Klinik Aman".to_owned(),
        telephone: "+60 3-1234 5678".to_owned(),
        address: "12 Jalan Satu\n50000 Kuala Lumpur".to_owned(),
        specialties: vec!["general_practice".to_owned(), "paediatrics".to_owned()],
        accepts_referrals: true,
    }
}

pub fn card(of: &Clinic, number: u64) -> DirectoryCard {
    DirectoryCard::make(of.tenant(), number, NOW_MS, Some(entry()), of.device()).unwrap()
}

/// A message in its parts, to be altered and signed again.
#[derive(Encode, Decode)]
#[cbor(map)]
struct RawMail {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
    #[cbor(n(2), with = "minicbor::bytes")]
    envelope: Vec<u8>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawBody {
    #[n(0)]
    version: u16,
    #[n(1)]
    device: seal::DeviceId,
    #[n(2)]
    header: MailHeader,
    #[cbor(n(3), with = "minicbor::bytes")]
    envelope_hash: [u8; 32],
}

/// The same envelope under another header, signed by whoever passes it on.
fn readdressed(mail: &Mail, alter: impl Fn(&mut MailHeader), by: &DeviceKeys) -> Mail {
    let mut raw: RawMail = minicbor::decode(&mail.encode()).unwrap();
    let mut body: RawBody = minicbor::decode(&raw.body).unwrap();
    alter(&mut body.header);
    body.device = by.id();
    raw.body = minicbor::to_vec(&body).unwrap();
    raw.signature = by.sign("MediEco seal v1 mail signature", &raw.body);
    Mail::decode(&minicbor::to_vec(&raw).unwrap()).unwrap()
}

#[test]
fn a_letter_opens_at_the_clinic_that_it_is_for_and_nowhere_else() {
    let (a, b, c) = (Clinic::make(1), Clinic::make(2), Clinic::make(3));
    let mail = Mail::decode(&letter(&a, &b, b"Please see her.").encode()).unwrap();
    mail.verify(&a.membership).unwrap();
    let opened = mail.open(&b.secrets).unwrap();
    assert_eq!(opened.bytes.as_slice(), b"Please see her.");
    assert_eq!((opened.kind, opened.written_ms), (MailKind::ReferralLetter, NOW_MS));
    assert_eq!(mail.open(&c.secrets).map(|_| ()), Err(SealError::WrongTenant));
    assert_eq!(mail.open(&a.secrets).map(|_| ()), Err(SealError::WrongTenant));
    assert_eq!(mail.verify(&c.membership), Err(SealError::WrongTenant));
}

#[test]
fn an_envelope_that_is_passed_on_under_another_address_id_or_sender_does_not_open() {
    let (a, b, c) = (Clinic::make(1), Clinic::make(2), Clinic::make(3));
    let mail = letter(&a, &b, b"Please see her.");
    // Clinic C, which the relay handed the bytes, sends them on as its own.
    let stolen = readdressed(&mail, |header| header.from = c.tenant(), c.device());
    stolen.verify(&c.membership).unwrap();
    assert_eq!(stolen.open(&b.secrets).map(|_| ()), Err(SealError::NotForUs));
    let to_c = readdressed(&mail, |header| header.to = c.tenant(), a.device());
    assert_eq!(to_c.open(&c.secrets).map(|_| ()), Err(SealError::NotForUs));
    let again = readdressed(&mail, |header| header.id = MailId::from_bytes([4; 16]), a.device());
    again.verify(&a.membership).unwrap();
    assert_eq!(again.open(&b.secrets).map(|_| ()), Err(SealError::NotForUs));
    // In the name of a clinic whose keys one has not.
    let forged = readdressed(&mail, |_| {}, c.device());
    assert_eq!(forged.verify(&a.membership), Err(SealError::UnknownDevice));
}

#[test]
fn no_flipped_bit_of_a_letter_or_a_card_survives() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let verdict = |bytes: &[u8]| {
        let mail = Mail::decode(bytes)?;
        mail.verify(&a.membership)?;
        mail.open(&b.secrets).map(|_| ())
    };
    let bytes = letter(&a, &b, b"x").encode();
    let of_card = |bytes: &[u8]| DirectoryCard::decode(bytes)?.verify(&a.membership);
    let card = card(&a, 1).encode();
    assert_eq!((verdict(&bytes), of_card(&card)), (Ok(()), Ok(())));
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert!(verdict(&flipped).is_err(), "byte {at} of the letter");
    }
    for at in 0..card.len() {
        let mut flipped = card.clone();
        flipped[at] ^= 1;
        assert!(of_card(&flipped).is_err(), "byte {at} of the card");
    }
}

#[test]
fn the_largest_letter_fits_and_a_larger_one_is_refused() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let mail = letter(&a, &b, &vec![7; MAX_MAIL_BYTES]);
    assert!(mail.encode().len() <= MAX_SEALED_MAIL_BYTES);
    let mail = Mail::decode(&mail.encode()).unwrap();
    assert_eq!(mail.open(&b.secrets).unwrap().bytes.len(), MAX_MAIL_BYTES);
    let content = MailContent {
        kind: MailKind::Other(900),
        written_ms: 0,
        bytes: vec![7; MAX_MAIL_BYTES + 1].into(),
    };
    let id = MailId::from_bytes([3; 16]);
    let sealed = Mail::seal(id, a.tenant(), &content, &b.membership, a.device(), &mut rng(1));
    assert_eq!(sealed.map(|_| ()), Err(SealError::TooLarge));
    let long = vec![0; MAX_SEALED_MAIL_BYTES + 1];
    assert_eq!(Mail::decode(&long).map(|_| ()), Err(SealError::TooLarge));
}

#[test]
fn two_letters_of_about_one_length_look_alike_whatever_their_kind() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let of = |kind, n: usize| {
        let content = MailContent {
            kind,
            written_ms: NOW_MS,
            bytes: vec![1; n].into(),
        };
        let id = MailId::from_bytes([3; 16]);
        let mail = Mail::seal(id, a.tenant(), &content, &b.membership, a.device(), &mut rng(31));
        mail.unwrap().encode().len()
    };
    assert_eq!(of(MailKind::RecordRequest, 990), of(MailKind::Other(60_000), 980));
}

#[test]
fn a_kind_of_a_newer_build_keeps_its_number() {
    for code in [0, 1, 2, 3, 4, 60_000] {
        assert_eq!(MailKind::of(code).code(), code);
    }
    assert_eq!(MailKind::of(4), MailKind::Other(4));
}

#[test]
fn a_card_counts_when_an_admins_device_that_belongs_has_signed_it() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let signed = DirectoryCard::decode(&card(&a, 7).encode()).unwrap();
    assert_eq!((signed.verify(&a.membership), signed.number()), (Ok(()), 7));
    assert_eq!(signed.entry(), Some(&entry()));
    assert_eq!(signed.verify(&b.membership), Err(SealError::WrongTenant));
    let by_no_admin = DirectoryCard::make(a.tenant(), 8, NOW_MS, Some(entry()), &a.second).unwrap();
    assert_eq!(by_no_admin.verify(&a.membership), Err(SealError::NotAdmin));
    let by_b = DirectoryCard::make(a.tenant(), 9, NOW_MS, Some(entry()), b.device()).unwrap();
    assert_eq!(by_b.verify(&a.membership), Err(SealError::UnknownDevice));
    let withdrawn = DirectoryCard::make(a.tenant(), 10, NOW_MS, None, a.device()).unwrap();
    let withdrawn = DirectoryCard::decode(&withdrawn.encode()).unwrap();
    assert_eq!((withdrawn.verify(&a.membership), withdrawn.entry()), (Ok(()), None));
    // An admin's device that was removed since.
    let mut known = a.statements.clone();
    known.push(make_admin(&a.membership, a.device(), a.second.id(), NOW_MS).unwrap());
    let now = Membership::from_statements(a.tenant(), &known).unwrap();
    known.extend(remove_device(&now, &a.second, a.device().id(), &[], NOW_MS, &mut rng(7)).unwrap());
    let now = Membership::from_statements(a.tenant(), &known).unwrap();
    assert_eq!(signed.verify(&now), Err(SealError::RemovedDevice));
}

#[test]
fn a_card_is_within_its_bounds_or_none() {
    let a = Clinic::make(1);
    let with = |alter: fn(&mut DirectoryEntry)| {
        let mut entry = entry();
        alter(&mut entry);
        let misfit = entry.misfit();
        let made = DirectoryCard::make(a.tenant(), 1, 0, Some(entry), a.device());
        assert_eq!(made.is_err(), misfit.is_some());
        misfit
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|entry| entry.name = " ".to_owned()), Some("name"));
    assert_eq!(with(|entry| entry.name = "x".repeat(201)), Some("name"));
    assert_eq!(with(|entry| entry.name = "Klinik\nAman".to_owned()), Some("name"));
    assert_eq!(with(|entry| entry.telephone = "1".repeat(65)), Some("telephone"));
    assert_eq!(with(|entry| entry.address = "x".repeat(601)), Some("address"));
    assert_eq!(with(|entry| entry.address = "\u{1b}[2J".to_owned()), Some("address"));
    assert_eq!(
        with(|entry| entry.specialties = vec!["Surgery!".to_owned()]),
        Some("specialties")
    );
    assert_eq!(
        with(|entry| entry.specialties = vec!["x".to_owned(); 25]),
        Some("specialties")
    );
}
