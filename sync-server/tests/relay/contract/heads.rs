//! How far what a clinic was given reaches, as each look is told it: of what was read before, only what may have changed is asked.

use seal::{Grant, GrantId};
use sync_protocol::RelayStore;

use super::{Home, on_both};
use crate::world::{NOW, World};

on_both! {
    a_look_reads_no_grant_twice_and_names_what_admits_now,
    a_grant_of_another_giver_in_the_place_of_one_that_was_read_is_read,
}

const LATER: i64 = NOW + 1_000_000;

/// A grant of A's for B, and a release under it.
fn given(world: &mut World, from_ms: i64) -> Grant {
    let recipient = world.b.clinic.membership();
    let grant = world.a.device.grant(&recipient, from_ms, LATER, &mut world.rng);
    world.a.device.release(&grant, &recipient, None, 100, &mut world.rng);
    world.sync(NOW);
    grant
}

fn named(world: &mut World, now_ms: i64) -> Vec<(GrantId, u64)> {
    let recipient = world.b.clinic.tenant;
    world.store.release_heads(&recipient, now_ms).unwrap()
}

fn ids(grants: &[&Grant]) -> Vec<(GrantId, u64)> {
    let mut ids: Vec<_> = grants.iter().map(|grant| (grant.clear().id, 1)).collect();
    ids.sort_unstable();
    ids
}

/// Whoever reads these bytes fails.
fn spoil(world: &World, grant: &Grant) {
    let id = hex::encode(grant.clear().id.as_bytes());
    world.meddle(&match world.home {
        Home::Folder => format!("UPDATE given SET bytes = x'00' WHERE id = x'{id}'"),
        Home::Database(_) => format!("UPDATE given SET bytes = '\\x00' WHERE id = '\\x{id}'"),
    });
}

fn a_look_reads_no_grant_twice_and_names_what_admits_now() {
    let mut world = World::new(231);
    let [first, second, soon] = [NOW, NOW, NOW + 500].map(|from_ms| given(&mut world, from_ms));
    assert_eq!(named(&mut world, NOW), ids(&[&first, &second]));
    for grant in [&first, &soon] {
        spoil(&world, grant);
    }
    assert_eq!(
        named(&mut world, NOW),
        ids(&[&first, &second]),
        "nothing of it was read"
    );
    // The clock, a revocation, another grant, and a source that is not served: each counts at once.
    assert_eq!(named(&mut world, NOW + 500), ids(&[&first, &second, &soon]));
    let third = given(&mut world, NOW);
    assert_eq!(named(&mut world, NOW + 500), ids(&[&first, &second, &soon, &third]));
    world.a.device.revoke(second.clear().id, NOW);
    world.sync(NOW);
    assert_eq!(named(&mut world, NOW + 500), ids(&[&first, &soon, &third]));
    assert_eq!(named(&mut world, NOW), ids(&[&first, &third]));
    assert_eq!(named(&mut world, LATER), [], "their time is over");
}

/// It can only be so in a database that was put back under a relay that runs.
fn a_grant_of_another_giver_in_the_place_of_one_that_was_read_is_read() {
    let mut world = World::new(232);
    let grant = given(&mut world, NOW);
    assert_eq!(named(&mut world, NOW), ids(&[&grant]));
    let (a, c) = (world.a.clinic.tenant, world.c.clinic.tenant);
    let [a, c] = [a, c].map(|tenant| hex::encode(tenant.as_bytes()));
    world.meddle(&match world.home {
        Home::Folder => format!("UPDATE given SET source = x'{c}' WHERE source = x'{a}'"),
        Home::Database(_) => format!("UPDATE given SET source = '\\x{c}' WHERE source = '\\x{a}'"),
    });
    // Its bytes say that it is A's: it is not C's, and nobody is told of it.
    assert_eq!(named(&mut world, NOW), []);
}
