//! A connection on which nothing is said for a while lets go of what it can, and goes on as if it had not.

use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt;
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::SimClinic;
use sync_protocol::{DeviceSession, RelayStore, SyncStore};
use sync_server::{ServeOptions, Store, Timers, serve_with};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;

use crate::silent::{dial, speak};
use crate::world::{NOW, rng, roster};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_written_to_after_each_rest_understands_every_word() {
    let rng = &mut rng(90);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), rng).unwrap();
    store.set_roster(&roster(&clinic)).unwrap();
    drop(store);
    // It rests whenever nothing was said for a millisecond.
    let timers = Timers {
        look_again: Duration::from_millis(1),
        ..Timers::default()
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let options = ServeOptions::new(folder.path(), "127.0.0.1:0".parse().unwrap());
    let relay = serve_with(options, timers, async { drop(stopped.await) })
        .await
        .unwrap();

    let own: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let new = Arc::new(MemoryStore::new(own.tenant(), own.statements().unwrap()));
    let mut writing = DeviceSession::new(Arc::clone(&own), Arc::clone(&device.keys));
    let mut hearing = DeviceSession::new(Arc::clone(&new) as _, Arc::clone(&device.keys));
    let (mut there, mut here) = (dial(&relay).await, dial(&relay).await);
    device.write(rng);
    speak(&mut writing, &mut there, |_| own.pending().unwrap() == 0).await;
    for n in 2..=60 {
        device.write(rng);
        for frame in writing.nudge().unwrap().send {
            there.send(Message::binary(frame)).await.unwrap();
        }
        speak(&mut writing, &mut there, |_| own.pending().unwrap() == 0).await;
        // One connection for all of it: a word that is not understood is an error here.
        speak(&mut hearing, &mut here, |_| new.held().changes.len() == n).await;
    }
    assert_eq!(new.held().changes, device.store.held().changes);
    drop((stop, here, there));
    relay.stopped().await.unwrap();
}
