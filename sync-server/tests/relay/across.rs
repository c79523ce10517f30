//! Two nodes in one process, and devices of two clinics, one at each: what one clinic says the other hears.

use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use seal::{DirectoryCard, DirectoryEntry, Mail, MailContent, MailId, MailKind};
use sync_client::{RelayAddress, SyncHandle};
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{MailState, RelayStore, RelayUsage};
use sync_server::{PlanTerms, RunningRelay, ServeOptions, Timers, now_ms, serve_with};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use crate::contract::cluster::Database;
use crate::journeys::{start, until};
use crate::world::{NOW, rng, roster};

const DAY: i64 = 86_400_000;
/// Nothing here takes this long.
const DEADLINE: Duration = Duration::from_secs(60);
/// Nobody looks without being woken, as far as a test goes.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);
/// What is a minute in the field.
const SOON: Duration = Duration::from_millis(200);

struct Node {
    relay: RunningRelay,
    address: RelayAddress,
    folder: TempDir,
    _stop: oneshot::Sender<()>,
}

impl Node {
    async fn start(database: &Database, of: Option<&Self>, look_again: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(of) = of {
            std::fs::copy(of.folder.path().join("relay.key"), folder.path().join("relay.key")).unwrap();
        }
        let options = ServeOptions {
            database: Some(database.relay()),
            ..ServeOptions::new(folder.path(), "127.0.0.1:0".parse().unwrap())
        };
        let timers = Timers {
            look_again,
            ..Timers::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let relay = serve_with(options, timers, async { drop(stopped.await) })
            .await
            .unwrap();
        let address = RelayAddress::new(&relay.reachable.url, None).unwrap();
        Self {
            relay,
            address,
            folder,
            _stop: stop,
        }
    }
}

/// Clinic A's devices are at one node and clinic B's at the other.
struct Scene {
    rng: ChaCha20Rng,
    one: Node,
    two: Node,
    a: SimClinic,
    b: SimClinic,
    of_a: SimDevice,
    of_b: SimDevice,
    sync_a: SyncHandle,
    sync_b: SyncHandle,
}

impl Scene {
    async fn set(seed: u8, look_again: Duration) -> Self {
        let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
        let mut rng = rng(seed);
        let one = Node::start(&database, None, look_again).await;
        let two = Node::start(&database, Some(&one), look_again).await;
        let (a, of_a) = SimClinic::found(NOW, &mut rng);
        let (b, of_b) = SimClinic::found(NOW, &mut rng);
        for clinic in [&a, &b] {
            let (clinic, name) = (roster(clinic), clinic.tenant.to_string());
            let joined = one.relay.writer.run(move |store| {
                let (token, _) = store.add_clinic(&name, now_ms(), &mut rand::rng()).unwrap();
                store.redeem(&token.hash(), &clinic, now_ms()).unwrap()
            });
            joined.await.unwrap();
        }
        let (sync_a, sync_b) = (start(&of_a, &one.address), start(&of_b, &two.address));
        until(&sync_a, |state| state.connected).await;
        until(&sync_b, |state| state.connected).await;
        let scene = Self {
            rng,
            one,
            two,
            a,
            b,
            of_a,
            of_b,
            sync_a,
            sync_b,
        };
        scene.settle().await;
        scene
    }

    /// A change of each clinic's goes to its relay and back: whatever was told to them before has been heard.
    async fn settle(&self) {
        for (sync, device) in [(&self.sync_a, &self.of_a), (&self.sync_b, &self.of_b)] {
            sync.nudge();
            let store = Arc::clone(&device.store);
            until(sync, move |state| {
                state.pending == 0 && state.position >= store.held().changes.len() as u64
            })
            .await;
        }
    }

