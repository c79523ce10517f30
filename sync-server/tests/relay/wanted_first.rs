//! What a new device takes first: named in the welcome, asked for by name, before real relays at real sockets.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rand_chacha::ChaCha20Rng;
use seal::{
    ChangeId, DeviceKeys, DevicePublic, EpochSecrets, FirstChanges, MAX_FIRST_CHANGES, PairingCode, Welcome, add_device,
};
use sync_client::{Admitted, PairingHost, PairingMember, RelayAddress, join_by_pairing};
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{BATCH_ITEMS, BATCHES_IN_FLIGHT, DeviceSession};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::contract::cluster::Database;
use crate::journeys::{held, joined, start, start_with, until};
use crate::node::Node;
use crate::operated::DEADLINE;
use crate::process::Process;
use crate::world::{NOW, rng};

/// What the feed may have brought before the relay waits for an acknowledgement.
const ON_THE_WAY: usize = BATCH_ITEMS * BATCHES_IN_FLIGHT as usize;
const N_WRITTEN: usize = 3_000;

/// A clinic whose first device has told a relay all that it wrote.
struct Scene {
    clinic: SimClinic,
    first: SimDevice,
    written: Vec<ChangeId>,
    address: RelayAddress,
    rng: ChaCha20Rng,
}

impl Scene {
    fn found(seed: u8, address: &RelayAddress) -> Self {
        let mut rng = rng(seed);
        let (clinic, first) = SimClinic::found(NOW, &mut rng);
        Self {
            clinic,
            first,
            written: Vec::new(),
            address: address.clone(),
            rng,
        }
    }

    /// Writes so much, and waits until the relay has it.
    async fn write(&mut self, n: usize) {
        for _ in 0..n {
            let item = self.first.seal(40, &mut self.rng);
            let sync_protocol::OutId::Change(id) = item.id else {
                panic!()
            };
            self.written.push(id);
            self.first.store.write(item);
        }
        let (sync, n) = (start(&self.first, &self.address), self.written.len() as u64);
        until(&sync, |state| state.pending == 0 && state.position == n).await;
        sync.stop().await;
    }

    /// Of what was written now and then one, the newest first, and names of nothing between them.
    fn scattered(&self) -> Vec<ChangeId> {
        let some = self.written.iter().rev().step_by(5);
        some.enumerate()
            .flat_map(|(nth, id)| [nobodys(nth as u32), *id])
            .collect()
    }

    /// The first device shows a code, and tells the new one this beside its statements; what this one heard.
    async fn pair(&mut self, new: &DeviceKeys, n_repeated: usize, first: FirstChanges) -> Welcome {
        let code = PairingCode::make(&mut self.rng);
        let member = PairingMember {
            tenant: self.clinic.tenant,
            keys: &self.first.keys,
            statements: self.clinic.encoded_statements(),
        };
        let (membership, mut statements) = (self.clinic.membership(), self.clinic.encoded_statements());
        let admin = Arc::clone(&self.first.keys);
        let admit = move |new: DevicePublic, _| {
            let secrets = EpochSecrets::unwrap(&membership, &admin).unwrap();
            let added = add_device(&membership, &secrets, admin.as_ref(), &new, false, NOW, &mut rng(5)).unwrap();
            statements.extend(vec![added.bytes(); n_repeated]);
            Some(Admitted { statements, first })
        };
        let host = PairingHost::open(&self.address, member, code.clone()).await.unwrap();
        let (mut host_rng, mut join_rng) = (rng(6), rng(7));
        let hosting = host.welcome_named(&mut host_rng, admit);
        let joining = join_by_pairing(&self.address, &code, new, &mut join_rng);
        let (hosted, welcome) = tokio::join!(hosting, joining);
        assert_eq!(hosted.unwrap(), new.id());
        welcome.unwrap()
    }
}

fn nobodys(n: u32) -> ChangeId {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&n.to_be_bytes());
    ChangeId::from_bytes(id)
}

/// A new device speaks at a socket until it has everything; what it held when nothing was wanted first any more.
async fn speak(device: &SimDevice, address: &RelayAddress, n_all: usize) -> BTreeSet<ChangeId> {
    let listen = address.url().trim_start_matches("ws://").to_owned();
    let tcp = TcpStream::connect(&listen).await.unwrap();
    let (mut socket, _) = client_async(format!("ws://{listen}/sync"), tcp).await.unwrap();
    let mut session = DeviceSession::new(Arc::clone(&device.store) as _, Arc::clone(&device.keys));
    let mut at_first = None;
    let speaking = async {
        while at_first.is_none() || device.store.held().changes.len() < n_all {
            let frame = match socket.next().await.unwrap().unwrap() {
                Message::Binary(frame) => frame,
                other => panic!("{other:?}"),
            };
            for frame in session.receive(&frame, NOW).unwrap().send {
                socket.send(Message::binary(frame)).await.unwrap();
            }
            let held = device.store.held();
            if at_first.is_none() && held.wanted_first.is_empty() {
                at_first = Some(held.changes.into_keys().collect());
            }
        }
    };
    timeout(DEADLINE, speaking).await.expect("in time");
    at_first.unwrap()
}

