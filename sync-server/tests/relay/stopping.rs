//! A relay that is asked to stop: who is here is told when to come again, what was received is acknowledged, and it ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{SinkExt, StreamExt};
use sync_protocol::sim::SimClinic;
use sync_protocol::{DeviceSession, OutId, SyncStore, again_after};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::journeys::{held_by_relay, joined};
use crate::operated::{DEADLINE, Operated, http};
use crate::world::{NOW, rng};

/// Those who are slow are waited for: how fast this machine is decides nothing.
const PATIENT: [&str; 4] = ["--goodbye-within", "600", "--admin", "127.0.0.1:0"];

const MORE_THAN_A_PUSH: u64 = 2_000;

async fn dial(listen: &str) -> WebSocketStream<TcpStream> {
    let tcp = TcpStream::connect(listen).await.unwrap();
    let (mut socket, _) = client_async(format!("ws://{listen}/sync"), tcp).await.unwrap();
    let greeting = timeout(DEADLINE, socket.next()).await.unwrap();
    assert!(matches!(greeting, Some(Ok(Message::Binary(_)))), "{greeting:?}");
    socket
}

/// Reads until the goodbye, and gives its code and for how long the device is to wait.
async fn goodbye(mut socket: WebSocketStream<TcpStream>) -> (u16, Option<u32>) {
    loop {
        match timeout(DEADLINE, socket.next()).await.unwrap() {
            Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), again_after::hear(&frame.reason)),
            Some(Ok(Message::Binary(_) | Message::Ping(_))) => {}
            other => panic!("no goodbye: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_device_hears_another_time_at_which_to_come_again() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &PATIENT);
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(dial(relay.listen()).await);
    }
    relay.signal("-TERM");
    let mut times = BTreeSet::new();
    for socket in sockets {
        let (code, again_ms) = goodbye(socket).await;
        assert_eq!(code, 1012, "service restart");
        times.insert(again_ms.expect("a time"));
    }
    assert!(times.len() > 10, "{times:?}");
    assert!(times.iter().all(|ms| (100..=1_000).contains(ms)), "{times:?}");
    assert_eq!(relay.ended().0, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_relay_took_before_it_stopped_it_has_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &PATIENT);
    let rng = &mut rng(2);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    joined(folder.path(), &clinic, "Klinik Satu").await;
    let store: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let mut session = DeviceSession::new(Arc::clone(&store), Arc::clone(&device.keys));
    let tcp = TcpStream::connect(relay.listen()).await.unwrap();
    let (mut socket, _) = client_async(format!("ws://{}/sync", relay.listen()), tcp)
        .await
        .unwrap();
    let (mut n_written, mut told, mut heard_goodbye) = (0, false, false);
    while let Some(Ok(message)) = timeout(DEADLINE, socket.next()).await.unwrap() {
        heard_goodbye |= matches!(message, Message::Close(_));
        // More is left than one push can take, however late the relay hears that it is to stop.
        while !heard_goodbye && store.pending().unwrap() < MORE_THAN_A_PUSH {
            device.write(rng);
            n_written += 1;
        }
        let Message::Binary(frame) = message else { continue };
        for frame in session.receive(&frame, NOW).unwrap().send {
            // The relay may have closed its ears, and still acknowledges what it heard.
            drop(socket.send(Message::binary(frame)).await);
        }
        if session.position() >= 1_000 && !std::mem::replace(&mut told, true) {
            relay.signal("-TERM");
        }
    }
    assert!(heard_goodbye);
    drop(socket);
    assert_eq!(relay.ended().0, Some(0));
    let waiting: BTreeSet<OutId> = device.store.held().outbox.iter().map(|item| item.id).collect();
    let kept = held_by_relay(folder.path(), &clinic);
    assert!(kept.len() >= 1_000 && !waiting.is_empty(), "{} were taken", kept.len());
    assert_eq!(
        kept.iter().filter(|id| waiting.contains(id)).count(),
        0,
        "taken and not acknowledged"
    );
    assert_eq!(kept.len() + waiting.len(), n_written);
}

/// While somebody who says nothing is waited for: not ready, nobody may come, and a second signal ends it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_stops_it_is_not_ready_and_a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &PATIENT);
    // It neither reads nor closes.
    let silent = dial(relay.listen()).await;
    relay.signal("-TERM");
    let began = Instant::now();
    let not_ready = "{\"status\":\"not_ready\",\"code\":\"draining\"}\n";
    while relay.ask("/ready") != (503, not_ready.to_owned()) {
        assert!(began.elapsed() < DEADLINE);
    }
    assert_eq!(relay.ask("/health").0, 200);
    while http(relay.listen(), "GET /health HTTP/1.1\r\nHost: relay\r\n\r\n").is_some() {
        assert!(began.elapsed() < DEADLINE);
    }
    relay.signal("-TERM");
    let (code, log) = relay.ended();
    assert_eq!(code, Some(1));
    assert!(log.contains("told a second time"), "{log}");
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_ends_is_not_waited_for_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &[]);
    let silent = dial(relay.listen()).await;
    relay.signal("-TERM");
    assert_eq!(relay.ended().0, Some(0));
    drop(silent);
}
