//! Frozen examples: what version 1 of each format looks like, to the byte, and that every build opens it.
//!
//! A file here is never changed. When a test fails, the format changed: make it version 2 beside version 1, and freeze
//! an example of it. `MEDIECO_FREEZE=1` writes files that do not exist yet, and only those.

use std::path::PathBuf;

use seal::{
    Admission, AttachmentKey, BACKUP_PIECE_OVERHEAD, BackupHead, ClinicCard, DeviceKeys, DirectoryCard, EpochSecrets,
    FirstChanges, Grant, GrantId, Invitation, InvitationToken, Mail, Membership, NewGrant, NewRelease, OpeningEnd,
    PairingTicket, PersonKeys, RecoveryKit, Release, ReleaseId, Revocation, SealedChange, Signer, Statement,
    StatementKind, Welcome, WrappedPersonKey, add_device, add_wraps, ask_for_keys, derive_document_id,
    derive_release_document, make_admin, new_epoch, open_with_passphrase, remove_device, seal_with_passphrase, verify,
};

use crate::world::{Clinic, NOW_MS, RawStatement, rng};

const MACHINE: [u8; 32] = [3; 32];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/frozen")
        .join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
        .trim_end()
        .to_owned()
}

fn bytes(name: &str) -> Vec<u8> {
    hex::decode(text(name).split_whitespace().collect::<String>()).unwrap()
}

#[track_caller]
fn check_text(name: &str, made: &str) {
    if std::env::var_os("MEDIECO_FREEZE").is_some() && !path(name).exists() {
        std::fs::write(path(name), format!("{made}\n")).unwrap();
    }
    assert_eq!(text(name), made, "{name}: this format is no longer what it was");
}

#[track_caller]
fn check(name: &str, made: &[u8]) {
    let lines: Vec<_> = made.chunks(60).map(hex::encode).collect();
    check_text(name, &lines.join("\n"));
}

fn grant(a: &Clinic, b: &Clinic) -> Grant {
    let new = NewGrant {
        id: GrantId::from_bytes([1; 16]),
        recipient: b.tenant(),
        purpose: 0,
        mode: 1,
        from_ms: NOW_MS,
        until_ms: NOW_MS + 1_000,
        erase_at_ms: NOW_MS + 2_000,
    };
    Grant::make(new, a.tenant(), b"frozen terms", &b.membership, a.device(), &mut rng(5)).unwrap()
}

/// What a device that is let in is told, by a member that names no changes for it to take first.
fn welcome(a: &Clinic) -> Welcome {
    Welcome {
        tenant: a.tenant(),
        statements: a.statements.iter().map(Statement::bytes).collect(),
        relay_url: Some("wss://relay.example/sync".into()),
        relay_key_sha256: Some([7; 32]),
        first: FirstChanges::default(),
    }
}

/// The second device is made an admin, and removes the first; the kit, which has not heard of that, admits a third, to
/// which the second then hands the keys of the epoch that it missed.
fn later(a: &Clinic) -> [Statement; 5] {
    let by = |statements: &[Statement]| Membership::from_statements(a.tenant(), statements).unwrap();
    let mut known = a.statements.clone();
    let made = make_admin(&by(&known), a.device(), a.second.id(), NOW_MS + 2).unwrap();
    known.push(made.clone());
    let ends = [OpeningEnd {
        opening: a.header().opening,
        number: 1,
    }];
    let (now, first) = (by(&known), a.device().id());
    let removal = remove_device(&now, &a.second, first, &ends, NOW_MS + 3, &mut rng(20)).unwrap();
    let third = DeviceKeys::make(&mut rng(21)).public();
    let secrets = EpochSecrets::unwrap_with_kit(&now, &a.founded.kit).unwrap();
    let added = add_device(&now, &secrets, &a.founded.kit, &third, false, NOW_MS + 4, &mut rng(22)).unwrap();
    known.extend(removal.iter().cloned().chain([added.clone()]));
    let (now, second) = (by(&known), &a.second);
    let secrets = EpochSecrets::unwrap(&now, second).unwrap();
    let wraps = add_wraps(&now, &secrets, second, NOW_MS + 5, &mut rng(23)).unwrap();
    let [removed, epoch] = removal.try_into().unwrap();
    let [wraps] = wraps.try_into().unwrap();
    [made, removed, epoch, added, wraps]
}

