//! A live change: written at one desk, in the store of the other, through a relay process; beside the bare parts of it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use testkit::people::people;
use tokio::runtime::Runtime;

use super::{
    Site,
    bare::{BareStore, key_of, sealed},
    counter::Counter,
    figure::{Figure, in_turn},
};
use crate::people::SERI_MAWAR;

const N: usize = 60;

/// Registers people at one desk and waits for each at the other.
pub fn measure(site: &Site, folder: &Path) -> Result<Figure> {
    let runtime = Runtime::new()?;
    let (here, there) = (
        Counter::open(&site.first, &runtime)?,
        Counter::open(&site.second, &runtime)?,
    );
    here.sign_in(&SERI_MAWAR.owner)?;
    there.sign_in(&SERI_MAWAR.owner)?;
    let mut queue = people(12);
    let mut travel = || -> Result<Duration> {
        here.all_sent()?;
        there.all_sent()?;
        there.forget();
        let person = queue.next().context("people do not end")?;
        let name = person.name.clone();
        let began = Instant::now();
        let id = here.register(person)?;
        let arrived = there.changed(&format!("patient:{id}"))?;
        let seen = there.desk.patient_banner(id)?;
        ensure!(seen.name == name, "somebody else arrived");
        Ok(arrived - began)
    };
    let (_, before) = sealed(&site.first, &site.pair)?;
    travel()?;
    let n_bytes = usize::try_from(sealed(&site.first, &site.pair)?.1 - before)?;
    let mut bare = BareParts::make(folder, site, n_bytes)?;
    let (ours, yardstick, load) = in_turn("round trips", N, |_| travel(), |_| bare.travel())?;
    Ok(Figure::of(
        "round_trip",
        "a live change, from desk to desk".into(),
        format!("a loopback TCP round trip and three bare durable commits of the same {n_bytes} bytes"),
        ours,
        yardstick,
    )
    .under(load))
}

/// What a live change cannot do without: it is durable at the desk, at the relay and at the other desk.
struct BareParts {
    socket: TcpStream,
    bytes: Vec<u8>,
    stores: [BareStore; 3],
}

impl BareParts {
    fn make(folder: &Path, site: &Site, n_bytes: usize) -> Result<Self> {
        let key = key_of(&site.first, &site.pair)?;
        let file = |name: &str| folder.join(format!("bare-trip-{name}.db"));
        // The relay keeps what is sealed already: its store is not encrypted again.
        let stores = [
            BareStore::make(&file("here"), Some(&key))?,
            BareStore::make(&file("relay"), None)?,
            BareStore::make(&file("there"), Some(&key))?,
        ];
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let socket = TcpStream::connect(listener.local_addr()?)?;
        socket.set_nodelay(true)?;
        let (mut far, _) = listener.accept()?;
        far.set_nodelay(true)?;
        let mut bytes = vec![0xA5; n_bytes];
        std::thread::spawn(move || {
            // Ends with the socket at the other side.
            while far.read_exact(&mut bytes).and_then(|()| far.write_all(&bytes)).is_ok() {}
        });
        Ok(Self {
            socket,
            bytes: vec![0xA5; n_bytes],
            stores,
        })
    }

    fn travel(&mut self) -> Result<Duration> {
        let began = Instant::now();
        self.socket.write_all(&self.bytes)?;
        self.socket.read_exact(&mut self.bytes)?;
        for store in &self.stores {
            store.commit(&self.bytes)?;
        }
        Ok(began.elapsed())
    }
}
