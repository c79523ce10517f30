//! Who belongs.

use proptest::prelude::*;
use seal::{
    AddDevice, DeviceKeys, EpochSecrets, EpochWrap, KeyWrap, Membership, NewEpoch, Refusal, SealError, Signer,
    Statement, StatementKind, add_device, derive_document_id, found_tenant,
};

use crate::world::{Clinic, NOW_MS, RawSigned, RawStatement, epoch_of, rng};

const ADD_DEVICE: u16 = 1;
const NEW_EPOCH: u16 = 2;

fn membership(clinic: &Clinic, statements: &[Statement]) -> Membership {
    Membership::from_statements(clinic.tenant(), statements).unwrap()
}

/// The clinic's own statements and one more: does it hold, and if not, why not?
#[track_caller]
fn check(clinic: &Clinic, statement: &Statement, expected: Option<Refusal>) {
    let mut statements = clinic.statements.clone();
    statements.push(statement.clone());
    let membership = membership(clinic, &statements);
    assert_eq!(membership.refused().get(&statement.id()).copied(), expected);
    assert_eq!(membership.accepted().contains(&statement.id()), expected.is_none());
}

fn adding(device: &DeviceKeys, admin: bool) -> Vec<u8> {
    minicbor::to_vec(AddDevice {
        device: device.public(),
        admin,
        wraps: Vec::new(),
    })
    .unwrap()
}

#[test]
fn a_founded_tenant_has_one_admin_and_one_epoch() {
    let founded = found_tenant(&mut rng(1), NOW_MS);
    let membership = Membership::from_statements(founded.tenant, &founded.statements).unwrap();
    assert_eq!(
        membership.devices().map(|(id, _)| id).collect::<Vec<_>>(),
        [founded.device.id()]
    );
    assert_eq!(membership.device(&founded.device.id()), Some(&founded.device.public()));
    assert!(membership.is_admin(&founded.device.id()));
    assert_eq!(membership.current_epoch(), epoch_of(&founded.statements[1]));
    assert!(membership.refused().is_empty());
    assert_eq!(founded.statements[0].signer(), Signer::Root);
    assert_eq!(founded.statements[0].made_at_ms(), NOW_MS);
}

#[test]
fn an_added_device_belongs_and_is_no_admin_unless_it_is_said() {
    let clinic = Clinic::make(1);
    assert_eq!(
        clinic.membership.device(&clinic.second.id()),
        Some(&clinic.second.public())
    );
    assert!(!clinic.membership.is_admin(&clinic.second.id()));
}

#[test]
fn device_kit_and_added_device_unwrap_the_same_secrets() {
    let clinic = Clinic::make(1);
    let by_second = EpochSecrets::unwrap(&clinic.membership, &clinic.second).unwrap();
    let by_kit = EpochSecrets::unwrap_with_kit(&clinic.membership, &clinic.founded.kit).unwrap();
    let change = clinic.change(b"the same");
    for secrets in [&clinic.secrets, &by_second, &by_kit] {
        assert_eq!(secrets.naming_key(), clinic.secrets.naming_key());
        assert_eq!(change.open(secrets).unwrap().as_slice(), b"the same");
    }
}

#[test]
fn a_stranger_unwraps_nothing() {
    let (clinic, stranger) = (Clinic::make(1), Clinic::make(2));
    let by_device = EpochSecrets::unwrap(&clinic.membership, stranger.device());
    assert_eq!(by_device.unwrap_err(), SealError::UnknownDevice);
    let by_kit = EpochSecrets::unwrap_with_kit(&clinic.membership, &stranger.founded.kit);
    assert_eq!(by_kit.unwrap_err(), SealError::UnknownEpoch);
}

