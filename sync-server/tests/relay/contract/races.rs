//! Many threads at once. On SQLite each has its own connection to the one file, as another program would.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rand_chacha::ChaCha20Rng;
use seal::{Grant, GrantId, Release, TenantId};
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{
    AuditOutcome, Checked, Feed, NO_CHAIN, OutId, OutItem, Page, RelayStore, ReleaseAnswer, ReleaseAsk, SyncStore,
    follow,
};
use sync_server::Store;

use super::{make_store, on_both, open};
use crate::world::{NOW, Side, World, rng, roster};

on_both! {
    no_cursor_ever_skips_a_position_while_many_write,
    nothing_is_given_after_a_revocation_is_acknowledged,
    clinics_that_give_and_ask_crosswise_all_get_their_answers,
}

const WRITERS: usize = 3;
const PUSHES: usize = 12;
const DAY: i64 = 86_400_000;
const ALL: Page = Page {
    after: 0,
    max_items: 100_000,
    max_bytes: usize::MAX,
};

fn checked(item: OutItem) -> Checked {
    let bytes = item.bytes;
    match item.id {
        OutId::Change(id) => Checked::Change {
            id,
            bytes,
            is_bodyless: false,
        },
        OutId::Grant(_) => Checked::Grant {
            clear: Grant::decode(&bytes).unwrap().clear().clone(),
            bytes,
        },
        OutId::Revocation(grant) => Checked::Revocation { grant, bytes },
        OutId::Release(id) => {
            let header = Release::decode(&bytes).unwrap().header().clone();
            Checked::Release {
                id,
                supersedes: header.supersedes,
                grants: header.grants,
                bytes,
            }
        }
        OutId::Covered(id) => Checked::Covered { id },
        OutId::Erased(id) => Checked::Erased { id },
    }
}

/// All that the device has written and not sent.
fn unsent(device: &SimDevice) -> Vec<Checked> {
    let items = device.store.outbox(10_000, usize::MAX).unwrap();
    let ids: Vec<OutId> = items.iter().map(|item| item.id).collect();
    device.store.mark_sent(&ids).unwrap();
    items.into_iter().map(checked).collect()
}

fn pushes(device: &mut SimDevice, rng: &mut ChaCha20Rng) -> Vec<Vec<Checked>> {
    let sizes = (0..PUSHES).map(|nth| 1 + nth % 4);
    sizes
        .map(|n| (0..n).map(|_| checked(device.seal(10, rng))).collect())
        .collect()
}

fn n_changes() -> usize {
    (0..PUSHES).map(|nth| 1 + nth % 4).sum()
}

/// Reads on from the cursor; no position may be missing between two that were seen.
fn read_on(store: &mut Store, tenant: &TenantId, heard: &mut Vec<Vec<u8>>) {
    let page = Page {
        after: heard.len() as u64,
        max_items: 5,
        max_bytes: usize::MAX,
    };
    for (position, bytes) in store.changes(tenant, page).unwrap() {
        assert_eq!(position, heard.len() as u64 + 1, "a cursor went over what came later");
        heard.push(bytes.expect("nothing is covered here"));
    }
}

fn no_cursor_ever_skips_a_position_while_many_write() {
    let mut rng = rng(30);
    let (mut store, folder, home) = make_store(&mut rng);
    let mut clinics: Vec<(SimClinic, Vec<SimDevice>)> = (0..2)
        .map(|_| {
            let (mut clinic, first) = SimClinic::found(NOW, &mut rng);
            let mut devices = vec![first];
            devices.extend((1..WRITERS).map(|_| clinic.admit(NOW, &mut rng)));
            store.set_roster(&roster(&clinic)).unwrap();
            (clinic, devices)
        })
        .collect();
    let all = WRITERS * n_changes();
    let n_writing = AtomicUsize::new(clinics.len() * WRITERS);
    let begin = Barrier::new(clinics.len() * (WRITERS + 2));
    thread::scope(|scope| {
        for (clinic, devices) in &mut clinics {
            let tenant = clinic.tenant;
            for device in devices {
                let (work, mut store) = (pushes(device, &mut rng), open(&folder, &home, &mut rng));
                let (begin, n_writing) = (&begin, &n_writing);
                scope.spawn(move || {
                    begin.wait();
                    for push in work {
                        let pushed = store.push(&tenant, &push, NOW).unwrap();
                        let first = pushed.positions[0].unwrap();
                        let wanted: Vec<_> = (0..push.len() as u64).map(|nth| Some(first + nth)).collect();
                        assert_eq!(pushed.positions, wanted);
                    }
                    n_writing.fetch_sub(1, Ordering::SeqCst);
                });
            }
            for _ in 0..2 {
                let mut store = open(&folder, &home, &mut rng);
                let (begin, n_writing) = (&begin, &n_writing);
                scope.spawn(move || {
                    begin.wait();
                    let mut heard = Vec::new();
                    while n_writing.load(Ordering::SeqCst) > 0 {
                        read_on(&mut store, &tenant, &mut heard);
                    }
                    while heard.len() < all {
                        let before = heard.len();
                        read_on(&mut store, &tenant, &mut heard);
                        assert!(heard.len() > before, "only {before} of {all} were ever seen");
                    }
                    let ids = heard
                        .iter()
                        .map(|bytes| seal::SealedChange::decode(bytes).unwrap().id());
                    let chain = ids.fold(NO_CHAIN, |chain, id| follow(&chain, id.as_bytes()));
                    assert_eq!(store.chain(&tenant, Feed::Changes, all as u64).unwrap(), chain);
                });
            }
        }
    });
}

