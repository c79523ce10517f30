//! Stolen devices, admins who fall out with each other, and what they can and cannot do to the rest.

use seal::{
    DeviceKeys, EpochSecrets, MAX_STATEMENTS, Membership, Refusal, SealError, Statement, StatementId, add_device,
    remove_device,
};

use crate::{
    team::{Known, Team, adding, check_refused, raw, removing},
    world::{NOW_MS, rng},
};

const ADD_DEVICE: u16 = 1;
const REMOVE_DEVICE: u16 = 3;

#[test]
fn what_a_removed_device_dates_back_is_void_with_all_that_comes_of_it() {
    let mut team = Team::make(1, 1, 1);
    let before = team.known.clone();
    let removal = team.removal(0, 1, &before);
    team.learn(removal.clone());
    let honest = team.now();

    let accomplice = team.admit(1, true, &before);
    let mut theirs = before.clone();
    theirs.insert(accomplice.id(), accomplice.clone());
    let epoch = seal::new_epoch(&team.by(&theirs), &team.devices[3], NOW_MS, &mut team.rng).unwrap();
    let by_accomplice = team.admit(3, true, &theirs);
    let written = team.change(3, 1, &theirs);
    // And what it signs afterwards, in full knowledge of its removal.
    let late = DeviceKeys::make(&mut rng(8));
    let after = raw(
        &team,
        &team.devices[1],
        &honest.heads(),
        ADD_DEVICE,
        adding(&late, true),
    );
    team.learn([accomplice.clone(), epoch.clone(), by_accomplice.clone(), after.clone()]);

    let now = team.now();
    check_refused(&now, &accomplice, Some(Refusal::SignerRemoved));
    check_refused(&now, &after, Some(Refusal::SignerRemoved));
    check_refused(&now, &by_accomplice, Some(Refusal::SignerVoid));
    check_refused(&now, &epoch, Some(Refusal::SignerVoid));
    assert_eq!(team.members(), [0, 2]);
    assert_eq!(now.heads(), honest.heads());
    assert_eq!(now.writing_epoch(&team.secrets(2)), Some(removal[1].id().into()));
    assert_eq!(written.verify(&now), Err(SealError::UnknownDevice));
}

#[test]
fn two_admins_who_remove_each_other_apart_are_both_out_and_the_kit_lets_a_new_device_in() {
    let mut team = Team::make(1, 1, 1);
    let before = team.known.clone();
    let forth = team.removal(0, 1, &before);
    let back = team.removal(1, 0, &before);
    team.learn(forth.iter().chain(&back).cloned());
    assert_eq!(team.members(), [2]);
    let now = team.now();
    assert!(now.accepted().contains(&forth[0].id()) && now.accepted().contains(&back[0].id()));
    // Each of the two epochs is known to one who is out.
    assert_eq!(now.writing_epoch(&team.secrets(2)), None);
    let epoch = seal::new_epoch(&now, &team.devices[2], NOW_MS, &mut team.rng).unwrap();
    team.learn([epoch.clone()]);
    assert_eq!(team.now().writing_epoch(&team.secrets(2)), Some(epoch.id().into()));

    let (new, now) = (DeviceKeys::make(&mut team.rng), team.now());
    let by_kit = EpochSecrets::unwrap_with_kit(&now, &team.kit).unwrap();
    let added = add_device(&now, &by_kit, &team.kit, &new.public(), true, NOW_MS, &mut team.rng).unwrap();
    team.learn([added]);
    team.devices.push(new);
    assert_eq!(team.members(), [2, 3]);
    assert!(team.now().is_admin(&team.devices[3].id()));
    let written = team.change(3, 1, &team.known.clone());
    assert_eq!(written.open(&team.secrets(2)).unwrap().as_slice(), b"written");
}

#[test]
fn a_removal_by_one_who_was_removed_apart_does_not_hold() {
    let mut team = Team::make(1, 2, 1);
    let before = team.known.clone();
    let first = team.removal(1, 3, &before);
    team.learn(first.clone());
    assert_eq!(team.members(), [0, 1, 2]);
    let removal = team.removal(2, 1, &before);
    team.learn(removal);
    check_refused(&team.now(), &first[0], Some(Refusal::SignerRemoved));
    assert_eq!(team.members(), [0, 2, 3], "who removed it was out itself");
}

