//! A device that is there no more and does not say so: after its time of silence it is cut, whatever goes on meanwhile.
//!
//! The relay's timers are a fiftieth of the real ones, and stand to each other as those do.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sync_protocol::memory::MemoryStore;
use sync_protocol::{DeviceSession, RelayStore, SyncStore};
use sync_server::{RunningRelay, ServeOptions, Store, Timers, serve_with};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::world::{NOW, rng, roster};

pub type Socket = WebSocketStream<TcpStream>;

pub async fn dial(relay: &RunningRelay) -> Socket {
    let tcp = TcpStream::connect(relay.address).await.unwrap();
    client_async(format!("ws://{}/sync", relay.address), tcp)
        .await
        .unwrap()
        .0
}

/// Hears and answers until `enough`.
pub async fn speak(session: &mut DeviceSession, socket: &mut Socket, enough: impl Fn(&DeviceSession) -> bool) {
    while !enough(session) {
        let Some(Ok(message)) = socket.next().await else {
            panic!("the relay hung up")
        };
        let Message::Binary(frame) = message else { continue };
        for frame in session.receive(&frame, NOW).unwrap().send {
            socket.send(Message::binary(frame)).await.unwrap();
        }
    }
}

/// When the relay has no connection any more; `None` when it still has one after `most`.
async fn until_cut(relay: &RunningRelay, most: Duration) -> Option<Duration> {
    let began = Instant::now();
    let cut = async {
        while relay.hub.n_connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(most, cut).await.ok().map(|()| began.elapsed())
}

fn timers() -> Timers {
    let real = Timers::default();
    Timers {
        hello_within: real.hello_within,
        ping_after: real.ping_after / 50,
        silence: real.silence / 50,
        look_again: real.look_again / 50,
        ..real
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_is_cut_after_its_silence_and_goes_on_where_it_was() {
    assert_eq!(Timers::default().silence, Duration::from_secs(75));
    let rng = &mut rng(77);
    let (clinic, mut device) = sync_protocol::sim::SimClinic::found(NOW, rng);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), rng).unwrap();
    store.set_roster(&roster(&clinic)).unwrap();
    drop(store);
    let options = ServeOptions::new(folder.path(), "127.0.0.1:0".parse().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let relay = serve_with(options, timers(), async { drop(stopped.await) })
        .await
        .unwrap();

    // The clinic has 2 000 changes at the relay.
    (0..2_000).for_each(|_| device.write(rng));
    let own: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let mut session = DeviceSession::new(Arc::clone(&own), Arc::clone(&device.keys));
    let mut socket = dial(&relay).await;
    speak(&mut session, &mut socket, |_| own.pending().unwrap() == 0).await;
    drop(socket);
    while relay.hub.n_connections() > 0 {
        tokio::task::yield_now().await;
    }

    // An empty store of the same device hears the first of them, and then reads no more.
    let new = Arc::new(MemoryStore::new(own.tenant(), own.statements().unwrap()));
    let empty: Arc<dyn SyncStore> = Arc::clone(&new) as _;
    let mut session = DeviceSession::new(Arc::clone(&empty), Arc::clone(&device.keys));
    let mut silent = dial(&relay).await;
    speak(&mut session, &mut silent, |_| !new.held().changes.is_empty()).await;
    let n_heard = new.held().changes.len();
    assert!(n_heard < 2_000, "{n_heard} at once");
    let cut = until_cut(&relay, Duration::from_secs(30)).await;
    let cut = cut.expect("a silent reader is cut");
    assert!(cut + Duration::from_millis(100) >= timers().silence, "after {cut:?}");

    // It comes back, and has each of them once.
    drop((silent, session));
    let mut session = DeviceSession::new(empty, Arc::clone(&device.keys));
    let mut socket = dial(&relay).await;
    speak(&mut session, &mut socket, |_| new.held().changes.len() == 2_000).await;
    assert_eq!(new.held().changes, device.store.held().changes);
    assert_eq!(new.held().lies, []);

    // Whoever answers pings is there, however little it has to say.
    let answering = tokio::spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
    assert_eq!(until_cut(&relay, 3 * timers().silence).await, None);
    answering.abort();
    drop(stop);
    relay.stopped().await.unwrap();
}
