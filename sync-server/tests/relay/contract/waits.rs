//! Who waits for whom in PostgreSQL: another transaction is held open by hand, and looked at from beside.

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::SystemTime;

use postgres::Client;
use seal::GrantId;
use sync_protocol::{AuditOutcome, Checked, OutId, Page, RelayStore, ReleaseAnswer, ReleaseAsk, SyncStore};
use sync_server::{Store, prepare};

use super::cluster::Database;
use super::{Home, on_postgres, open};
use crate::world::{NOW, World, rng};

mod migrations {
    refinery::embed_migrations!("migrations-postgres");
}

fn database(world: &World) -> &Database {
    match &world.home {
        Home::Database(database) => database,
        Home::Folder => panic!("this test is about PostgreSQL"),
    }
}

/// Comes back once somebody waits for a lock in this database. What is done by then did not wait.
fn until_it_waits<T: std::fmt::Debug>(beside: &mut Client, done: &Receiver<T>) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    loop {
        match done.try_recv() {
            Err(TryRecvError::Empty) => {}
            ended => panic!("it did not wait: {ended:?}"),
        }
        if beside.query_one(waiting, &[]).unwrap().get::<_, i64>(0) > 0 {
            return;
        }
    }
}

fn given(world: &mut World) -> GrantId {
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, NOW, NOW + 1_000_000, &mut world.rng);
    world.a.device.release(&grant, &recipient, None, 100, &mut world.rng);
    world.sync(NOW);
    grant.clear().id
}

fn hold(client: &mut Client, what: &str, grant: GrantId) {
    let grant = hex::encode(grant.as_bytes());
    client
        .batch_execute(&format!("BEGIN; {}", what.replace("$grant", &format!("'\\x{grant}'"))))
        .unwrap();
}

#[test]
fn a_batch_waits_for_the_revocation_that_came_first_and_is_then_denied() {
    on_postgres(|| {
        let mut world = World::new(45);
        let grant = given(&mut world);
        let (mut revoking, mut beside) = (database(&world).raw(), database(&world).raw());
        let revoke = "SELECT 1 FROM given WHERE id = $grant FOR UPDATE;
                      INSERT INTO revocation SELECT source, id, bytes FROM given WHERE id = $grant;
                      DELETE FROM release_for WHERE grant_id = $grant";
        hold(&mut revoking, revoke, grant);
        let ask = ReleaseAsk {
            request: [7; 16],
            requester: world.b.clinic.tenant,
            device: world.b.device.keys.id(),
            grant,
            page: Page {
                after: 0,
                max_items: 10,
                max_bytes: usize::MAX,
            },
            now_ms: NOW,
        };
        let mut store = open(&world.folder, &world.home, &mut world.rng);
        let (answer, done) = channel();
        let asking = thread::spawn(move || answer.send(store.pull_releases(&ask).unwrap()).unwrap());
        until_it_waits(&mut beside, &done);
        revoking.batch_execute("COMMIT").unwrap();
        let answer = done.recv().unwrap();
        assert!(
            matches!(
                answer,
                ReleaseAnswer::Denied {
                    outcome: AuditOutcome::DeniedRevoked,
                    ..
                }
            ),
            "{answer:?}"
        );
        asking.join().unwrap();
    });
}

#[test]
fn a_revocation_waits_for_the_batch_that_is_being_read() {
    on_postgres(|| {
        let mut world = World::new(46);
        let grant = given(&mut world);
        world.a.device.revoke(grant, NOW);
        let items = world.a.device.store.outbox(10, usize::MAX).unwrap();
        let [item] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(item.id, OutId::Revocation(grant));
        let revocation = Checked::Revocation {
            grant,
            bytes: item.bytes.clone(),
        };
        let (mut reading, mut beside) = (database(&world).raw(), database(&world).raw());
        hold(&mut reading, "SELECT 1 FROM given WHERE id = $grant FOR UPDATE", grant);
        let tenant = world.a.clinic.tenant;
        let mut store = open(&world.folder, &world.home, &mut world.rng);
        let (answer, done) = channel();
        let revoking = thread::spawn(move || answer.send(store.push(&tenant, &[revocation], NOW).unwrap()).unwrap());
        until_it_waits(&mut beside, &done);
        assert_eq!(world.figure("SELECT count(*) FROM revocation"), 0);
        reading.batch_execute("COMMIT").unwrap();
        assert_eq!(done.recv().unwrap().refusals, [None]);
        assert_eq!(world.n_bodies(), 0);
        revoking.join().unwrap();
    });
}

#[test]
fn a_push_waits_for_the_position_before_its_own_to_be_visible() {
    on_postgres(|| {
        let mut world = World::new(47);
        let grant = given(&mut world);
        world.a.device.write(&mut world.rng);
        world.sync(NOW);
        let item = world.a.device.seal(10, &mut world.rng);
        let OutId::Change(id) = item.id else { panic!() };
        let change = Checked::Change {
            id,
            bytes: item.bytes,
            is_bodyless: false,
        };
        let (mut writing, mut beside) = (database(&world).raw(), database(&world).raw());
        hold(
            &mut writing,
            "UPDATE head SET position = position + 1 WHERE feed = 0",
            grant,
        );
        let tenant = world.a.clinic.tenant;
        let mut store = open(&world.folder, &world.home, &mut world.rng);
        let (answer, done) = channel();
        let pushing = thread::spawn(move || answer.send(store.push(&tenant, &[change], NOW).unwrap()).unwrap());
        until_it_waits(&mut beside, &done);
        writing.batch_execute("COMMIT").unwrap();
        assert_eq!(
            done.recv().unwrap().positions,
            [Some(3)],
            "behind the one that was being written"
        );
        pushing.join().unwrap();
    });
}

#[test]
fn who_prepares_a_database_holds_up_nobody_and_tries_again() {
    on_postgres(|| {
        // The role belongs to the whole server.
        drop(Database::make());
        let database = Database::make_empty();
        let older = migrations::migrations::runner().set_target(refinery::Target::Version(7));
        older.run(&mut database.raw()).unwrap();
        let (mut holding, mut beside) = (database.raw(), database.raw());
        holding
            .batch_execute("BEGIN; LOCK TABLE refinery_schema_history IN SHARE MODE")
            .unwrap();
        let (answer, done) = channel();
        let owner = database.owner();
        let preparing = thread::spawn(move || answer.send(prepare(&owner, None)).unwrap());
        until_it_waits(&mut beside, &done);
        let began = "SELECT max(xact_start) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut since = || -> Option<SystemTime> { beside.query_one(began, &[]).unwrap().get(0) };
        // What it had it gave up, and begins anew: twice, and then nobody is in its way.
        for _ in 0..2 {
            let before = since();
            while since().is_none() || since() == before {
                assert!(matches!(done.try_recv(), Err(TryRecvError::Empty)));
            }
        }
        holding.batch_execute("COMMIT").unwrap();
        done.recv().unwrap().unwrap();
        preparing.join().unwrap();
        let folder = tempfile::tempdir().unwrap();
        Store::open_shared(folder.path(), &database.relay(), &mut rng(1)).unwrap();
    });
}

#[test]
fn a_store_whose_connection_was_cut_goes_on_with_another() {
    on_postgres(|| {
        let mut world = World::new(48);
        given(&mut world);
        let mut raw = database(&world).raw();
        for _ in 0..3 {
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            raw.query_one(cut, &[]).unwrap();
            world.a.device.write(&mut world.rng);
            world.sync(NOW);
        }
        assert_eq!(world.store.heads(&world.a.clinic.tenant.clone()).unwrap().changes, 3);
    });
}
