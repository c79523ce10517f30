//! Pushing and reading on: positions, cursors, chains, receipts, lives.

use seal::ChangeId;
use sync_protocol::sim::SimClinic;
use sync_protocol::{Checked, Feed, Incarnation, NO_CHAIN, OutId, Page, RelayStore, Shown, follow};

use super::{make_store, on_both, open};
use crate::world::{NOW, World, rng, roster};

on_both! {
    a_push_is_taken_once_and_gets_its_positions_in_its_order,
    a_page_ends_where_it_is_full_and_one_item_always_fits,
    a_change_that_comes_twice_in_one_push_has_one_position,
    another_program_on_the_same_data_sees_it_at_once,
    receipts_of_two_programs_never_show_less_later,
    the_data_begin_another_life_once_though_two_programs_find_out,
    rosters_of_two_programs_become_one,
}

const ALL: Page = Page {
    after: 0,
    max_items: 100_000,
    max_bytes: usize::MAX,
};

/// Sealed changes of A's device, as the protocol hands them on.
fn sealed(world: &mut World, n: usize) -> Vec<Checked> {
    (0..n)
        .map(|_| {
            let item = world.a.device.seal(10, &mut world.rng);
            match item.id {
                OutId::Change(id) => Checked::Change {
                    id,
                    bytes: item.bytes,
                    is_bodyless: false,
                },
                other => panic!("{other:?}"),
            }
        })
        .collect()
}

fn id(change: &Checked) -> ChangeId {
    match change {
        Checked::Change { id, .. } => *id,
        other => panic!("{other:?}"),
    }
}

fn a_push_is_taken_once_and_gets_its_positions_in_its_order() {
    let mut world = World::new(1);
    let tenant = world.a.clinic.tenant;
    let changes = sealed(&mut world, 200);
    let pushed = world.store.push(&tenant, &changes[..150], NOW).unwrap();
    assert_eq!(pushed.positions, (1..=150).map(Some).collect::<Vec<_>>());
    let pushed = world.store.push(&tenant, &changes[100..], NOW).unwrap();
    assert_eq!(pushed.positions[..50], vec![None; 50]);
    assert_eq!(pushed.positions[50..], (151..=200).map(Some).collect::<Vec<_>>());
    assert!(pushed.refusals.iter().all(Option::is_none));
    let items = world.store.changes(&tenant, ALL).unwrap();
    assert_eq!(items.len(), 200);
    for (nth, (position, bytes)) in items.iter().enumerate() {
        assert_eq!(*position, nth as u64 + 1);
        let Checked::Change { bytes: sent, .. } = &changes[nth] else {
            panic!()
        };
        assert_eq!(bytes.as_ref(), Some(sent));
    }
    let chain = changes
        .iter()
        .fold(NO_CHAIN, |chain, change| follow(&chain, id(change).as_bytes()));
    assert_eq!(world.store.chain(&tenant, Feed::Changes, 200).unwrap(), chain);
    assert_eq!(world.store.heads(&tenant).unwrap().changes, 200);
}

