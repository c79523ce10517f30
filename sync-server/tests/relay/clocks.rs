//! A device's clock that jumps while it is connected to the real program.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sync_client::{Ports, SyncHandle};
use sync_protocol::SyncStore;
use sync_protocol::sim::SimClinic;
use tokio::runtime::Handle;

use crate::journeys::{held, held_by_relay, joined, until};
use crate::process::Process;
use crate::world::{NOW, rng};

const HOUR_MS: i64 = 60 * 60 * 1000;
const THREE_YEARS_MS: i64 = 3 * 365 * 24 * HOUR_MS;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_in_mid_session_stops_nothing_and_the_next_greeting_shows_how_wrong_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let (clinic, mut device) = SimClinic::found(NOW, &mut rng(1));
    joined(folder.path(), &clinic, "Klinik Satu").await;
    let clock = Arc::new(AtomicI64::new(NOW));
    let shown = Arc::clone(&clock);
    let ports = Ports {
        clock: Arc::new(move || shown.load(Ordering::SeqCst)),
        rng: Box::new(rng(2)),
    };
    let store: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let keys = (*device.keys).clone();
    let sync = SyncHandle::start(store, relay.address.clone(), keys, ports, &Handle::current());
    let first = until(&sync, |state| state.connected).await.relay_clock_ahead_ms;
    for (n, jump) in (1..).zip([HOUR_MS, -HOUR_MS - THREE_YEARS_MS, THREE_YEARS_MS, -HOUR_MS]) {
        clock.fetch_add(jump, Ordering::SeqCst);
        device.write(&mut rng(3 + n));
        sync.nudge();
        let state = until(&sync, |state| state.position == u64::from(n) && state.pending == 0).await;
        assert!(
            state.connected && state.relay_clock_ahead_ms == first,
            "it is the same connection"
        );
    }
    sync.stop().await;
    assert_eq!(held_by_relay(folder.path(), &clinic), held(&device.store));

    // A connection that begins three years behind: the greeting says so, and everything is sent all the same.
    let shown = NOW - THREE_YEARS_MS;
    let ports = Ports {
        clock: Arc::new(move || shown),
        rng: Box::new(rng(8)),
    };
    device.write(&mut rng(9));
    let store: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let keys = (*device.keys).clone();
    let sync = SyncHandle::start(store, relay.address.clone(), keys, ports, &Handle::current());
    let state = until(&sync, |state| state.position == 5 && state.pending == 0).await;
    let ahead = state.relay_clock_ahead_ms.unwrap() - first.unwrap();
    assert!(
        ahead >= THREE_YEARS_MS,
        "the device knows that its clock is {ahead} ms behind"
    );
    sync.stop().await;
}
