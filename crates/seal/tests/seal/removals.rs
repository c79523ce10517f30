//! Who belongs no more, and what of what it signed and wrote still counts.

use seal::{
    Admission, DeviceKeys, EpochSecrets, Grant, GrantId, NewGrant, OpeningEnd, OpeningId, Refusal, Revocation,
    SealError, add_device, make_admin, remove_device,
};

use crate::{
    team::{OPENING, Team, adding, check_refused, raw, removing},
    world::{NOW_MS, RawChange, rng},
};

const ADD_DEVICE: u16 = 1;
const REMOVE_DEVICE: u16 = 3;
const MAKE_ADMIN: u16 = 4;

#[test]
fn a_removed_device_is_no_member_and_has_no_key_of_what_comes() {
    let mut team = Team::make(1, 0, 2);
    let removal = team.removal(0, 1, &team.known.clone());
    team.learn(removal.clone());
    let now = team.now();
    assert!(now.refused().is_empty());
    assert_eq!(team.members(), [0, 2]);
    assert!(now.is_removed(&team.devices[1].id()) && !now.is_removed(&team.devices[2].id()));
    assert_eq!(
        EpochSecrets::unwrap(&now, &team.devices[1]).unwrap_err(),
        SealError::RemovedDevice
    );
    let epoch = now.writing_epoch(&team.secrets(2)).unwrap();
    assert_eq!(epoch, removal[1].id().into());
    assert_eq!(epoch, now.current_epoch());
    assert!(now.holders(&epoch).all(|id| now.device(&id).is_some()));
    let mut expected = [0, 2].map(|device: usize| team.devices[device].id());
    expected.sort();
    assert_eq!(now.holders(&epoch).collect::<Vec<_>>(), expected);
    let by_kit = EpochSecrets::unwrap_with_kit(&now, &team.kit).unwrap();
    assert!(by_kit.has(&epoch));
}

#[test]
fn what_a_removed_device_wrote_counts_up_to_the_named_number_and_the_rest_is_told_apart() {
    let mut team = Team::make(1, 0, 2);
    let before = team.known.clone();
    let written: Vec<_> = (1..=5).map(|number| team.change(1, number, &before)).collect();
    let elsewhere = RawChange::of(&written[0])
        .with_header(|header| header.opening = OpeningId::from_bytes([6; 16]))
        .resigned(&team.devices[1])
        .read();
    let forged = RawChange::of(&written[4]).resigned(&team.devices[2]).read();
    let of_another = team.change(2, 9, &before);
    let removal = team.removal(0, 1, &before);
    team.learn(removal);
    let now = team.now();
    for (change, n) in written.iter().zip(1..) {
        let expected = if n <= 3 { Ok(()) } else { Err(SealError::BeyondRemoval) };
        assert_eq!(change.verify(&now), expected, "number {n}");
        assert_eq!(change.open(&team.secrets(2)).unwrap().as_slice(), b"written");
    }
    assert_eq!(elsewhere.verify(&now), Err(SealError::BeyondRemoval));
    assert_eq!(forged.verify(&now), Err(SealError::BadSignature));
    assert_eq!(SealError::BeyondRemoval.code(), "beyond_removal");
    assert_eq!(of_another.verify(&now), Ok(()));
    let stranger = DeviceKeys::make(&mut rng(9)).id();
    assert_eq!(now.admits_change(&stranger, &OPENING, 1), Admission::NoDevice);
}