#[test]
fn names_of_documents_are_the_same_on_every_device_and_differ_between_tenants() {
    let (clinic, other) = (Clinic::make(1), Clinic::make(2));
    let by_second = EpochSecrets::unwrap(&clinic.membership, &clinic.second).unwrap();
    let path = "day/2026-11-21";
    assert_eq!(derive_document_id(by_second.naming_key(), path), clinic.document(path));
    assert_ne!(other.document(path), clinic.document(path));
    assert_ne!(clinic.document("day/2026-11-22"), clinic.document(path));
}

#[test]
fn only_an_admin_of_this_tenant_makes_a_statement_that_adds() {
    let (clinic, other) = (Clinic::make(1), Clinic::make(2));
    let new = DeviceKeys::make(&mut rng(7)).public();
    let add = |secrets, admin| add_device(&clinic.membership, secrets, admin, &new, true, NOW_MS, &mut rng(8));
    assert_eq!(add(&clinic.secrets, &clinic.second).unwrap_err(), SealError::NotAdmin);
    assert_eq!(add(&clinic.secrets, other.device()).unwrap_err(), SealError::NotAdmin);
    assert_eq!(
        add(&other.secrets, clinic.device()).unwrap_err(),
        SealError::WrongTenant
    );
    check(&clinic, &add(&clinic.secrets, clinic.device()).unwrap(), None);
}

#[test]
fn a_forged_statement_does_not_hold() {
    let (clinic, stranger) = (Clinic::make(1), Clinic::make(2));
    let new = DeviceKeys::make(&mut rng(7));
    let by = |device: &DeviceKeys| RawStatement::new(&clinic, device, ADD_DEVICE, adding(&new, true));
    check(&clinic, &by(clinic.device()).statement(clinic.device()), None);
    check(
        &clinic,
        &by(clinic.device()).statement(stranger.device()),
        Some(Refusal::BadSignature),
    );
    check(
        &clinic,
        &by(clinic.device()).statement(&clinic.second),
        Some(Refusal::BadSignature),
    );
    check(
        &clinic,
        &by(stranger.device()).statement(stranger.device()),
        Some(Refusal::UnknownSigner),
    );
    check(
        &clinic,
        &by(&clinic.second).statement(&clinic.second),
        Some(Refusal::NotAdmin),
    );
    check(&clinic, &by(&new).statement(&new), Some(Refusal::UnknownSigner));

    let in_the_roots_name = RawStatement {
        device: None,
        ..by(clinic.device())
    };
    check(
        &clinic,
        &in_the_roots_name.statement(clinic.device()),
        Some(Refusal::BadSignature),
    );
    let elsewhere = RawStatement {
        tenant: Some(stranger.tenant()),
        ..by(clinic.device())
    };
    check(
        &clinic,
        &elsewhere.statement(clinic.device()),
        Some(Refusal::OtherTenant),
    );
    let from_nowhere = RawStatement {
        predecessors: Vec::new(),
        ..by(clinic.device())
    };
    check(
        &clinic,
        &from_nowhere.statement(clinic.device()),
        Some(Refusal::MissingPredecessor),
    );
    check(&clinic, &stranger.statements[0], Some(Refusal::OtherTenant));
}

#[test]
fn a_copy_with_a_false_signature_does_not_stand_in_the_way_of_the_true_statement() {
    let clinic = Clinic::make(1);
    let copies: Vec<_> = clinic
        .statements
        .iter()
        .flat_map(|statement| [0x01, 0xff].map(|flip| (statement, flip)))
        .map(|(statement, flip)| {
            let mut signed: RawSigned = minicbor::decode(&statement.bytes()).unwrap();
            signed.signature.iter_mut().for_each(|byte| *byte ^= flip);
            Statement::decode(&minicbor::to_vec(signed).unwrap()).unwrap()
        })
        .collect();
    let mixed = [copies.as_slice(), &clinic.statements, &copies].concat();
    assert_eq!(membership(&clinic, &mixed), clinic.membership);
}

