//! Too much of anything: connections of an address, those in all, wrong hellos, frames, bytes, headers, patience.

use std::io::{ErrorKind, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use sync_protocol::sim::SimClinic;
use sync_protocol::{RefusedCode, RelayMessage, RelayStore};
use sync_server::{Limits, Rate, RateClock, RunningRelay, ServeOptions, Store, Timers, serve_with};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::journeys::{start, until};
use crate::operated::{DEADLINE, Operated, figure_in, http};
use crate::world::{NOW, rng, roster};

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

type Socket = WebSocketStream<TcpStream>;

async fn dial(listen: &str) -> Option<Socket> {
    let tcp = TcpStream::connect(listen).await.ok()?;
    Some(client_async(format!("ws://{listen}/sync"), tcp).await.ok()?.0)
}

async fn hear(socket: &mut Socket) -> Option<Message> {
    timeout(DEADLINE, socket.next()).await.unwrap()?.ok()
}

async fn greeted(listen: &str) -> Option<Socket> {
    let mut socket = dial(listen).await?;
    matches!(hear(&mut socket).await, Some(Message::Binary(_))).then_some(socket)
}

/// The status of a request for a WebSocket that a proxy passed on.
fn status_for(listen: &str, forwarded: &str) -> Option<u16> {
    let mut stream = std::net::TcpStream::connect(listen).unwrap();
    let request = format!("GET /sync HTTP/1.1\r\nHost: relay\r\n{UPGRADE}X-Forwarded-For: {forwarded}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).ok()?;
    std::str::from_utf8(&line[9..]).unwrap().parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_connects_too_often_is_not_heard_and_it_is_counted() {
    let limits = Limits {
        connections_a_minute: Some(2),
        ..Limits::default()
    };
    let (timers, clock) = standing();
    let (relay, _folder, _clinic, _device) = limited(limits, timers).await;
    let listen = relay.address.to_string();
    // Twenty at once, and one more each half minute.
    assert_eq!(n_greeted(&listen, 40).await, 20);
    assert!(figure(&relay, "rate_limited_total{limit=\"connections\"}").await >= 18.0);
    clock.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(n_greeted(&listen, 5).await, 2);
}

async fn n_greeted(listen: &str, n: usize) -> usize {
    let mut n_heard = 0;
    for _ in 0..n {
        n_heard += usize::from(greeted(listen).await.is_some());
    }
    n_heard
}

#[test]
fn behind_a_proxy_it_is_the_address_that_the_proxy_names_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "--behind-proxy",
        "--public-url",
        "wss://relay.example.org",
        "--connections-a-minute",
        "1",
    ];
    let relay = Operated::start(folder.path(), &args);
    // One address, however it is disguised by what came before the proxy.
    let disguised = |n: u8| status_for(relay.listen(), &format!("198.51.100.{n}, 203.0.113.7"));
    let statuses: Vec<_> = (0..20).map(disguised).collect();
    assert!(statuses[..10].iter().all(|status| *status == Some(101)), "{statuses:?}");
    assert!(statuses[11..].iter().all(|status| *status == Some(429)), "{statuses:?}");
    // One network of IPv6 is one address.
    let statuses: Vec<_> = (0..20)
        .map(|n| status_for(relay.listen(), &format!("2001:db8:0:7::{n}")))
        .collect();
    assert!(statuses[11..].iter().all(|status| *status == Some(429)), "{statuses:?}");
    // The others are not slowed.
    for n in 0..30 {
        assert_eq!(status_for(relay.listen(), &format!("192.0.2.{n}")), Some(101));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_room_for_so_many_and_the_next_one_hears_that_it_is_to_come_later() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &["--max-connections", "2", "--admin", "127.0.0.1:0"]);
    let (first, second) = (
        greeted(relay.listen()).await.unwrap(),
        greeted(relay.listen()).await.unwrap(),
    );
    let mut third = dial(relay.listen()).await.unwrap();
    let busy = RelayMessage::Refused(RefusedCode::Busy).encode();
    assert_eq!(hear(&mut third).await, Some(Message::binary(busy)));
    let Some(Message::Close(Some(goodbye))) = hear(&mut third).await else {
        panic!("no goodbye")
    };
    assert_eq!(u16::from(goodbye.code), 1013, "try again later");
    relay.figure_becomes("refusals_total{code=\"full\"}", 1.0);
    drop(second);
    relay.figure_becomes("connections", 1.0);
    assert!(greeted(relay.listen()).await.is_some());
    drop(first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_wrong_things_over_and_over_is_shut_out() {
    let limits = Limits {
        connections_a_minute: Some(10_000),
        ..Limits::default()
    };
    let (timers, _clock) = standing();
    let (relay, _folder, _clinic, _device) = limited(limits, timers).await;
    let listen = relay.address.to_string();
    let mut n_heard = 0;
    for _ in 0..140 {
        let Some(mut socket) = greeted(&listen).await else {
            continue;
        };
        n_heard += 1;
        socket.send(Message::binary(b"open sesame".to_vec())).await.unwrap();
        let refused = RelayMessage::Refused(RefusedCode::BadMessage).encode();
        assert_eq!(hear(&mut socket).await, Some(Message::binary(refused)));
        // It is counted by now.
        assert!(matches!(hear(&mut socket).await, Some(Message::Close(_))));
    }
    // A hundred may fail; the one after them is heard once more.
    assert_eq!(n_heard, 101);
    assert_eq!(
        figure(&relay, "rate_limited_total{limit=\"failed_hellos\"}").await,
        39.0
    );
}

/// A clock of the limits that stands until it is moved, in milliseconds: how fast this machine is decides nothing.
fn standing() -> (Timers, &'static AtomicU64) {
    let clock: &AtomicU64 = Box::leak(Box::default());
    let timers = Timers {
        rate_clock: RateClock::Set(clock),
        ..Timers::default()
    };
    (timers, clock)
}

/// A figure that is none yet is nought.
async fn figure(relay: &RunningRelay, name: &'static str) -> f64 {
    let admin = relay.admin.unwrap().to_string();
    let asked = tokio::task::spawn_blocking(move || http(&admin, "GET /metrics HTTP/1.1\r\n\r\n"));
    let (_, figures) = asked.await.unwrap().unwrap();
    figure_in(&figures, name).unwrap_or(0.0)
}

async fn limited(
    limits: Limits,
    timers: Timers,
) -> (
    RunningRelay,
    tempfile::TempDir,
    SimClinic,
    sync_protocol::sim::SimDevice,
) {
    let rng = &mut rng(78);
    let (clinic, device) = SimClinic::found(NOW, rng);
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(folder.path(), rng).unwrap();
    store.set_roster(&roster(&clinic)).unwrap();
    drop(store);
    let options = ServeOptions {
        limits,
        admin: Some("127.0.0.1:0".parse().unwrap()),
        ..ServeOptions::new(folder.path(), "127.0.0.1:0".parse().unwrap())
    };
    let (stop, stopped) = oneshot::channel::<()>();
    std::mem::forget(stop);
    let relay = serve_with(options, timers, async { drop(stopped.await) })
        .await
        .unwrap();
    (relay, folder, clinic, device)
}

fn address(relay: &RunningRelay) -> sync_client::RelayAddress {
    sync_client::RelayAddress::new(&relay.reachable.url, None).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_sends_too_fast_is_slowed_and_loses_nothing() {
    let limits = Limits {
        device_frames: Rate::new(20, 1),
        ..Limits::default()
    };
    let (timers, clock) = standing();
    let (relay, _folder, _clinic, mut device) = limited(limits, timers).await;
    // 5 000 changes are ten pushes at least, and each of them has to wait for its twentieth of a second.
    (0..5_000).for_each(|_| device.write(&mut rng(79)));
    let sync = start(&device, &address(&relay));
    let state = sync.state();
    let is_done = || {
        let state = state.borrow();
        state.connected && state.pending == 0 && state.position == 5_000
    };
    let (began, mut n_waits) = (Instant::now(), 0);
    while !is_done() {
        assert!(began.elapsed() < DEADLINE, "{n_waits} frames waited");
        if figure(&relay, "rate_limited_total{limit=\"device_frames\"}").await > f64::from(n_waits) {
            n_waits += 1;
            clock.fetch_add(50, Ordering::Relaxed);
        }
    }
    assert!(n_waits >= 9, "{n_waits}");
    sync.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_have_to_wait_too_long_is_refused_as_later() {
    let limits = Limits {
        clinic_kib: Rate::new(1, 80),
        ..Limits::default()
    };
    let (timers, clock) = standing();
    let (relay, _folder, _clinic, mut device) = limited(limits, timers).await;
    let sync = start(&device, &address(&relay));
    let mut write = || {
        let item = device.seal(60_000, &mut rng(80));
        device.store.write(item);
        sync.nudge();
    };
    write();
    until(&sync, |state| state.pending == 0 && state.position == 1).await;
    // Some forty seconds are too long to wait.
    write();
    let state = until(&sync, |state| state.error_code == Some("busy")).await;
    assert_eq!(state.pending, 1);
    clock.fetch_add(60_000, Ordering::Relaxed);
    sync.retry_now();
    until(&sync, |state| state.pending == 0 && state.position == 2).await;
    sync.stop().await;
}

#[test]
fn requests_that_no_device_makes_are_answered_shortly() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Operated::start(folder.path(), &[]);
    let status = |request: &str| http(relay.listen(), request).map(|(status, _)| status);
    let headers = |n: usize| (0..n).map(|n| format!("X-{n}: y\r\n")).collect::<String>();
    let long = "a".repeat(300);
    for (what, request, expected) in [
        ("no upgrade", "GET /sync HTTP/1.1\r\nHost: r\r\n\r\n".to_owned(), 400),
        (
            "another verb",
            "POST /sync HTTP/1.1\r\nHost: r\r\nContent-Length: 0\r\n\r\n".to_owned(),
            405,
        ),
        (
            "another place",
            "GET /../../etc/passwd HTTP/1.1\r\nHost: r\r\n\r\n".to_owned(),
            404,
        ),
        (
            "a long address",
            format!("GET /{long} HTTP/1.1\r\nHost: r\r\n\r\n"),
            414,
        ),
        (
            "a long query",
            format!("GET /sync?{long} HTTP/1.1\r\nHost: r\r\n{UPGRADE}\r\n"),
            414,
        ),
        (
            "many headers",
            format!("GET /health HTTP/1.1\r\n{}\r\n", headers(80)),
            431,
        ),
        (
            "a long header",
            format!("GET /health HTTP/1.1\r\nX: {}\r\n\r\n", "y".repeat(20_000)),
            431,
        ),
        (
            "two lengths",
            "GET /health HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            400,
        ),
        ("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n".to_owned(), 400),
    ] {
        assert_eq!(status(&request), Some(expected), "{what}");
    }
    assert_eq!(status("GET /health HTTP/1.1\r\nHost: r\r\n\r\n"), Some(200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_slow_at_the_door_is_cut_at_each_of_its_steps() {
    let timers = Timers {
        at_the_door: Duration::from_millis(100),
        hello_within: Duration::from_millis(300),
        ..Timers::default()
    };
    let (relay, _folder, _clinic, _device) = limited(Limits::default(), timers).await;
    let listen = relay.address.to_string();
    let cut = move |said: String| {
        let mut stream = std::net::TcpStream::connect(&listen).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        // It ends, however; only that nothing happens is told by the clock.
        if let Err(error) = stream.read_to_end(&mut Vec::new()) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{said:?}");
        }
    };
    let nothing_more = [
        String::new(),
        "GET /sync HTTP/1.1\r\nHost: re".to_owned(),
        format!("GET /sync HTTP/1.1\r\nHost: relay\r\n{UPGRADE}\r\n"),
        // Half a frame.
        format!("GET /sync HTTP/1.1\r\nHost: relay\r\n{UPGRADE}\r\n\u{2}"),
    ];
    tokio::task::spawn_blocking(move || nothing_more.into_iter().for_each(cut))
        .await
        .unwrap();
}
