//! Real vaults over real sockets on this machine, without a relay.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::{Instant, Patient, PatientId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use seal::{DeviceKeys, EpochSecrets, Membership, Statement};
use sync_client::{LanAddress, LanHandle, LanOptions, LanReach, LanState, Ports, Timers};
use sync_protocol::{PeerStore, SyncStore};
use tempfile::TempDir;
use testkit::TestClock;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;
use vault::{MachineSecrets, Vault, VaultError};

use crate::proxy::Proxy;

const PATIENCE: Duration = Duration::from_secs(30);

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

struct Shown(TestClock);

impl vault::Clock for Shown {
    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// A device of a clinic: its vault, and syncing on the LAN while it runs.
pub struct Device {
    pub vault: Vault,
    clock: TestClock,
    pub keys: DeviceKeys,
    pub timers: Timers,
    seed: u64,
    lan: Arc<Mutex<Option<LanHandle>>>,
    /// Goes on with each commit.
    commits: watch::Receiver<()>,
    _folder: TempDir,
}

/// The devices of one clinic.
pub fn clinic<const N: usize>(seed: u64) -> [Device; N] {
    let mut random = rng(seed);
    let founded = seal::found_tenant(&mut random, 1000);
    let (mut statements, mut devices) = (founded.statements, vec![founded.device]);
    for n in 1..N {
        let membership = Membership::from_statements(founded.tenant, &statements).unwrap();
        let epochs = EpochSecrets::unwrap(&membership, &devices[0]).unwrap();
        let new = DeviceKeys::make(&mut random);
        let at_ms = 1000 + n as i64;
        let added = seal::add_device(
            &membership,
            &epochs,
            &devices[0],
            &new.public(),
            false,
            at_ms,
            &mut random,
        );
        statements.push(added.unwrap());
        devices.push(new);
    }
    let mut n = 0;
    let devices = devices.into_iter().map(|keys| {
        n += 1;
        Device::new(keys, &statements, seed * 100 + n)
    });
    devices.collect::<Vec<_>>().try_into().ok().unwrap()
}

impl Device {
    fn new(keys: DeviceKeys, statements: &[Statement], seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let secrets = MachineSecrets::make(&keys, &mut rng(seed));
        let clock = TestClock::default();
        let ports = vault::Ports {
            clock: Arc::new(Shown(clock.clone())),
            rng: Box::new(rng(seed)),
        };
        let vault = Vault::create(folder.path(), &secrets, statements, ports).unwrap();
        let (told, commits) = watch::channel(());
        let lan: Arc<Mutex<Option<LanHandle>>> = Arc::default();
        let news_to = Arc::clone(&lan);
        vault.subscribe(move |_| {
            told.send_replace(());
            if let Some(lan) = &*news_to.lock().unwrap() {
                lan.news();
            }
        });
        Self {
            vault,
            clock,
            keys,
            timers: Timers::LAN,
            seed,
            lan,
            commits,
            _folder: folder,
        }
    }

    /// Starts listening on this port, and calling these.
    fn start_with(&mut self, port: u16, typed: &[SocketAddr], hint_key: Option<[u8; 32]>) {
        let options = LanOptions {
            port,
            reach: LanReach::ThisMachine,
            hint_key,
            typed: typed
                .iter()
                .map(|at| at.to_string().parse::<LanAddress>().unwrap())
                .collect(),
            known: Vec::new(),
        };
        self.seed += 1;
        let clock = self.clock.clone();
        let ports = Ports {
            clock: Arc::new(move || clock.now_ms()),
            rng: Box::new(rng(self.seed)),
        };
        let store: Arc<dyn PeerStore> = Arc::new(self.vault.clone());
        let keys = DeviceKeys::from_secret_bytes(&self.keys.to_secret_bytes()).unwrap();
        let started = LanHandle::start_with(store, keys, options, ports, self.timers, &Handle::current());
        *self.lan.lock().unwrap() = Some(started);
    }

    pub async fn start(&mut self, typed: &[SocketAddr]) -> SocketAddr {
        self.start_with(0, typed, None);
        self.address().await
    }