    async fn stop(self) {
        self.sync_a.stop().await;
        self.sync_b.stop().await;
    }
}

/// Waits for what shows in no state.
async fn holds(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, waiting).await.expect(what);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_reaches_a_device_at_another_node_at_once_and_its_sender_hears_what_became_of_it() {
    let mut scene = Scene::set(130, NEVER).await;
    let content = MailContent {
        kind: MailKind::ReferralLetter,
        written_ms: NOW,
        bytes: b"Please see her.".to_vec().into(),
    };
    let began = Instant::now();
    let mut ids = Vec::new();
    for nth in 1..=3 {
        let id = MailId::make(&mut scene.rng);
        let (to, keys) = (scene.b.membership(), &scene.of_a.keys);
        let letter = Mail::seal(id, scene.a.tenant, &content, &to, keys, &mut scene.rng).unwrap();
        scene.of_a.store.write_mail(&letter);
        scene.sync_a.nudge();
        holds("it came", || scene.of_b.store.held().mailed.came.len() == nth).await;
        ids.push(id);
    }
    let state = |id| scene.of_a.store.held().mailed.states.get(&id).map(|told| told.state);
    for id in ids {
        holds("delivered", || state(id) == Some(MailState::Delivered)).await;
        scene.of_b.store.read_mail(scene.a.tenant, id);
        scene.sync_b.nudge();
        holds("read", || state(id) == Some(MailState::Read)).await;
    }
    assert!(began.elapsed() < NEVER, "woken");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_card_that_is_published_at_one_node_is_told_at_the_other_by_the_next_look() {
    let scene = Scene::set(131, SOON).await;
    let entry = DirectoryEntry {
        name: "Klinik Satu".to_owned(),
        telephone: String::new(),
        address: String::new(),
        specialties: Vec::new(),
        accepts_referrals: true,
    };
    let card = DirectoryCard::make(scene.a.tenant, 1, NOW, Some(entry), &scene.of_a.keys).unwrap();
    scene.of_a.store.sign_card(&card);
    scene.sync_a.nudge();
    let told = || scene.of_b.store.held().mailed.cards.contains_key(&scene.a.tenant);
    holds("the card", told).await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_sign_one_head_of_a_day_and_devices_at_both_are_told_the_same() {
    let mut scene = Scene::set(132, SOON).await;
    let now = now_ms();
    let recipient = scene.b.membership();
    let grant = scene.of_a.grant(&recipient, NOW - DAY, now + DAY, &mut scene.rng);
    scene.of_a.release(&grant, &recipient, None, 1_000, &mut scene.rng);
    // A second device of the clinic that gives, at the other node.
    let second = scene.a.admit(NOW, &mut scene.rng);
    scene.of_a.learn(&scene.a);
    let sync_second = start(&second, &scene.two.address);
    scene.sync_a.nudge();
    holds("the release", || scene.of_b.store.held().releases.len() == 1).await;
    let heads = |device: &SimDevice| device.store.held().audit_kept.heads;
    holds("heads", || {
        [&scene.of_a, &second, &scene.of_b]
            .iter()
            .all(|device| !heads(device).is_empty())
    })
    .await;
    assert_eq!(heads(&scene.of_a), heads(&second));
    assert_eq!((heads(&scene.of_a).len(), heads(&scene.of_b).len()), (1, 1));
    let (of_a, tenant) = (scene.of_a.store.held().audit, scene.a.tenant);
    assert_eq!(of_a, second.store.held().audit);
    let signed = scene.two.relay.writer.run(move |store| store.signed_heads(&tenant));
    assert_eq!(signed.await.unwrap().unwrap().len(), 1);
    sync_second.stop().await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_is_given_at_one_node_is_told_at_the_other_once_its_use_is_counted() {
    let mut scene = Scene::set(133, SOON).await;
    let (tenant, name) = (scene.a.tenant, scene.a.tenant.to_string());
    let kept = |bytes: u64| PlanTerms {
        bytes: Some(bytes),
        ..PlanTerms::default()
    };
    let give = move |store: &mut sync_server::Store| {
        store.set_plan("Kecil", &kept(1_000_000), "aisyah", now_ms()).unwrap();
        store
            .put_on_plan(&name, Some("Kecil"), None, "aisyah", now_ms())
            .unwrap();
    };
    scene.two.relay.writer.run(give).await.unwrap();
    // What devices said at either node is counted together.
    for (node, n) in [(&scene.one, 3), (&scene.two, 4)] {
        let add = move |store: &mut sync_server::Store| store.add_requests(&[(tenant, n)], now_ms()).unwrap();
        node.relay.writer.run(add).await.unwrap();
    }
    // A minute or two later it is counted anew, and told.
    let count = move |store: &mut sync_server::Store| store.usage(&tenant, now_ms() + 10 * 60_000).unwrap();
    let counted = scene.one.relay.writer.run_for(Some(tenant), count).await.unwrap();
    assert!(counted.requests.used >= Some(7), "{counted:?}");
    scene.of_a.write(&mut scene.rng);
    scene.sync_a.nudge();
    let limit = || {
        let usage = scene.of_a.store.held().usage;
        usage.and_then(|usage| usage.bytes.limit) == Some(1_000_000)
    };
    holds("the limit", limit).await;
    scene.stop().await;
}
