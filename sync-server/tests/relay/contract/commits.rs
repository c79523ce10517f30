//! The end of a transaction on PostgreSQL: its last writes go with the commit, and nothing is said to be there before the
//! database has said so.

use postgres::Client;
use seal::TenantId;
use sync_protocol::{Checked, OutId, RelayStore};

use super::{Home, on_postgres};
use crate::world::{NOW, World};

/// The table of changes does this with each that comes.
fn altered(world: &World, when: &str, what: &str) -> Client {
    let Home::Database(database) = &world.home else {
        panic!("this test is about PostgreSQL")
    };
    let mut owner = database.raw();
    owner
        .batch_execute(&format!(
            "CREATE SEQUENCE tried;
             CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
                 AS $$ BEGIN PERFORM nextval('tried'); {what}; RETURN new; END $$;
             CREATE CONSTRAINT TRIGGER meet AFTER INSERT ON change {when} FOR EACH ROW EXECUTE FUNCTION meet()"
        ))
        .unwrap();
    owner
}

fn push(world: &mut World) -> Result<Vec<Option<u64>>, sync_protocol::RelayStoreFailed> {
    let item = world.a.device.seal(10, &mut world.rng);
    let OutId::Change(id) = item.id else { panic!() };
    let bytes = item.bytes;
    let change = Checked::Change {
        id,
        bytes,
        is_bodyless: false,
    };
    let tenant = world.a.clinic.tenant;
    Ok(world.store.push(&tenant, &[change], NOW)?.positions)
}

fn head(world: &mut World, tenant: &TenantId) -> u64 {
    world.store.heads(tenant).unwrap().changes
}

#[test]
fn what_fails_on_its_way_with_the_commit_is_undone_whole() {
    on_postgres(|| {
        let mut world = World::new(73);
        let tenant = world.a.clinic.tenant;
        let mut owner = altered(&world, "", "RAISE EXCEPTION 'no'");
        for _ in 0..2 {
            assert!(push(&mut world).unwrap_err().to_string().contains("no"));
            assert_eq!(head(&mut world, &tenant), 0);
        }
        owner.batch_execute("DROP TRIGGER meet ON change").unwrap();
        assert_eq!(push(&mut world).unwrap(), [Some(1)]);
    });
}

#[test]
fn a_commit_whose_answer_is_lost_is_neither_acknowledged_nor_tried_again_unasked() {
    on_postgres(|| {
        let mut world = World::new(74);
        let tenant = world.a.clinic.tenant;
        // So that the connection is not a new one.
        assert_eq!(head(&mut world, &tenant), 0);
        let end = "PERFORM pg_terminate_backend(pg_backend_pid())";
        let mut owner = altered(&world, "DEFERRABLE INITIALLY DEFERRED", end);
        push(&mut world).unwrap_err();
        let tried = "SELECT last_value FROM tried WHERE is_called";
        assert_eq!(owner.query_one(tried, &[]).unwrap().get::<_, i64>(0), 1);
        owner.batch_execute("DROP TRIGGER meet ON change").unwrap();
        // Its device brings it again.
        assert_eq!(push(&mut world).unwrap(), [Some(1)]);
        assert_eq!(head(&mut world, &tenant), 1);
    });
}