#[test]
fn of_several_ends_the_highest_counts_and_any_number_of_openings_can_be_named() {
    let mut team = Team::make(1, 1, 1);
    let before = team.known.clone();
    let apart = team.removal(0, 2, &before);
    team.learn(apart);
    let (device, other) = (team.devices[2].id(), OpeningId::from_bytes([6; 16]));
    assert_eq!(team.now().admits_change(&device, &OPENING, 4), Admission::BeyondRemoval);
    let mut ends: Vec<OpeningEnd> = (0..4_000_u32)
        .map(|n| {
            let mut opening = [7; 16];
            opening[..4].copy_from_slice(&n.to_be_bytes());
            let opening = OpeningId::from_bytes(opening);
            OpeningEnd {
                opening,
                number: u64::MAX,
            }
        })
        .collect();
    let last = ends[3_999].opening;
    ends.push(OpeningEnd {
        opening: OPENING,
        number: 2,
    });
    ends.push(OpeningEnd {
        opening: other,
        number: 8,
    });
    let before = team.by(&before);
    let more = remove_device(&before, &team.devices[1], device, &ends, NOW_MS, &mut team.rng).unwrap();
    assert_eq!(more.len(), 4, "three for the openings, one for the epoch");
    let again = remove_device(&team.now(), &team.devices[1], device, &ends, NOW_MS, &mut team.rng).unwrap();
    assert_eq!(again.len(), 3, "it is out already, and so are its keys");
    for more in [more, again] {
        let mut known = team.known.clone();
        known.extend(more.into_iter().map(|one| (one.id(), one)));
        let now = team.by(&known);
        assert!(now.refused().is_empty());
        let admits = |opening, number| now.admits_change(&device, opening, number);
        assert_eq!(admits(&OPENING, 3), Admission::Member);
        assert_eq!(admits(&OPENING, 4), Admission::BeyondRemoval);
        assert_eq!(admits(&other, 8), Admission::Member);
        assert_eq!(admits(&last, u64::MAX), Admission::Member);
    }
}

#[test]
fn only_admins_and_the_kit_say_who_belongs() {
    let mut team = Team::make(1, 1, 2);
    let other_kit = Team::make(2, 0, 0).kit;
    let now = team.now();
    let [founder, admin, nurse, tablet] = &team.devices[..] else {
        panic!()
    };
    let mut remove = |by: seal::SigningWith<'_>, device| remove_device(&now, by, device, &[], NOW_MS, &mut team.rng);
    assert_eq!(remove(nurse.into(), tablet.id()).unwrap_err(), SealError::NotAdmin);
    assert_eq!(
        remove((&other_kit).into(), tablet.id()).unwrap_err(),
        SealError::NotAdmin
    );
    assert_eq!(remove(admin.into(), admin.id()).unwrap_err(), SealError::WrongDevice);
    let stranger = DeviceKeys::make(&mut rng(9)).id();
    assert_eq!(remove(admin.into(), stranger).unwrap_err(), SealError::UnknownDevice);
    assert!(remove((&team.kit).into(), founder.id()).is_ok());
    assert_eq!(
        make_admin(&now, nurse, nurse.id(), NOW_MS).unwrap_err(),
        SealError::NotAdmin
    );
    assert_eq!(
        make_admin(&now, admin, stranger, NOW_MS).unwrap_err(),
        SealError::UnknownDevice
    );

    let make = minicbor::to_vec(seal::MakeAdmin { device: nurse.id() }).unwrap();
    for (kind, payload) in [
        (REMOVE_DEVICE, removing(tablet)),
        (MAKE_ADMIN, make),
        (ADD_DEVICE, adding(tablet, true)),
    ] {
        let mut known = team.known.clone();
        let by_nurse = raw(&team, nurse, &now.heads(), kind, payload);
        known.insert(by_nurse.id(), by_nurse.clone());
        check_refused(&team.by(&known), &by_nurse, Some(Refusal::NotAdmin));
    }
}

