//! What a clinic's plan allows: places for devices, room for attachments, what is told; and that nothing clinical is refused.

mod counted;
mod invoices;
mod live;
mod paper;
mod rules;
mod said;

use seal::{AttachmentId, DeviceId};
use sync_protocol::sim::{Link, SimDevice, settle};
use sync_protocol::{
    ChunkStore, DeviceError, OutId, RefusedCode, RelayChunks, RelayStore, RelayUsage, SyncStore, UsageLevel, Wake,
};
use sync_server::{COMMAND_LINE, PlanTerms};

use crate::contract::on_both;
use crate::world::{NOW, Side, World, a, b, roster};

on_both! {
    bytes_are_counted_as_they_come_and_go,
    a_full_plan_refuses_a_new_device_and_nobody_else,
    a_plan_that_is_given_later_cuts_nobody_off,
    whoever_pairs_a_device_for_which_there_is_no_place_is_told_at_once,
    an_older_device_is_served_is_told_nothing_new_and_hears_that_it_may_come_later,
    chunks_wait_on_their_device_and_go_by_themselves_when_there_is_room,
    the_clinic_is_told_at_first_and_when_a_level_is_another,
}

pub const BY: &str = COMMAND_LINE;
pub const NAME: &str = "Klinik Harapan";
const MINUTE: i64 = 60_000;
pub const DAY: i64 = 24 * 60 * MINUTE;

/// A clinic is on the operator's list.
pub fn list(world: &mut World, who: fn(&World) -> &Side, name: &str) {
    let roster = roster(&who(world).clinic);
    let (token, _) = world.store.add_clinic(name, NOW, &mut world.rng).unwrap();
    world.store.redeem(&token.hash(), &roster, NOW).unwrap();
}

pub fn plan(world: &mut World, terms: PlanTerms, now_ms: i64) {
    world.store.set_plan("Kecil", &terms, BY, now_ms).unwrap();
    world.store.put_on_plan(NAME, Some("Kecil"), None, BY, now_ms).unwrap();
}

fn limited(seed: u8, terms: PlanTerms) -> World {
    let mut world = World::new(seed);
    list(&mut world, a, NAME);
    plan(&mut world, terms, NOW);
    world
}

/// Another device of clinic A, admitted by its admin; only the newcomer knows of it.
fn admit(world: &mut World) -> SimDevice {
    world.a.clinic.admit(NOW, &mut world.rng)
}

/// Clinic A's device, to be held beside the world, which gets another.
fn swap(world: &mut World) -> SimDevice {
    let other = admit(world);
    std::mem::replace(&mut world.a.device, other)
}

fn connect(world: &mut World, device: &SimDevice, now_ms: i64) -> Link {
    let mut link = Link::open(device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, now_ms, &mut world.rng);
    link
}

fn is_served(world: &mut World, device: &SimDevice) -> bool {
    let link = connect(world, device, NOW);
    match link.device_error {
        None => true,
        Some(DeviceError::Refused(RefusedCode::DeviceLimit)) => false,
        other => panic!("{other:?}"),
    }
}

/// Bytes that are stored, as the rows themselves say.
fn counted_by_hand(world: &World) -> u64 {
    let changes = "SELECT CAST(coalesce(sum(length(bytes)), 0) AS BIGINT) FROM change";
    let chunks = "SELECT CAST(coalesce(sum(n_bytes), 0) AS BIGINT) FROM chunk WHERE lost = 0";
    u64::try_from(world.figure(changes) + world.figure(chunks)).unwrap()
}

fn n_bytes(world: &mut World) -> u64 {
    let tenant = world.a.clinic.tenant;
    world.store.usage_now(&tenant, NOW).unwrap().bytes.used.unwrap()
}

