//! Changes by their names, whatever their positions: what a new device takes first.

use postgres::Client;
use seal::{ChangeId, SealedChange};
use sync_protocol::sim::{Link, settle};
use sync_protocol::{
    BATCH_BYTES, BATCH_ITEMS, Checked, DeviceMessage, MAX_RELAYED_SNAPSHOT_BYTES, OutId, OutItem, Page, RefusedCode,
    RelayMessage, RelayStore,
};

use super::console::listed;
use super::{Home, on_both, on_postgres};
use crate::snapshots::snapshot;
use crate::world::{NOW, World, roster};

on_both! {
    what_is_asked_for_by_name_comes_under_its_name_in_the_order_of_asking,
    the_changes_of_another_clinic_are_as_those_that_there_are_not,
    what_is_covered_does_not_come_and_what_is_erased_comes_without_its_body,
    an_answer_ends_where_it_is_full_and_the_first_that_is_here_always_fits,
    a_snapshot_has_an_answer_for_itself_and_the_next_goes_on_behind_it,
    a_removed_device_that_asks_on_the_connection_that_it_had_is_given_nothing,
    a_suspended_clinic_that_asks_on_the_connection_that_it_had_is_given_nothing,
}

fn name(item: &OutItem) -> ChangeId {
    let OutId::Change(id) = item.id else { panic!() };
    id
}

fn checked(item: &OutItem) -> Checked {
    Checked::Change {
        id: name(item),
        bytes: item.bytes.clone(),
        is_bodyless: false,
    }
}

/// A's device has pushed this.
fn pushed(world: &mut World, items: &[OutItem]) {
    let (tenant, changes) = (world.a.clinic.tenant, items.iter().map(checked).collect::<Vec<_>>());
    world.store.push(&tenant, &changes, NOW).unwrap();
}

/// Changes of A's of these sizes, which the relay has.
fn written(world: &mut World, sizes: &[usize]) -> Vec<OutItem> {
    let items = sizes.iter().map(|size| world.a.device.seal(*size, &mut world.rng));
    let items: Vec<_> = items.collect();
    pushed(world, &items);
    items
}

fn asked(world: &mut World, ids: &[ChangeId], max_bytes: usize) -> Vec<Option<Came>> {
    let tenant = world.a.clinic.tenant;
    let named = world.store.named_changes(&tenant, ids, max_bytes).unwrap();
    named.into_iter().map(|change| change.map(Came)).collect()
}

/// The bytes of a change; of two megabytes a test that fails need not say more than these.
#[derive(Clone, PartialEq, Eq)]
struct Came(Vec<u8>);

impl std::fmt::Debug for Came {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes, {}", self.0.len(), sync_protocol::name_of_change(&self.0))
    }
}

fn whole(item: &OutItem) -> Option<Came> {
    Some(Came(item.bytes.clone()))
}

fn bodies<'i>(items: impl IntoIterator<Item = &'i OutItem>) -> Vec<Option<Came>> {
    items.into_iter().map(whole).collect()
}

fn nobodys(n: u8) -> ChangeId {
    ChangeId::from_bytes([n; 32])
}

fn what_is_asked_for_by_name_comes_under_its_name_in_the_order_of_asking() {
    let mut world = World::new(120);
    let items = written(&mut world, &[10; BATCH_ITEMS]);
    let backwards: Vec<_> = items.iter().rev().map(name).collect();
    assert_eq!(asked(&mut world, &backwards, BATCH_BYTES), bodies(items.iter().rev()));
    assert_eq!(asked(&mut world, &[], BATCH_BYTES), []);
    // Twice, side by side and far apart, and what there is not, first, between and last.
    let far = [0, 0, 300, 0, 511, 300].map(|at| &items[at]);
    assert_eq!(asked(&mut world, &far.map(name), BATCH_BYTES), bodies(far));
    let [first, last] = [7, 400].map(|at| &items[at]);
    let with_none = [nobodys(1), name(first), nobodys(1), nobodys(2), name(last), nobodys(3)];
    let wanted = [None, Some(first), None, None, Some(last), None];
    let wanted = wanted.map(|item| item.and_then(whole));
    assert_eq!(asked(&mut world, &with_none, BATCH_BYTES), wanted);
    assert_eq!(asked(&mut world, &[nobodys(1); 3], 1), [None, None, None]);
}

