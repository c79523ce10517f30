//! The load: many devices in one process of its own, on one thread, told what to do by lines of JSON on its stdin.

mod life;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    io::{BufRead, Write},
    path::{Path, PathBuf},
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use seal::Grant;
use serde::{Deserialize, Serialize};
use sync_protocol::OutItem;
use tokio::{
    sync::mpsc,
    task::{JoinSet, LocalSet},
    time::{sleep, timeout},
};

use super::{
    crowd::{self, Clinic},
    day,
    line::Place,
    talk::{Tail, Talk},
};
use life::Life;

/// Devices that dial at one time.
const AT_ONCE: usize = 64;
/// It is looked so often whether something holds.
const OFTEN: Duration = Duration::from_millis(2);
/// And so often where all devices must be looked at.
const SELDOM: Duration = Duration::from_millis(25);
/// What is still missing then is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// What this process is told to do; each is answered by one line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// Connects the first devices of the first clinics.
    Connect {
        /// `127.0.0.1:port`.
        address: String,
        /// With TLS, and to know it by.
        certificate: Option<PathBuf>,
        /// So many clinics,
        clinics: usize,
        /// and so many devices of each.
        devices: usize,
    },
    /// Lives for a while, at this multiple of the pace of a clinic's hour; leaves how long each thing took in a file.
    Day {
        /// So long.
        seconds: f64,
        /// So many times as much.
        pace: f64,
        /// Milliseconds as little-endian `f32`.
        samples: PathBuf,
    },
    /// Waits until all have lost the relay and are back.
    Back,
    /// Seals so many changes of each clinic that is connected, for [`Order::Pour`].
    Seal {
        /// Of each.
        changes: usize,
        /// Bytes of their bodies.
        bytes: usize,
    },
    /// Pushes what was sealed.
    Pour,
    /// All devices go, and forget what they had.
    Leave,
}

/// What is answered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Devices that are connected.
    pub n_live: usize,
    /// How long it took.
    pub seconds: f64,
    /// Items that were pushed and are durable.
    pub sent: u64,
    /// Changes that reached another device.
    pub delivered: u64,
    /// Releases that reached a device of another clinic.
    pub released: u64,
    /// What was refused, by the relay's word for it, or lost.
    pub errors: BTreeMap<String, u64>,
    /// Changes and releases that did not reach a device of their clinic in time.
    pub missing: u64,
}

impl Report {
    /// With another process's.
    pub fn and(mut self, other: Self) -> Self {
        self.n_live += other.n_live;
        self.seconds = self.seconds.max(other.seconds);
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.released += other.released;
        self.missing += other.missing;
        for (what, n) in other.errors {
            *self.errors.entry(what).or_default() += n;
        }
        self
    }

    /// Everything that went wrong.
    pub fn n_errors(&self) -> u64 {
        self.missing + self.errors.values().sum::<u64>()
    }
}

/// What all devices of this process share.
#[derive(Default)]
pub(super) struct Shared {
    /// When what was sent was to be sent, by its end.
    pub(super) sent_at: RefCell<HashMap<Tail, Instant>>,
    pub(super) report: RefCell<Report>,
    pub(super) samples: RefCell<Vec<f32>>,
    n_welcomes: Cell<usize>,
    /// Items that were to be sent, and those that were answered.
    n_written: Cell<u64>,
    n_answered: Cell<u64>,
}

impl Shared {
    /// Whether everything that was to be sent was answered.
    pub(super) fn has_sent_all(&self) -> bool {
        self.n_answered.get() >= self.n_written.get()
    }

    fn count(&self, error: &str) {
        let mut report = self.report.borrow_mut();
        *report.errors.entry(error.to_owned()).or_default() += 1;
    }

    fn arrived(&self, end: &Tail) {
        if let Some(at) = self.sent_at.borrow().get(end) {
            self.samples.borrow_mut().push(at.elapsed().as_secs_f32() * 1000.0);
        }
    }
}