fn bytes_are_counted_as_they_come_and_go() {
    let mut world = World::new(70);
    let check = |world: &mut World| assert_eq!(n_bytes(world), counted_by_hand(world));
    check(&mut world);
    let items: Vec<_> = (0..5).map(|n| world.a.device.seal(100 * n, &mut world.rng)).collect();
    items.iter().for_each(|item| world.a.device.store.write(item.clone()));
    world
        .a
        .device
        .store
        .record_chunk(AttachmentId::from_bytes([5; 16]), vec![7; 700]);
    world.sync(NOW);
    check(&mut world);
    let before = n_bytes(&mut world);
    assert!(before > 1_700, "{before}");
    // The same again adds nothing; what is erased, or was covered for long, is taken off.
    items.iter().for_each(|item| world.a.device.store.write(item.clone()));
    world.sync(NOW);
    assert_eq!(n_bytes(&mut world), before);
    let id = |nth: usize| match items[nth].id {
        OutId::Change(id) => id,
        _ => panic!("a change"),
    };
    for about in [OutId::Erased(id(4)), OutId::Covered(id(3))] {
        let bytes = Vec::new();
        world.a.device.store.write(sync_protocol::OutItem { id: about, bytes });
    }
    world.sync(NOW);
    check(&mut world);
    assert!(n_bytes(&mut world) < before);
    assert_eq!(world.store.drop_covered(NOW + 31 * DAY).unwrap(), 1);
    check(&mut world);
    assert_eq!(world.store.drop_covered(NOW + 31 * DAY).unwrap(), 0);
    world.a.device.store.erase_attachment(AttachmentId::from_bytes([5; 16]));
    world.sync(NOW);
    check(&mut world);
    assert!(n_bytes(&mut world) < before - 700);
}

fn a_full_plan_refuses_a_new_device_and_nobody_else() {
    let mut world = World::new(71);
    list(&mut world, a, NAME);
    world.sync(NOW);
    let one = PlanTerms {
        devices: Some(1),
        ..PlanTerms::default()
    };
    plan(&mut world, one, NOW);
    let newcomer = admit(&mut world);
    assert!(!is_served(&mut world, &newcomer));
    assert!(!is_served(&mut world, &newcomer), "and again");
    // What it brought is known: its clinic's statements are never refused.
    let tenant = world.a.clinic.tenant;
    let known = world.store.roster(&tenant).unwrap().unwrap();
    assert_eq!(known.membership().devices().count(), 2);
    // The first device goes on with all that it does.
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    world.a.device.release(&grant, &recipient, None, 100, &mut world.rng);
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    assert_eq!(world.denial(b, grant.clear().id, NOW), None);
    world.a.device.revoke(grant.clear().id, NOW);
    world.sync(NOW);
    assert!(world.denial(b, grant.clear().id, NOW).is_some());
    assert_eq!(world.a.device.store.pending().unwrap(), 0);
    assert!(world.a.device.store.held().refused.is_empty());
    let usage = world.a.device.store.held().usage.unwrap();
    assert!(usage.refuses_devices && !usage.refuses_attachments);
    assert_eq!((usage.devices.used, usage.devices.level), (Some(1), UsageLevel::Full));
    assert_eq!(usage.plan.as_deref(), Some("Kecil"));
    // A larger plan, and the newcomer is served without anybody doing anything with it.
    let two = PlanTerms {
        devices: Some(2),
        ..one
    };
    plan(&mut world, two, NOW);
    assert!(is_served(&mut world, &newcomer));
}