fn the_changes_of_another_clinic_are_as_those_that_there_are_not() {
    let mut world = World::new(121);
    let items = written(&mut world, &[10, 3_000]);
    let ids = [name(&items[0]), nobodys(1), name(&items[1])];
    for other in [world.b.clinic.tenant, world.c.clinic.tenant] {
        // Nor do they take room: nothing tells that they are somewhere.
        let heard = world.store.named_changes(&other, &ids, 1).unwrap();
        assert_eq!(heard, [None, None, None]);
    }
    let own = world.b.device.seal(20, &mut world.rng);
    let (tenant, change) = (world.b.clinic.tenant, checked(&own));
    world.store.push(&tenant, &[change], NOW).unwrap();
    let heard = world
        .store
        .named_changes(&tenant, &[ids[0], name(&own), ids[2]], BATCH_BYTES);
    assert_eq!(heard.unwrap(), [None, Some(own.bytes.clone()), None]);
    assert_eq!(asked(&mut world, &[name(&own)], BATCH_BYTES), [None]);
}

fn what_is_covered_does_not_come_and_what_is_erased_comes_without_its_body() {
    let mut world = World::new(122);
    let items = written(&mut world, &[10, 20, 1_000, 30]);
    let ids: Vec<_> = items.iter().map(name).collect();
    let tenant = world.a.clinic.tenant;
    let over = [Checked::Covered { id: ids[1] }, Checked::Erased { id: ids[2] }];
    world.store.push(&tenant, &over, NOW).unwrap();
    let bodyless = SealedChange::decode(&items[2].bytes).unwrap().without_body().encode();
    let wanted = [whole(&items[0]), None, Some(Came(bodyless)), whole(&items[3])];
    assert_eq!(asked(&mut world, &ids, BATCH_BYTES), wanted);
    // Also when its body is gone.
    assert_eq!(world.store.drop_covered(NOW + 31 * 86_400_000).unwrap(), 1);
    assert_eq!(asked(&mut world, &ids, BATCH_BYTES), wanted);
    // What the feed gives of them is the same.
    let page = Page {
        after: 0,
        max_items: 100,
        max_bytes: BATCH_BYTES,
    };
    let fed = world.store.changes(&tenant, page).unwrap().into_iter();
    let fed: Vec<_> = fed.filter_map(|(_, bytes)| bytes.map(Came)).collect();
    assert_eq!(fed, wanted.into_iter().flatten().collect::<Vec<_>>());
}

fn an_answer_ends_where_it_is_full_and_the_first_that_is_here_always_fits() {
    let mut world = World::new(123);
    let items = written(&mut world, &[500; 150]);
    let ids: Vec<_> = items.iter().map(name).collect();
    let sizes: Vec<_> = items.iter().map(|item| item.bytes.len()).collect();
    let first: usize = sizes[..100].iter().sum();
    for (max_bytes, n) in [
        (0, 1),
        (1, 1),
        (sizes[0], 1),
        (first - 1, 99),
        (first, 100),
        (first + 1, 100),
        (usize::MAX, 150),
    ] {
        assert_eq!(asked(&mut world, &ids, max_bytes), bodies(&items[..n]), "{max_bytes}");
    }
    // What there is not takes no room: it is named up to where the next body does not fit.
    let with_none = [
        nobodys(1),
        nobodys(2),
        ids[0],
        nobodys(3),
        nobodys(4),
        ids[1],
        nobodys(5),
    ];
    let one = [None, None, whole(&items[0]), None, None];
    assert_eq!(asked(&mut world, &with_none, sizes[0]), one);
    assert_eq!(
        asked(&mut world, &with_none, sizes[0] - 1),
        one[..3],
        "what is more than full ends there"
    );
    assert_eq!(
        asked(&mut world, &[ids[0], ids[0]], sizes[0]).len(),
        1,
        "twice takes twice"
    );
}

