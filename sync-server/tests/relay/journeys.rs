//! Real clients against the real program.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use sync_client::{PairingHost, PairingMember, Ports, RelayAddress, RelayError, SyncHandle, SyncState};
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{MAX_FRAME_BYTES, OutId, Page, RelayStore, SyncStore};
use sync_server::Store;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::process::{Process, invitation};
use crate::world::{NOW, rng};

/// Nothing here takes this long; a wait that does has failed.
const DEADLINE: Duration = Duration::from_secs(60);

fn ports(seed: u8) -> Ports {
    Ports {
        clock: Arc::new(|| NOW),
        rng: Box::new(rng(seed)),
    }
}

pub fn start(device: &SimDevice, relay: &RelayAddress) -> SyncHandle {
    start_with(Arc::clone(&device.store) as _, &device.keys, relay)
}

pub fn start_with(store: Arc<dyn SyncStore>, keys: &seal::DeviceKeys, relay: &RelayAddress) -> SyncHandle {
    SyncHandle::start(store, relay.clone(), keys.clone(), ports(1), &Handle::current())
}

pub async fn until(sync: &SyncHandle, mut reached: impl FnMut(&SyncState) -> bool) -> SyncState {
    let mut state = sync.state();
    timeout(DEADLINE, state.wait_for(|state| reached(state)))
        .await
        .expect("in time")
        .unwrap()
        .clone()
}

pub async fn joined(folder: &std::path::Path, clinic: &SimClinic, name: &str) {
    let invitation = invitation(folder, name);
    let relay = RelayAddress::of_invitation(&invitation).unwrap();
    let statements = clinic.encoded_statements();
    let tenant = sync_client::join_by_invitation(&relay, &invitation.token, statements)
        .await
        .unwrap();
    assert_eq!(tenant, clinic.tenant);
}

pub fn held_by_relay(folder: &std::path::Path, clinic: &SimClinic) -> Vec<OutId> {
    let mut store = Store::open(folder, &mut rng(0)).unwrap();
    let page = Page {
        after: 0,
        max_items: 1_000_000,
        max_bytes: usize::MAX,
    };
    let changes = store.changes(&clinic.tenant, page).unwrap();
    let mut ids: Vec<_> = changes
        .iter()
        .filter_map(|(_, bytes)| bytes.as_ref())
        .map(|bytes| OutId::Change(seal::SealedChange::decode(bytes).unwrap().id()))
        .collect();
    ids.sort_unstable();
    ids
}