/// What a device is told by the driver.
pub(super) enum Word {
    Write(Vec<OutItem>),
    /// Its connection is lost, as when a laptop is closed.
    Cut,
}

/// A device that is connected, or tries to be.
pub(super) struct Seat {
    pub(super) clinic: usize,
    pub(super) device: usize,
    words: mpsc::UnboundedSender<Word>,
    talk: Rc<RefCell<Talk>>,
}

impl Seat {
    /// Tells it.
    pub(super) fn say(&self, shared: &Shared, word: Word) {
        if let Word::Write(items) = &word {
            shared.n_written.set(shared.n_written.get() + items.len() as u64);
        }
        self.words.send(word).ok();
    }
}

/// This process.
pub(super) struct Load {
    pub(super) clinics: Vec<Clinic>,
    pub(super) seats: Vec<Seat>,
    pub(super) shared: Rc<Shared>,
    tasks: JoinSet<()>,
    sealed: Vec<Vec<OutItem>>,
    /// What each clinic has given to the one beside it, and how much it has released under that.
    pub(super) grants: HashMap<usize, (Grant, u64)>,
    pub(super) rng: ChaCha20Rng,
}

/// Runs until its stdin ends. Its clinics have the numbers from `first` on.
pub fn run(first: u64, n_clinics: u64, n_devices: usize, statements: &Path) -> Result<()> {
    let clinics: Vec<Clinic> = (first..first + n_clinics)
        .map(|nth| Clinic::make(nth, n_devices))
        .collect::<Result<_>>()?;
    crowd::leave(&clinics, statements)?;
    let (tell, mut orders) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    let mut load = Load {
        clinics,
        seats: Vec::new(),
        shared: Rc::default(),
        tasks: JoinSet::new(),
        sealed: Vec::new(),
        grants: HashMap::new(),
        rng: ChaCha20Rng::seed_from_u64(first ^ 0xbe7c),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        answer(&Report::default())?;
        while let Some(line) = orders.recv().await {
            let order = serde_json::from_str(&line).context("an order is JSON")?;
            let report = load.obey(order).await?;
            answer(&report)?;
        }
        Ok(())
    })
}

fn answer(report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, report)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

impl Load {
    async fn obey(&mut self, order: Order) -> Result<Report> {
        let began = Instant::now();
        self.shared.report.replace(Report::default());
        match order {
            Order::Connect {
                address,
                certificate,
                clinics,
                devices,
            } => {
                let place = Place::new(&address, certificate.as_deref())?;
                self.connect(&place, clinics, devices).await;
            }
            Order::Day { seconds, pace, samples } => {
                day::live(self, Duration::from_secs_f64(seconds), pace).await?;
                self.settle().await;
                let bytes: Vec<u8> = self
                    .shared
                    .samples
                    .take()
                    .iter()
                    .flat_map(|ms| ms.to_le_bytes())
                    .collect();
                std::fs::write(samples, bytes)?;
                self.shared.sent_at.borrow_mut().clear();
            }
            Order::Back => {
                let wanted = self.shared.n_welcomes.get() + self.seats.len();
                let are_back = |load: &Self| load.shared.n_welcomes.get() >= wanted && load.is_settled();
                self.until(SELDOM, are_back).await;
            }
            Order::Seal { changes, bytes } => self.seal(changes, bytes)?,
            Order::Pour => {
                for (seat, items) in self.seats.iter().zip(self.sealed.drain(..)) {
                    seat.say(&self.shared, Word::Write(items));
                }
                self.until(OFTEN, |load| load.shared.has_sent_all()).await;
            }
            Order::Leave => {
                self.seats.clear();
                self.grants.clear();
                self.tasks.shutdown().await;
                self.shared.n_welcomes.set(0);
                self.shared.n_written.set(0);
                self.shared.n_answered.set(0);
            }
        }
        let mut report = self.shared.report.take();
        report.seconds = began.elapsed().as_secs_f64();
        report.n_live = self.n_live();
        Ok(report)
    }

