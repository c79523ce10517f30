//! One step of a session on PostgreSQL: what it reads without a break is of one moment, and nothing stays open behind it.

use postgres::Client;
use sync_protocol::{Checked, Feed, OutId, RelayStore};

use super::{Home, on_postgres, open};
use crate::world::{NOW, World};

fn beside(world: &World) -> Client {
    match &world.home {
        Home::Database(database) => database.raw(),
        Home::Folder => panic!("this test is about PostgreSQL"),
    }
}

fn change(world: &mut World) -> Checked {
    let item = world.a.device.seal(10, &mut world.rng);
    let OutId::Change(id) = item.id else { panic!() };
    Checked::Change {
        id,
        bytes: item.bytes,
        is_bodyless: false,
    }
}

#[test]
fn what_a_step_reads_is_of_one_moment_until_it_writes_and_no_transaction_stays_open() {
    on_postgres(|| {
        let mut world = World::new(61);
        let tenant = world.a.clinic.tenant;
        let (own, theirs, last) = (change(&mut world), change(&mut world), change(&mut world));
        let mut other = open(&world.folder, &world.home, &mut world.rng);
        let head = |store: &mut sync_server::Store| store.heads(&tenant).unwrap().changes;
        world.store.step(|store| {
            assert_eq!(head(store), 0);
            other.push(&tenant, &[theirs], NOW).unwrap();
            assert_eq!(head(store), 0, "one moment");
            assert_eq!(store.push(&tenant, &[own], NOW).unwrap().positions, [Some(2)]);
            assert_eq!(head(store), 2, "what it wrote, and what was before that");
        });
        // The word that ends it is not waited for: it is on its way.
        let open = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        let mut beside = beside(&world);
        while beside.query_one(open, &[]).unwrap().get::<_, i64>(0) > 0 {}
        other.push(&tenant, &[last], NOW).unwrap();
        assert_eq!(world.store.step(head), 3);
        assert_eq!(head(&mut world.store), 3);
    });
}

#[test]
fn a_step_that_loses_its_transaction_fails_and_the_next_read_has_another() {
    on_postgres(|| {
        let mut world = World::new(62);
        let tenant = world.a.clinic.tenant;
        let mut beside = beside(&world);
        world.store.step(|store| {
            store.heads(&tenant).unwrap();
            let end = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            beside.query(end, &[]).unwrap();
            assert!(
                store.chain(&tenant, Feed::Changes, 1).is_err(),
                "what was read before may be of another moment"
            );
            store.chain(&tenant, Feed::Changes, 1).unwrap();
        });
        world.store.heads(&tenant).unwrap();
    });
}