#[test]
fn who_is_made_an_admin_says_who_belongs_until_its_maker_turns_out_to_have_been_removed() {
    let mut team = Team::make(1, 2, 1);
    let before = team.known.clone();
    let made = make_admin(&team.now(), &team.devices[1], team.devices[3].id(), NOW_MS).unwrap();
    team.learn([made.clone()]);
    assert!(team.now().is_admin(&team.devices[3].id()));
    let added = team.admit(3, false, &team.known.clone());
    team.learn([added.clone()]);
    assert!(team.is_member(4));

    let removal = team.removal(2, 1, &before);
    team.learn(removal);
    check_refused(&team.now(), &made, Some(Refusal::SignerRemoved));
    check_refused(&team.now(), &added, Some(Refusal::SignerVoid));
    assert_eq!(team.members(), [0, 2, 3]);
    assert!(!team.now().is_admin(&team.devices[3].id()));
    assert!(team.now().keeps(&made.id()) && team.now().keeps(&added.id()));
    let again = make_admin(&team.now(), &team.devices[0], team.devices[3].id(), NOW_MS).unwrap();
    team.learn([again]);
    assert_eq!(team.members(), [0, 2, 3], "what it signed without the right stays void");
}

#[test]
fn what_the_remover_built_upon_stays() {
    let mut team = Team::make(1, 2, 0);
    let added = team.admit(1, true, &team.known.clone());
    team.learn([added]);
    let removal = team.removal(2, 1, &team.known.clone());
    team.learn(removal);
    assert!(team.now().refused().is_empty());
    assert_eq!(team.members(), [0, 2, 3]);
    let by_it = team.admit(3, false, &team.known.clone());
    team.learn([by_it]);
    assert!(team.is_member(4));
}

#[test]
fn a_removed_device_never_comes_back_under_its_old_keys() {
    let mut team = Team::make(1, 0, 1);
    let removal = team.removal(0, 1, &team.known.clone());
    team.learn(removal);
    let (now, secrets, old) = (team.now(), team.secrets(0), team.devices[1].public());
    let again = add_device(&now, &secrets, &team.devices[0], &old, false, NOW_MS, &mut team.rng);
    assert_eq!(again.unwrap_err(), SealError::RemovedDevice);
    let forced = raw(
        &team,
        &team.devices[0],
        &now.heads(),
        ADD_DEVICE,
        adding(&team.devices[1], true),
    );
    team.learn([forced]);
    assert_eq!(team.members(), [0]);
    assert!(!team.now().is_admin(&team.devices[1].id()));
}

#[test]
fn what_a_device_signed_for_other_clinics_outlives_its_removal() {
    let mut team = Team::make(1, 0, 1);
    let (grant, by) = (GrantId::from_bytes([1; 16]), &team.devices[1]);
    let new = NewGrant {
        id: grant,
        recipient: team.tenant,
        purpose: 0,
        mode: 0,
        from_ms: 0,
        until_ms: 1,
        erase_at_ms: 2,
    };
    let given = Grant::make(new, team.tenant, b"terms", &team.now(), by, &mut rng(3)).unwrap();
    let revoked = Revocation::make(grant, team.tenant, 0, by);
    let removal = team.removal(0, 1, &team.known.clone());
    team.learn(removal);
    assert_eq!(given.verify(&team.now()), Ok(()));
    assert_eq!(revoked.verify(&team.now()), Ok(()), "what was revoked stays revoked");
}

#[test]
fn who_removes_itself_is_out() {
    let mut team = Team::make(1, 1, 0);
    let leaving = raw(
        &team,
        &team.devices[1],
        &team.now().heads(),
        REMOVE_DEVICE,
        removing(&team.devices[1]),
    );
    team.learn([leaving.clone()]);
    check_refused(&team.now(), &leaving, None);
    assert_eq!(team.members(), [0]);
}

#[test]
fn what_was_admitted_in_vain_is_admitted_anew() {
    let mut team = Team::make(1, 2, 0);
    let before = team.known.clone();
    let added = team.admit(1, false, &before);
    team.learn([added]);
    let written = team.change(3, 1, &team.known.clone());
    let removal = team.removal(2, 1, &before);
    team.learn(removal);
    assert_eq!(written.verify(&team.now()), Err(SealError::UnknownDevice));
    let (now, secrets) = (team.now(), team.secrets(0));
    let public = team.devices[3].public();
    let again = add_device(&now, &secrets, &team.devices[0], &public, false, NOW_MS, &mut team.rng).unwrap();
    team.learn([again]);
    assert_eq!(written.verify(&team.now()), Ok(()));
}
