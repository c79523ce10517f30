//! How long a change of one device takes to be on another one's disk, over the LAN's protocol on this machine.
//!
//! `cargo run --example lan_latency`
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use domain::{Patient, PatientId};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use seal::{DeviceKeys, EpochSecrets, Membership, Statement};
use sync_client::{LanHandle, LanOptions, LanReach, Ports};
use tokio::runtime::Handle;
use tokio::sync::watch;
use vault::{MachineSecrets, Vault, VaultError};

const N_CHANGES: u16 = 200;

struct Still;

impl vault::Clock for Still {
    fn now(&self) -> domain::Instant {
        domain::Instant::from_millisecond(1_795_000_000_000).unwrap()
    }
}

type News = Arc<Mutex<Option<LanHandle>>>;

fn device(
    keys: &DeviceKeys,
    statements: &[Statement],
    seed: u64,
) -> (Vault, News, watch::Receiver<()>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let secrets = MachineSecrets::make(keys, &mut rng);
    let ports = vault::Ports {
        clock: Arc::new(Still),
        rng: Box::new(rng),
    };
    let vault = Vault::create(folder.path(), &secrets, statements, ports).unwrap();
    let lan = News::default();
    let (told, commits) = watch::channel(());
    let news = Arc::clone(&lan);
    vault.subscribe(move |_| {
        told.send_replace(());
        if let Some(lan) = &*news.lock().unwrap() {
            lan.news();
        }
    });
    (vault, lan, commits, folder)
}

fn start(vault: &Vault, keys: &DeviceKeys, typed: Option<u16>, seed: u64) -> LanHandle {
    let options = LanOptions {
        port: 0,
        reach: LanReach::ThisMachine,
        hint_key: None,
        typed: typed
            .iter()
            .map(|port| format!("127.0.0.1:{port}").parse().unwrap())
            .collect(),
        known: Vec::new(),
    };
    let ports = Ports {
        clock: Arc::new(|| 0),
        rng: Box::new(ChaCha20Rng::seed_from_u64(seed)),
    };
    LanHandle::start(
        Arc::new(vault.clone()),
        keys.clone(),
        options,
        ports,
        &Handle::current(),
    )
}

fn n_patients(vault: &Vault) -> u64 {
    vault.read::<_, VaultError>(|r| r.n_patients()).unwrap()
}

#[tokio::main]
async fn main() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let founded = seal::found_tenant(&mut rng, 1000);
    let (mut statements, first, second) = (founded.statements, founded.device, DeviceKeys::make(&mut rng));
    let membership = Membership::from_statements(founded.tenant, &statements).unwrap();
    let epochs = EpochSecrets::unwrap(&membership, &first).unwrap();
    let added = seal::add_device(&membership, &epochs, &first, &second.public(), false, 1001, &mut rng);
    statements.push(added.unwrap());
    let (one, lan_of_one, _, _folder_of_one) = device(&first, &statements, 2);
    let (two, lan_of_two, mut commits, _folder_of_two) = device(&second, &statements, 3);

    let handle = start(&one, &first, None, 4);
    let port = handle
        .state()
        .wait_for(|state| state.port.is_some())
        .await
        .unwrap()
        .port;
    *lan_of_one.lock().unwrap() = Some(handle);
    let handle = start(&two, &second, port, 5);
    let mut state = handle.state();
    *lan_of_two.lock().unwrap() = Some(handle);
    drop(
        state
            .wait_for(|state| state.peers.iter().any(|peer| peer.equal))
            .await
            .unwrap(),
    );

    let (mut writes, mut arrivals): (Vec<Duration>, Vec<Duration>) = Default::default();
    for n in 0..N_CHANGES {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        let patient = Patient {
            id: PatientId::from_bytes(id),
            name: format!("Patient {n}"),
            identifier: domain::Identifier::None,
            birth_date: None,
            sex: domain::Sex::Unknown,
            phone: String::new(),
            address: domain::Address::default(),
        };
        let begun = Instant::now();
        one.write::<_, VaultError>(None, |w| w.put_patient(&patient)).unwrap();
        let written = Instant::now();
        while n_patients(&two) <= u64::from(n) {
            commits.changed().await.unwrap();
        }
        writes.push(written - begun);
        arrivals.push(written.elapsed());
    }
    for (what, mut times) in [("write", writes), ("then on the other device", arrivals)] {
        times.sort();
        let (median, worst) = (times[times.len() / 2], times[times.len() * 95 / 100]);
        println!("{what}: median {median:?}, 95 of 100 within {worst:?}");
    }
    for lan in [lan_of_one, lan_of_two] {
        let handle = lan.lock().unwrap().take().unwrap();
        handle.stop().await;
    }
}