/// The first device begins an epoch whose envelope the second cannot open; and what this one says of it.
pub fn asking(a: &Clinic) -> [Statement; 2] {
    let honest = new_epoch(&a.membership, a.device(), NOW_MS + 6, &mut rng(24)).unwrap();
    let StatementKind::NewEpoch(mut epoch) = honest.kind().clone() else {
        unreachable!()
    };
    let second = *a.second.id().as_bytes();
    let wrap = epoch.wraps.iter_mut().find(|wrap| wrap.recipient == second).unwrap();
    wrap.sealed.fill(0);
    let epoch = RawStatement::new(a, a.device(), 2, minicbor::to_vec(epoch).unwrap()).statement(a.device());
    let known: Vec<Statement> = a.statements.iter().chain([&epoch]).cloned().collect();
    let now = Membership::from_statements(a.tenant(), &known).unwrap();
    let secrets = EpochSecrets::unwrap(&now, &a.second).unwrap();
    let [ask] = ask_for_keys(&now, &secrets, &a.second, NOW_MS + 7)
        .unwrap()
        .try_into()
        .unwrap();
    [epoch, ask]
}

#[test]
fn the_same_input_gives_the_same_bytes_in_every_build() {
    let (a, b) = (Clinic::make(1), Clinic::make(2));
    let person = PersonKeys::make(&mut rng(12));
    let grant = grant(&a, &b);
    let document = a.document("day/2026-11-21");
    let new = NewRelease {
        id: ReleaseId::from_bytes([8; 16]),
        document: derive_release_document(a.secrets.naming_key(), &document, &grant.clear().id),
        supersedes: None,
        as_of_ms: NOW_MS,
    };
    let recipients = [(grant.clear(), &b.membership)];
    let release = Release::seal(new, a.tenant(), b"frozen release", &recipients, a.device(), &mut rng(6)).unwrap();
    let chunk = AttachmentKey::from_bytes([4; 32])
        .seal_chunk(7, b"frozen sound", &mut rng(11))
        .unwrap();
    let invitation = Invitation {
        relay_url: "wss://relay.example.my/sync".to_owned(),
        relay_key_sha256: Some([7; 32]),
        token: InvitationToken::from_bytes([2; 32]),
        expires_ms: NOW_MS,
        clinic_hint: Some("Klinik Aman".to_owned()),
    };
    let card = ClinicCard {
        tenant: a.tenant(),
        relay_url: "wss://relay.example.my/sync".to_owned(),
        name: "Klinik Aman".to_owned(),
    };

    check("device-a.hex", &a.device().to_secret_bytes());
    check("device-a-second.hex", &a.second.to_secret_bytes());
    check("device-b.hex", &b.device().to_secret_bytes());
    check_text("kit-words.txt", &a.founded.kit.words());
    check("statement-genesis.hex", &a.statements[0].bytes());
    check("statement-new-epoch.hex", &a.statements[1].bytes());
    check("statement-add-device.hex", &a.statements[2].bytes());
    let later = later(&a);
    check("statement-make-admin.hex", &later[0].bytes());
    check("statement-remove-device.hex", &later[1].bytes());
    check("statement-later-epoch.hex", &later[2].bytes());
    check("statement-by-kit-add-device.hex", &later[3].bytes());
    check("statement-add-wraps.hex", &later[4].bytes());
    let asking = asking(&a);
    check("statement-broken-epoch.hex", &asking[0].bytes());
    check("statement-ask-for-keys.hex", &asking[1].bytes());
    check("statement-b-genesis.hex", &b.statements[0].bytes());
    check("statement-b-new-epoch.hex", &b.statements[1].bytes());
    check_text("document-id.txt", &document.to_string());
    check("change.hex", &a.change(b"frozen change").encode());
    check("grant.hex", &grant.encode());
    check(
        "revocation.hex",
        &Revocation::make(grant.clear().id, a.tenant(), NOW_MS, a.device()).encode(),
    );
    check("release.hex", &release.encode());
    check("chunk.hex", &chunk);
    check("mail.hex", &crate::mail::letter(&a, &b, b"frozen letter").encode());
    check("directory-card.hex", &crate::mail::card(&a, 1).encode());
    check("person-public.hex", &person.public());
    check(
        "person-key.hex",
        person.wrap("482915", &MACHINE, &mut rng(13)).as_bytes(),
    );
    check(
        "passphrase.hex",
        &seal_with_passphrase("betul kuda bateri", b"frozen secrets", &mut rng(14)),
    );
    let (head, pieces) = crate::backups::small(&a);
    check("backup.hex", &[vec![head], pieces.to_vec()].concat().concat());
    check_text("invitation.txt", &invitation.to_text());
    check_text("clinic-card.txt", &card.to_text());
    let ticket = PairingTicket::make(
        a.tenant(),
        a.device().public(),
        "wss://relay.example.my/sync",
        Some([7; 32]),
        &"ABCD-EFGH".parse().unwrap(),
        &mut rng(12),
    );
    check_text("pairing-ticket.txt", &ticket.to_text());
    check("pairing-welcome.hex", &minicbor::to_vec(welcome(&a)).unwrap());
}

