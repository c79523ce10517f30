//! What a device costs the relay that is connected and has nothing to say: the real program, real sockets, the memory as
//! Linux counts it.
//!
//! As a test with few devices, of which the noise is a large part; `MEDIECO_IDLE=5000` takes as many, and `MEDIECO_RELAY`
//! another build of the relay (`docs/relay.md` tells how the figures there were made).

use futures_util::StreamExt;
use sync_protocol::RelayStore;
use sync_server::Store;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::operated::DEADLINE;
use crate::process::Process;
use crate::storm::{all_calm, clinics, dial, keep};
use crate::world::{rng, roster};

/// A connection that was greeted may cost so much, in the slow build of the tests.
const GREETED_KB: f64 = 16.0;
/// And a device of a clinic so much, with its share in what is known of the clinic.
const MEMBER_KB: f64 = 32.0;
/// So many begin at a time: the memory that their beginning needs is then not counted as theirs.
const A_FEW: usize = 10;
const ROUNDS: usize = 4;

fn n_devices() -> Option<usize> {
    std::env::var("MEDIECO_IDLE").ok().and_then(|n| n.parse().ok())
}

/// What one more connection took, on average over all rounds but the first, which shows what the program takes for itself.
/// (Over several, since the system gives memory in pieces of some megabytes.)
fn check(what: &str, n: usize, held: &[Option<usize>], most_kb: f64) {
    let (Some(Some(first)), Some(Some(last))) = (held.first(), held.last()) else {
        return;
    };
    let each = (*last as f64 - *first as f64) / (n * (held.len() - 1)) as f64;
    println!("{n} {what} at a time: {held:?} KB, {each:.1} KB each");
    assert!(each < most_kb, "{each:.1} KB for each of {n} {what} at a time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_holds_no_buffers_while_nothing_is_said() {
    let n = n_devices().unwrap_or(400);
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let (mut held, mut sockets) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for _ in 0..n {
            let mut socket = dial(&relay.listen()).await.unwrap();
            // The relay is done with it: what beginning needs is one connection's at a time.
            let greeting = timeout(DEADLINE, socket.next()).await.unwrap();
            assert!(matches!(greeting, Some(Ok(Message::Binary(_)))), "{greeting:?}");
            sockets.push(socket);
        }
        held.push(relay.held_kb());
    }
    check("that were greeted", n, &held, GREETED_KB);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_has_nothing_to_say_costs_little_memory() {
    let (n, rng) = (n_devices().unwrap_or(150), &mut rng(201));
    let folder = tempfile::tempdir().unwrap();
    let (clinics, devices) = clinics(ROUNDS * n, rng);
    let mut store = Store::open(folder.path(), rng).unwrap();
    for clinic in &clinics {
        store.set_roster(&roster(clinic)).unwrap();
    }
    drop(store);
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let (told, mut calm) = unbounded_channel();
    let mut held = Vec::new();
    let mut tasks = Vec::new();
    let mut devices = devices.into_iter().zip(0..);
    for _ in 0..ROUNDS {
        for (device, seed) in devices.by_ref().take(n) {
            tasks.push(tokio::spawn(keep(device, relay.listen(), seed, told.clone())));
            if tasks.len() % A_FEW == 0 {
                all_calm(&mut calm, A_FEW).await;
            }
        }
        held.push(relay.held_kb());
    }
    check("devices", n, &held, MEMBER_KB);
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(relay.terminate(), Some(0));
}
