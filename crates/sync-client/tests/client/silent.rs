//! A relay, or another device, that is there no more and does not say so: it is given up after its time of silence, people
//! are told, it is called again, and nothing is lost.
//!
//! The wire between is real and half-open. The timers are shorter than the real ones, and stand to each other about as those do.

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use sync_client::{RelayAddress, SyncHandle, SyncState, Timers};
use sync_protocol::{RefusedCode, RelayMessage, SyncStore};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use vault::{Vault, VaultError};

use crate::attachments::{Relay, end, sync_with};
use crate::lan::{Device, assert_same, clinic};
use crate::proxy::Proxy;

/// Only something that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

const SHORT: Timers = Timers {
    life_after: Duration::from_millis(500),
    silence: Duration::from_secs(2),
    handshake: Duration::from_secs(2),
    pause: Duration::from_millis(1500),
};

async fn until(sync: &SyncHandle, holds: impl Fn(&SyncState) -> bool) -> SyncState {
    let mut state = sync.state();
    let waited = timeout(PATIENCE, state.wait_for(holds)).await;
    waited.expect("it happens in time").unwrap().clone()
}

fn has(n: u64) -> impl Fn(&Vault) -> bool {
    move |vault| vault.read::<_, VaultError>(|r| r.n_patients()).unwrap() == n
}

/// A clinic with a relay, and a wire to it.
async fn at_a_relay(one: &Device, data: &std::path::Path) -> (Relay, Proxy, RelayAddress) {
    let relay = Relay::start(data, "127.0.0.1:0".parse().unwrap(), &one.vault).await;
    let wire = Proxy::start().await;
    wire.lead_to(relay.running.address);
    let by_wire = format!("ws://{}", wire.address).parse().unwrap();
    (relay, wire, by_wire)
}

/// Two devices of which the second calls the first by a wire.
async fn on_a_wire(seed: u64) -> ([Device; 2], Proxy) {
    let [mut one, mut two] = clinic(seed);
    (one.timers, two.timers) = (SHORT, SHORT);
    let wire = Proxy::start().await;
    wire.lead_to(one.start(&[]).await);
    two.start(&[wire.address]).await;
    one.until_equal_with(&two).await;
    two.until_equal_with(&one).await;
    ([one, two], wire)
}

#[test]
fn outside_of_tests_it_is_as_the_page_says() {
    let seconds =
        |timers: Timers| [timers.life_after, timers.silence, timers.handshake, timers.pause].map(|one| one.as_secs());
    assert_eq!(seconds(Timers::RELAY), [25, 75, 15, 240]);
    assert_eq!(seconds(Timers::LAN), [10, 35, 10, 0]);
}

/// Its machine takes calls, and the program behind is stuck.
#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_takes_the_call_and_never_shakes_hands_is_called_again_and_nothing_is_lost() {
    let [one] = clinic(45);
    let data = tempfile::tempdir().unwrap();
    let (relay, wire, by_wire) = at_a_relay(&one, data.path()).await;
    wire.goes_dead();
    one.write(1);
    let up = sync_with(&one, &by_wire, SHORT);
    let told = until(&up, |state| state.error_code.is_some()).await;
    assert_eq!((told.error_code, told.last_contact_ms), (Some("unreachable"), None));
    wire.comes_back();
    until(&up, |state| state.connected && state.pending == 0).await;
    end(up).await;
    relay.stop().await;
}

