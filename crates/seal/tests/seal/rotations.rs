//! Later epochs: for whom they are, which one is written under, and how whoever missed one gets it.

use seal::{
    AddWraps, DeviceKeys, EpochId, EpochSecrets, EpochWrap, KeyWrap, NewEpoch, Refusal, SealError, Statement,
    StatementKind, add_device, add_wraps, new_epoch,
};

use crate::{
    team::{Team, raw},
    world::{NOW_MS, rng},
};

const NEW_EPOCH: u16 = 2;
const ADD_WRAPS: u16 = 5;

/// A statement upon all that is known, as no honest build writes it.
fn raw_now(team: &Team, by: usize, kind: u16, payload: Vec<u8>) -> Statement {
    raw(team, &team.devices[by], &team.now().heads(), kind, payload)
}

fn verdict(team: &Team, statement: &Statement) -> Option<Refusal> {
    let mut known = team.known.clone();
    known.insert(statement.id(), statement.clone());
    team.by(&known).refused().get(&statement.id()).copied()
}

#[test]
fn any_member_begins_an_epoch_and_the_kit_opens_it() {
    let mut team = Team::make(1, 0, 2);
    let epoch = team.rotation(2, &team.known.clone());
    team.learn([epoch.clone()]);
    let now = team.now();
    assert!(now.refused().is_empty());
    for device in 0..3 {
        assert_eq!(now.writing_epoch(&team.secrets(device)), Some(epoch.id().into()));
    }
    let written = team.change(1, 1, &team.known.clone());
    let by_kit = EpochSecrets::unwrap_with_kit(&now, &team.kit).unwrap();
    assert_eq!(written.open(&by_kit).unwrap().as_slice(), b"written");
    assert_eq!(by_kit.naming_key(), team.secrets(1).naming_key());
    let by_kit = new_epoch(&now, &team.kit, NOW_MS, &mut team.rng).unwrap();
    assert_eq!(verdict(&team, &by_kit), None);
    let stranger = new_epoch(&now, &DeviceKeys::make(&mut rng(9)), NOW_MS, &mut team.rng);
    assert_eq!(stranger.unwrap_err(), SealError::UnknownDevice);
    let removal = team.removal(0, 1, &team.known.clone());
    team.learn(removal);
    let removed = new_epoch(&team.now(), &team.devices[1], NOW_MS, &mut team.rng);
    assert_eq!(removed.unwrap_err(), SealError::RemovedDevice);
}

#[test]
fn an_epoch_goes_to_the_kit_and_exactly_the_members_that_its_maker_knew() {
    let mut team = Team::make(1, 0, 3);
    let removal = team.removal(0, 3, &team.known.clone());
    team.learn(removal);
    let epoch = team.rotation(1, &team.known.clone());
    assert_eq!(verdict(&team, &epoch), None);
    let StatementKind::NewEpoch(good) = epoch.kind().clone() else {
        panic!()
    };
    let with = |recipient: &[u8; 32]| {
        let mut epoch = good.clone();
        epoch.wraps.push(KeyWrap {
            recipient: *recipient,
            sealed: vec![1; 112],
        });
        epoch
    };
    let without: Vec<NewEpoch> = (0..good.wraps.len())
        .map(|n| {
            let mut epoch = good.clone();
            epoch.wraps.remove(n);
            epoch
        })
        .collect();
    assert_eq!(without.len(), 4, "three members and the kit");
    let stranger = DeviceKeys::make(&mut rng(9)).id();
    let others = [
        with(stranger.as_bytes()),
        with(team.devices[3].id().as_bytes()),
        with(&good.wraps[0].recipient),
    ];
    for altered in without.into_iter().chain(others) {
        let altered = raw_now(&team, 1, NEW_EPOCH, minicbor::to_vec(altered).unwrap());
        assert_eq!(verdict(&team, &altered), Some(Refusal::WrongRecipients));
    }
    let again = raw_now(&team, 1, NEW_EPOCH, minicbor::to_vec(good).unwrap());
    assert_eq!(verdict(&team, &again), None);
}

