//! From the file into the database, and on.

use sync_protocol::{AuditOutcome, RelayStore};
use sync_server::{FILE_NAME, MoveError, Store, move_to};

use super::Home;
use super::cluster::Database;
use crate::world::{NOW, World, b, rng};

fn tables(world: &World) -> Vec<String> {
    let file = rusqlite::Connection::open(world.folder.path().join(FILE_NAME)).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
               AND name <> 'refinery_schema_history'";
    let mut tables = file.prepare(sql).unwrap();
    tables
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn a_store_that_is_moved_is_the_same_store_and_devices_notice_nothing() {
    let mut world = World::new(60);
    let recipient = world.b.clinic.membership();
    let grants: Vec<_> = (0..2)
        .map(|_| {
            let grant = world.a.device.grant(&recipient, NOW, NOW + 1_000_000, &mut world.rng);
            world.a.device.release(&grant, &recipient, None, 100, &mut world.rng);
            grant.clear().id
        })
        .collect();
    world.sync(NOW);
    (0..700).for_each(|_| world.a.device.write(&mut world.rng));
    world.a.device.revoke(grants[0], NOW);
    world.sync(NOW);
    world.store.add_clinic("Klinik Pindah", NOW, &mut world.rng).unwrap();
    let (incarnation, of_a) = (world.store.incarnation(), world.a.clinic.tenant);
    let heads = world.store.heads(&of_a).unwrap();
    let (receipt, audit) = (world.store.receipt(&of_a, NOW).unwrap(), world.audit(b));
    let tables = tables(&world);
    let counts = |world: &World| -> Vec<(String, i64)> {
        let count = |table: &String| (table.clone(), world.figure(&format!("SELECT count(*) FROM {table}")));
        tables.iter().map(count).collect()
    };
    let before = counts(&world);

    let database = Database::make_empty();
    // The store lets go of its file, as a relay does that has stopped.
    let aside = tempfile::tempdir().unwrap();
    world.store = Store::open(aside.path(), &mut rng(1)).unwrap();
    let n_rows = move_to(world.folder.path(), &database.owner(), &mut world.rng).unwrap();
    assert_eq!(n_rows, before.iter().map(|(_, n)| *n as u64).sum::<u64>());
    world.home = Home::Database(database);
    world.reopen();
    assert_eq!(counts(&world), before);
    assert_eq!(world.store.incarnation(), incarnation);
    assert_eq!(world.store.heads(&of_a).unwrap(), heads);
    assert_eq!(world.audit(b), audit);
    let after = world.store.receipt(&of_a, NOW).unwrap();
    assert_eq!(
        (after.changes_chain, after.consents_chain),
        (receipt.changes_chain, receipt.consents_chain)
    );
    assert_eq!(world.denial(b, grants[0], NOW), Some(AuditOutcome::DeniedRevoked));
    assert_eq!(world.denial(b, grants[1], NOW), None);
    world.a.device.write(&mut world.rng);
    world.sync(NOW);
    assert_eq!(world.store.heads(&of_a).unwrap().changes, heads.changes + 1);
    assert_eq!(world.a.device.store.held().lies, []);
    world.store.add_clinic("Klinik Baru", NOW, &mut world.rng).unwrap();

    // Policies hold again, and a second move is refused.
    let Home::Database(database) = &world.home else {
        panic!()
    };
    let loose =
        "SELECT count(*) FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE NOT c.relforcerowsecurity";
    assert_eq!(world.figure(loose), 0);
    let again = move_to(world.folder.path(), &database.owner(), &mut rng(2));
    assert!(matches!(again, Err(MoveError::NoStore)), "the file was set aside");
    let again = move_to(aside.path(), &database.owner(), &mut rng(2));
    assert!(matches!(again, Err(MoveError::NotEmpty(_))));
}
