//! A relay that was put back to an older state: how it notices, and that what was revoked stays revoked.

use std::path::Path;

use rusqlite::Connection;
use seal::{Grant, GrantId};
use sync_protocol::sim::{Link, SimDevice, settle};
use sync_protocol::{AuditOutcome, DeviceError, Incarnation, Page, RefusedCode, RelayStore, SyncStore};
use sync_server::{FILE_NAME, Mark, Store};
use tempfile::TempDir;

use crate::world::{NOW, World, a, b, c, rng};

const DAY: i64 = 86_400_000;
const BEHIND: Option<DeviceError> = Some(DeviceError::Refused(RefusedCode::RelayBehind));
const CLOSED: Option<AuditOutcome> = Some(AuditOutcome::DeniedSourceClosed);

fn copy(world: &World) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(world.folder.path(), copy.path());
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The relay starts again on this copy of its folder.
fn put_back(world: &mut World, copy: TempDir) {
    world.store = Store::open(copy.path(), &mut rng(99)).unwrap();
    world.folder = copy;
}

fn grant(world: &mut World, n_bytes: usize) -> Grant {
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + DAY, &mut world.rng);
    world
        .a
        .device
        .release(&grant, &recipient, None, n_bytes, &mut world.rng);
    grant
}

fn call(world: &mut World, device: &SimDevice) -> Option<DeviceError> {
    let mut link = Link::open(device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    link.device_error
}

/// A's device connects once.
fn call_a(world: &mut World) -> Option<DeviceError> {
    let mut link = Link::open(&world.a.device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    link.device_error
}

/// Two grants to B, the first revoked after the copy was made.
fn revoked_after_the_copy(world: &mut World) -> (TempDir, GrantId, GrantId) {
    let (revoked, stands) = (grant(world, 100), grant(world, 100));
    let (revoked, stands) = (revoked.clear().id, stands.clear().id);
    world.sync(NOW);
    let copy = copy(world);
    world.a.device.revoke(revoked, NOW);
    world.sync(NOW);
    assert_eq!(world.denial(b, revoked, NOW), Some(AuditOutcome::DeniedRevoked));
    (copy, revoked, stands)
}

#[test]
fn the_recipient_that_asks_first_after_a_restore_gets_nothing_and_what_was_revoked_stays_revoked() {
    let mut world = World::new(50);
    let (copy, revoked, stands) = revoked_after_the_copy(&mut world);
    put_back(&mut world, copy);
    assert_eq!(
        world.denial(b, revoked, NOW),
        None,
        "left alone it would give what was revoked"
    );
    world.store.begin_another_life(&mut rng(1)).unwrap();

    assert_eq!(world.denial(b, revoked, NOW), CLOSED);
    assert_eq!(world.denial(b, stands, NOW), CLOSED);
    assert_eq!(world.store.release_heads(&world.b.clinic.tenant, NOW).unwrap(), []);
    let (of_a, of_b) = (world.audit(a), world.audit(b));
    let last = |lines: &[sync_protocol::AuditLine]| lines.last().map(|line| (line.grant, line.outcome));
    let told = Some((stands, AuditOutcome::DeniedSourceClosed));
    assert_eq!(
        (last(&of_a), last(&of_b)),
        (told, told),
        "both are told, and it is in both audits"
    );
    assert_eq!(
        world.denial(c, stands, NOW),
        Some(AuditOutcome::DeniedNoGrant),
        "a stranger hears what it always hears"
    );

    assert_eq!(call_a(&mut world), None);
    assert_eq!(world.denial(b, revoked, NOW), Some(AuditOutcome::DeniedRevoked));
    assert_eq!(world.denial(b, stands, NOW), None, "what stands is given again");
}

#[test]
fn only_the_own_clinic_opens_what_it_gives() {
    let mut world = World::new(51);
    let (_, _, stands) = revoked_after_the_copy(&mut world);
    world.store.begin_another_life(&mut rng(1)).unwrap();
    let mut link = Link::open(&world.b.device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert_eq!(world.denial(b, stands, NOW), CLOSED);
    // A device of A's that was paired after the copy was made knows of no revocation.
    let new = world.a.clinic.admit(NOW, &mut world.rng);
    assert_eq!(call(&mut world, &new), None);
    assert_eq!(world.denial(b, stands, NOW), CLOSED);
}

#[test]
fn a_device_that_was_away_since_before_the_backup_opens_nothing() {
    let mut world = World::new(64);
    let away = world.a.clinic.admit(NOW, &mut world.rng);
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    assert_eq!(call(&mut world, &away), None);
    let (copy, revoked, stands) = revoked_after_the_copy(&mut world);
    put_back(&mut world, copy);
    world.store.begin_another_life(&mut rng(1)).unwrap();
    assert_eq!(call(&mut world, &away), None);
    assert_eq!(world.denial(b, revoked, NOW), CLOSED, "it knows of no revocation");
    // Nor does it count once the data was put back again.
    world.store.begin_another_life(&mut rng(2)).unwrap();
    assert_eq!(call(&mut world, &away), None);
    assert_eq!(world.denial(b, stands, NOW), CLOSED);
    assert_eq!(call_a(&mut world), None);
    assert_eq!(world.denial(b, revoked, NOW), Some(AuditOutcome::DeniedRevoked));
    assert_eq!(world.denial(b, stands, NOW), None);
}

#[test]
fn once_every_device_has_spoken_the_clinic_opens_though_none_had_come_far_enough() {
    let mut world = World::new(66);
    let second = world.a.clinic.admit(NOW, &mut world.rng);
    let statements = world.a.clinic.encoded_statements();
    world.a.device.store.absorb_statements(statements).unwrap();
    world.store.set_roster(&crate::world::roster(&world.a.clinic)).unwrap();
    // Nobody was ever here before the data was put back.
    world.store.begin_another_life(&mut rng(1)).unwrap();
    let grant = grant(&mut world, 10).clear().id;
    assert_eq!(call_a(&mut world), None);
    assert_eq!(world.denial(b, grant, NOW), CLOSED);
    assert_eq!(call(&mut world, &second), None);
    assert_eq!(world.denial(b, grant, NOW), None);
}

#[test]
fn a_device_that_is_connected_confirms_at_once_when_the_word_of_another_is_worth_nothing_any_more() {
    let mut world = World::new(67);
    let stolen = world.a.clinic.admit(NOW, &mut world.rng);
    let known = world.a.clinic.encoded_statements();
    world.a.device.store.absorb_statements(known).unwrap();
    let grant = grant(&mut world, 10).clear().id;
    world.sync(NOW);
    assert_eq!(call(&mut world, &stolen), None);
    world.store.begin_another_life(&mut rng(1)).unwrap();
    assert_eq!(call(&mut world, &stolen), None);
    assert_eq!(world.denial(b, grant, NOW), None);
    // The admin comes, is told that all is open, and brings the removal.
    world.a.clinic.remove(&stolen, NOW, &mut world.rng);
    let known = world.a.clinic.encoded_statements();
    world.a.device.store.absorb_statements(known).unwrap();
    world.a.device.revoke(grant, NOW);
    assert_eq!(call_a(&mut world), None);
    assert!(
        !world.store.is_closed(&world.a.clinic.tenant).unwrap(),
        "the admin's word counts"
    );
    assert_eq!(world.denial(b, grant, NOW), Some(AuditOutcome::DeniedRevoked));
}

#[test]
fn an_operator_opens_a_clinic_that_has_no_device_left_to_confirm() {
    let mut world = World::new(65);
    let (_, _, stands) = revoked_after_the_copy(&mut world);
    world.store.begin_another_life(&mut rng(1)).unwrap();
    let tenant = world.a.clinic.tenant;
    assert!(world.store.open_by_hand(&tenant).unwrap());
    assert!(!world.store.open_by_hand(&tenant).unwrap(), "it is open");
    assert_eq!(world.denial(b, stands, NOW), None);
}

#[test]
fn a_restart_keeps_closed_what_is_closed() {
    let mut world = World::new(52);
    let (_, _, stands) = revoked_after_the_copy(&mut world);
    world.store.begin_another_life(&mut rng(1)).unwrap();
    let life = world.store.incarnation();
    world.store = Store::open(world.folder.path(), &mut rng(2)).unwrap();
    assert_eq!(world.store.incarnation(), life);
    assert_eq!(world.denial(b, stands, NOW), CLOSED);
}

#[test]
fn a_device_that_holds_a_receipt_for_more_makes_the_relay_notice_by_itself() {
    let mut world = World::new(53);
    let (copy, revoked, stands) = revoked_after_the_copy(&mut world);
    put_back(&mut world, copy);
    let before = world.store.incarnation();
    assert_eq!(call_a(&mut world), BEHIND);
    assert_ne!(world.store.incarnation(), before);
    assert_eq!(world.denial(b, stands, NOW), CLOSED);
    assert_eq!(call_a(&mut world), None);
    assert_eq!(world.denial(b, revoked, NOW), Some(AuditOutcome::DeniedRevoked));
    assert_eq!(world.denial(b, stands, NOW), None);
    assert_eq!(world.store.n_forged_receipts().unwrap(), 0);
}

#[test]
fn a_connection_does_not_live_on_into_another_life() {
    let mut world = World::new(54);
    let (copy, ..) = revoked_after_the_copy(&mut world);
    put_back(&mut world, copy);
    let mut early = Link::open(&world.c.device, &world.store, &mut world.rng);
    settle(&mut [&mut early], &mut world.store, NOW, &mut world.rng);
    assert_eq!(early.device_error, None);
    assert_eq!(call_a(&mut world), BEHIND);
    world.c.device.write(&mut world.rng);
    early.nudge();
    settle(&mut [&mut early], &mut world.store, NOW, &mut world.rng);
    assert_eq!(early.device_error, BEHIND);
    assert_eq!(world.c.device.store.pending().unwrap(), 1);
}

#[test]
fn whoever_is_connected_hears_at_once_that_another_life_began() {
    let mut world = World::new(55);
    let (copy, ..) = revoked_after_the_copy(&mut world);
    put_back(&mut world, copy);
    let mut early = Link::open(&world.c.device, &world.store, &mut world.rng);
    settle(&mut [&mut early], &mut world.store, NOW, &mut world.rng);
    assert_eq!(early.device_error, None);
    let mut knowing = Link::open(&world.a.device, &world.store, &mut world.rng);
    settle(&mut [&mut knowing, &mut early], &mut world.store, NOW, &mut world.rng);
    assert_eq!(knowing.device_error, BEHIND);
    assert_eq!(early.device_error, BEHIND, "though it had nothing to say");
}

#[test]
fn a_forged_receipt_or_another_clinics_changes_nothing_and_is_counted() {
    let mut world = World::new(55);
    let (copy, ..) = revoked_after_the_copy(&mut world);
    let life = world.store.incarnation();
    let of_a = world.store.receipt(&world.a.clinic.tenant, NOW).unwrap();
    let mut forged = of_a;
    forged.changes += 7;
    put_back(&mut world, copy);
    let fresh = Incarnation([9; 16]);
    let mut show = |tenant, receipt| world.store.shown(&tenant, &receipt, fresh).unwrap();
    assert_eq!(show(world.a.clinic.tenant, forged), sync_protocol::Shown::Forged);
    assert_eq!(show(world.b.clinic.tenant, of_a), sync_protocol::Shown::Forged);
    assert_eq!(
        (world.store.incarnation(), world.store.n_forged_receipts().unwrap()),
        (life, 2)
    );
    // The true one, shown by its own clinic, is what it takes.
    let shown = world.store.shown(&world.a.clinic.tenant, &of_a, fresh).unwrap();
    assert_eq!(
        (shown, world.store.incarnation()),
        (sync_protocol::Shown::WasPutBack, fresh)
    );
}

#[test]
fn a_removed_device_that_is_first_opens_nothing_for_longer_than_until_its_removal_is_known() {
    let mut world = World::new(56);
    let stolen = world.a.clinic.admit(NOW, &mut world.rng);
    world
        .a
        .device
        .store
        .absorb_statements(world.a.clinic.encoded_statements())
        .unwrap();
    let first = grant(&mut world, 100).clear().id;
    world.sync(NOW);
    assert_eq!(call(&mut world, &stolen), None);
    let copy = copy(&world);
    world.a.clinic.remove(&stolen, NOW, &mut world.rng);
    world
        .a
        .device
        .store
        .absorb_statements(world.a.clinic.encoded_statements())
        .unwrap();
    world.a.device.revoke(first, NOW);
    world.sync(NOW);

    put_back(&mut world, copy);
    world.store.begin_another_life(&mut rng(1)).unwrap();
    assert_eq!(call(&mut world, &stolen), None, "the relay knows no better");
    // Its word opened the clinic, as far as the relay can know. What takes it back is the statement alone.
    let roster = crate::world::roster(&world.a.clinic);
    assert_eq!(world.denial(b, first, NOW), None);
    world.store.set_roster(&roster).unwrap();
    assert_eq!(world.denial(b, first, NOW), CLOSED);
    assert_eq!(call_a(&mut world), None);
    assert_eq!(world.denial(b, first, NOW), Some(AuditOutcome::DeniedRevoked));
    assert_eq!(
        call(&mut world, &stolen),
        Some(DeviceError::Refused(RefusedCode::Removed))
    );
}

#[test]
fn a_backup_that_is_restored_is_another_life_and_devices_bring_back_the_rest() {
    let mut world = World::new(57);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("monday.sqlite");
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    sync_server::backup(world.folder.path(), &file).unwrap();
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    let before = world.store.incarnation();
    world.store.checkpoint().unwrap();
    world.store = Store::open(elsewhere.path(), &mut rng(1)).unwrap();
    sync_server::restore(world.folder.path(), &file, &mut rng(2)).unwrap();
    world.store = Store::open(world.folder.path(), &mut rng(3)).unwrap();
    assert_ne!(world.store.incarnation(), before);
    let tenant = world.a.clinic.tenant;
    assert_eq!(world.store.heads(&tenant).unwrap().changes, 1);
    assert!(world.folder.path().join("relay.sqlite.replaced").exists());
    world.sync(NOW);
    assert_eq!(world.store.heads(&tenant).unwrap().changes, 2);
    assert_eq!(world.a.device.store.held().lies, []);
}

#[test]
fn a_restore_that_the_power_cut_off_is_ended_by_the_next_start() {
    let mut world = World::new(58);
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    world.store.checkpoint().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(
        world.folder.path().join(FILE_NAME),
        folder.path().join("relay.sqlite.restored"),
    )
    .unwrap();
    let mut store = Store::open(folder.path(), &mut rng(1)).unwrap();
    assert_eq!(store.heads(&world.a.clinic.tenant).unwrap().changes, 1);
    // A file that was not copied whole is never taken.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("relay.sqlite.coming"), b"half").unwrap();
    let mut store = Store::open(folder.path(), &mut rng(1)).unwrap();
    assert_eq!(store.heads(&world.a.clinic.tenant).unwrap().changes, 0);
}

#[test]
fn a_mark_outside_the_folder_tells_that_it_was_put_back() {
    let mut world = World::new(59);
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join("deep/relay.mark");
    let follow = |store: &mut Store| store.follow_with_mark(path.clone(), &mut rng(1)).unwrap();
    assert!(!follow(&mut world.store), "there was none yet");
    let copy = copy(&world);
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    assert!(Mark::read(&path).unwrap().commits < world.store.place().commits);
    assert!(!follow(&mut world.store), "a mark that is behind says nothing");
    assert_eq!(Mark::read(&path), Some(world.store.place()));
    let life = world.store.incarnation();
    put_back(&mut world, copy);
    assert!(follow(&mut world.store));
    assert_ne!(world.store.incarnation(), life);
    assert!(world.store.is_closed(&world.a.clinic.tenant).unwrap());
    // A new folder under the old mark is just new.
    let fresh = tempfile::tempdir().unwrap();
    let mut store = Store::open(fresh.path(), &mut rng(4)).unwrap();
    assert!(!follow(&mut store));
}

#[test]
fn another_key_is_another_life() {
    let mut world = World::new(60);
    let (life, key) = (world.store.incarnation(), world.store.receipt_key());
    world.store = Store::open(world.folder.path(), &mut rng(5)).unwrap();
    assert_eq!((world.store.incarnation(), world.store.receipt_key()), (life, key));
    std::fs::remove_file(world.folder.path().join("relay.key")).unwrap();
    world.store = Store::open(world.folder.path(), &mut rng(6)).unwrap();
    assert_ne!(world.store.incarnation(), life);
    assert_ne!(world.store.receipt_key(), key);
}

#[cfg(unix)]
#[test]
fn the_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new(61);
    let file = std::fs::metadata(world.folder.path().join("relay.key")).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
}

#[test]
fn times_of_receipts_never_go_back_also_when_the_clock_does() {
    let mut world = World::new(62);
    let tenant = world.a.clinic.tenant;
    let first = world.store.receipt(&tenant, NOW).unwrap();
    let second = world.store.receipt(&tenant, NOW - DAY).unwrap();
    assert!(second.at_ms >= first.at_ms);
    world.store = Store::open(world.folder.path(), &mut rng(7)).unwrap();
    let third = world.store.receipt(&tenant, NOW - 2 * DAY).unwrap();
    assert!(third.at_ms >= second.at_ms);
    assert!(first.agrees_with(&third));
}

#[test]
fn chains_of_what_an_older_build_stored_are_those_that_this_one_makes() {
    let mut world = World::new(63);
    grant(&mut world, 10);
    for _ in 0..3 {
        world.a.device.write(&mut world.rng);
    }
    world.sync(NOW);
    let tenant = world.a.clinic.tenant;
    let before = world.store.receipt(&tenant, NOW).unwrap();
    let file = Connection::open(world.folder.path().join(FILE_NAME)).unwrap();
    let older = "UPDATE change SET chain = NULL; UPDATE consent SET chain = NULL; UPDATE relay SET key = NULL";
    file.execute_batch(older).unwrap();
    drop(file);
    let life = world.store.incarnation();
    world.store = Store::open(world.folder.path(), &mut rng(8)).unwrap();
    assert_eq!(world.store.incarnation(), life, "the same life goes on");
    let after = world.store.receipt(&tenant, NOW).unwrap();
    assert_eq!(
        (after.changes_chain, after.consents_chain),
        (before.changes_chain, before.consents_chain)
    );
    let page = Page {
        after: 0,
        max_items: 10,
        max_bytes: 1 << 20,
    };
    assert_eq!(world.store.changes(&tenant, page).unwrap().len(), 3);
}
