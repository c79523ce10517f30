//! Addresses and waiting, and devices on a LAN. Real clients against the real relay are tested in
//! `sync-server/tests/relay`.
#![allow(clippy::unwrap_used, missing_docs)]

mod attachments;
mod lan;
mod proxy;
mod restarting;
mod silent;

use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sync_client::{AddressError, Backoff, Ports, RelayAddress, RelayError, SyncHandle};
use sync_protocol::sim::SimClinic;
use tokio::runtime::Handle;

const KEY: [u8; 32] = [0xab; 32];

fn check(text: &str, expected: Result<&str, AddressError>) {
    let found = text.parse::<RelayAddress>().map(|address| address.to_string());
    assert_eq!(found, expected.map(str::to_owned), "{text}");
}

#[test]
fn addresses_are_read_and_written() {
    let key = "ab".repeat(32);
    check("ws://127.0.0.1:7447", Ok("ws://127.0.0.1:7447"));
    check(" ws://localhost/ ", Ok("ws://localhost:80"));
    check("ws://[::1]:7447", Ok("ws://[::1]:7447"));
    check(
        &format!("wss://relay.example.org#{key}"),
        Ok(&format!("wss://relay.example.org:443#{key}")),
    );
    check(
        &format!("wss://[2001:db8::1]#{key}"),
        Ok(&format!("wss://[2001:db8::1]:443#{key}")),
    );
    for malformed in [
        "",
        "relay.example.org",
        "http://127.0.0.1",
        "ws://",
        "ws://:80",
        "ws://127.0.0.1:99999",
        "ws://a@127.0.0.1",
        "ws://127.0.0.1/path",
        "ws://127.0.0.1?x",
        "ws://[::1",
        "ws://[nothing]",
        "wss://x#abc",
        "ws://a b",
    ] {
        check(malformed, Err(AddressError::Malformed));
    }
}

#[test]
fn plain_sockets_stay_on_this_machine() {
    check("ws://192.0.2.1:7447", Err(AddressError::NotLoopback));
    check("ws://localhost.example.org", Err(AddressError::NotLoopback));
    check("ws://127.0.0.1.example.org", Err(AddressError::NotLoopback));
}

#[test]
fn tls_needs_the_key_that_the_relay_is_known_by() {
    check("wss://relay.example.org", Err(AddressError::NoKey));
    assert_eq!(
        RelayAddress::new("wss://relay.example.org", Some(KEY))
            .unwrap()
            .key_sha256(),
        Some(KEY)
    );
}

#[test]
fn waits_double_from_100_ms_to_30_s_and_begin_again_after_success() {
    let rng = &mut ChaCha20Rng::from_seed([1; 32]);
    let mut backoff = Backoff::default();
    for ceiling_ms in [
        200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000,
    ] {
        let wait = backoff.next_wait(rng);
        let (shortest, longest) = (Duration::from_millis(ceiling_ms / 2), Duration::from_millis(ceiling_ms));
        assert!(
            (shortest..=longest).contains(&wait),
            "{wait:?} is not within {shortest:?}..={longest:?}"
        );
    }
    (0..100).for_each(|_| assert!(backoff.next_wait(rng) <= Duration::from_secs(30)));
    backoff.reset();
    assert!(backoff.next_wait(rng) <= Duration::from_millis(200));
}

#[test]
fn devices_do_not_come_back_in_the_same_instant() {
    let waits = |seed| {
        let rng = &mut ChaCha20Rng::from_seed([seed; 32]);
        let mut backoff = Backoff::default();
        [(); 8].map(|()| backoff.next_wait(rng))
    };
    assert_ne!(waits(1), waits(2));
}

#[tokio::test]
async fn a_stopped_sync_lets_the_store_go_and_fetches_nothing() {
    let rng = &mut ChaCha20Rng::from_seed([1; 32]);
    let (clinic, device) = SimClinic::found(0, rng);
    // Nobody listens on port 1.
    let relay: RelayAddress = "ws://127.0.0.1:1".parse().unwrap();
    let ports = Ports {
        clock: Arc::new(|| 0),
        rng: Box::new(ChaCha20Rng::from_seed([2; 32])),
    };
    let store: Arc<dyn sync_protocol::SyncStore> = Arc::clone(&device.store) as _;
    let sync = SyncHandle::start(store, relay, (*device.keys).clone(), ports, &Handle::current());
    let mut state = sync.state();
    state
        .wait_for(|state| state.error_code == Some("unreachable"))
        .await
        .unwrap();
    {
        let fetching = sync.fetch_statements(clinic.tenant);
        let mut fetching = std::pin::pin!(fetching);
        assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(fetching.as_mut().poll(cx).is_pending())).await);
    }
    sync.stop().await;
    assert_eq!(Arc::strong_count(&device.store), 1);
    assert_eq!(RelayError::Stopped.code(), "stopped");
}