#[test]
fn the_revenge_of_a_removed_admin_reaches_its_remover_and_nobody_else() {
    let mut team = Team::make(1, 2, 1);
    let before = team.known.clone();
    let removal = team.removal(0, 1, &before);
    let revenge: Vec<_> = [0, 2, 3]
        .into_iter()
        .flat_map(|device| team.removal(1, device, &before))
        .collect();
    team.learn(removal.into_iter().chain(revenge));
    assert_eq!(team.members(), [2, 3]);
    assert!(team.now().is_admin(&team.devices[2].id()));
}

#[test]
fn a_removal_by_the_accomplice_of_a_removed_device_reaches_nobody() {
    let mut team = Team::make(1, 2, 0);
    let before = team.known.clone();
    let removal = team.removal(0, 1, &before);
    let nurse = team.admit(2, false, &before);
    let accomplice = team.admit(1, true, &before);
    let mut theirs = before;
    theirs.insert(accomplice.id(), accomplice.clone());
    let by_accomplice = team.removal(4, 2, &theirs);
    team.learn(
        removal
            .into_iter()
            .chain([nurse, accomplice])
            .chain(by_accomplice.clone()),
    );
    assert_eq!(team.members(), [0, 2, 3]);
    check_refused(&team.now(), &by_accomplice[0], Some(Refusal::SignerVoid));
}

#[test]
fn the_root_beats_all() {
    let mut team = Team::make(1, 1, 1);
    let before = team.known.clone();
    // A thief with the admin's device puts everybody out, and dates it back to when the device was admitted: nothing
    // that the founder did afterwards was known to it.
    let heads: Vec<StatementId> = before
        .values()
        .filter(|one| matches!(one.kind(), seal::StatementKind::AddDevice(add) if add.admin))
        .map(Statement::id)
        .collect();
    let thief = raw(
        &team,
        &team.devices[1],
        &heads,
        REMOVE_DEVICE,
        removing(&team.devices[0]),
    );
    team.learn([thief.clone()]);
    assert_eq!(team.members(), [1], "even whom the founder admitted since");

    // The kit removes the thief without building upon what it did.
    let mut known = team.known.clone();
    known.remove(&thief.id());
    let id = team.devices[1].id();
    let by_kit = remove_device(&team.by(&known), &team.kit, id, &[], NOW_MS, &mut team.rng).unwrap();
    team.learn(by_kit.clone());
    assert_eq!(team.members(), [0, 2]);
    check_refused(&team.now(), &thief, Some(Refusal::SignerRemoved));
    // Nothing that the thief can still sign strikes at the root.
    for device in [0, 2] {
        let again = raw(
            &team,
            &team.devices[1],
            &heads,
            REMOVE_DEVICE,
            removing(&team.devices[device]),
        );
        team.learn([again]);
    }
    assert_eq!(team.members(), [0, 2]);
    assert!(by_kit.iter().all(|one| team.now().accepted().contains(&one.id())));
}

#[test]
fn a_hostile_set_is_weighed_or_refused() {
    let team = Team::make(1, 2, 0);
    let [founder, one, other] = &team.devices[..] else {
        panic!()
    };
    let start = team.now().heads();
    let mut known = team.known.clone();
    // Two admins remove each other and the founder, again and again, each time knowing a little more of their own.
    let (mut heads, mut of_other) = (start.clone(), start);
    for n in 0..400_usize {
        let target = if n % 3 == 0 { founder } else { other };
        let mine = raw(&team, one, &heads, REMOVE_DEVICE, removing(target));
        let theirs = raw(&team, other, &of_other, REMOVE_DEVICE, removing(one));
        let added = raw(
            &team,
            one,
            &[mine.id()],
            ADD_DEVICE,
            adding(&DeviceKeys::make(&mut rng(n as u8)), true),
        );
        heads = vec![added.id()];
        of_other = vec![theirs.id()];
        known.extend([mine, theirs, added].map(|statement| (statement.id(), statement)));
    }
    let now = team.by(&known);
    let members: Vec<_> = now.devices().map(|(id, _)| id).collect();
    assert_eq!(
        members,
        [founder.id()],
        "the two are out, and what they did beside that is void"
    );
    assert_eq!(now.accepted().len() + now.refused().len(), known.len());

    let mut flood: Known = known;
    let mut last = team.now().heads();
    while flood.len() <= MAX_STATEMENTS {
        let more = raw(&team, one, &last, 99, Vec::new());
        last = vec![more.id()];
        flood.insert(more.id(), more);
    }
    let refused = Membership::from_statements(team.tenant, flood.values());
    assert_eq!(refused.unwrap_err(), SealError::TooLarge);
}