#[test]
fn a_flipped_byte_of_a_statement_changes_its_id_or_breaks_its_signature() {
    let clinic = Clinic::make(1);
    let original = &clinic.statements[2];
    let bytes = original.bytes();
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        let Ok(statement) = Statement::decode(&flipped) else {
            continue;
        };
        let membership = membership(
            &clinic,
            &[clinic.statements[0].clone(), clinic.statements[1].clone(), statement],
        );
        assert!(membership.device(&clinic.second.id()).is_none(), "byte {at}");
    }
}

#[test]
fn a_tenant_without_its_own_genesis_is_refused() {
    let (clinic, other) = (Clinic::make(1), Clinic::make(2));
    let of = |statements: &[Statement]| Membership::from_statements(clinic.tenant(), statements).map(|_| ());
    assert_eq!(of(&[]), Err(SealError::NoGenesis));
    assert_eq!(of(&clinic.statements[1..]), Err(SealError::NoGenesis));
    assert_eq!(of(&other.statements), Err(SealError::NoGenesis));
    assert_eq!(of(&clinic.statements[..1]), Err(SealError::NoEpoch));

    let mut signed: RawSigned = minicbor::decode(&clinic.statements[0].bytes()).unwrap();
    signed.signature[0] ^= 1;
    let unsigned = Statement::decode(&minicbor::to_vec(signed).unwrap()).unwrap();
    assert_eq!(of(&[unsigned]), Err(SealError::NoGenesis));
}

#[test]
fn what_is_missing_may_arrive_later() {
    let clinic = Clinic::make(1);
    let third = DeviceKeys::make(&mut rng(7));
    let later = RawStatement::new(&clinic, clinic.device(), ADD_DEVICE, adding(&third, false));
    let later = later.statement(clinic.device());
    let early = membership(
        &clinic,
        &[
            clinic.statements[0].clone(),
            clinic.statements[1].clone(),
            later.clone(),
        ],
    );
    assert_eq!(early.refused()[&later.id()], Refusal::MissingPredecessor);
    assert_eq!(early.device(&third.id()), None);
    check(&clinic, &later, None);
}

#[test]
fn a_kind_of_a_newer_build_is_kept_and_built_upon_without_effect() {
    let clinic = Clinic::make(1);
    let mut raw = RawStatement::new(&clinic, &clinic.second, 99, b"of tomorrow".to_vec());
    raw.newer = Some("a key of tomorrow".to_owned());
    let unknown = raw.statement(&clinic.second);
    assert_eq!(unknown.kind(), &StatementKind::Unknown(99));
    assert_eq!(Statement::decode(&unknown.bytes()).unwrap(), unknown);
    assert_eq!(unknown.bytes(), raw.signed(&clinic.second));
    check(&clinic, &unknown, None);

    let mut statements = clinic.statements.clone();
    statements.push(unknown.clone());
    let before = membership(&clinic, &statements);
    assert_eq!(before.heads(), [unknown.id()]);
    assert_eq!(before.devices().count(), 2);
    let third = DeviceKeys::make(&mut rng(7)).public();
    let upon = add_device(
        &before,
        &clinic.secrets,
        clinic.device(),
        &third,
        false,
        NOW_MS,
        &mut rng(8),
    )
    .unwrap();
    statements.push(upon);
    assert!(membership(&clinic, &statements).device(&third.id()).is_some());
}

#[test]
fn a_newer_form_of_a_statement_is_told_apart_from_a_broken_one() {
    let clinic = Clinic::make(1);
    let raw = |version| RawStatement {
        version,
        ..RawStatement::new(&clinic, clinic.device(), 99, Vec::new())
    };
    assert_eq!(
        Statement::decode(&raw(2).signed(clinic.device())),
        Err(SealError::NewerVersion)
    );
    assert_eq!(
        Statement::decode(&raw(0).signed(clinic.device())),
        Err(SealError::Malformed)
    );
    let mut trailing = clinic.statements[0].bytes();
    trailing.push(0);
    assert_eq!(Statement::decode(&trailing), Err(SealError::Malformed));
    assert_eq!(
        Statement::decode(&vec![0; seal::MAX_STATEMENT_BYTES + 1]),
        Err(SealError::TooLarge)
    );
}

