//! What devices of the same clinic and other clinics send: sealed, signed, and carried by a relay that may alter it.

use minicbor::bytes::ByteVec;
use seal::{
    AttachmentKey, ChangeKind, DirectoryCard, DirectoryEntry, Grant, MAX_STATEMENTS, Mail, MailContent, MailId,
    MailKind, Membership, NewRelease, Release, ReleaseId, Revocation, SealedChange, Statement,
};

use crate::world::{NOW_MS, WORLD, rng};

pub(crate) fn change(bytes: &[u8]) {
    let Ok(change) = SealedChange::decode(bytes) else {
        return;
    };
    let again = SealedChange::decode(&change.encode()).expect("what was read is written so that it reads");
    assert_eq!(again.id(), change.id());
    let verified = change.verify(&WORLD.here.membership);
    let opened = change.open(&WORLD.here.secrets);
    if let (Ok(()), Ok(plain)) = (&verified, &opened) {
        vault::decoders::payload(plain);
    }
    let bare = change.without_body();
    assert_eq!((bare.id(), bare.verify(&WORLD.here.membership)), (again.id(), verified));
}

pub(crate) fn changes() -> Vec<Vec<u8>> {
    let here = &WORLD.here;
    let payload = crate::store::payloads().remove(0);
    let change = here.seal("clinic", ChangeKind::Fact, &payload);
    vec![
        change.encode(),
        change.without_body().encode(),
        here.seal("clinic", ChangeKind::Snapshot, b"snapshot").encode(),
        here.seal("clinic", ChangeKind::Unknown(99), b"newer").encode(),
        WORLD.there.seal("clinic", ChangeKind::Change, b"theirs").encode(),
    ]
}

pub(crate) fn statement(bytes: &[u8]) {
    let Ok(statement) = Statement::decode(bytes) else {
        return;
    };
    assert_eq!(
        Statement::decode(&statement.bytes()).map(|again| again.id()),
        Ok(statement.id())
    );
    let here = &WORLD.here;
    let tenant = here.membership.tenant();
    let with_it = Membership::from_statements(tenant, here.statements.iter().chain([&statement]));
    let _ = with_it.map(|membership| (membership.heads(), membership.current_epoch(), membership.clinic_key()));
    let _ = Membership::from_statements(statement.tenant(), [&statement]);
}

pub(crate) fn statements() -> Vec<Vec<u8>> {
    WORLD.here.everything().map(Statement::bytes).collect()
}

/// A list of statements, as frames and backups carry them: whatever their order, the result is the same.
pub(crate) fn membership(bytes: &[u8]) {
    let Ok(list) = minicbor::decode::<Vec<ByteVec>>(bytes) else {
        return;
    };
    if list.len() > MAX_STATEMENTS {
        return;
    }
    let mut list: Vec<_> = list.iter().filter_map(|bytes| Statement::decode(bytes).ok()).collect();
    let tenant = WORLD.here.membership.tenant();
    let forwards = Membership::from_statements(tenant, &list);
    list.reverse();
    let backwards = Membership::from_statements(tenant, &list);
    assert!(forwards == backwards, "the order counts");
    if let Ok(membership) = forwards {
        let _ = seal::EpochSecrets::unwrap(&membership, &WORLD.here.device);
    }
}

pub(crate) fn memberships() -> Vec<Vec<u8>> {
    let list = |statements: Vec<&Statement>| {
        let bytes: Vec<ByteVec> = statements.iter().map(|statement| statement.bytes().into()).collect();
        minicbor::to_vec(bytes).expect("memory")
    };
    let here = &WORLD.here;
    vec![
        list(here.statements.iter().collect()),
        list(here.everything().collect()),
        list(here.everything().skip(1).chain(&WORLD.there.statements).collect()),
    ]
}

pub(crate) fn grant(bytes: &[u8]) {
    let Ok(grant) = Grant::decode(bytes) else { return };
    assert_eq!(Grant::decode(&grant.encode()).as_ref(), Ok(&grant));
    let _ = grant.verify(&WORLD.there.membership);
    let _ = grant.open_terms(&WORLD.here.secrets);
}

