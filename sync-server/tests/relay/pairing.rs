//! A new device is connected to one node, and the device that admits it to another.

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use seal::{DeviceKeys, DevicePublic, EpochSecrets, PairingCode, Welcome, add_device};
use sync_client::{PairingHost, PairingMember, RelayAddress, RelayError, SyncHandle, join_by_pairing};
use sync_protocol::memory::MemoryStore;
use sync_protocol::sim::{SimClinic, SimDevice};
use sync_protocol::{RefusedCode, SyncStore};

use crate::contract::cluster::Database;
use crate::journeys::{held, start, start_with, until};
use crate::node::Node;
use crate::world::{NOW, rng};

/// Two nodes, and a clinic's first device.
struct Scene {
    database: Database,
    first: Node,
    second: Node,
    clinic: SimClinic,
    device: SimDevice,
    rng: ChaCha20Rng,
}

impl Scene {
    async fn set(seed: u8) -> Self {
        let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
        let mut rng = rng(seed);
        let (clinic, device) = SimClinic::found(NOW, &mut rng);
        let first = Node::start(&database, None);
        let second = Node::start(&database, Some(&first));
        first.join(&database, &clinic, "Klinik Dua Nod").await;
        Self {
            database,
            first,
            second,
            clinic,
            device,
            rng,
        }
    }

    fn member(&self) -> PairingMember<'_> {
        PairingMember {
            tenant: self.clinic.tenant,
            keys: &self.device.keys,
            statements: self.clinic.encoded_statements(),
        }
    }

    /// The first device shows a code, connected to one node; the new one types it, connected to another.
    async fn pair(&mut self, host: &RelayAddress, join: &RelayAddress, new: &DeviceKeys) -> Welcome {
        let code = PairingCode::make(&mut self.rng);
        let (store, admin) = (Arc::clone(&self.device.store), Arc::clone(&self.device.keys));
        let (membership, before) = (self.clinic.membership(), self.clinic.encoded_statements());
        let admit = move |new: DevicePublic| {
            let secrets = EpochSecrets::unwrap(&membership, &admin).unwrap();
            let added = add_device(&membership, &secrets, admin.as_ref(), &new, false, NOW, &mut rng(5)).unwrap();
            store.absorb_statements(vec![added.bytes()]).unwrap();
            Some(before.into_iter().chain([added.bytes()]).collect())
        };
        let host = PairingHost::open(host, self.member(), code.clone()).await.unwrap();
        let (mut host_rng, mut join_rng) = (rng(6), rng(7));
        let hosting = host.welcome(&mut host_rng, admit);
        let joining = join_by_pairing(join, &code, new, &mut join_rng);
        let (hosted, welcome) = tokio::join!(hosting, joining);
        assert_eq!(hosted.unwrap(), new.id());
        welcome.unwrap()
    }
}

