//! Nodes that die, come and are replaced while devices write, fetch and wait for each other.

use rand_chacha::ChaCha20Rng;
use seal::Grant;
use sync_client::SyncHandle;
use sync_protocol::sim::{SimClinic, SimDevice};

use crate::balancer::Balancer;
use crate::contract::cluster::Database;
use crate::journeys::{held, start, until};
use crate::node::Node;
use crate::process::relay_command;
use crate::world::{NOW, rng};

const DAY: i64 = 86_400_000;
/// Changes that each device writes in a phase: more than one push has.
const N_WRITTEN: u64 = 700;
const N_DEVICES: u64 = 3;

struct Device {
    device: SimDevice,
    sync: SyncHandle,
}

/// Three clinics with three devices each, all before one balancer; the first gives to the second.
struct Scene {
    database: Database,
    balancer: Balancer,
    clinics: Vec<Vec<Device>>,
    tenants: Vec<SimClinic>,
    grant: Grant,
    rng: ChaCha20Rng,
    n_phases: u64,
}

impl Scene {
    async fn set(database: Database, first: &Node, seed: u8) -> Self {
        let mut rng = rng(seed);
        let balancer = Balancer::start().await;
        balancer.add(first);
        let (mut tenants, mut clinics) = (Vec::new(), Vec::new());
        for name in ["Klinik Satu", "Klinik Dua", "Klinik Tiga"] {
            let (mut clinic, device) = SimClinic::found(NOW, &mut rng);
            let mut devices = vec![device];
            while (devices.len() as u64) < N_DEVICES {
                devices.push(clinic.admit(NOW, &mut rng));
            }
            first.join(&database, &clinic, name).await;
            clinics.push(devices);
            tenants.push(clinic);
        }
        let now = sync_server::now_ms();
        let grant = clinics[0][0].grant(&tenants[1].membership(), NOW - DAY, now + DAY, &mut rng);
        let connect = |device: SimDevice| Device {
            sync: start(&device, &balancer.address),
            device,
        };
        let clinics: Vec<Vec<Device>> = clinics
            .into_iter()
            .map(|devices| devices.into_iter().map(connect).collect())
            .collect();
        for device in clinics.iter().flatten() {
            until(&device.sync, |state| state.connected).await;
        }
        Self {
            database,
            balancer,
            clinics,
            tenants,
            grant,
            rng,
            n_phases: 0,
        }
    }

    /// Everybody writes; when each clinic has part of it, this happens; and in the end each device has all of its clinic's,
    /// and what the first clinic gives is with the second.
    async fn phase<T>(&mut self, happens: impl AsyncFnOnce(&Self) -> T) -> T {
        let before = self.n_phases * N_DEVICES * N_WRITTEN;
        self.n_phases += 1;
        let recipient = self.tenants[1].membership();
        for device in self.clinics.iter_mut().flatten() {
            (0..N_WRITTEN).for_each(|_| device.device.write(&mut self.rng));
        }
        let giver = &self.clinics[0][0].device;
        for _ in 0..5 {
            giver.release(&self.grant, &recipient, None, 1_000, &mut self.rng);
        }
        for device in self.clinics.iter().flatten() {
            device.sync.nudge();
        }
        for devices in &self.clinics {
            until(&devices[0].sync, |state| state.position > before).await;
        }
        let happened = happens(self).await;
        let all = self.n_phases * N_DEVICES * N_WRITTEN;
        for device in self.clinics.iter().flatten() {
            let state = until(&device.sync, |state| state.pending == 0 && state.position >= all).await;
            assert_eq!(state.position, all, "nothing twice");
        }
        happened
    }