pub(crate) fn grants() -> Vec<Vec<u8>> {
    vec![WORLD.grant.encode()]
}

pub(crate) fn revocation(bytes: &[u8]) {
    let Ok(revocation) = Revocation::decode(bytes) else {
        return;
    };
    assert_eq!(Revocation::decode(&revocation.encode()).as_ref(), Ok(&revocation));
    let _ = revocation.verify(&WORLD.there.membership);
}

pub(crate) fn revocations() -> Vec<Vec<u8>> {
    let there = &WORLD.there;
    vec![Revocation::make(WORLD.grant.clear().id, there.membership.tenant(), NOW_MS, &there.device).encode()]
}

pub(crate) fn release(bytes: &[u8]) {
    let Ok(release) = Release::decode(bytes) else { return };
    assert_eq!(Release::decode(&release.encode()).as_ref(), Ok(&release));
    let _ = release.verify(&WORLD.there.membership);
    let _ = release.open(WORLD.grant.clear(), &WORLD.here.secrets);
}

pub(crate) fn releases() -> Vec<Vec<u8>> {
    let there = &WORLD.there;
    let new = |supersedes| NewRelease {
        id: ReleaseId::from_bytes([1; 16]),
        document: [1; 32],
        supersedes,
        as_of_ms: NOW_MS,
    };
    let recipients = [(WORLD.grant.clear(), &WORLD.here.membership)];
    [None, Some(ReleaseId::from_bytes([2; 16]))]
        .map(|earlier| {
            let tenant = there.membership.tenant();
            let release = Release::seal(new(earlier), tenant, b"{}", &recipients, &there.device, &mut rng(5));
            release.expect("a member may release").encode()
        })
        .into()
}

pub(crate) fn mail(bytes: &[u8]) {
    let Ok(mail) = Mail::decode(bytes) else { return };
    assert_eq!(Mail::decode(&mail.encode()).as_ref(), Ok(&mail));
    let _ = mail.verify(&WORLD.there.membership);
    let _ = mail.open(&WORLD.here.secrets);
}

pub(crate) fn letters() -> Vec<Vec<u8>> {
    let there = &WORLD.there;
    let letter = |kind, n: usize| {
        let content = MailContent {
            kind,
            written_ms: NOW_MS,
            bytes: vec![b'x'; n].into(),
        };
        let (id, from) = (MailId::from_bytes([1; 16]), there.membership.tenant());
        let mail = Mail::seal(id, from, &content, &WORLD.here.membership, &there.device, &mut rng(7));
        mail.expect("a short letter").encode()
    };
    vec![letter(MailKind::ReferralLetter, 0), letter(MailKind::Other(99), 300)]
}

pub(crate) fn directory_card(bytes: &[u8]) {
    let Ok(card) = DirectoryCard::decode(bytes) else { return };
    assert_eq!(DirectoryCard::decode(&card.encode()).as_ref(), Ok(&card));
    assert!(card.entry().is_none_or(|entry| entry.misfit().is_none()));
    let _ = card.verify(&WORLD.there.membership);
}

pub(crate) fn directory_cards() -> Vec<Vec<u8>> {
    let there = &WORLD.there;
    let entry = DirectoryEntry {
        name: "Klinik Sana".to_owned(),
        telephone: "03-1234".to_owned(),
        address: "Jalan Dua".to_owned(),
        specialties: vec!["paediatrics".to_owned()],
        accepts_referrals: true,
    };
    [Some(entry), None]
        .map(|entry| {
            let card = DirectoryCard::make(there.membership.tenant(), 4, NOW_MS, entry, &there.device);
            card.expect("within its bounds").encode()
        })
        .into()
}

/// Sealed sound.
pub(crate) fn chunk(bytes: &[u8]) {
    let _ = seal::chunk_name(bytes);
    let _ = AttachmentKey::from_bytes([1; 32]).open_chunk(0, bytes);
}

pub(crate) fn chunks() -> Vec<Vec<u8>> {
    [&[][..], &[7; 300]]
        .map(|sound| {
            let sealed = AttachmentKey::from_bytes([1; 32]).seal_chunk(0, sound, &mut rng(6));
            sealed.expect("a small chunk")
        })
        .into()
}