fn a_plan_that_is_given_later_cuts_nobody_off() {
    let mut world = World::new(72);
    list(&mut world, a, NAME);
    let mut more: Vec<_> = (0..3).map(|_| admit(&mut world)).collect();
    let last = more.pop().unwrap();
    world.sync(NOW);
    let all: Vec<DeviceId> = world.a.clinic.membership().devices().map(|(id, _)| id).collect();
    assert_eq!(all.len(), 4);
    // Two have been here, one was admitted and has never come; the last one the relay has not heard of.
    assert!(is_served(&mut world, &more[0]));
    world.store.set_roster(&roster(&world.a.clinic)).unwrap();
    plan(
        &mut world,
        PlanTerms {
            devices: Some(2),
            ..PlanTerms::default()
        },
        NOW,
    );
    for device in [&more[0], &more[1], &last] {
        assert!(is_served(&mut world, device), "it was a member before there was a plan");
    }
    let newcomer = admit(&mut world);
    assert!(!is_served(&mut world, &newcomer));
    // Places of devices that were removed are free again.
    for (nth, device) in [&more[0], &more[1], &last].into_iter().enumerate() {
        world.a.clinic.remove(device, NOW, &mut world.rng);
        world.store.set_roster(&roster(&world.a.clinic)).unwrap();
        newcomer
            .store
            .absorb_statements(world.a.clinic.encoded_statements())
            .unwrap();
        assert_eq!(
            is_served(&mut world, &newcomer),
            nth == 2,
            "after {} were removed",
            nth + 1
        );
    }
    // Whoever has a place keeps it also after a restart, and when the plan is made smaller.
    plan(
        &mut world,
        PlanTerms {
            devices: Some(0),
            ..PlanTerms::default()
        },
        NOW,
    );
    world.reopen();
    assert!(is_served(&mut world, &newcomer));
}

fn whoever_pairs_a_device_for_which_there_is_no_place_is_told_at_once() {
    let one = PlanTerms {
        devices: Some(1),
        ..PlanTerms::default()
    };
    let mut world = limited(73, one);
    let tenant = world.a.clinic.tenant;
    assert!(!world.store.has_free_seat(&tenant, NOW).unwrap());
    let no_limit = world.b.clinic.tenant;
    assert!(world.store.has_free_seat(&no_limit, NOW).unwrap());
    plan(
        &mut world,
        PlanTerms {
            devices: Some(2),
            ..one
        },
        NOW,
    );
    assert!(world.store.has_free_seat(&tenant, NOW).unwrap());
}

fn an_older_device_is_served_is_told_nothing_new_and_hears_that_it_may_come_later() {
    let one = PlanTerms {
        devices: Some(1),
        ..PlanTerms::default()
    };
    let mut world = limited(74, one);
    let connect_older = |world: &mut World, device: &SimDevice| {
        let mut link = Link::open(device, &world.store, &mut world.rng);
        link.as_an_older_relay_of(3);
        settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
        (link.device_error, link.refused)
    };
    world.a.device.store.set_staff(3);
    world.a.device.write(&mut world.rng);
    let device = swap(&mut world);
    assert_eq!(connect_older(&mut world, &device), (None, None));
    assert_eq!((device.store.pending().unwrap(), device.store.held().usage), (0, None));
    let tenant = world.a.clinic.tenant;
    assert_eq!(
        world.store.usage_now(&tenant, NOW).unwrap().staff.used,
        None,
        "it says nothing new either"
    );
    let newcomer = std::mem::replace(&mut world.a.device, device);
    let refused = connect_older(&mut world, &newcomer);
    assert_eq!(refused.1, Some(RefusedCode::Busy));
}

