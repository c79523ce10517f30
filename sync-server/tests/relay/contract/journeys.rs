//! How often a relay waits for PostgreSQL: each time is a journey there and back, which wakes two processes.
//!
//! Nobody sees these numbers, and everybody waits for them: a statement that goes by itself where it could go with others
//! is found here.

use std::time::Instant;

use sync_protocol::{Checked, OutId, Page, RelayMail, RelayStore, ReleaseAnswer, ReleaseAsk};
use sync_server::Store;

use super::on_postgres;
use crate::world::{NOW, World};

fn change(world: &mut World) -> Checked {
    let item = world.a.device.seal(10, &mut world.rng);
    let OutId::Change(id) = item.id else { panic!() };
    Checked::Change {
        id,
        bytes: item.bytes,
        is_bodyless: false,
    }
}

/// How many the second time takes: each statement was prepared by then.
fn journeys(world: &mut World, act: impl Fn(&mut Store, Checked)) -> u64 {
    let changes = [change(world), change(world)];
    let counts = changes.map(|change| {
        let before = world.store.n_journeys();
        act(&mut world.store, change);
        world.store.n_journeys() - before
    });
    counts[1]
}

fn after(after: u64) -> Page {
    Page {
        after,
        max_items: 512,
        max_bytes: 256 * 1024,
    }
}

/// All that a session asks to tell its device the news: there is one new change, if the device lacks it.
fn news(store: &mut Store, tenant: &seal::TenantId, lacks: u64) {
    store.roster(tenant).unwrap().unwrap();
    assert!(!store.is_suspended(tenant).unwrap());
    assert!(!store.is_closed(tenant).unwrap());
    let heads = store.heads(tenant).unwrap();
    let mut page = after(heads.changes - lacks);
    assert!(store.consents(tenant, after(heads.consents)).unwrap().is_empty());
    while let Some((last, _)) = store.changes(tenant, page).unwrap().last() {
        page = after(*last);
    }
    store.receipt(tenant, NOW).unwrap();
    assert!(store.audit(tenant, after(heads.audit)).unwrap().is_empty());
    store.release_heads(tenant, NOW).unwrap();
    store.post_heads(tenant).unwrap();
}

#[test]
fn a_push_a_look_and_a_receipt_are_so_many_journeys_and_no_more() {
    on_postgres(|| {
        let mut world = World::new(71);
        let tenant = world.a.clinic.tenant;
        let pushed = journeys(&mut world, |store, change| {
            store.push(&tenant, &[change], NOW).unwrap();
        });
        assert_eq!(pushed, 2, "what is there already; and what comes, with the commit");

        let step = journeys(&mut world, |store, change| {
            store.step(|store| {
                store.roster(&tenant).unwrap().unwrap();
                store.push(&tenant, &[change], NOW).unwrap();
                news(store, &tenant, 0);
            });
        });
        assert_eq!(step, 5, "who it is; the push; the news; and the receipt");

        let look = journeys(&mut world, |store, change| {
            store.push(&tenant, &[change], NOW).unwrap();
            let woken = Instant::now();
            for _ in 0..3 {
                store.look(tenant, woken, |store| news(store, &tenant, 1));
            }
        });
        assert_eq!(
            look,
            2 + 3,
            "the push; the news, the change and the receipt; and for the others nothing"
        );

        let receipt = journeys(&mut world, |store, _| {
            store.receipt(&tenant, NOW).unwrap();
        });
        assert_eq!(receipt, 1);
    });
}

#[test]
fn a_page_at_the_gate_is_so_many_journeys_and_no_more() {
    on_postgres(|| {
        let mut world = World::new(72);
        let recipient = world.b.clinic.membership();
        let grant = world.a.device.grant(&recipient, NOW, NOW + 1_000_000, &mut world.rng);
        for _ in 0..3 {
            world.a.device.release(&grant, &recipient, None, 100, &mut world.rng);
        }
        world.sync(NOW);
        let ask = ReleaseAsk {
            request: [7; 16],
            requester: world.b.clinic.tenant,
            device: world.b.device.keys.id(),
            grant: grant.clear().id,
            page: after(0),
            now_ms: NOW,
        };
        let served = journeys(&mut world, |store, _| {
            let answer = store.pull_releases(&ask).unwrap();
            assert!(matches!(answer, ReleaseAnswer::Served { items, more: false, .. } if items.len() == 3));
        });
        assert_eq!(
            served, 5,
            "the grant; what is against it; the page; both audits; and their lines"
        );
        let nothing_new = ReleaseAsk { page: after(3), ..ask };
        let nothing = journeys(&mut world, |store, _| {
            let answer = store.pull_releases(&nothing_new).unwrap();
            assert!(matches!(answer, ReleaseAnswer::Served { items, .. } if items.is_empty()));
        });
        assert_eq!(nothing, 3, "the grant; what is against it; and the end");
    });
}
