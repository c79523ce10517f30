//! Changes that a snapshot covers, and changes that were erased, at the relay.

use seal::{ChangeId, SealedChange};
use sync_protocol::sim::{Link, SimDevice, settle};
use sync_protocol::{OutId, OutItem, Page, RelayStore};

use crate::world::{NOW, World};

const DAY: i64 = 86_400_000;
const ALL: Page = Page {
    after: 0,
    max_items: 1_000,
    max_bytes: usize::MAX,
};

fn about(device: &SimDevice, id: OutId) {
    let bytes = Vec::new();
    device.store.write(OutItem { id, bytes });
}

fn change_of(item: &OutItem) -> ChangeId {
    match item.id {
        OutId::Change(id) => id,
        _ => panic!("not a change"),
    }
}

/// A's device writes a change of so many bytes.
fn write(world: &mut World, n_bytes: usize) -> OutItem {
    let item = world.a.device.seal(n_bytes, &mut world.rng);
    world.a.device.store.write(item.clone());
    item
}

/// A new device of A's comes for the first time.
fn newcomer(world: &mut World) -> SimDevice {
    let device = world.a.clinic.admit(NOW, &mut world.rng);
    let mut link = Link::open(&device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(link.device_error, None);
    assert_eq!(device.store.held().lies, []);
    device
}

fn n_bytes_held(world: &World) -> i64 {
    world.figure("SELECT CAST(sum(length(bytes)) AS BIGINT) FROM change")
}

fn is_on_the_disk(world: &World, needle: &[u8]) -> bool {
    std::fs::read_dir(world.folder.path()).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
pub fn a_covered_change_is_not_given_to_whoever_comes_and_does_not_come_again() {
    let mut world = World::new(40);
    let items = [write(&mut world, 10), write(&mut world, 20), write(&mut world, 30)];
    world.sync(NOW);
    about(&world.a.device, OutId::Covered(change_of(&items[1])));
    world.sync(NOW);
    let held = newcomer(&mut world).store.held();
    let wanted: std::collections::BTreeSet<_> = [&items[0], &items[2]].map(change_of).into();
    assert_eq!(
        held.changes.into_keys().collect::<std::collections::BTreeSet<_>>(),
        wanted
    );

    // Another device, which has not heard of the snapshot, brings it again.
    world.a.device.store.write(items[1].clone());
    world.sync(NOW);
    let tenant = world.a.clinic.tenant;
    assert_eq!(world.store.heads(&tenant).unwrap().changes, 3);
    // All that is left at the end is covered: that is passed over too.
    about(&world.a.device, OutId::Covered(change_of(&items[2])));
    world.sync(NOW);
    assert_eq!(newcomer(&mut world).store.held().changes.len(), 1);
}

#[test]
pub fn the_body_of_a_covered_change_goes_after_thirty_days_and_its_id_stays() {
    let mut world = World::new(41);
    let item = write(&mut world, 1_000);
    world.sync(NOW);
    about(&world.a.device, OutId::Covered(change_of(&item)));
    world.sync(NOW);
    assert_eq!(world.store.drop_covered(NOW + 30 * DAY - 1).unwrap(), 0);
    assert!(n_bytes_held(&world) > 1_000);
    assert_eq!(world.store.drop_covered(NOW + 30 * DAY).unwrap(), 1);
    assert_eq!(n_bytes_held(&world), 0);
    world.a.device.store.write(item);
    world.sync(NOW + 31 * DAY);
    assert_eq!(
        (n_bytes_held(&world), newcomer(&mut world).store.held().changes.len()),
        (0, 0)
    );
}

#[test]
pub fn an_erased_change_loses_its_body_at_once_keeps_its_head_and_never_gets_it_back() {
    let mut world = World::new(42);
    let item = write(&mut world, 1_000);
    world.sync(NOW);
    let body = SealedChange::decode(&item.bytes).unwrap().body().unwrap().to_vec();
    assert!(is_on_the_disk(&world, &body));
    about(&world.a.device, OutId::Erased(change_of(&item)));
    world.sync(NOW);
    assert!(
        !is_on_the_disk(&world, &body[100..160]),
        "neither in the file nor in its log"
    );
    world.a.device.store.write(item.clone());
    world.sync(NOW);
    let held = newcomer(&mut world).store.held().changes;
    let came = SealedChange::decode(&held[&change_of(&item)]).unwrap();
    assert_eq!(came.body(), None);
    assert_eq!(came.verify(&world.a.clinic.membership()), Ok(()));
}

#[test]
pub fn what_was_covered_or_erased_before_it_came_is_not_kept_when_it_comes() {
    let mut world = World::new(43);
    let [covered, erased] = [10, 1_000].map(|n| world.a.device.seal(n, &mut world.rng));
    about(&world.a.device, OutId::Covered(change_of(&covered)));
    about(&world.a.device, OutId::Erased(change_of(&erased)));
    world.sync(NOW);
    for item in [&covered, &erased] {
        world.a.device.store.write(item.clone());
    }
    world.sync(NOW);
    let held = newcomer(&mut world).store.held().changes;
    assert_eq!(held.keys().copied().collect::<Vec<_>>(), [change_of(&erased)]);
    let body = SealedChange::decode(&erased.bytes).unwrap().body().unwrap().to_vec();
    assert!(!is_on_the_disk(&world, &body[100..160]));
}

#[test]
pub fn a_change_that_comes_without_its_body_stays_without_it() {
    let mut world = World::new(44);
    let item = world.a.device.seal(1_000, &mut world.rng);
    let bodyless = SealedChange::decode(&item.bytes).unwrap().without_body().encode();
    world.a.device.store.write(OutItem {
        id: item.id,
        bytes: bodyless.clone(),
    });
    world.sync(NOW);
    world.a.device.store.write(item);
    world.sync(NOW);
    let changes = world.store.changes(&world.a.clinic.tenant, ALL).unwrap();
    assert_eq!(changes, [(1, Some(bodyless))]);
}

#[test]
pub fn nobody_covers_or_erases_another_clinics_changes() {
    let mut world = World::new(45);
    let items = [write(&mut world, 10), write(&mut world, 20)];
    world.sync(NOW);
    about(&world.b.device, OutId::Covered(change_of(&items[0])));
    about(&world.b.device, OutId::Erased(change_of(&items[1])));
    world.sync(NOW);
    let held = newcomer(&mut world).store.held().changes;
    assert_eq!(held.len(), 2);
    assert!(
        held.values()
            .all(|bytes| SealedChange::decode(bytes).unwrap().body().is_some())
    );
    // Nor is one that is still to come kept away by another clinic's word.
    let late = world.a.device.seal(30, &mut world.rng);
    about(&world.b.device, OutId::Erased(change_of(&late)));
    world.sync(NOW);
    world.a.device.store.write(late.clone());
    world.sync(NOW);
    assert_eq!(newcomer(&mut world).store.held().changes[&change_of(&late)], late.bytes);
}