fn a_page_ends_where_it_is_full_and_one_item_always_fits() {
    let mut world = World::new(2);
    let tenant = world.a.clinic.tenant;
    let changes = sealed(&mut world, 300);
    let sizes: Vec<usize> = changes
        .iter()
        .map(|change| match change {
            Checked::Change { bytes, .. } => bytes.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    world.store.push(&tenant, &changes, NOW).unwrap();
    for (after, max_items, max_bytes) in [
        (0, 300, 1),
        (0, 7, usize::MAX),
        (290, 100, usize::MAX),
        (10, 300, 150 * 300),
    ] {
        let page = Page {
            after: after as u64,
            max_items,
            max_bytes,
        };
        let items = world.store.changes(&tenant, page).unwrap();
        let mut n_bytes = 0;
        let fits = sizes[after..].iter().take(max_items).take_while(|size| {
            n_bytes += **size;
            n_bytes <= max_bytes
        });
        let wanted = fits.count().max(1);
        assert_eq!(items.len(), wanted, "{page:?}");
        assert_eq!(items.last().unwrap().0, (after + wanted) as u64);
    }
    let page = Page { after: 300, ..ALL };
    assert_eq!(world.store.changes(&tenant, page).unwrap(), []);
}

fn a_change_that_comes_twice_in_one_push_has_one_position() {
    let mut world = World::new(3);
    let tenant = world.a.clinic.tenant;
    let mut changes = sealed(&mut world, 2);
    changes.extend(changes.clone());
    let covered = id(&changes[0]);
    changes.insert(2, Checked::Covered { id: covered });
    let pushed = world.store.push(&tenant, &changes, NOW).unwrap();
    assert_eq!(pushed.positions, [Some(1), Some(2), None, None, None]);
    let items = world.store.changes(&tenant, ALL).unwrap();
    assert_eq!(
        items
            .iter()
            .map(|(at, bytes)| (*at, bytes.is_some()))
            .collect::<Vec<_>>(),
        [(1, false), (2, true)]
    );
}

fn another_program_on_the_same_data_sees_it_at_once() {
    let mut world = World::new(4);
    let tenant = world.a.clinic.tenant;
    let mut other = open(&world.folder, &world.home, &mut world.rng);
    let changes = sealed(&mut world, 2);
    world.store.push(&tenant, &changes[..1], NOW).unwrap();
    assert_eq!(other.heads(&tenant).unwrap().changes, 1);
    assert_eq!(other.push(&tenant, &changes, NOW).unwrap().positions, [None, Some(2)]);
    assert_eq!(world.store.changes(&tenant, ALL).unwrap().len(), 2);
    assert_eq!(other.incarnation(), world.store.incarnation());
    assert_eq!(other.receipt_key(), world.store.receipt_key());
}

fn receipts_of_two_programs_never_show_less_later() {
    let mut world = World::new(5);
    let tenant = world.a.clinic.tenant;
    let changes = sealed(&mut world, 40);
    // The second one's clock is an hour behind.
    let mut stores = [contract_store(&mut world), contract_store(&mut world)];
    let clocks = [NOW, NOW - 3_600_000];
    let is_shared = matches!(world.home, super::Home::Database(_));
    let mut last: Option<sync_protocol::SignedReceipt> = None;
    for (nth, change) in changes.into_iter().enumerate() {
        // In a file of its own a relay has one clock.
        let who = if is_shared { nth % 2 } else { 0 };
        stores[who].push(&tenant, &[change], NOW).unwrap();
        let receipt = stores[who].receipt(&tenant, clocks[who]).unwrap();
        assert_eq!(receipt.changes, nth as u64 + 1);
        if let Some(last) = &last {
            assert!(receipt.at_ms >= last.at_ms, "{nth}");
        }
        last = Some(receipt);
    }
}

fn contract_store(world: &mut World) -> sync_server::Store {
    open(&world.folder, &world.home, &mut world.rng)
}

fn the_data_begin_another_life_once_though_two_programs_find_out() {
    let mut world = World::new(6);
    let tenant = world.a.clinic.tenant;
    let changes = sealed(&mut world, 1);
    world.store.push(&tenant, &changes, NOW).unwrap();
    let receipt = world.store.receipt(&tenant, NOW).unwrap();
    let former = world.store.incarnation();
    match &world.home {
        super::Home::Folder => return,
        super::Home::Database(database) => database
            .raw()
            .batch_execute("TRUNCATE change; UPDATE head SET position = 0")
            .unwrap(),
    }
    let mut other = contract_store(&mut world);
    let [one, two] = [[1; 16], [2; 16]].map(Incarnation);
    assert_eq!(world.store.shown(&tenant, &receipt, one).unwrap(), Shown::WasPutBack);
    assert_ne!(world.store.incarnation(), former);
    // The other program has not heard of it: whatever it does next fails, and tells it so.
    assert!(other.shown(&tenant, &receipt, two).is_err());
    assert_eq!(other.incarnation(), one);
    assert_eq!(other.shown(&tenant, &receipt, two).unwrap(), Shown::Forged);
    assert!(other.is_closed(&tenant).unwrap());
}

fn rosters_of_two_programs_become_one() {
    let mut rng = rng(7);
    let (mut store, folder, home) = make_store(&mut rng);
    let (mut clinic, _) = SimClinic::found(NOW, &mut rng);
    store.set_roster(&roster(&clinic)).unwrap();
    let tenant = clinic.tenant;
    let mut other = open(&folder, &home, &mut rng);
    let founded = other.roster(&tenant).unwrap().unwrap();
    let device = clinic.admit(NOW, &mut rng);
    store.set_roster(&roster(&clinic)).unwrap();
    assert!(founded.belongs(&device.keys.id()).is_err());
    if matches!(home, super::Home::Database(_)) {
        assert_eq!(
            other.roster(&tenant).unwrap().unwrap().belongs(&device.keys.id()),
            Ok(())
        );
        clinic.remove(&device, NOW, &mut rng);
        other.set_roster(&roster(&clinic)).unwrap();
        let known = store.roster(&tenant).unwrap().unwrap();
        assert!(
            known.belongs(&device.keys.id()).is_err(),
            "the removal holds on the other node at once"
        );
    }
}
