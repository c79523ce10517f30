//! All devices at once: the real program, real sockets, and devices that are a session over a store in memory.
//!
//! As a test with 200 devices; with `MEDIECO_STORM=5000` with as many (some 20 000 open files are needed, `ulimit -n`):
//! `MEDIECO_STORM=5000 cargo test --workspace --test relay storm -- --nocapture`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use rand_chacha::ChaCha20Rng;
use seal::DeviceKeys;
use sync_client::Backoff;
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{DeviceMessage, DeviceSession, RelayMessage, RelayStore, SyncStore};
use sync_server::Store;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::process::Process;
use crate::world::{NOW, rng, roster};

/// A clinic has so many of the devices.
const A_CLINIC: usize = 10;
/// Nothing here takes this long; a storm that does has failed.
const DEADLINE: Duration = Duration::from_secs(300);
/// What the relay may hold at most: itself, and so much for each connection.
const BASE_KB: usize = 96 * 1024;
const CONNECTION_KB: usize = 64;

type Socket = WebSocketStream<TcpStream>;

fn n_devices() -> usize {
    std::env::var("MEDIECO_STORM")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(200)
}

/// Clinics with their devices, each of which has one change to send.
pub fn clinics(n: usize, rng: &mut ChaCha20Rng) -> (Vec<SimClinic>, Vec<SimDevice>) {
    let (mut clinics, mut devices) = (Vec::new(), Vec::new());
    while devices.len() < n {
        let (mut clinic, first) = SimClinic::found(NOW, rng);
        let more = A_CLINIC.min(n - devices.len()) - 1;
        devices.push(first);
        devices.extend((0..more).map(|_| clinic.admit(NOW, rng)));
        clinics.push(clinic);
    }
    devices.iter_mut().for_each(|device| device.write(rng));
    (clinics, devices)
}

pub async fn dial(listen: &str) -> Option<Socket> {
    let tcp = TcpStream::connect(listen).await.ok()?;
    let config = WebSocketConfig::default().read_buffer_size(4 * 1024);
    let dialled = client_async_with_config(format!("ws://{listen}/sync"), tcp, Some(config));
    Some(dialled.await.ok()?.0)
}

/// Keeps one device connected, as `sync_client` would, and tells each time that it has nothing left to send or to hear.
pub async fn keep(device: SimDevice, listen: String, seed: u64, calm: UnboundedSender<()>) {
    let (mut backoff, mut rng) = (Backoff::default(), rng((seed % 251) as u8));
    loop {
        if let Some(socket) = dial(&listen).await {
            speak(&device, socket, &calm, &mut backoff).await;
        }
        tokio::time::sleep(backoff.next_wait(&mut rng)).await;
    }
}

async fn speak(device: &SimDevice, mut socket: Socket, calm: &UnboundedSender<()>, backoff: &mut Backoff) {
    let store: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let mut session = DeviceSession::new(store, Arc::clone(&device.keys));
    let mut told = false;
    while let Some(Ok(message)) = socket.next().await {
        let Message::Binary(frame) = message else { continue };
        let step = session.receive(&frame, NOW).unwrap();
        for frame in step.send {
            if socket.send(Message::binary(frame)).await.is_err() {
                return;
            }
        }
        let all_sent = session.is_idle() && device.store.pending().unwrap() == 0;
        if all_sent && !std::mem::replace(&mut told, true) {
            backoff.reset();
            calm.send(()).ok();
        }
    }
}

pub async fn all_calm(calm: &mut UnboundedReceiver<()>, n: usize) -> Duration {
    let begun = Instant::now();
    for nth in 0..n {
        let one = timeout(DEADLINE, calm.recv()).await;
        assert!(one.is_ok(), "{nth} of {n} came back in time");
    }
    begun.elapsed()
}

/// Asks for everything and reads nothing. Returns the socket, to be held.
async fn slow_reader((keys, store): &(Arc<DeviceKeys>, Arc<MemoryStore>), listen: &str) -> Socket {
    let mut socket = dial(listen).await.unwrap();
    let empty: Arc<dyn SyncStore> = Arc::new(MemoryStore::new(store.tenant(), store.statements().unwrap()));
    let mut session = DeviceSession::new(empty, Arc::clone(keys));
    let Some(Ok(Message::Binary(greeting))) = socket.next().await else {
        panic!("no greeting")
    };
    assert!(matches!(RelayMessage::decode(&greeting), Ok(RelayMessage::Greeting(_))));
    for frame in session.receive(&greeting, NOW).unwrap().send {
        assert!(matches!(DeviceMessage::decode(&frame), Ok(DeviceMessage::Hello(_))));
        socket.send(Message::binary(frame)).await.unwrap();
    }
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_devices_come_back_at_once_and_a_slow_reader_costs_nobody_anything() {
    let (n, rng) = (n_devices(), &mut rng(200));
    let folder = tempfile::tempdir().unwrap();
    let (clinics, mut devices) = clinics(n, rng);
    let mut store = Store::open(folder.path(), rng).unwrap();
    for clinic in &clinics {
        store.set_roster(&roster(clinic)).unwrap();
    }
    drop(store);
    // The first clinic has eight megabytes, for one that does not read them.
    for _ in 0..160 {
        let item = devices[0].seal(50_000, rng);
        devices[0].store.write(item);
    }
    let n_bytes: usize = devices[0].store.held().changes.values().map(Vec::len).sum();

    let mut relay = Process::start(folder.path(), "127.0.0.1:0");
    let listen = relay.listen();
    let silent = (Arc::clone(&devices[0].keys), Arc::clone(&devices[0].store));
    let (told, mut calm) = unbounded_channel();
    let tasks: Vec<_> = devices
        .into_iter()
        .zip(0..)
        .map(|(device, seed)| tokio::spawn(keep(device, listen.clone(), seed, told.clone())))
        .collect();
    let first = all_calm(&mut calm, n).await;
    let one = relay.peak_kb();
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(slow_reader(&silent, &listen).await);
    }

    relay.kill();
    relay = Process::start(folder.path(), &listen);
    let again = all_calm(&mut calm, n).await;
    for _ in 0..8 {
        held.push(slow_reader(&silent, &listen).await);
    }
    let two = relay.peak_kb();
    println!(
        "{n} devices of {} clinics: all there after {:.1} s, and after a kill of the relay again after {:.1} s; the relay's \
         peak {one:?} and {two:?} KB, with 8 readers of {} MB that do not read",
        clinics.len(),
        first.as_secs_f64(),
        again.as_secs_f64(),
        n_bytes / 1_000_000,
    );
    for peak in [one, two].into_iter().flatten() {
        assert!(peak < BASE_KB + n * CONNECTION_KB, "{peak} KB for {n} connections");
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(relay.terminate(), Some(0));
}