/// What is left of pairings.
async fn n_rows(database: &Database) -> i64 {
    let login = database.owner();
    let count = "SELECT (SELECT count(*) FROM pairing) + (SELECT count(*) FROM pairing_side)
                 + (SELECT count(*) FROM pairing_post)";
    let counting = move || login.connect().unwrap().query_one(count, &[]).unwrap().get(0);
    tokio::task::spawn_blocking(counting).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_device_at_one_node_is_admitted_by_a_device_at_another() {
    let mut scene = Scene::set(110).await;
    let (here, there) = (scene.first.address.clone(), scene.second.address.clone());
    let sync = start(&scene.device, &here);
    until(&sync, |state| state.connected).await;
    let keys = DeviceKeys::make(&mut scene.rng);
    let welcome = scene.pair(&here, &there, &keys).await;
    assert_eq!(welcome.tenant, scene.clinic.tenant);

    let store = Arc::new(MemoryStore::new(welcome.tenant, welcome.statements));
    let second: SyncHandle = start_with(Arc::clone(&store) as _, &keys, &there);
    until(&second, |state| state.connected).await;
    scene.device.write(&mut scene.rng);
    sync.nudge();
    until(&second, |state| state.position == 1).await;
    assert_eq!(held(&store), held(&scene.device.store));
    sync.stop().await;
    second.stop().await;
    // Both have left; the last of the two takes the rows along, after its device has heard the goodbye.
    assert_eq!(scene.first.terminate(), Some(0));
    assert_eq!(scene.second.terminate(), Some(0));
    assert_eq!(n_rows(&scene.database).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_for_one_try_whichever_node_it_is_tried_at() {
    let mut scene = Scene::set(111).await;
    let code = PairingCode::make(&mut scene.rng);
    let shown = code.shown();
    let last = if shown.ends_with('0') { '1' } else { '0' };
    let mistyped: PairingCode = format!("{}{last}", &shown[..shown.len() - 1]).parse().unwrap();
    let new = DeviceKeys::make(&mut scene.rng);
    let host = PairingHost::open(&scene.first.address, scene.member(), code.clone())
        .await
        .unwrap();
    let (mut host_rng, mut join_rng) = (rng(6), rng(7));
    let hosting = host.welcome(&mut host_rng, |_| panic!("nobody is admitted"));
    let joining = join_by_pairing(&scene.second.address, &mistyped, &new, &mut join_rng);
    let (hosted, joined) = tokio::join!(hosting, joining);
    assert_eq!(hosted, Err(RelayError::Pairing(seal::SealError::WrongCode)));
    assert_eq!(joined.map(|_| ()), Err(RelayError::PairingClosed));
    for node in [&scene.first, &scene.second] {
        let again = join_by_pairing(&node.address, &code, &new, &mut rng(8)).await;
        assert_eq!(
            again.map(|_| ()),
            Err(RelayError::Refused(RefusedCode::NobodyWaits)),
            "the right code, too late"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_in_the_middle_of_a_pairing_means_only_to_try_again() {
    let mut scene = Scene::set(112).await;
    let third = Node::start(&scene.database, Some(&scene.first));
    let there = scene.second.address.clone();
    let new = DeviceKeys::make(&mut scene.rng);

    // Killed: the joiner at the other node hears that it is over once the dead node's side is missed.
    let code = PairingCode::make(&mut scene.rng);
    let host = PairingHost::open(&third.address, scene.member(), code.clone())
        .await
        .unwrap();
    let (met, mut join_rng) = (there.clone(), rng(7));
    let (joining_code, joining_keys) = (code.clone(), new.clone());
    let joining = tokio::spawn(async move {
        join_by_pairing(&met, &joining_code, &joining_keys, &mut join_rng)
            .await
            .map(drop)
    });
    // The host says nothing; it only waits until somebody sits there.
    scene.until_joined().await;
    third.kill();
    assert_eq!(joining.await.unwrap(), Err(RelayError::PairingClosed));
    drop(host);
    assert_eq!(n_rows(&scene.database).await, 0);

    // Asked to stop: it is told at once.
    let first = scene.first.address.clone();
    let code = PairingCode::make(&mut scene.rng);
    let host = PairingHost::open(&first, scene.member(), code.clone()).await.unwrap();
    let (met, mut join_rng) = (there.clone(), rng(8));
    let (joining_code, joining_keys) = (code.clone(), new.clone());
    let joining = tokio::spawn(async move {
        join_by_pairing(&met, &joining_code, &joining_keys, &mut join_rng)
            .await
            .map(drop)
    });
    scene.until_joined().await;
    let replaced = Node::start(&scene.database, Some(&scene.second));
    let stopping = std::mem::replace(&mut scene.first, replaced);
    let stopping = tokio::task::spawn_blocking(move || stopping.terminate());
    assert_eq!(joining.await.unwrap(), Err(RelayError::PairingClosed));
    drop(host);
    assert_eq!(stopping.await.unwrap(), Some(0));

    // Another code, and it is done.
    let here = scene.first.address.clone();
    let welcome = scene.pair(&here, &there, &new).await;
    assert_eq!(welcome.tenant, scene.clinic.tenant);
}

impl Scene {
    /// Comes back once two sit in a pairing.
    async fn until_joined(&self) {
        let login = self.database.owner();
        let waiting = move || {
            let mut raw = login.connect().unwrap();
            let count = "SELECT count(*) FROM pairing_side WHERE is_host = 0";
            while raw.query_one(count, &[]).unwrap().get::<_, i64>(0) == 0 {}
        };
        tokio::task::spawn_blocking(waiting).await.unwrap();
    }
}