const LATER: [&str; 8] = [
    "statement-genesis.hex",
    "statement-new-epoch.hex",
    "statement-add-device.hex",
    "statement-make-admin.hex",
    "statement-remove-device.hex",
    "statement-later-epoch.hex",
    "statement-by-kit-add-device.hex",
    "statement-add-wraps.hex",
];

#[test]
fn every_build_reads_who_belongs_from_what_version_1_signed() {
    let a = membership(&LATER);
    assert!(a.refused().is_empty());
    let first = DeviceKeys::from_secret_bytes(&bytes("device-a.hex")).unwrap();
    let second = DeviceKeys::from_secret_bytes(&bytes("device-a-second.hex")).unwrap();
    let third = DeviceKeys::make(&mut rng(21));
    let kit = RecoveryKit::from_words(&text("kit-words.txt")).unwrap();
    assert!(a.is_removed(&first.id()) && a.is_admin(&second.id()) && !a.is_admin(&third.id()));
    assert_eq!(a.devices().count(), 2);
    let epoch = Statement::decode(&bytes("statement-later-epoch.hex"))
        .unwrap()
        .id()
        .into();
    for secrets in [
        EpochSecrets::unwrap(&a, &second).unwrap(),
        EpochSecrets::unwrap(&a, &third).unwrap(),
        EpochSecrets::unwrap_with_kit(&a, &kit).unwrap(),
    ] {
        assert_eq!(a.writing_epoch(&secrets), Some(epoch));
    }
    let change = SealedChange::decode(&bytes("change.hex")).unwrap();
    let (opening, number) = (change.header().opening, change.header().number);
    change.verify(&a).unwrap();
    assert_eq!(
        a.admits_change(&first.id(), &opening, number + 1),
        Admission::BeyondRemoval
    );
}

#[test]
fn every_build_hears_who_cannot_open_its_envelope_in_what_version_1_signed() {
    let a = membership(&[
        "statement-genesis.hex",
        "statement-new-epoch.hex",
        "statement-add-device.hex",
        "statement-broken-epoch.hex",
        "statement-ask-for-keys.hex",
    ]);
    assert!(a.refused().is_empty());
    let first = DeviceKeys::from_secret_bytes(&bytes("device-a.hex")).unwrap();
    let second = DeviceKeys::from_secret_bytes(&bytes("device-a-second.hex")).unwrap();
    let secrets = EpochSecrets::unwrap(&a, &first).unwrap();
    let broken = Statement::decode(&bytes("statement-broken-epoch.hex")).unwrap().id();
    let to_hand_on: Vec<_> = a.to_hand_on(Signer::Device(first.id()), &secrets).collect();
    assert_eq!(to_hand_on, [(second.id(), broken.into())]);
}

fn membership(statements: &[&str]) -> Membership {
    let statements: Vec<_> = statements
        .iter()
        .map(|name| Statement::decode(&bytes(name)).unwrap())
        .collect();
    Membership::from_statements(statements[0].tenant(), &statements).unwrap()
}

