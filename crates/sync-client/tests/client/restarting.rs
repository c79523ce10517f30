//! A relay that stops says when to come again, and is believed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sync_client::{Ports, RelayAddress, SyncHandle};
use sync_protocol::again_after;
use sync_protocol::sim::SimClinic;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// More than twice what a device waits after a first loss.
const AGAIN_MS: u32 = 500;

#[tokio::test]
async fn a_device_comes_again_when_the_relay_said_and_not_before() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let relay: RelayAddress = format!("ws://{address}").parse().unwrap();
    let (_, device) = SimClinic::found(0, &mut ChaCha20Rng::from_seed([1; 32]));
    let ports = Ports {
        clock: Arc::new(|| 0),
        rng: Box::new(ChaCha20Rng::from_seed([2; 32])),
    };
    let store: Arc<dyn sync_protocol::SyncStore> = Arc::clone(&device.store) as _;
    let sync = SyncHandle::start(store, relay, (*device.keys).clone(), ports, &Handle::current());
    for _ in 0..2 {
        let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        let goodbye = CloseFrame {
            code: 1012.into(),
            reason: again_after::say(AGAIN_MS).into(),
        };
        socket.send(Message::Close(Some(goodbye))).await.unwrap();
        let said = Instant::now();
        while let Some(Ok(_)) = socket.next().await {}
        let mut state = sync.state();
        state.wait_for(|state| state.error_code == Some("lost")).await.unwrap();
        let (tcp, _) = listener.accept().await.unwrap();
        assert!(
            said.elapsed() >= Duration::from_millis(AGAIN_MS.into()),
            "{:?}",
            said.elapsed()
        );
        drop(tcp);
    }
    sync.stop().await;
}