pub fn held(store: &MemoryStore) -> Vec<OutId> {
    store.held().changes.into_keys().map(OutId::Change).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_killed_has_lost_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut relay = Process::start(folder.path(), "127.0.0.1:0");
    let (listen, address) = (relay.listen(), relay.address.clone());
    let rng = &mut rng(1);
    let (clinic, mut device) = SimClinic::found(NOW, rng);
    joined(folder.path(), &clinic, "Klinik Satu").await;
    let sync = start(&device, &address);
    until(&sync, |state| state.connected).await;
    for round in 1..=4u64 {
        // Two thousand changes are several pushes; the kill comes between the first acknowledgement and the last.
        (0..2_000).for_each(|_| device.write(rng));
        sync.nudge();
        until(&sync, |state| state.position > (round - 1) * 2_000).await;
        relay.kill();
        let waiting: Vec<_> = device.store.held().outbox.iter().map(|item| item.id).collect();
        let mut acknowledged = held(&device.store);
        acknowledged.retain(|id| !waiting.contains(id));
        let kept = held_by_relay(folder.path(), &clinic);
        assert!(
            acknowledged.iter().all(|id| kept.binary_search(id).is_ok()),
            "round {round}"
        );
        relay = Process::start(folder.path(), &listen);
        sync.retry_now();
        until(&sync, |state| {
            state.connected && state.pending == 0 && state.position == round * 2_000
        })
        .await;
    }
    sync.stop().await;
    assert_eq!(relay.terminate(), Some(0));
    assert_eq!(held_by_relay(folder.path(), &clinic), held(&device.store));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_device_is_paired_by_a_code_and_hears_live() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let (mut clinic, mut first) = SimClinic::found(NOW, &mut rng(2));
    joined(folder.path(), &clinic, "Klinik Satu").await;
    let sync = start(&first, &relay.address);
    until(&sync, |state| state.connected).await;

    let code = seal::PairingCode::make(&mut rng(3));
    let new_keys = seal::DeviceKeys::make(&mut rng(4));
    let member = PairingMember {
        tenant: clinic.tenant,
        keys: &first.keys,
        statements: clinic.encoded_statements(),
    };
    let (store, admin) = (Arc::clone(&first.store), Arc::clone(&first.keys));
    let (membership, before) = (clinic.membership(), clinic.encoded_statements());
    let admit = move |new: seal::DevicePublic| {
        let secrets = seal::EpochSecrets::unwrap(&membership, &admin).unwrap();
        let added = seal::add_device(&membership, &secrets, admin.as_ref(), &new, false, NOW, &mut rng(5)).unwrap();
        store.absorb_statements(vec![added.bytes()]).unwrap();
        Some(before.into_iter().chain([added.bytes()]).collect())
    };
    let host = PairingHost::open(&relay.address, member, code.clone()).await.unwrap();
    let (mut host_rng, mut join_rng) = (rng(6), rng(7));
    let hosting = host.welcome(&mut host_rng, admit);
    let joining = sync_client::join_by_pairing(&relay.address, &code, &new_keys, &mut join_rng);
    let (hosted, welcome) = tokio::join!(hosting, joining);
    assert_eq!(hosted.unwrap(), new_keys.id());
    let welcome = welcome.unwrap();
    assert_eq!(welcome.tenant, clinic.tenant);
    assert_eq!(welcome.relay_url, Some(relay.address.url()));

    // The new device is faster than the statement that admits it: it brings that itself.
    let store = Arc::new(MemoryStore::new(welcome.tenant, welcome.statements));
    let shared: Arc<dyn SyncStore> = Arc::clone(&store) as _;
    let second = SyncHandle::start(shared, relay.address.clone(), new_keys, ports(8), &Handle::current());
    until(&second, |state| state.connected).await;
    first.write(&mut rng(9));
    sync.nudge();
    until(&second, |state| state.position == 1).await;
    assert_eq!(held(&store), held(&first.store));

    // And one clinic can look up another by its id.
    let (other, _) = SimClinic::found(NOW, &mut rng(10));
    joined(folder.path(), &other, "Klinik Dua").await;
    let mut fetched = second.fetch_statements(other.tenant).await.unwrap();
    fetched.sort();
    let mut expected = other.encoded_statements();
    expected.sort();
    assert_eq!(fetched, expected);
    let nobody = seal::TenantId::from_bytes([0; 32]);
    assert_eq!(second.fetch_statements(nobody).await.unwrap(), Vec::<Vec<u8>>::new());
    clinic.statements.truncate(0);
    sync.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_code_pairs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let (clinic, first) = SimClinic::found(NOW, &mut rng(1));
    joined(folder.path(), &clinic, "Klinik Satu").await;
    let code = seal::PairingCode::make(&mut rng(2));
    let shown = code.shown();
    let last = if shown.ends_with('0') { '1' } else { '0' };
    let mistyped: seal::PairingCode = format!("{}{last}", &shown[..shown.len() - 1]).parse().unwrap();
    let member = PairingMember {
        tenant: clinic.tenant,
        keys: &first.keys,
        statements: clinic.encoded_statements(),
    };
    let (mut host_rng, mut join_rng) = (rng(3), rng(4));
    let new_keys = seal::DeviceKeys::make(&mut rng(5));
    let host = PairingHost::open(&relay.address, member, code.clone()).await.unwrap();
    let hosting = host.welcome(&mut host_rng, |_| panic!("nobody is admitted"));
    let joining = sync_client::join_by_pairing(&relay.address, &mistyped, &new_keys, &mut join_rng);
    let (hosted, joined) = tokio::join!(hosting, joining);
    assert_eq!(hosted, Err(RelayError::Pairing(seal::SealError::WrongCode)));
    assert_eq!(joined.map(|_| ()), Err(RelayError::PairingClosed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_claims_to_be_another_is_refused_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let (clinic, device) = SimClinic::found(NOW, &mut rng(1));
    joined(folder.path(), &clinic, "Klinik Satu").await;
    let store: Arc<dyn SyncStore> = Arc::clone(&device.store) as _;
    let stranger = seal::DeviceKeys::make(&mut rng(2));
    let sync = SyncHandle::start(store, relay.address.clone(), stranger, ports(1), &Handle::current());
    let state = until(&sync, |state| state.error_code.is_some()).await;
    assert_eq!((state.connected, state.error_code), (false, Some("unknown_device")));
    sync.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversize_frame_ends_its_connection_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let (clinic, device) = SimClinic::found(NOW, &mut rng(1));
    joined(folder.path(), &clinic, "Klinik Satu").await;
    let sync = start(&device, &relay.address);
    until(&sync, |state| state.connected).await;

    let stream = tokio::net::TcpStream::connect(relay.listen()).await.unwrap();
    let url = format!("{}/sync", relay.address.url());
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    assert!(
        matches!(socket.next().await, Some(Ok(Message::Binary(_)))),
        "the greeting"
    );
    // The relay may close while we still write; either way nothing but the end comes back.
    drop(socket.send(Message::binary(vec![0; MAX_FRAME_BYTES + 1])).await);
    let answer = timeout(DEADLINE, socket.next()).await.unwrap();
    assert!(!matches!(answer, Some(Ok(Message::Binary(_)))), "{answer:?}");
    assert!(sync.state().borrow().connected);
    sync.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_relay_what_is_written_waits_and_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let (listen, address) = (relay.listen(), relay.address.clone());
    let (clinic, mut device) = SimClinic::found(NOW, &mut rng(1));
    joined(folder.path(), &clinic, "Klinik Satu").await;
    assert_eq!(relay.terminate(), Some(0));
    let sync = start(&device, &address);
    let state = until(&sync, |state| state.error_code.is_some()).await;
    assert_eq!(state.error_code, Some("unreachable"));
    device.write(&mut rng(2));
    sync.nudge();
    until(&sync, |state| state.pending == 1).await;
    let relay = Process::start(folder.path(), &listen);
    sync.retry_now();
    let state = until(&sync, |state| state.connected && state.pending == 0).await;
    assert_eq!((state.error_code, state.last_contact_ms), (None, Some(NOW)));

    // And once more, without anybody who presses or writes anything when it is back.
    assert_eq!(relay.terminate(), Some(0));
    until(&sync, |state| !state.connected).await;
    device.write(&mut rng(3));
    sync.nudge();
    until(&sync, |state| state.pending == 1 && state.error_code.is_some()).await;
    let relay = Process::start(folder.path(), &listen);
    until(&sync, |state| state.connected && state.pending == 0).await;
    sync.stop().await;
    assert_eq!(
        Arc::strong_count(&device.store),
        1,
        "a stopped sync has let the store go"
    );
    drop(relay);
}
