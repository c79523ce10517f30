//! One change from one device to another, with nothing else under way; beside it the bare way through the same machine.

use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::{
    Scale,
    crowd::Clinic,
    ingest::BODY,
    line::{Line, Place},
    node::{Home, Node},
    row::{Row, Spread},
    talk::{Heard, Talk, tail},
};
use crate::bench::figure::Goal;

const ADDS_P50_MS: f64 = 5.0;
const ADDS_P99_MS: f64 = 25.0;

/// A device of this process with its connection.
pub(super) struct Device {
    line: Line,
    talk: Talk,
}

impl Device {
    /// Connects, and is welcomed.
    pub(super) async fn connect(place: &Place, clinic: &Clinic, nth: usize) -> Result<Self> {
        let writer = clinic.writers.get(nth).context("a device of the clinic")?;
        let mut device = Self {
            line: Line::dial(place, nth).await?,
            talk: Talk::new(clinic.tenant, writer.keys.clone(), clinic.digest),
        };
        device.until(|heard| matches!(heard, Heard::Welcome(_))).await?;
        Ok(device)
    }

    /// Hears and answers until it heard this.
    pub(super) async fn until(&mut self, wanted: impl Fn(&Heard) -> bool) -> Result<()> {
        loop {
            let message = self.line.hear().await.context("the relay is there")??;
            let (answers, heard) = self.talk.hear(message)?;
            let found = heard.iter().any(&wanted);
            for answer in &answers {
                self.line.say(answer).await?;
            }
            if let Some(Heard::Ended(code)) = heard.iter().find(|one| matches!(one, Heard::Ended(_))) {
                bail!("the relay ends it: {}", code.name());
            }
            if found {
                return Ok(());
            }
        }
    }

    /// Its connection and what it holds.
    pub(super) fn parts(&mut self) -> (&mut Line, &mut Talk) {
        (&mut self.line, &mut self.talk)
    }
}

/// A runtime for what this process says itself.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// So many changes, one after the other.
pub fn measure(home: &Home, node: &Node, clinic: &mut Clinic, scale: &Scale) -> Result<Row> {
    let mut row = Row::begin("relay_live_change", "one change to another device", Some(home.name()));
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut bare = Bare::new(&home.data.with_extension("bare"))?;
    let (mut ours, mut yardstick) = (Vec::new(), Vec::new());
    runtime()?.block_on(async {
        let place = Place::new(&node.address, None)?;
        let mut one = Device::connect(&place, clinic, 0).await?;
        let mut other = Device::connect(&place, clinic, 1).await?;
        for round in 0..=scale.rounds {
            let item = clinic.change(0, BODY, &mut rng)?;
            let (end, n_bytes) = (tail(&item.bytes), item.bytes.len());
            let began = Instant::now();
            let (line, talk) = one.parts();
            let push = talk.write([item]).context("nothing is on its way")?;
            line.say(&push).await?;
            let arrives = async {
                other
                    .until(|heard| matches!(heard, Heard::Change(_, it) if *it == end))
                    .await?;
                anyhow::Ok(began.elapsed())
            };
            let (took, sent) = tokio::join!(arrives, one.until(|heard| matches!(heard, Heard::Sent(_))));
            sent?;
            let (took, bare) = (took?, bare.once(n_bytes)?);
            // The first does not count.
            if round > 0 {
                ours.push(took.as_secs_f64() * 1000.0);
                yardstick.push(bare);
            }
        }
        anyhow::Ok(())
    })?;
    let (ours, yardstick) = (Spread::of(ours), Spread::of(yardstick));
    row.put_spread(&ours);
    row.put("bare p50 ms", yardstick.at(0.5));
    row.put("bare p99 ms", yardstick.at(0.99));
    let bare = yardstick.at(0.5);
    row.aims(Goal::at_most(
        "p50 at most 5 ms above a TCP round trip and one durable write",
        ADDS_P50_MS,
        ours.at(0.5) - bare,
    ));
    row.aims(Goal::at_most(
        "p99 at most 25 ms above it",
        ADDS_P99_MS,
        ours.at(0.99) - bare,
    ));
    Ok(row)
}

/// The same bytes through a loopback socket into a file on the same disk, and back.
struct Bare(TcpStream);

impl Bare {
    fn new(file: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let stream = TcpStream::connect(listener.local_addr()?)?;
        stream.set_nodelay(true)?;
        let (mut far, _) = listener.accept()?;
        far.set_nodelay(true)?;
        let mut file = File::create(file)?;
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = far.read(&mut buffer) {
                let kept = file.write_all(&buffer[..n]).and_then(|()| file.sync_data());
                if kept.and_then(|()| far.write_all(&buffer[..n])).is_err() {
                    return;
                }
            }
        });
        Ok(Self(stream))
    }

    /// Milliseconds.
    fn once(&mut self, n_bytes: usize) -> Result<f64> {
        let mut bytes = vec![7; n_bytes];
        let began = Instant::now();
        self.0.write_all(&bytes)?;
        self.0.read_exact(&mut bytes)?;
        Ok(began.elapsed().as_secs_f64() * 1000.0)
    }
}