    /// Everything is everywhere exactly once.
    async fn end(self) {
        let n_all = self.n_phases * N_DEVICES * N_WRITTEN;
        for devices in &self.clinics {
            let first = held(&devices[0].device.store);
            assert_eq!(first.len() as u64, n_all);
            for device in devices {
                assert_eq!(held(&device.device.store), first);
                assert_eq!(device.device.store.held().lies, []);
                assert_eq!(device.device.store.held().refused, []);
            }
        }
        let fetched = async {
            for device in &self.clinics[1] {
                while (device.device.store.held().releases.len() as u64) < 5 * self.n_phases {
                    tokio::task::yield_now().await;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), fetched)
            .await
            .expect("each release, at each device");
        for device in self.clinics.into_iter().flatten() {
            device.sync.stop().await;
        }
        let looking = tokio::task::spawn_blocking(move || {
            let count = "SELECT count(*), count(DISTINCT (tenant, id)), count(DISTINCT (tenant, position)),
                             (SELECT count(*) FROM release), max(position) FROM change";
            let row = self.database.raw().query_one(count, &[]).unwrap();
            [0, 1, 2, 3, 4].map(|at| row.get::<_, i64>(at))
        });
        let n = i64::try_from(n_all).unwrap();
        let n_released = i64::try_from(5 * self.n_phases).unwrap();
        assert_eq!(looking.await.unwrap(), [3 * n, 3 * n, 3 * n, n_released, n]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_die_come_and_are_replaced_under_load_and_devices_only_connect_again() {
    let database = tokio::task::spawn_blocking(Database::make).await.unwrap();
    let first = Node::start(&database, None);
    let second = Node::start(&database, Some(&first));
    let mut scene = Scene::set(database, &first, 140).await;
    // Whoever is cut from the first goes to the second.
    scene.balancer.add(&second);
    scene.phase(async |_| first.kill()).await;

    // One is added, and takes over when the other is asked to stop: a node that is replaced by the next build.
    let third = Node::start(&scene.database, Some(&second));
    scene.balancer.add(&third);
    let stopping = async |_: &Scene| tokio::task::spawn_blocking(|| second.terminate()).await.unwrap();
    assert_eq!(scene.phase(stopping).await, Some(0));

    // The schema of a later build comes while a node serves: it goes on, and another of the present build can start.
    let fourth = scene
        .phase(async |scene| {
            let login = scene.database.owner();
            let later = "BEGIN; ALTER TABLE change ADD COLUMN later BIGINT; ALTER TABLE relay ADD COLUMN later BIGINT;
                         CREATE TABLE later (id BIGINT);
                         INSERT INTO refinery_schema_history SELECT max(version) + 1, 'later', max(applied_on), '1'
                         FROM refinery_schema_history; COMMIT";
            // As `prepare` does it: who meets a node at work tries again.
            let migrating = move || {
                let mut owner = login.connect().unwrap();
                owner.batch_execute("SET lock_timeout = '2s'").unwrap();
                while owner.batch_execute(later).is_err() {
                    owner.batch_execute("ROLLBACK").unwrap();
                }
            };
            tokio::task::spawn_blocking(migrating).await.unwrap();
            Node::start(&scene.database, Some(&third))
        })
        .await;
    scene.balancer.add(&fourth);
    let stopping = async |_: &Scene| tokio::task::spawn_blocking(|| third.terminate()).await.unwrap();
    assert_eq!(scene.phase(stopping).await, Some(0));
    for device in scene.clinics.iter().flatten() {
        // Whoever had everything when its node stopped may still be on its way to another.
        let state = until(&device.sync, |state| state.connected).await;
        assert_eq!(state.error_code, None);
    }

    // The present build does not prepare what a later one has prepared.
    let prepared = relay_command(fourth.folder.path())
        .args(["database", "prepare", "--owner", &scene.database.text_of("postgres")])
        .output()
        .unwrap();
    let words = String::from_utf8(prepared.stderr).unwrap();
    assert_eq!(prepared.status.code(), Some(4), "{words}");
    assert!(words.contains("a later build"), "{words}");
    scene.end().await;
    drop(fourth);
}
