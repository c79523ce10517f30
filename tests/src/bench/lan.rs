//! Without a relay: from a commit on one device to the row on the other's tables, over the LAN's encrypted channel on this
//! machine.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use domain::PatientId;
use rand::{SeedableRng, rngs::StdRng};
use sync_client::{LanAddress, LanHandle, LanOptions, LanReach, Ports};
use testkit::people::people;
use tokio::runtime::Runtime;
use vault::{Tag, Vault, VaultError};

use super::{
    bare::BareStore,
    clinic::{BareClinic, patient},
    figure::{Figure, Goal, in_turn},
};
use crate::child::PATIENCE;

const N: usize = 200;

/// Somebody is registered here, and looked for there.
pub fn measure(folder: &Path) -> Result<Figure> {
    let clinic = BareClinic::found()?;
    let runtime = Runtime::new()?;
    let here = Station::start(&clinic, &folder.join("lan-here"), 0, &[], &runtime)?;
    let called = here.port()?;
    let there = Station::start(&clinic, &folder.join("lan-there"), 1, &[called], &runtime)?;
    there.until_equal()?;
    let mut queue = people(23);
    let mut travel = || -> Result<Duration> {
        let person = queue.next().context("people do not end")?;
        let now = here.vault.now();
        let id = here.vault.with_rng(|rng| PatientId::make(now, &mut &mut *rng));
        let began = Instant::now();
        here.vault.write(None, |w| -> Result<(), VaultError> {
            w.put_patient(&patient(id, person))
        })?;
        let arrived = there.heard(Tag::Patient(id))?;
        ensure!(there.vault.read(|r| r.patient(id))?.is_some(), "somebody else arrived");
        Ok(arrived - began)
    };
    let mut bare = Bare::make(folder)?;
    let (ours, yardstick, load) = in_turn("changes travel on the LAN", N, |_| travel(), |_| bare.travel())?;
    let (p50, p99) = (ours.median(), ours.quantile(0.99));
    let what = "a live change on the LAN, commit to row".to_owned();
    let against = "a loopback TCP round trip of 600 bytes and two bare durable commits".to_owned();
    Ok(Figure::of("lan", what, against, ours, yardstick)
        .with(Goal::at_most("half within 50 ms", 50.0, p50))
        .with(Goal::at_most("99 % within 250 ms", 250.0, p99))
        .under(load))
}

/// A device on the LAN.
struct Station {
    vault: Vault,
    lan: Arc<Mutex<Option<LanHandle>>>,
    told: Receiver<(Instant, Vec<Tag>)>,
}

impl Station {
    fn start(clinic: &BareClinic, folder: &Path, device: usize, typed: &[u16], runtime: &Runtime) -> Result<Self> {
        let vault = clinic.store(folder, device)?;
        let lan: Arc<Mutex<Option<LanHandle>>> = Arc::default();
        let (tell, told) = channel();
        let news_to = Arc::clone(&lan);
        vault.subscribe(move |tags| {
            let _ = tell.send((Instant::now(), tags.to_vec()));
            if let Ok(lan) = news_to.lock()
                && let Some(lan) = &*lan
            {
                lan.news();
            }
        });
        let typed = typed.iter().map(|port| {
            let address = format!("127.0.0.1:{port}").parse::<LanAddress>();
            address.map_err(|_| anyhow::anyhow!("an address of this machine"))
        });
        let options = LanOptions {
            port: 0,
            reach: LanReach::ThisMachine,
            hint_key: None,
            typed: typed.collect::<Result<_>>()?,
            known: Vec::new(),
        };
        let clock = vault.clone();
        let ports = Ports {
            clock: Arc::new(move || clock.now().as_millisecond()),
            rng: Box::new(StdRng::from_rng(&mut rand::rng())),
        };
        let started = LanHandle::start(
            Arc::new(vault.clone()),
            clinic.keys(device)?,
            options,
            ports,
            runtime.handle(),
        );
        *lan.lock().map_err(|_| anyhow::anyhow!("somebody panicked"))? = Some(started);
        Ok(Self { vault, lan, told })
    }

    /// Waits until its state tells this.
    fn until<T>(&self, read: impl Fn(&sync_client::LanState) -> Option<T>) -> Result<T> {
        let state = {
            let lan = self.lan.lock().map_err(|_| anyhow::anyhow!("somebody panicked"))?;
            lan.as_ref().context("it was started")?.state()
        };
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = read(&state.borrow()) {
                return Ok(found);
            }
            ensure!(Instant::now() < until, "the LAN never came up");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn port(&self) -> Result<u16> {
        self.until(|state| state.port)
    }

    fn until_equal(&self) -> Result<()> {
        self.until(|state| {
            state
                .peers
                .iter()
                .any(|peer| peer.connected && peer.equal)
                .then_some(())
        })
    }

    /// When it was told that this changed.
    fn heard(&self, tag: Tag) -> Result<Instant> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (at, tags) = self.told.recv_timeout(left).context("nobody arrived")?;
            if tags.contains(&tag) {
                return Ok(at);
            }
        }
    }
}

/// What it cannot do without.
struct Bare {
    near: TcpStream,
    far: TcpStream,
    stores: [BareStore; 2],
}

impl Bare {
    fn make(folder: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let near = TcpStream::connect(listener.local_addr()?)?;
        let (far, _) = listener.accept()?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        let store = |name: &str| BareStore::make(&folder.join(name), Some(&[7; 32]));
        let stores = [store("bare-lan-here.db")?, store("bare-lan-there.db")?];
        Ok(Self { near, far, stores })
    }

    fn travel(&mut self) -> Result<Duration> {
        use std::io::{Read, Write};
        let began = Instant::now();
        let mut bytes = [0xA5; 600];
        self.stores[0].commit(&bytes)?;
        self.near.write_all(&bytes)?;
        self.far.read_exact(&mut bytes)?;
        self.far.write_all(&bytes)?;
        self.near.read_exact(&mut bytes)?;
        self.stores[1].commit(&bytes)?;
        Ok(began.elapsed())
    }
}