    pub fn state(&self) -> watch::Receiver<LanState> {
        self.lan.lock().unwrap().as_ref().unwrap().state()
    }

    pub fn retry(&self) {
        self.lan.lock().unwrap().as_ref().unwrap().retry_now();
    }

    /// Where it can be called.
    async fn address(&self) -> SocketAddr {
        let port = self.until(|state| state.port.is_some()).await.port.unwrap();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    pub async fn until(&self, holds: impl Fn(&LanState) -> bool) -> LanState {
        let mut state = self.state();
        let waited = timeout(PATIENCE, state.wait_for(holds)).await;
        waited.expect("it happens in time").unwrap().clone()
    }

    pub async fn until_equal_with(&self, other: &Device) {
        let id = other.keys.id();
        self.until(|state| {
            state
                .peers
                .iter()
                .any(|peer| peer.device == id && peer.connected && peer.equal)
        })
        .await;
    }

    /// Waits until something holds of the store.
    pub async fn until_stored(&self, holds: impl Fn(&Vault) -> bool) {
        let mut commits = self.commits.clone();
        let waited = timeout(PATIENCE, async {
            loop {
                commits.borrow_and_update();
                if holds(&self.vault) {
                    return;
                }
                commits.changed().await.unwrap();
            }
        });
        waited.await.expect("it comes in time");
    }

    pub fn write(&self, n: u16) {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        let patient = Patient {
            id: PatientId::from_bytes(id),
            name: format!("Patient {n}"),
            identifier: domain::Identifier::None,
            birth_date: None,
            sex: domain::Sex::Female,
            phone: String::new(),
            address: domain::Address::default(),
        };
        self.vault
            .write(None, |w| w.put_patient(&patient))
            .map_err(|error: VaultError| error)
            .unwrap();
    }

    pub fn n_patients(&self) -> u64 {
        n_patients(&self.vault)
    }

    pub async fn stop(&mut self) {
        let lan = self.lan.lock().unwrap().take().unwrap();
        timeout(PATIENCE, lan.stop()).await.expect("it stops in time");
    }
}

fn n_patients(vault: &Vault) -> u64 {
    vault
        .read(|r| r.n_patients())
        .map_err(|error: VaultError| error)
        .unwrap()
}

pub fn assert_same(devices: &[&Device]) {
    for pair in devices.windows(2) {
        let sets = pair.iter().map(|device| device.vault.set_of_changes().unwrap());
        let sets: Vec<_> = sets.collect();
        assert_eq!(sets[0], sets[1]);
        assert_eq!(
            pair[0].vault.dump_tables().unwrap(),
            pair[1].vault.dump_tables().unwrap()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_meets_its_twin_is_told_and_a_device_that_calls_itself_is_not() {
    let [mut first, mut other] = clinic(9);
    let statements = first.vault.read::<_, VaultError>(|r| r.own_statements()).unwrap();
    let keys = DeviceKeys::from_secret_bytes(&first.keys.to_secret_bytes()).unwrap();
    let mut twin = Device::new(keys, &statements, 950);
    let at = first.start(&[]).await;
    let there = other.start(&[at]).await;
    first.until_equal_with(&other).await;
    assert_eq!(first.until(|state| state.port.is_some()).await.error_code, None);
    // It calls itself where it listens, as it does where a router sends its own word back.
    other.stop().await;
    other.start_with(there.port(), &[there, at], None);
    other.until_equal_with(&first).await;
    assert_eq!(other.until(|state| state.port.is_some()).await.error_code, None);

    twin.start(&[at]).await;
    for device in [&first, &twin] {
        device.until(|state| state.error_code == Some("device_twice")).await;
    }
    assert_eq!(other.until(|state| state.port.is_some()).await.error_code, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_become_equal_and_stay_so() {
    let [mut one, mut two] = clinic(1);
    (0..50).for_each(|n| one.write(n));
    (50..80).for_each(|n| two.write(n));
    let at = one.start(&[]).await;
    two.start(&[at]).await;
    one.until_equal_with(&two).await;
    two.until_equal_with(&one).await;
    assert_same(&[&one, &two]);
    assert_eq!(two.n_patients(), 80);
    let seen = two.state().borrow().peers.clone();
    assert_eq!(seen[0].reached_at, Some(at));
    assert_eq!(seen[0].last_contact_ms, two.clock.now_ms());

    one.write(100);
    two.until_stored(|vault| n_patients(vault) == 81).await;
    two.write(101);
    one.until_stored(|vault| n_patients(vault) == 82).await;
    // What came this way waits for the relay on both.
    assert_eq!((one.vault.pending().unwrap(), two.vault.pending().unwrap()), (82, 82));
    one.stop().await;
    two.until(|state| !state.peers[0].connected).await;
    two.stop().await;
}

/// An hour ahead, three years behind (a battery that died), right again: of a connection that stands nothing depends on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_in_the_middle_of_a_connection_changes_nothing_for_it() {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    let [mut one, mut two] = clinic(9);
    let proxy = Proxy::start().await;
    proxy.lead_to(one.start(&[]).await);
    two.start(&[proxy.address]).await;
    two.until_equal_with(&one).await;
    let three_years = 3 * 365 * 24 * HOUR_MS;
    let (mut n, mut others) = (0, 0);
    for jump in [HOUR_MS, -HOUR_MS - three_years, three_years, -HOUR_MS, HOUR_MS] {
        for jumps_first in [true, false] {
            if jumps_first {
                two.clock.step_ms(jump);
            }
            n += 2;
            one.write(n);
            two.write(n + 1);
            if !jumps_first {
                one.clock.step_ms(jump);
            }
            others += 2;
            one.until_stored(|vault| n_patients(vault) == others).await;
            two.until_stored(|vault| n_patients(vault) == others).await;
        }
    }
    one.until_equal_with(&two).await;
    two.until_equal_with(&one).await;
    assert_same(&[&one, &two]);
    assert_eq!(proxy.seen().n_ever, 1, "it is the same connection still");
    // And one that begins under a dead battery.
    two.stop().await;
    two.clock.step_ms(-three_years);
    one.write(500);
    two.start(&[proxy.address]).await;
    two.until_stored(|vault| n_patients(vault) == others + 1).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_hears_all_hear_also_when_the_middle_one_is_killed() {
    let [mut one, mut middle, mut three] = clinic(2);
    let at = middle.start(&[]).await;
    one.start(&[at]).await;
    three.start(&[at]).await;
    one.until_equal_with(&middle).await;
    one.write(1);
    three.until_stored(|vault| n_patients(vault) == 1).await;

    // A few hundred are on their way when it dies.
    (2..400).for_each(|n| one.write(n));
    three.until_stored(|vault| n_patients(vault) > 1).await;
    drop(middle.lan.lock().unwrap().take());
    one.until(|state| !state.peers[0].connected).await;
    three.until(|state| !state.peers[0].connected).await;
    one.write(400);
    three.write(401);
    assert!(one.n_patients() == 400 && three.n_patients() <= 400);

    middle.start_with(at.port(), &[], None);
    assert_eq!(middle.address().await, at, "its port was free again");
    for device in [&one, &three] {
        device.retry();
    }
    for device in [&one, &middle, &three] {
        device.until_stored(|vault| n_patients(vault) == 401).await;
    }
    assert_same(&[&one, &middle, &three]);
    for device in [&mut one, &mut middle, &mut three] {
        device.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_calls_at_once_one_connection_stays() {
    let [mut one, mut two] = clinic(3);
    let (to_one, to_two) = (Proxy::start().await, Proxy::start().await);
    let at = one.start(&[to_two.address]).await;
    to_one.lead_to(at);
    let at = two.start(&[to_one.address]).await;
    to_two.lead_to(at);
    one.retry();
    two.retry();
    // The call of the lower id stays.
    let (stays, goes) = if one.keys.id() < two.keys.id() {
        (&to_two, &to_one)
    } else {
        (&to_one, &to_two)
    };
    goes.until(|seen| seen.n_ever > 0 && seen.n_open == 0).await;
    stays.until(|seen| seen.n_open == 1).await;
    one.until_equal_with(&two).await;
    one.write(1);
    two.until_stored(|vault| n_patients(vault) == 1).await;
    assert_eq!((stays.seen().n_open, goes.seen().n_open), (1, 0));
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_another_clinic_is_refused_and_learns_nothing() {
    let [mut ours] = clinic(4);
    let [mut theirs] = clinic(5);
    (0..200).for_each(|n| ours.write(n));
    theirs.write(1000);
    let at = ours.start(&[]).await;
    let proxy = Proxy::start().await;
    proxy.lead_to(at);
    theirs.start(&[proxy.address]).await;
    proxy.until(|seen| seen.n_ever > 0 && seen.n_open == 0).await;
    // A handshake and one hello each way, and the refusal.
    let seen = proxy.seen();
    let n_calls = seen.n_ever as u64;
    assert!(
        seen.n_bytes < 4 * 1024 * n_calls,
        "{} bytes in {n_calls} calls",
        seen.n_bytes
    );
    assert_eq!(ours.state().borrow().peers, []);
    assert_eq!(theirs.state().borrow().peers, []);
    assert_eq!((ours.n_patients(), theirs.n_patients()), (200, 1));
    theirs.stop().await;
    ours.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_say_nothing_fill_sixteen_places_and_no_more() {
    let [mut one, mut two] = clinic(6);
    let at = one.start(&[]).await;
    let mut silent = Vec::new();
    for _ in 0..16 {
        silent.push(TcpStream::connect(at).await.unwrap());
    }
    let mut late = TcpStream::connect(at).await.unwrap();
    // Well before it would be for its silence.
    let heard = timeout(Duration::from_secs(6), late.read(&mut [0; 1])).await;
    assert!(matches!(heard, Ok(Ok(0) | Err(_))), "it is hung up at once");
    // A member who is called is no stranger.
    let at = two.start(&[]).await;
    one.stop().await;
    drop(silent);
    one.start(&[at]).await;
    one.until_equal_with(&two).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_stopped_has_let_its_store_go() {
    let [mut one, mut two] = clinic(7);
    let at = one.start(&[]).await;
    two.start(&[at]).await;
    two.until_equal_with(&one).await;
    two.stop().await;
    one.stop().await;
    let Device {
        vault, keys, _folder, ..
    } = two;
    drop(vault);
    let secrets = MachineSecrets::make(&keys, &mut rng(702));
    let ports = vault::Ports {
        clock: Arc::new(Shown(TestClock::default())),
        rng: Box::new(rng(1)),
    };
    assert!(Vault::open(_folder.path(), &secrets, ports).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_find_each_other_by_mdns_and_leave_others_alone() {
    if !multicast_works().await {
        testkit::left_out("multicast on the loopback interface is not allowed here");
        return;
    }
    let [mut one, mut two] = clinic(8);
    let [mut stranger] = clinic(9);
    one.write(1);
    stranger.start_with(0, &[], Some([2; 32]));
    one.start_with(0, &[], Some([1; 32]));
    two.start_with(0, &[], Some([1; 32]));
    two.until_equal_with(&one).await;
    assert_eq!(two.n_patients(), 1);
    assert_eq!(stranger.state().borrow().peers, []);
    for device in [&mut one, &mut two, &mut stranger] {
        device.stop().await;
    }
}

async fn multicast_works() -> bool {
    let (group, here) = (Ipv4Addr::new(224, 0, 0, 251), Ipv4Addr::LOCALHOST);
    let heard = async {
        let listener = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        listener.join_multicast_v4(group, here)?;
        // What is sent from the loopback's address leaves by the loopback.
        let speaker = UdpSocket::bind((here, 0)).await?;
        speaker.send_to(b"?", (group, listener.local_addr()?.port())).await?;
        listener.recv(&mut [0; 1]).await
    };
    matches!(timeout(Duration::from_secs(2), heard).await, Ok(Ok(1)))
}