fn a_snapshot_has_an_answer_for_itself_and_the_next_goes_on_behind_it() {
    let mut world = World::new(124);
    let small = written(&mut world, &[10, 20]);
    // Almost as large as a relay takes any; another for each opening.
    let large = [1, 2].map(|less| {
        snapshot(
            &world.a.clinic,
            &world.a.device,
            MAX_RELAYED_SNAPSHOT_BYTES - 64 * 1024 - less,
        )
    });
    assert!(
        large
            .iter()
            .all(|item| item.bytes.len() > MAX_RELAYED_SNAPSHOT_BYTES * 7 / 8)
    );
    pushed(&mut world, &large);
    let all = [&small[0], &large[0], &large[1], &small[1]];
    let (mut rest, mut answers) = (all.map(name).to_vec(), Vec::new());
    while !rest.is_empty() {
        let answer = asked(&mut world, &rest, BATCH_BYTES);
        assert!(!answer.is_empty(), "the first always fits");
        rest.drain(..answer.len());
        answers.push(answer);
    }
    assert_eq!(answers.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 1]);
    assert_eq!(answers.concat(), bodies(all));
}

/// It has everything, asks for this on the connection that it has, and hears no more than a refusal.
fn refused(world: &mut World, link: &mut Link, id: ChangeId, code: RefusedCode) {
    link.inject_up(DeviceMessage::AskChanges(vec![id].into()).encode());
    while link.deliver_up(&mut world.store, NOW, &mut world.rng).0 {}
    let heard: Vec<_> = link
        .frames_down()
        .map(|frame| RelayMessage::decode(frame).unwrap())
        .collect();
    let gives =
        |message: &RelayMessage| matches!(message, RelayMessage::NamedChanges(_) | RelayMessage::ShortChanges(_));
    assert!(!heard.iter().any(gives), "{heard:?}");
    assert_eq!(heard.last(), Some(&RelayMessage::Refused(code)));
}