async fn wanted_comes_before_the_rest(scene: &mut Scene) {
    scene.write(N_WRITTEN).await;
    let wanted = scene.scattered();
    let new = scene.clinic.admit(NOW, &mut scene.rng);
    new.store.want_first(wanted.clone());
    let at_first = speak(&new, &scene.address, N_WRITTEN).await;
    let are_here = scene.written.iter().filter(|id| wanted.contains(id));
    assert!(are_here.clone().all(|id| at_first.contains(id)), "some are not here");
    let n_most = are_here.count() + ON_THE_WAY;
    assert!(at_first.len() <= n_most, "{} were stored meanwhile", at_first.len());
    assert_eq!(held(&new.store), held(&scene.first.store));

    // And one that nobody tells what to want takes everything in its turn.
    let plain = scene.clinic.admit(NOW, &mut scene.rng);
    speak(&plain, &scene.address, N_WRITTEN).await;
    assert_eq!(held(&plain.store), held(&scene.first.store));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_new_device_wants_is_here_before_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let mut scene = Scene::found(130, &relay.address);
    joined(folder.path(), &scene.clinic, "Klinik Satu").await;
    wanted_comes_before_the_rest(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_new_device_wants_is_here_before_the_rest_on_postgres_too() {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
    let relay = Node::start(&database, None);
    let mut scene = Scene::found(131, &relay.address);
    relay.join(&database, &scene.clinic, "Klinik Satu").await;
    wanted_comes_before_the_rest(&mut scene).await;
}

/// As many names as a welcome has at most arrive, in their order, and the new device begins from them.
async fn a_full_list_arrives_whole(scene: &mut Scene) {
    scene.write(600).await;
    let mut named = scene.scattered();
    named.extend((1_000_000..).map(nobodys).take(MAX_FIRST_CHANGES - named.len()));
    let keys = DeviceKeys::make(&mut scene.rng);
    let welcome = scene.pair(&keys, 1, FirstChanges::of(named.clone())).await;
    assert_eq!(named.len(), 24_576);
    assert!(welcome.first.ids() == named, "not what was said");

    let store = Arc::new(MemoryStore::new(welcome.tenant, welcome.statements));
    store.want_first(welcome.first.ids().to_vec());
    let sync = start_with(Arc::clone(&store) as _, &keys, &scene.address);
    until(&sync, |state| state.position == 600).await;
    assert_eq!(held(&store), held(&scene.first.store));
    // Names of nothing are asked for too, and nobody is told when the last of them is answered.
    let all_asked = async {
        while !store.held().wanted_first.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(DEADLINE, all_asked).await.expect("in time");
    sync.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_names_as_a_welcome_has_arrive_whole() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let mut scene = Scene::found(132, &relay.address);
    joined(folder.path(), &scene.clinic, "Klinik Satu").await;
    a_full_list_arrives_whole(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_names_as_a_welcome_has_arrive_whole_over_postgres_too() {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
    let relay = Node::start(&database, None);
    let mut scene = Scene::found(133, &relay.address);
    relay.join(&database, &scene.clinic, "Klinik Satu").await;
    a_full_list_arrives_whole(&mut scene).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_statements_and_names_do_not_fit_together_the_device_joins_without_the_names() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Process::start(folder.path(), "127.0.0.1:0");
    let mut scene = Scene::found(134, &relay.address);
    joined(folder.path(), &scene.clinic, "Klinik Satu").await;
    let names = FirstChanges::of((0..).map(nobodys).take(MAX_FIRST_CHANGES).collect());
    // Said a thousand times: a quarter of a megabyte and more.
    let keys = DeviceKeys::make(&mut scene.rng);
    let welcome = scene.pair(&keys, 1_000, names).await;
    let n_bytes: usize = welcome.statements.iter().map(Vec::len).sum();
    assert!((256 * 1024..1024 * 1024).contains(&n_bytes), "{n_bytes} bytes");
    assert_eq!(welcome.first, FirstChanges::default());
}
