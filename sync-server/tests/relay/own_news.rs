//! Whoever pushes is told with the answer how things are then, and is not woken by his own news; what others push meanwhile wakes
//! him as ever. Nobody looks without being woken here.

use std::time::Duration;

use sync_client::{RelayAddress, SyncHandle};
use sync_protocol::RelayStore;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_server::{DatabaseUrl, RunningRelay, ServeOptions, Timers, now_ms, serve_with};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::contract::cluster::Database;
use crate::journeys::{held, start, until};
use crate::operated::{figure_in, http};
use crate::world::{NOW, rng, roster};

struct Relay {
    relay: RunningRelay,
    folder: TempDir,
    _stop: oneshot::Sender<()>,
}

impl Relay {
    async fn start(database: Option<DatabaseUrl>, beside: Option<&Self>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(beside) = beside {
            let key = |of: &TempDir| of.path().join("relay.key");
            std::fs::copy(key(&beside.folder), key(&folder)).unwrap();
        }
        let local = "127.0.0.1:0".parse().unwrap();
        let options = ServeOptions {
            database,
            admin: Some(local),
            ..ServeOptions::new(folder.path(), local)
        };
        let timers = Timers {
            look_again: Duration::from_secs(24 * 60 * 60),
            ..Timers::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let relay = serve_with(options, timers, async { drop(stopped.await) })
            .await
            .unwrap();
        Self {
            relay,
            folder,
            _stop: stop,
        }
    }

    async fn connect(&self, device: &SimDevice) -> SyncHandle {
        let sync = start(device, &RelayAddress::new(&self.relay.reachable.url, None).unwrap());
        until(&sync, |state| state.connected).await;
        sync
    }

    async fn join(&self, clinic: &SimClinic) {
        let (roster, name) = (roster(clinic), clinic.tenant.to_string());
        let joined = self.relay.writer.run(move |store| {
            let (token, _) = store.add_clinic(&name, now_ms(), &mut rand::rng()).unwrap();
            store.redeem(&token.hash(), &roster, now_ms()).unwrap()
        });
        joined.await.unwrap();
    }

    /// How many jobs of connections the store has done.
    async fn n_jobs(&self) -> f64 {
        let admin = self.relay.admin.unwrap().to_string();
        let ask = move || http(&admin, "GET /metrics HTTP/1.1\r\nHost: relay\r\n\r\n").unwrap().1;
        let text = tokio::task::spawn_blocking(ask).await.unwrap();
        figure_in(&text, "store_job_seconds_count").unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_two_jobs_of_the_store_and_its_own_news_are_none() {
    let relay = Relay::start(None, None).await;
    let rng = &mut rng(241);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    relay.join(&clinic).await;
    let sync = relay.connect(&device).await;
    let mut n_before = 0.0;
    for nth in 1..=21 {
        device.write(rng);
        sync.nudge();
        until(&sync, |state| state.pending == 0 && state.position == nth).await;
        if nth == 1 {
            // What belongs to coming is over by the second push.
            n_before = relay.n_jobs().await;
        }
    }
    let n_jobs = relay.n_jobs().await - n_before;
    // An acknowledgement may stand for two, or belong to what was before. Woken by its own news it would be sixty.
    assert!(
        (20.0..=45.0).contains(&n_jobs),
        "{n_jobs} for twenty pushes and their acknowledgements"
    );
    sync.stop().await;
}

/// Two devices push at the same moment, again and again, and each hears of all that the other pushed.
async fn race(one: &Relay, two: &Relay, seed: u8) {
    let rng = &mut rng(seed);
    let (mut clinic, mut first) = SimClinic::found(NOW, rng);
    let mut second = clinic.admit(NOW, rng);
    one.join(&clinic).await;
    let (sync_1, sync_2) = (one.connect(&first).await, two.connect(&second).await);
    for round in 1..=50 {
        first.write(rng);
        second.write(rng);
        sync_1.nudge();
        sync_2.nudge();
        for sync in [&sync_1, &sync_2] {
            until(sync, |state| state.pending == 0 && state.position == 2 * round).await;
        }
    }
    assert_eq!(held(&first.store).len(), 100);
    assert_eq!(held(&first.store), held(&second.store));
    assert_eq!((first.store.held().lies.len(), second.store.held().lies.len()), (0, 0));
    sync_1.stop().await;
    sync_2.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_push_at_once_neither_misses_what_the_other_pushed() {
    let relay = Relay::start(None, None).await;
    race(&relay, &relay, 242).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_where_both_are_at_one_of_several_nodes_or_each_at_its_own() {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
    let one = Relay::start(Some(database.relay()), None).await;
    let two = Relay::start(Some(database.relay()), Some(&one)).await;
    race(&one, &one, 243).await;
    race(&one, &two, 244).await;
}