fn a_removed_device_that_asks_on_the_connection_that_it_had_is_given_nothing() {
    let mut world = World::new(128);
    let items = written(&mut world, &[10]);
    let second = world.a.clinic.admit(NOW, &mut world.rng);
    let mut link = Link::open(&second, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert!(link.device().is_live());
    world.a.clinic.remove(&second, NOW, &mut world.rng);
    let known = roster(&world.a.clinic);
    world.store.set_roster(&known).unwrap();
    refused(&mut world, &mut link, name(&items[0]), RefusedCode::Removed);
}

fn a_suspended_clinic_that_asks_on_the_connection_that_it_had_is_given_nothing() {
    let mut world = World::new(129);
    let number = listed(&mut world);
    let items = written(&mut world, &[10]);
    let mut link = Link::open(&world.a.device, &world.store, &mut world.rng);
    settle(&mut [&mut link], &mut world.store, NOW, &mut world.rng);
    assert!(link.device().is_live());
    world.store.suspend_clinic(number, "unpaid", "test", NOW).unwrap();
    refused(&mut world, &mut link, name(&items[0]), RefusedCode::Suspended);
}

#[test]
fn half_a_thousand_names_are_two_journeys() {
    on_postgres(|| {
        let mut world = World::new(125);
        let items = written(&mut world, &[10; BATCH_ITEMS]);
        let ids: Vec<_> = items.iter().map(name).collect();
        let mut n_journeys = |ids: &[ChangeId]| {
            let before = world.store.n_journeys();
            asked(&mut world, ids, BATCH_BYTES);
            world.store.n_journeys() - before
        };
        // The first time statements are prepared, too.
        n_journeys(&ids);
        assert_eq!(n_journeys(&ids), 2, "how large they are; and those that fit");
        assert_eq!(n_journeys(&[nobodys(1); BATCH_ITEMS]), 1, "nothing of it is here");
    });
}

/// The words of the statement that the relay's connection asked last, when it is asked for these.
fn words(world: &mut World, beside: &mut Client, ids: &[ChangeId]) -> String {
    let (tenant, last) = (
        world.a.clinic.tenant,
        "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
         AND state = 'idle in transaction'",
    );
    world.store.step(|store| {
        store.named_changes(&tenant, ids, BATCH_BYTES).unwrap();
        beside.query_one(last, &[]).unwrap().get(0)
    })
}

fn beside(world: &World) -> Client {
    match &world.home {
        Home::Database(database) => database.raw(),
        Home::Folder => panic!("this test is about PostgreSQL"),
    }
}

/// From now on this connection is a relay's, in the scope of this clinic, and its planner decides in this mode.
fn as_relay(beside: &mut Client, clinic: &str, mode: &str) {
    let scope = format!(
        "SET ROLE medieco_relay; SET plan_cache_mode = force_{mode}_plan; SET medieco.tenant = '{clinic}'; DEALLOCATE ALL"
    );
    beside.batch_execute(&scope).unwrap();
}

/// Rows of no meaning, every other of them covered.
fn fill(beside: &mut Client, clinic: &str, n: u32) {
    let rows = format!(
        "INSERT INTO change (tenant, position, id, bytes, covered_ms)
         SELECT '\\x{clinic}', 100 + n, sha256(('{clinic}' || n)::bytea), '\\x00', nullif(n % 2, 0) FROM generate_series(1, {n}) AS n"
    );
    beside.batch_execute(&rows).unwrap();
}

/// Of a clinic that statistics have not heard of the planner believes that it has one row, which any index finds.
#[test]
fn each_name_is_found_by_the_index_that_has_it_whatever_the_statistics_say() {
    on_postgres(|| {
        let mut world = World::new(126);
        let mut beside = beside(&world);
        let items = written(&mut world, &[10]);
        let all = [nobodys(1), name(&items[0])].map(|id| words(&mut world, &mut beside, &[id]));
        assert!(
            all[0].contains("THEN length(bytes)") && all[1].contains("THEN bytes"),
            "{all:?}"
        );
        let [a, b] = [&world.a, &world.b].map(|side| hex::encode(side.clinic.tenant.as_bytes()));
        let look = |beside: &mut Client, when: &str| {
            for (words, mode) in all.iter().flat_map(|words| [(words, "custom"), (words, "generic")]) {
                as_relay(beside, &a, mode);
                let ids = vec![format!("\"\\\\x{}\"", "07".repeat(32)); 512].join(",");
                let asked = format!("EXPLAIN EXECUTE asked('\\x{a}', '{{{ids}}}')");
                beside.batch_execute(&format!("PREPARE asked AS {words}")).unwrap();
                let plan: Vec<String> = beside
                    .query(&asked, &[])
                    .unwrap()
                    .iter()
                    .map(|row| row.get(0))
                    .collect();
                let by_name = plan
                    .iter()
                    .any(|line| line.contains("Index Cond") && line.contains("id = asked.id"));
                assert!(by_name, "{when}, {mode}: {words}\n{}", plan.join("\n"));
                beside.batch_execute("RESET ROLE").unwrap();
            }
        };
        beside
            .batch_execute("ALTER TABLE change SET (autovacuum_enabled = false)")
            .unwrap();
        fill(&mut beside, &a, 20_000);
        look(&mut beside, "never analyzed");
        beside.batch_execute("TRUNCATE change").unwrap();
        fill(&mut beside, &b, 12_000);
        beside.batch_execute("ANALYZE change").unwrap();
        look(&mut beside, "without a row of it");
        fill(&mut beside, &a, 3_000);
        look(&mut beside, "with rows that came since");
        beside.batch_execute("ANALYZE change").unwrap();
        look(&mut beside, "analyzed with them");
    });
}

#[test]
fn who_asks_in_another_clinics_scope_finds_nothing_even_with_the_first_ones_id() {
    on_postgres(|| {
        let mut world = World::new(127);
        let mut beside = beside(&world);
        let items = written(&mut world, &[10]);
        let all = [nobodys(1), name(&items[0])].map(|id| words(&mut world, &mut beside, &[id]));
        let [a, b] = [&world.a, &world.b].map(|side| hex::encode(side.clinic.tenant.as_bytes()));
        let (of, ids) = (world.a.clinic.tenant, [name(&items[0])]);
        let (of, ids) = (
            of.as_bytes().as_slice(),
            ids.each_ref().map(|id| id.as_bytes().as_slice()),
        );
        for words in &all {
            for (clinic, n) in [(a.as_str(), 1), (b.as_str(), 0), ("", 0)] {
                as_relay(&mut beside, clinic, "custom");
                let found = beside.query(words, &[&of, &ids.as_slice()]).unwrap();
                assert_eq!(found.len(), n, "in the scope of {clinic:?}: {words}");
            }
        }
    });
}