    async fn connect(&mut self, place: &Place, n_clinics: usize, n_devices: usize) {
        let clinics = self.clinics.iter().enumerate().take(n_clinics);
        let devices = clinics.flat_map(|(nth, clinic)| {
            let writers = clinic.writers.iter().enumerate().take(n_devices);
            writers.map(move |(device, writer)| {
                let talk = Talk::new(clinic.tenant, writer.keys.clone(), clinic.digest);
                (nth, device, Rc::new(RefCell::new(talk)))
            })
        });
        let devices: Vec<_> = devices.collect();
        for (clinic, device, talk) in devices {
            let (words, told) = mpsc::unbounded_channel();
            let life = Life {
                place: place.clone(),
                number: self.seats.len(),
                talk: Rc::clone(&talk),
                shared: Rc::clone(&self.shared),
                told,
            };
            self.seats.push(Seat {
                clinic,
                device,
                words,
                talk,
            });
            self.tasks.spawn_local(life.keep());
            let n_begun = self.seats.len();
            self.until(OFTEN, |load| load.shared.n_welcomes.get() + AT_ONCE > n_begun)
                .await;
        }
        self.until(SELDOM, Self::is_settled).await;
    }

    fn seal(&mut self, n_changes: usize, n_bytes: usize) -> Result<()> {
        self.sealed.clear();
        let Self {
            seats, clinics, rng, ..
        } = self;
        for seat in seats {
            let clinic = clinics.get_mut(seat.clinic).context("a seat has a clinic")?;
            let items = (0..n_changes).map(|_| clinic.change(seat.device, n_bytes, rng));
            self.sealed.push(items.collect::<Result<_>>()?);
        }
        Ok(())
    }

    /// Waits until every device has all that was sent; what is missing after a while is counted.
    async fn settle(&mut self) {
        self.until(SELDOM, Self::is_settled).await;
        let heads = self.heads();
        let lacks = |seat: &Seat| {
            let head = heads.get(&seat.clinic).copied().unwrap_or(0);
            let (here, all) = self.releases(seat);
            head - seat.talk.borrow().changes + all.saturating_sub(here)
        };
        self.shared.report.borrow_mut().missing = self.seats.iter().map(lacks).sum();
    }

    pub(super) async fn until(&self, look: Duration, holds: impl Fn(&Self) -> bool) {
        let held = async {
            while !holds(self) {
                sleep(look).await;
            }
        };
        if timeout(PATIENCE, held).await.is_err() {
            self.shared.count("not in time");
        }
    }

    fn n_live(&self) -> usize {
        self.seats.iter().filter(|seat| seat.talk.borrow().is_live()).count()
    }

    /// Everybody is connected, nothing waits, and all devices of a clinic have come equally far.
    fn is_settled(&self) -> bool {
        let heads = self.heads();
        let has_all = |seat: &Seat| {
            let talk = seat.talk.borrow();
            let (here, all) = self.releases(seat);
            talk.is_live() && Some(&talk.changes) == heads.get(&seat.clinic) && here >= all
        };
        self.shared.has_sent_all() && self.seats.iter().all(has_all)
    }

    /// Of those that the clinic beside it released to its clinic: how many are here, and how many there are.
    fn releases(&self, seat: &Seat) -> (u64, u64) {
        match self.grants.get(&day::beside(seat.clinic)) {
            Some((grant, n)) => (seat.talk.borrow().n_released(&grant.clear().id), *n),
            None => (0, 0),
        }
    }

    /// How far the changes of each clinic reach.
    fn heads(&self) -> HashMap<usize, u64> {
        let mut heads = HashMap::new();
        for seat in &self.seats {
            let head: &mut u64 = heads.entry(seat.clinic).or_default();
            *head = (*head).max(seat.talk.borrow().head());
        }
        heads
    }
}