fn kit_hpke(clinic: &Clinic) -> [u8; 32] {
    match clinic.statements[0].kind() {
        StatementKind::Genesis(genesis) => genesis.kit_hpke,
        other => panic!("{other:?}"),
    }
}

fn an_epoch(clinic: &Clinic, secret: u8) -> Statement {
    let kit = blake3::derive_key("MediEco seal v1 kit recipient", &kit_hpke(clinic));
    let devices = clinic.membership.devices().map(|(id, _)| *id.as_bytes());
    let wraps = devices.chain([kit]).map(|recipient| KeyWrap {
        recipient,
        sealed: vec![secret; 112],
    });
    let wraps = wraps.collect();
    let epoch = NewEpoch {
        clinic_hpke: [secret; 32],
        secret_check: [secret; 32],
        wraps,
    };
    RawStatement::new(clinic, clinic.device(), NEW_EPOCH, minicbor::to_vec(epoch).unwrap()).statement(clinic.device())
}

#[test]
fn of_two_epochs_begun_apart_all_choose_the_same() {
    let clinic = Clinic::make(1);
    let (one, other) = (an_epoch(&clinic, 1), an_epoch(&clinic, 2));
    let statements = |order: [&Statement; 2]| [clinic.statements.clone(), order.map(Clone::clone).to_vec()].concat();
    let forth = membership(&clinic, &statements([&one, &other]));
    let back = membership(&clinic, &statements([&other, &one]));
    assert_eq!(forth, back);
    assert_eq!(forth.current_epoch(), epoch_of(&one).min(epoch_of(&other)));
    assert!(forth.has_epoch(&epoch_of(&one)) && forth.has_epoch(&epoch_of(&other)));
    assert_eq!(forth.heads().len(), 2);
}

#[test]
fn a_broken_envelope_of_a_later_epoch_closes_nothing_else() {
    let clinic = Clinic::make(1);
    let epoch = an_epoch(&clinic, 1);
    let later = membership(&clinic, &[clinic.statements.clone(), vec![epoch.clone()]].concat());
    let secrets = EpochSecrets::unwrap(&later, clinic.device()).unwrap();
    assert!(!secrets.has(&epoch_of(&epoch)));
    assert_eq!(secrets.naming_key(), clinic.secrets.naming_key());
    assert_eq!(clinic.change(b"before").open(&secrets).unwrap().as_slice(), b"before");
}

/// An envelope of an epoch's keys as an admin's altered build could make it.
fn envelope_of(clinic: &Clinic, device: &DeviceKeys, clinic_hpke: &[u8; 32], both_keys: &[u8; 64]) -> Vec<u8> {
    use hpke::{Deserializable, Serializable};
    let mut info = b"MediEco seal v1 epoch keys wrap\0".to_vec();
    info.extend_from_slice(clinic.tenant().as_bytes());
    info.extend_from_slice(clinic_hpke);
    info.extend_from_slice(device.id().as_bytes());
    let recipient = Deserializable::from_bytes(&device.public().hpke).unwrap();
    let (encapped, ciphertext) = hpke::single_shot_seal_with_rng::<
        hpke::aead::ChaCha20Poly1305,
        hpke::kdf::HkdfSha256,
        hpke::kem::X25519HkdfSha256,
    >(&hpke::OpModeS::Base, &recipient, &info, both_keys, b"", &mut rng(50))
    .unwrap();
    [encapped.to_bytes().as_slice(), &ciphertext].concat()
}