/// Refuses whoever calls, with this; tells when it was called.
async fn refusing(code: RefusedCode) -> (std::net::SocketAddr, mpsc::Receiver<Instant>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, calls) = mpsc::channel(100);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if tell.send(Instant::now()).await.is_err() {
                return;
            }
            let mut socket = tokio_tungstenite::accept_async(tcp).await.unwrap();
            let no = RelayMessage::Refused(code).encode();
            drop(socket.send(Message::binary(no)).await);
            // Until the other end has hung up.
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    (address, calls)
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_relay_refuses_for_what_only_people_can_change_pauses_and_comes_back_by_itself() {
    for code in [RefusedCode::Suspended, RefusedCode::DeviceLimit] {
        let [one] = clinic(46);
        let data = tempfile::tempdir().unwrap();
        let (relay, wire, by_wire) = at_a_relay(&one, data.path()).await;
        let (no, mut calls) = refusing(code).await;
        wire.lead_to(no);
        one.write(1);
        let up = sync_with(&one, &by_wire, SHORT);
        let told = until(&up, |state| state.error_code.is_some() && state.pending == 1).await;
        assert_eq!(told.error_code, Some(code.name()));
        let first = calls.recv().await.unwrap();
        let second = calls.recv().await.unwrap();
        assert!(second - first >= SHORT.pause, "{:?}", second - first);
        // The operator lets the clinic in again: nobody presses anything.
        wire.lead_to(relay.running.address);
        let told = until(&up, |state| state.connected && state.pending == 0).await;
        assert_eq!(told.error_code, None);
        end(up).await;
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_falls_silent_is_given_up_and_called_again_and_nothing_is_lost() {
    let [one, two] = clinic(41);
    let data = tempfile::tempdir().unwrap();
    let (relay, wire, by_wire) = at_a_relay(&one, data.path()).await;
    let up = sync_with(&one, &by_wire, SHORT);
    one.write(1);
    until(&up, |state| state.connected && state.pending == 0).await;

    wire.goes_dead();
    one.write(2);
    let told = until(&up, |state| !state.connected).await;
    assert_eq!((told.error_code, told.pending), (Some("timed_out"), 1));
    one.write(3);
    assert_eq!(one.vault.pending().unwrap(), 2);

    wire.comes_back();
    let told = until(&up, |state| state.connected && state.pending == 0).await;
    assert_eq!(told.error_code, None);
    assert_eq!(wire.seen().n_ever, 2);
    let down = sync_with(&two, &relay.address(), SHORT);
    two.until_stored(has(3)).await;
    assert_same(&[&one, &two]);
    end(up).await;
    end(down).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_with_nothing_to_say_is_there_as_long_as_it_answers() {
    let [one] = clinic(42);
    let data = tempfile::tempdir().unwrap();
    let (relay, wire, by_wire) = at_a_relay(&one, data.path()).await;
    let up = sync_with(&one, &by_wire, SHORT);
    until(&up, |state| state.connected).await;
    let mut state = up.state();
    let gone = timeout(3 * SHORT.silence, state.wait_for(|state| !state.connected)).await;
    assert!(gone.is_err(), "{gone:?}");
    assert_eq!(wire.seen().n_ever, 1);
    end(up).await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_falls_silent_is_given_up_by_both_ends_and_called_again_and_nothing_is_lost() {
    let ([mut one, mut two], wire) = on_a_wire(43).await;
    one.write(1);
    two.until_stored(has(1)).await;

    wire.goes_dead();
    one.write(2);
    two.write(3);
    for device in [&one, &two] {
        let told = device
            .until(|state| state.peers.iter().all(|peer| !peer.connected))
            .await;
        assert_eq!(told.peers.len(), 1);
    }
    assert_eq!((one.n_patients(), two.n_patients()), (2, 2));

    wire.comes_back();
    for device in [&one, &two] {
        device.until_stored(has(3)).await;
    }
    one.until_equal_with(&two).await;
    two.until_equal_with(&one).await;
    assert_same(&[&one, &two]);
    one.stop().await;
    two.stop().await;
}

/// It had no power for a moment: the other holds a connection still that nobody is at.
#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_back_before_it_was_missed_is_heard_at_once_and_stays() {
    let ([mut one, mut two], wire) = on_a_wire(44).await;
    wire.goes_dead();
    one.write(1);
    two.stop().await;
    wire.comes_back();
    two.write(2);
    two.start(&[wire.address]).await;
    for device in [&one, &two] {
        device.until_stored(has(2)).await;
    }
    two.until_equal_with(&one).await;
    // The dead one is given up meanwhile, and a pair that has nothing to say stays together.
    let mut state = one.state();
    let alone = state.wait_for(|state| state.peers.iter().all(|peer| !peer.connected));
    let gone = timeout(3 * SHORT.silence, alone).await;
    assert!(gone.is_err(), "{gone:?}");
    assert_eq!(wire.seen().n_ever, 2);
    assert_same(&[&one, &two]);
    one.stop().await;
    two.stop().await;
}