fn ask(store: &mut Store, side: (TenantId, seal::DeviceId), grant: GrantId) -> ReleaseAnswer {
    let (requester, device) = side;
    let ask = ReleaseAsk {
        request: [7; 16],
        requester,
        device,
        grant,
        page: ALL,
        now_ms: NOW,
    };
    store.pull_releases(&ask).unwrap()
}

fn who(side: &Side) -> (TenantId, seal::DeviceId) {
    (side.clinic.tenant, side.device.keys.id())
}

fn give(from: &Side, to: &Side, n_releases: usize, rng: &mut ChaCha20Rng) -> GrantId {
    let recipient = to.clinic.membership();
    let grant = from.device.grant(&recipient, NOW, NOW + DAY, rng);
    for _ in 0..n_releases {
        from.device.release(&grant, &recipient, None, 100, rng);
    }
    grant.clear().id
}

fn nothing_is_given_after_a_revocation_is_acknowledged() {
    let mut world = World::new(31);
    let grants: Vec<GrantId> = (0..8).map(|_| give(&world.a, &world.b, 3, &mut world.rng)).collect();
    let given = unsent(&world.a.device);
    let (of_a, of_b) = (who(&world.a), who(&world.b));
    world.store.push(&of_a.0, &given, NOW).unwrap();
    grants.iter().for_each(|grant| world.a.device.revoke(*grant, NOW));
    let revocations = unsent(&world.a.device);
    let acknowledged: BTreeMap<GrantId, AtomicBool> = grants.iter().map(|id| (*id, AtomicBool::new(false))).collect();
    let begin = Barrier::new(3);
    let n_denied = AtomicUsize::new(0);
    thread::scope(|scope| {
        let mut store = open(&world.folder, &world.home, &mut world.rng);
        scope.spawn(|| {
            begin.wait();
            for revocation in revocations {
                let Checked::Revocation { grant, .. } = &revocation else {
                    panic!()
                };
                let grant = *grant;
                store.push(&of_a.0, &[revocation], NOW).unwrap();
                acknowledged[&grant].store(true, Ordering::SeqCst);
            }
            drop(store);
        });
        for _ in 0..2 {
            let mut store = open(&world.folder, &world.home, &mut world.rng);
            let (begin, acknowledged, n_denied) = (&begin, &acknowledged, &n_denied);
            scope.spawn(move || {
                begin.wait();
                let mut open: Vec<&GrantId> = acknowledged.keys().collect();
                while !open.is_empty() {
                    open.retain(|grant| {
                        let was_acknowledged = acknowledged[*grant].load(Ordering::SeqCst);
                        match ask(&mut store, of_b, **grant) {
                            ReleaseAnswer::Served { items, .. } => {
                                assert!(!was_acknowledged, "given after its revocation");
                                assert_eq!(items.len(), 3, "a batch is whole, or denied");
                                true
                            }
                            ReleaseAnswer::Denied { outcome, .. } => {
                                assert_eq!(outcome, AuditOutcome::DeniedRevoked);
                                n_denied.fetch_add(1, Ordering::SeqCst);
                                false
                            }
                        }
                    });
                }
            });
        }
    });
    assert_eq!(n_denied.load(Ordering::SeqCst), 2 * grants.len());
    assert_eq!(world.n_bodies(), 0);
    let denied = |lines: &[sync_protocol::AuditLine]| lines.iter().filter(|line| !line.permitted()).count();
    let (lines_of_a, lines_of_b) = (world.audit(crate::world::a), world.audit(crate::world::b));
    assert_eq!(denied(&lines_of_a), 2 * grants.len());
    assert_eq!(lines_of_a.len(), lines_of_b.len(), "both audits have every access");
}

fn clinics_that_give_and_ask_crosswise_all_get_their_answers() {
    let mut world = World::new(32);
    let first = [
        give(&world.a, &world.b, 1, &mut world.rng),
        give(&world.b, &world.a, 1, &mut world.rng),
    ];
    let sides = [who(&world.a), who(&world.b)];
    let initial = [unsent(&world.a.device), unsent(&world.b.device)];
    for (side, items) in sides.iter().zip(initial) {
        world.store.push(&side.0, &items, NOW).unwrap();
    }
    let more = [
        (0..10)
            .map(|_| give(&world.a, &world.b, 1, &mut world.rng))
            .collect::<Vec<_>>(),
        (0..10).map(|_| give(&world.b, &world.a, 1, &mut world.rng)).collect(),
    ];
    let more_items = [unsent(&world.a.device), unsent(&world.b.device)];
    let begin = Barrier::new(4);
    thread::scope(|scope| {
        for (nth, items) in more_items.into_iter().enumerate() {
            let mut giving = open(&world.folder, &world.home, &mut world.rng);
            let mut asking = open(&world.folder, &world.home, &mut world.rng);
            let begin = &begin;
            let (giver, asker) = (sides[nth], sides[1 - nth]);
            let grant = first[nth];
            scope.spawn(move || {
                begin.wait();
                for item in items {
                    assert_eq!(giving.push(&giver.0, &[item], NOW).unwrap().refusals, [None]);
                }
            });
            scope.spawn(move || {
                begin.wait();
                for _ in 0..20 {
                    let answer = ask(&mut asking, asker, grant);
                    assert!(matches!(answer, ReleaseAnswer::Served { .. }), "{answer:?}");
                }
            });
        }
    });
    for (nth, grants) in more.iter().enumerate() {
        for grant in grants {
            let answer = ask(&mut world.store, sides[1 - nth], *grant);
            let ReleaseAnswer::Served { items, .. } = answer else {
                panic!("{answer:?}")
            };
            assert_eq!(items.len(), 1);
        }
    }
    // 11 grants each way, each told to both.
    assert_eq!(world.store.heads(&sides[0].0).unwrap().consents, 22);
    world.audit(crate::world::a);
    world.audit(crate::world::b);
}