#[test]
fn of_two_rotations_made_apart_all_write_under_the_same() {
    let mut team = Team::make(1, 0, 2);
    let before = team.known.clone();
    let epochs = [1, 2].map(|device| team.rotation(device, &before));
    let lowest: EpochId = epochs.iter().map(Statement::id).min().unwrap().into();
    team.learn(epochs);
    for device in 0..3 {
        assert_eq!(team.now().writing_epoch(&team.secrets(device)), Some(lowest));
    }
}

#[test]
fn after_two_removals_made_apart_anyone_begins_an_epoch_that_neither_has() {
    let mut team = Team::make(1, 1, 3);
    let before = team.known.clone();
    let removals = [(0, 3), (1, 4)].map(|(by, device)| team.removal(by, device, &before));
    team.learn(removals.into_iter().flatten());
    assert_eq!(team.members(), [0, 1, 2]);
    let now = team.now();
    assert_eq!(now.writing_epoch(&team.secrets(2)), None);
    // What other clinics seal in the meantime still finds a key that every member has.
    assert!((0..3).all(|device| team.secrets(device).has(&now.current_epoch())));
    let apart = team.known.clone();
    let epochs = [0, 1, 2].map(|device| team.rotation(device, &apart));
    let lowest: EpochId = epochs.iter().map(Statement::id).min().unwrap().into();
    team.learn(epochs);
    for device in 0..3 {
        assert_eq!(team.now().writing_epoch(&team.secrets(device)), Some(lowest));
    }
    assert_eq!(team.now().current_epoch(), lowest);
}

