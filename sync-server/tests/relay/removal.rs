//! A device that was removed, as the relay treats it.

use seal::{EpochSecrets, SealedChange, Statement};
use sync_protocol::sim::{Link, SimDevice, settle};
use sync_protocol::{DeviceError, OutId, Page, RefusedCode, RelayStore, SyncStore};
use sync_server::Store;

use crate::world::{NOW, World, rng};

const REMOVED: Option<DeviceError> = Some(DeviceError::Refused(RefusedCode::Removed));

/// Clinic A with a second device and a third, which the relay has met.
fn with_two_more(world: &mut World) -> (SimDevice, SimDevice) {
    let second = world.a.clinic.admit(NOW, &mut world.rng);
    let third = world.a.clinic.admit(NOW, &mut world.rng);
    world
        .a
        .device
        .store
        .absorb_statements(world.a.clinic.encoded_statements())
        .unwrap();
    world.sync(NOW);
    (second, third)
}

/// The admin removes a device, and knows it; nobody else does yet.
fn remove(world: &mut World, device: &SimDevice) {
    world.a.clinic.remove(device, NOW, &mut world.rng);
    world
        .a
        .device
        .store
        .absorb_statements(world.a.clinic.encoded_statements())
        .unwrap();
}

fn connect(world: &mut World, device: &SimDevice) -> Link {
    let mut link = Link::open(device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    link
}

fn knows_all(device: &SimDevice, world: &World) -> bool {
    let mut held = device.store.statements().unwrap();
    let mut all = world.a.clinic.encoded_statements();
    held.sort();
    all.sort();
    held == all
}

fn held_by(store: &mut Store, world_tenant: seal::TenantId) -> Vec<Vec<u8>> {
    let page = Page {
        after: 0,
        max_items: 1000,
        max_bytes: 1 << 24,
    };
    let changes = store.changes(&world_tenant, page).unwrap();
    changes.into_iter().filter_map(|(_, bytes)| bytes).collect()
}

#[test]
pub fn a_removed_device_is_refused_and_hears_the_statement_that_says_so() {
    let mut world = World::new(1);
    let (second, _) = with_two_more(&mut world);
    remove(&mut world, &second);
    world.sync(NOW);
    let link = connect(&mut world, &second);
    assert_eq!((link.device_error, link.refused), (REMOVED, Some(RefusedCode::Removed)));
    assert!(knows_all(&second, &world));
    // And again, now that it knows.
    assert_eq!(connect(&mut world, &second).device_error, REMOVED);
}

#[test]
pub fn a_live_connection_is_cut_when_the_removal_arrives_and_hears_nothing_that_is_written_then() {
    let mut world = World::new(2);
    let (second, third) = with_two_more(&mut world);
    let mut live = Link::open(&second, &world.store, &mut world.rng);
    let mut other = Link::open(&third, &world.store, &mut world.rng);
    settle(&mut [&mut live, &mut other], &mut world.store, NOW, &mut world.rng);
    assert!(live.device().is_live());

    remove(&mut world, &second);
    world.a.device.write(&mut world.rng);
    let mut admin = Link::open(&world.a.device, &world.store, &mut world.rng);
    settle(
        &mut [&mut admin, &mut live, &mut other],
        &mut world.store,
        NOW,
        &mut world.rng,
    );
    assert_eq!(
        (live.device_error, admin.device_error, other.device_error),
        (REMOVED, None, None)
    );
    assert!(knows_all(&second, &world));
    assert_eq!(
        (second.store.held().changes.len(), third.store.held().changes.len()),
        (0, 1)
    );
}

#[test]
pub fn what_a_removed_device_wrote_too_late_comes_from_a_member_that_holds_it() {
    let mut world = World::new(3);
    let (mut second, third) = with_two_more(&mut world);
    remove(&mut world, &second);
    world.sync(NOW);
    let late = second.seal(40, &mut world.rng);
    second.store.write(late.clone());
    assert_eq!(connect(&mut world, &second).device_error, REMOVED);
    let tenant = world.a.clinic.tenant;
    assert_eq!(held_by(&mut world.store, tenant), Vec::<Vec<u8>>::new());

    // Carried by hand, or from the LAN before the removal was known there.
    world.a.device.store.write(late.clone());
    world.sync(NOW);
    assert!(world.a.device.store.held().refused.is_empty());
    connect(&mut world, &third);
    assert_eq!(
        third.store.held().changes.into_values().collect::<Vec<_>>(),
        [late.bytes]
    );
}

#[test]
pub fn a_removed_device_brings_in_no_statement_of_its_own() {
    let mut world = World::new(4);
    let (second, third) = with_two_more(&mut world);
    let before = world.a.clinic.membership();
    remove(&mut world, &third);
    world.sync(NOW);
    // Signed apart from its removal: founded, and void.
    let own = seal::new_epoch(&before, third.keys.as_ref(), NOW, &mut world.rng).unwrap();
    third.store.absorb_statements(vec![own.bytes()]).unwrap();
    assert_eq!(connect(&mut world, &third).device_error, REMOVED);
    let roster = world.store.roster(&world.a.clinic.tenant).unwrap().unwrap();
    assert!(!roster.statements().contains(&own.bytes()));
    connect(&mut world, &second);
    assert!(knows_all(&second, &world));
}

#[test]
pub fn a_device_whose_removal_turns_out_void_is_let_in_by_what_it_brings() {
    let mut world = World::new(5);
    let (second, third) = with_two_more(&mut world);
    let made = seal::make_admin(
        &world.a.clinic.membership(),
        &*world.a.device.keys,
        second.keys.id(),
        NOW,
    )
    .unwrap();
    world.a.clinic.statements.push(made);
    let before = world.a.clinic.membership();
    let all = |world: &World| world.a.clinic.encoded_statements();
    world.a.device.store.absorb_statements(all(&world)).unwrap();
    // The second removes the third, and is itself removed by the first, which had not heard of that.
    let hers = seal::remove_device(&before, &*second.keys, third.keys.id(), &[], NOW, &mut world.rng).unwrap();
    second.store.absorb_statements(all(&world)).unwrap();
    second
        .store
        .absorb_statements(hers.iter().map(Statement::bytes).collect())
        .unwrap();
    assert_eq!(connect(&mut world, &second).device_error, None);
    assert_eq!(connect(&mut world, &third).device_error, REMOVED);
    remove(&mut world, &second);
    third.store.absorb_statements(all(&world)).unwrap();
    let link = connect(&mut world, &third);
    assert_eq!(link.device_error, None);
    assert_eq!(connect(&mut world, &second).device_error, REMOVED);
}

#[test]
pub fn a_stolen_device_that_is_first_at_a_rolled_back_relay_is_cut_as_soon_as_a_member_comes() {
    let mut world = World::new(6);
    let (mut stolen, third) = with_two_more(&mut world);
    connect(&mut world, &stolen);
    let roster = world.store.roster(&world.a.clinic.tenant).unwrap().unwrap();
    remove(&mut world, &stolen);
    // What is written after the removal goes under an epoch that came with it.
    let after = {
        let membership = world.a.clinic.membership();
        let secrets = EpochSecrets::unwrap(&membership, &world.a.device.keys).unwrap();
        let header = seal::Header {
            version: seal::FORMAT_VERSION,
            tenant: world.a.clinic.tenant,
            document: seal::DocumentId::from_bytes([7; 32]),
            epoch: membership.writing_epoch(&secrets).unwrap(),
            device: world.a.device.keys.id(),
            opening: seal::OpeningId::from_bytes([8; 16]),
            number: 1,
            kind: seal::ChangeKind::Change,
        };
        SealedChange::seal(header, b"after", &secrets, &world.a.device.keys, &mut world.rng).unwrap()
    };
    world.a.device.store.write(sync_protocol::OutItem {
        id: OutId::Change(after.id()),
        bytes: after.encode(),
    });
    world.sync(NOW);

    // Put back to the day before the removal, under a new incarnation.
    let folder = tempfile::tempdir().unwrap();
    world.store = Store::open(folder.path(), &mut rng(99)).unwrap();
    world.store.set_roster(&roster).unwrap();
    let forged = stolen.seal(40, &mut world.rng);
    stolen.store.write(forged.clone());
    let mut first = Link::open(&stolen, &world.store, &mut world.rng);
    settle(&mut [&mut first], &mut world.store, NOW, &mut world.rng);
    assert_eq!(first.device_error, None, "the relay knows no better");

    let mut admin = Link::open(&world.a.device, &world.store, &mut world.rng);
    settle(&mut [&mut admin, &mut first], &mut world.store, NOW, &mut world.rng);
    assert_eq!((first.device_error, admin.device_error), (REMOVED, None));
    assert!(!stolen.store.held().changes.contains_key(&after.id()));
    assert_eq!(connect(&mut world, &stolen).device_error, REMOVED);
    // What it brought in meanwhile reaches the members, and counts for nothing with them.
    assert_eq!(connect(&mut world, &third).device_error, None);
    let membership = world.a.clinic.membership();
    let brought = SealedChange::decode(&forged.bytes).unwrap();
    assert!(third.store.held().changes.contains_key(&brought.id()));
    assert_eq!(brought.verify(&membership), Err(seal::SealError::BeyondRemoval));
    let given = EpochSecrets::unwrap_given(&membership, &stolen.keys).unwrap();
    assert_eq!(after.open(&given), Err(seal::SealError::UnknownEpoch));
}