fn chunks_wait_on_their_device_and_go_by_themselves_when_there_is_room() {
    let small = PlanTerms {
        bytes: Some(1_000),
        ..PlanTerms::default()
    };
    let mut world = limited(75, small);
    let tenant = world.a.clinic.tenant;
    (0..20).for_each(|_| world.a.device.write(&mut world.rng));
    let sound = AttachmentId::from_bytes([5; 16]);
    let chunks: Vec<_> = (0..3)
        .map(|n| world.a.device.store.record_chunk(sound, vec![n; 400]))
        .collect();
    let device = swap(&mut world);
    let mut link = connect(&mut world, &device, NOW);
    let held = |world: &World| world.store.held_chunks(&tenant).unwrap().n_chunks;
    assert_eq!((link.device_error, held(&world)), (None, 0));
    assert_eq!(device.store.pending().unwrap(), 0, "every change went");
    assert!(device.store.held().usage.unwrap().refuses_attachments);
    // A minute passes, and more is written: still nothing of the sound.
    for minute in 1..4 {
        device.store.write(world.a.device.seal(50, &mut world.rng));
        link.nudge();
        link.wake(&Wake::Clinic(tenant), &mut world.store, NOW + minute * MINUTE);
        settle(
            &mut [&mut link],
            &mut world.store,
            NOW + minute * MINUTE,
            &mut world.rng,
        );
        assert_eq!((held(&world), device.store.pending().unwrap()), (0, 0));
    }
    assert!(
        device.store.held().chunks.refused.is_empty(),
        "none was refused for good"
    );
    let frames = link.n_frames_up;
    link.wake(&Wake::Clinic(tenant), &mut world.store, NOW + 5 * MINUTE);
    settle(&mut [&mut link], &mut world.store, NOW + 5 * MINUTE, &mut world.rng);
    assert_eq!(link.n_frames_up, frames, "a device that knows does not try in vain");
    // The plan is made larger: at the relay's next look the sound goes, and nobody pressed anything.
    plan(
        &mut world,
        PlanTerms {
            bytes: Some(1 << 30),
            ..small
        },
        NOW,
    );
    link.wake(&Wake::Clinic(tenant), &mut world.store, NOW + 6 * MINUTE);
    settle(&mut [&mut link], &mut world.store, NOW + 6 * MINUTE, &mut world.rng);
    assert_eq!((link.device_error, held(&world)), (None, 3));
    assert!(
        chunks
            .iter()
            .all(|chunk| world.store.has_chunk(&tenant, chunk).unwrap())
    );
    assert!(!device.store.held().usage.unwrap().refuses_attachments);
    assert_eq!(device.store.chunks_to_offer(10).unwrap(), None);
}

fn the_clinic_is_told_at_first_and_when_a_level_is_another() {
    let terms = PlanTerms {
        staff: Some(10),
        requests: Some(100),
        ..PlanTerms::default()
    };
    let mut world = limited(76, terms);
    let tenant = world.a.clinic.tenant;
    let trial = "2026-11-30".parse().unwrap();
    world
        .store
        .put_on_plan(NAME, Some("Kecil"), Some(trial), BY, NOW)
        .unwrap();
    world.a.device.store.set_staff(8);
    let device = swap(&mut world);
    let mut link = connect(&mut world, &device, NOW);
    let told = |device: &SimDevice| device.store.held().usage.unwrap();
    let first = told(&device);
    assert_eq!(first.plan.as_deref(), Some("Kecil"));
    assert_eq!((first.staff.used, first.staff.level), (Some(8), UsageLevel::Near));
    assert_eq!(
        first.trial_until_ms,
        Some(1_796_054_400_000),
        "the first of December in Kuala Lumpur"
    );
    assert_eq!((first.requests.used, first.requests.level), (Some(0), UsageLevel::Fine));
    let mut look = |world: &mut World, at_ms: i64| {
        let n_bytes = link.n_bytes_down;
        link.wake(&Wake::Clinic(tenant), &mut world.store, at_ms);
        settle(&mut [&mut link], &mut world.store, at_ms, &mut world.rng);
        link.n_bytes_down > n_bytes
    };
    world.store.add_requests(&[(tenant, 79)], NOW).unwrap();
    assert!(!look(&mut world, NOW + MINUTE), "other numbers alone are no news");
    world.store.add_requests(&[(tenant, 1)], NOW).unwrap();
    assert!(
        !look(&mut world, NOW + MINUTE + 1),
        "within the minute it is not asked again"
    );
    assert!(look(&mut world, NOW + 2 * MINUTE));
    assert_eq!(
        (told(&device).requests.used, told(&device).requests.level),
        (Some(80), UsageLevel::Near)
    );
    assert!(!told(&device).refuses_attachments);
    world.store.add_requests(&[(tenant, 20)], NOW).unwrap();
    assert!(look(&mut world, NOW + 3 * MINUTE));
    assert!(told(&device).refuses_attachments);
    // Another month: there is room again, and the trial is over.
    assert!(look(&mut world, NOW + 30 * DAY));
    let later = told(&device);
    assert_eq!(
        (later.requests.used, later.refuses_attachments, later.trial_until_ms),
        (Some(0), false, None)
    );
}