#[test]
fn an_admin_cannot_hand_one_device_another_secret_than_the_rest() {
    let clinic = Clinic::make(1);
    let third = DeviceKeys::make(&mut rng(7));
    let clinic_hpke = clinic.membership.clinic_key();
    let wraps = vec![EpochWrap {
        epoch: clinic.membership.current_epoch(),
        sealed: envelope_of(&clinic, &third, &clinic_hpke, &[9; 64]),
    }];
    let add = AddDevice {
        device: third.public(),
        admin: false,
        wraps,
    };
    let raw = RawStatement::new(&clinic, clinic.device(), ADD_DEVICE, minicbor::to_vec(add).unwrap());
    let statements = [clinic.statements.clone(), vec![raw.statement(clinic.device())]].concat();
    let membership = membership(&clinic, &statements);
    assert!(membership.device(&third.id()).is_some());
    assert_eq!(
        EpochSecrets::unwrap(&membership, &third).unwrap_err(),
        SealError::UnknownEpoch
    );
}

/// Every sort of statement: good ones that hang on each other, and each way of being bad.
fn a_motley_set(clinic: &Clinic) -> Vec<Statement> {
    let mut rng = rng(40);
    let [third, fourth, fifth, sixth] = [(); 4].map(|()| DeviceKeys::make(&mut rng));
    let mut statements = clinic.statements.clone();
    let mut add = |by: &DeviceKeys, new: &DeviceKeys, admin| {
        let now = membership(clinic, &statements);
        let heads = RawStatement {
            predecessors: now.heads(),
            ..RawStatement::new(clinic, by, ADD_DEVICE, adding(new, admin))
        };
        statements.push(heads.statement(by));
    };
    add(clinic.device(), &third, true);
    add(&third, &fourth, true);
    add(&fourth, &fifth, false);
    add(&fifth, &sixth, true);
    add(&sixth, &sixth, true);
    let apart = RawStatement::new(clinic, clinic.device(), ADD_DEVICE, adding(&fifth, true));
    statements.push(apart.statement(clinic.device()));
    statements.push(apart.statement(&third));
    statements.push(RawStatement::new(clinic, &clinic.second, 99, Vec::new()).statement(&clinic.second));
    statements.extend([an_epoch(clinic, 1), an_epoch(clinic, 2)]);
    statements.extend(Clinic::make(2).statements);
    statements
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn membership_is_the_same_in_any_order_and_with_any_repetition(
        order in Just((0..16usize).collect::<Vec<_>>()).prop_shuffle(),
        again in proptest::collection::vec(0..16usize, 0..8),
    ) {
        let clinic = Clinic::make(1);
        let statements = a_motley_set(&clinic);
        prop_assert_eq!(statements.len(), 16);
        let straight = membership(&clinic, &statements);
        prop_assert_eq!(straight.devices().count(), 5, "what made fifth an admin, sixth's admission did not build upon");
        let mut refused: Vec<_> = straight.refused().values().copied().collect();
        refused.sort_by_key(|refusal| format!("{refusal:?}"));
        let [foreign, not_admin, unknown] = [Refusal::OtherTenant, Refusal::NotAdmin, Refusal::UnknownSigner];
        prop_assert_eq!(refused, [not_admin, foreign, foreign, foreign, unknown]);
        let shuffled: Vec<_> = order.iter().chain(&again).map(|n| statements[*n].clone()).collect();
        prop_assert_eq!(membership(&clinic, &shuffled), straight);
    }

    #[test]
    fn without_removals_one_more_statement_never_unmakes_another(present in proptest::collection::vec(any::<bool>(), 16), more in 2..16usize) {
        let clinic = Clinic::make(1);
        let all = a_motley_set(&clinic);
        let mut some: Vec<_> =
            all.iter().enumerate().filter(|(n, _)| *n < 2 || present[*n]).map(|(_, statement)| statement.clone()).collect();
        let before = membership(&clinic, &some);
        some.push(all[more].clone());
        let after = membership(&clinic, &some);
        prop_assert!(before.accepted().is_subset(after.accepted()));
    }
}