#[test]
fn every_build_opens_what_version_1_wrote() {
    let a = membership(&[
        "statement-genesis.hex",
        "statement-new-epoch.hex",
        "statement-add-device.hex",
    ]);
    let b = membership(&["statement-b-genesis.hex", "statement-b-new-epoch.hex"]);
    assert!(a.refused().is_empty() && b.refused().is_empty());
    let first = DeviceKeys::from_secret_bytes(&bytes("device-a.hex")).unwrap();
    let second = DeviceKeys::from_secret_bytes(&bytes("device-a-second.hex")).unwrap();
    let of_b = DeviceKeys::from_secret_bytes(&bytes("device-b.hex")).unwrap();
    let kit = RecoveryKit::from_words(&text("kit-words.txt")).unwrap();
    let at_b = EpochSecrets::unwrap(&b, &of_b).unwrap();

    let change = SealedChange::decode(&bytes("change.hex")).unwrap();
    change.verify(&a).unwrap();
    for secrets in [
        EpochSecrets::unwrap(&a, &first).unwrap(),
        EpochSecrets::unwrap(&a, &second).unwrap(),
        EpochSecrets::unwrap_with_kit(&a, &kit).unwrap(),
    ] {
        assert_eq!(change.open(&secrets).unwrap().as_slice(), b"frozen change");
        let document = derive_document_id(secrets.naming_key(), "day/2026-11-21");
        assert_eq!(document.to_string(), text("document-id.txt"));
    }

    let grant = Grant::decode(&bytes("grant.hex")).unwrap();
    grant.verify(&a).unwrap();
    assert_eq!(grant.open_terms(&at_b).unwrap().as_slice(), b"frozen terms");
    let release = Release::decode(&bytes("release.hex")).unwrap();
    release.verify(&a).unwrap();
    assert_eq!(
        release.open(grant.clear(), &at_b).unwrap().as_slice(),
        b"frozen release"
    );
    let mail = Mail::decode(&bytes("mail.hex")).unwrap();
    mail.verify(&a).unwrap();
    assert_eq!(mail.open(&at_b).unwrap().bytes.as_slice(), b"frozen letter");
    let in_directory = DirectoryCard::decode(&bytes("directory-card.hex")).unwrap();
    in_directory.verify(&a).unwrap();
    assert_eq!(in_directory.entry(), Some(&crate::mail::entry()));
    let revocation = Revocation::decode(&bytes("revocation.hex")).unwrap();
    revocation.verify(&a).unwrap();
    assert_eq!((revocation.grant(), revocation.at_ms()), (grant.clear().id, NOW_MS));

    let sound = AttachmentKey::from_bytes([4; 32])
        .open_chunk(7, &bytes("chunk.hex"))
        .unwrap();
    assert_eq!(sound.as_slice(), b"frozen sound");
    assert_eq!(
        open_with_passphrase("betul kuda bateri", &bytes("passphrase.hex"))
            .unwrap()
            .as_slice(),
        b"frozen secrets"
    );
    let backup = bytes("backup.hex");
    let head = &backup[..BackupHead::n_bytes(backup.first_chunk().unwrap()).unwrap()];
    let mut rest = &backup[head.len()..];
    let mut piece = |n: usize| rest.split_off(..n + BACKUP_PIECE_OVERHEAD).unwrap();
    let mut opener = BackupHead::decode(head).unwrap().open_with_kit(&kit).unwrap();
    assert_eq!(opener.open(piece(5)).unwrap().as_slice(), b"first");
    assert_eq!(opener.open(piece(6)).unwrap().as_slice(), b"second");
    assert_eq!(opener.open_last(piece(4)).unwrap().as_slice(), b"last");
    let invitation = Invitation::from_text(&text("invitation.txt")).unwrap();
    assert_eq!((invitation.token.as_bytes(), invitation.expires_ms), (&[2; 32], NOW_MS));
    let card = ClinicCard::from_text(&text("clinic-card.txt")).unwrap();
    assert_eq!((card.tenant, card.name.as_str()), (a.tenant(), "Klinik Aman"));
    let told: Welcome = minicbor::decode(&bytes("pairing-welcome.hex")).unwrap();
    let statements = [
        "statement-genesis.hex",
        "statement-new-epoch.hex",
        "statement-add-device.hex",
    ];
    assert_eq!(
        (told.tenant, told.statements),
        (a.tenant(), statements.map(bytes).to_vec())
    );
    assert_eq!(told.first.ids(), []);
    let ticket = PairingTicket::from_text(&text("pairing-ticket.txt")).unwrap();
    assert!(ticket.tenant == a.tenant() && a.device(&ticket.member.id()) == Some(&ticket.member));
    assert_eq!((ticket.rendezvous(), ticket.relay_key_sha256), ("ABC", Some([7; 32])));
}

#[test]
fn every_build_unlocks_a_person_of_version_1() {
    let wrapped = WrappedPersonKey::from_bytes(bytes("person-key.hex"));
    let person = wrapped.unwrap("482915", &MACHINE).unwrap();
    let public: [u8; 32] = bytes("person-public.hex").try_into().unwrap();
    assert_eq!(person.public(), public);
    verify(
        &public,
        "MediEco frozen test",
        b"note",
        &person.sign("MediEco frozen test", b"note"),
    )
    .unwrap();
}