#[test]
fn a_device_that_was_admitted_apart_from_a_rotation_learns_that_it_lacks_it_and_is_given_it() {
    let mut team = Team::make(1, 1, 1);
    let before = team.known.clone();
    let epoch = team.rotation(2, &before);
    let added = team.admit(1, false, &before);
    team.learn([epoch.clone(), added]);
    let (id, new) = (EpochId::from(epoch.id()), 3);
    assert_eq!(
        team.now().missing_wraps().collect::<Vec<_>>(),
        [(team.devices[new].id(), id)]
    );
    // The others write on; it cannot read that yet, and writes under what all of them have.
    let written = team.change(2, 1, &team.known.clone());
    assert_eq!(written.header().epoch, id);
    assert_eq!(written.open(&team.secrets(new)), Err(SealError::UnknownEpoch));
    let first = team.change(new, 1, &team.known.clone());
    assert_eq!(first.open(&team.secrets(0)).unwrap().as_slice(), b"written");

    let (now, by_new) = (team.now(), team.secrets(new));
    let of_new = add_wraps(&now, &by_new, &team.devices[new], NOW_MS, &mut team.rng).unwrap();
    assert!(of_new.is_empty(), "who has no key hands none on");
    let secrets = team.secrets(2);
    let wraps = add_wraps(&now, &secrets, &team.devices[2], NOW_MS, &mut team.rng).unwrap();
    assert_eq!(wraps.len(), 1);
    team.learn(wraps);
    assert_eq!(team.now().missing_wraps().count(), 0);
    assert!(team.now().refused().is_empty());
    assert_eq!(written.open(&team.secrets(new)).unwrap().as_slice(), b"written");
    assert_eq!(team.now().writing_epoch(&team.secrets(new)), Some(id));
    let (now, secrets) = (team.now(), team.secrets(2));
    assert!(
        add_wraps(&now, &secrets, &team.devices[2], NOW_MS, &mut team.rng)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_device_that_holds_no_clean_epoch_begins_one_itself() {
    let mut team = Team::make(1, 1, 1);
    let before = team.known.clone();
    let added = team.admit(1, false, &before);
    let removal = team.removal(0, 2, &before);
    team.learn(removal.into_iter().chain([added]));
    let new = 3;
    assert_eq!(team.now().writing_epoch(&team.secrets(new)), None);
    let epoch = team.rotation(new, &team.known.clone());
    team.learn([epoch.clone()]);
    for device in [0, 1, new] {
        assert_eq!(team.now().writing_epoch(&team.secrets(device)), Some(epoch.id().into()));
    }
}

#[test]
fn who_has_no_keys_of_an_epoch_cannot_spoil_it_by_saying_so() {
    let mut team = Team::make(1, 1, 1);
    let before = team.known.clone();
    let epoch = team.rotation(0, &before);
    let added = team.admit(1, true, &before);
    team.learn([epoch.clone(), added]);
    let (id, new) = (EpochId::from(epoch.id()), 3);
    // It lacks the epoch, and claims to have handed it to a device that it admits and that is removed afterwards.
    let accomplice = DeviceKeys::make(&mut rng(9));
    let claim = seal::AddDevice {
        device: accomplice.public(),
        admin: false,
        wraps: vec![EpochWrap {
            epoch: id,
            sealed: vec![1; 112],
        }],
    };
    let claim = raw_now(&team, new, 1, minicbor::to_vec(claim).unwrap());
    team.learn([claim]);
    team.devices.push(accomplice);
    assert!(team.is_member(4));
    assert!(!team.now().holders(&id).any(|holder| holder == team.devices[4].id()));
    // From one who has it, the claim counts.
    let wraps = vec![EpochWrap {
        epoch: id,
        sealed: vec![1; 112],
    }];
    let add = |device: &DeviceKeys| AddWraps {
        device: device.id(),
        wraps: wraps.clone(),
    };
    let wrapped = raw_now(&team, 0, ADD_WRAPS, minicbor::to_vec(add(&team.devices[4])).unwrap());
    team.learn([wrapped]);
    assert!(team.now().holders(&id).any(|holder| holder == team.devices[4].id()));
    let to_a_stranger = raw_now(
        &team,
        0,
        ADD_WRAPS,
        minicbor::to_vec(add(&DeviceKeys::make(&mut rng(8)))).unwrap(),
    );
    assert_eq!(verdict(&team, &to_a_stranger), Some(Refusal::WrongRecipients));
}

#[test]
fn what_members_wrote_under_an_epoch_that_turns_out_void_stays_readable_also_to_who_comes_later() {
    let mut team = Team::make(1, 2, 1);
    let before = team.known.clone();
    let epoch = team.rotation(1, &before);
    let mut some = before.clone();
    some.insert(epoch.id(), epoch.clone());
    let written = team.change(3, 1, &some);
    assert_eq!(written.header().epoch, epoch.id().into());
    let removal = team.removal(0, 1, &before);
    team.learn(removal.into_iter().chain([epoch.clone()]));
    let now = team.now();
    assert_eq!(now.refused()[&epoch.id()], Refusal::SignerRemoved);
    assert_eq!(written.verify(&now), Ok(()));
    assert_eq!(written.open(&team.secrets(2)).unwrap().as_slice(), b"written");
    assert_ne!(now.writing_epoch(&team.secrets(3)), Some(epoch.id().into()));

    let (now, secrets, new) = (team.now(), team.secrets(2), DeviceKeys::make(&mut team.rng));
    let added = add_device(
        &now,
        &secrets,
        &team.devices[2],
        &new.public(),
        false,
        NOW_MS,
        &mut team.rng,
    )
    .unwrap();
    team.learn([added]);
    team.devices.push(new);
    assert_eq!(written.open(&team.secrets(4)).unwrap().as_slice(), b"written");
}

#[test]
fn a_device_that_has_everything_admits_one_that_has_everything() {
    let mut team = Team::make(1, 0, 1);
    for _ in 0..6 {
        let epoch = team.rotation(1, &team.known.clone());
        team.learn([epoch]);
    }
    let added = team.admit(0, false, &team.known.clone());
    team.learn([added]);
    assert_eq!(team.now().missing_wraps().count(), 0);
    assert_eq!(team.secrets(2).naming_key(), team.secrets(0).naming_key());
}
