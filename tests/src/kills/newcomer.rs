//! A new device takes a whole clinic in over its relay's socket and is killed on the way, again and again, by how far it has
//! come. Each time its store is verified, nothing that it had told is gone, and it goes on where it was.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};
use testkit::people::people;

use crate::{
    bench::clinic::register,
    hand::Device,
    network,
    people::SERI_MAWAR,
    relay::Relay,
    same_set::{open_store, the_same_set},
};

const VISITS: usize = 4;
const A_WRITE: usize = 100;
const LONGEST: Duration = Duration::from_secs(1_800);
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);
/// What people look for: everybody, names, beginnings, the ends of numbers.
const SEARCHES: [&str; 7] = ["", "siti", "tan", "a", "binti ah", "85", "01"];

/// Which intake.
#[derive(Debug, Clone, Copy)]
pub struct Intake {
    /// Decides how far the device comes each time.
    pub seed: u64,
    /// Patients of the clinic, each with six documents.
    pub n_patients: usize,
    /// How often it is killed.
    pub n_kills: u64,
}

/// What it came to.
#[derive(Debug, Clone, Default)]
pub struct TakenIn {
    /// Changes that were taken in.
    pub n_changes: u64,
    /// How far it was at each kill, in parts of the whole; what is stored counts half and what is read the other.
    pub killed_at: Vec<f64>,
    /// From the device's start to its being asked how far it is.
    pub reopened: Vec<Duration>,
    /// Running time of all its lives together.
    pub total: Duration,
    /// The most memory that one of its lives took, in MiB.
    pub memory: f64,
    /// How many different figures it told a person on the way.
    pub n_told: u64,
}

/// How much of the whole a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Progress {
    stored: u64,
    read: u64,
}

impl Progress {
    fn told(status: &Value) -> Result<Self> {
        let figure = |name: &str| status["sync"][name].as_u64().with_context(|| name.to_owned());
        let stored = figure("n_changes")?;
        let read = stored.saturating_sub(figure("to_be_read")?);
        Ok(Self { stored, read })
    }

    fn of(self, whole: u64) -> f64 {
        (self.stored + self.read) as f64 / (2 * whole) as f64
    }
}

/// Makes the clinic, and lets its second device take it in and be killed; then both hold the same and find the same.
pub fn newcomer(folder: &Path, intake: Intake) -> Result<TakenIn> {
    let mut clinic = Clinic::found(folder)?;
    clinic.fill(intake.n_patients)?;
    let mut taken = TakenIn {
        n_changes: open_store(&clinic.first, &clinic.tenant)?.set_of_changes()?.count,
        ..TakenIn::default()
    };
    let (rng, mut here) = (&mut ChaCha20Rng::seed_from_u64(intake.seed), Progress::default());
    for left in (1..=intake.n_kills).rev() {
        // By chance, but so that all kills find room on the way.
        let at = here.of(taken.n_changes);
        let until = (at + (1.0 - at) * rng.random_range(0.0..1.4 / (left + 1) as f64)).min(0.99);
        here = clinic
            .a_life(here, until, &mut taken)
            .with_context(|| format!("{left} kills before the end"))?;
    }
    clinic.the_last_life(here, &mut taken)?;
    clinic.check().context("after the last kill")?;
    Ok(taken)
}

/// A clinic of two devices, of which only the first has anything.
struct Clinic {
    relay: Relay,
    passphrase: PathBuf,
    first: PathBuf,
    second: PathBuf,
    tenant: String,
}

impl Clinic {
    fn found(folder: &Path) -> Result<Self> {
        let passphrase = network::passphrase_file(folder)?;
        let relay = Relay::start(&folder.join("relay"), 0)?;
        let (first, second) = (folder.join("first"), folder.join("second"));
        let device = Device::start(&first, &passphrase)?;
        let tenant = network::found(&device, &relay.add_clinic(SERI_MAWAR.name)?, &SERI_MAWAR)?;
        let newcomer = Device::start(&second, &passphrase)?;
        network::pair(&device, &newcomer)?;
        newcomer.finish()?;
        device.finish()?;
        Ok(Self {
            relay,
            passphrase,
            first,
            second,
            tenant,
        })
    }

    /// Everybody is written at the first device, and sent.
    fn fill(&self, n_patients: usize) -> Result<()> {
        let store = open_store(&self.first, &self.tenant)?;
        let mut queue = people(20).take(n_patients).peekable();
        while queue.peek().is_some() {
            register(&store, queue.by_ref().take(A_WRITE).collect(), VISITS)?;
        }
        drop(store);
        let device = Device::start(&self.first, &self.passphrase)?;
        ask(&device, |status| Ok(is_sent(status).then_some(())))?;
        device.finish()
    }

    /// The second device runs until it has come so far, and is killed. What it told is there afterwards.
    fn a_life(&self, before: Progress, until: f64, taken: &mut TakenIn) -> Result<Progress> {
        let (mut told, whole) = (before, taken.n_changes);
        let device = self.run_second(taken, |progress| {
            told = progress;
            progress.of(whole) >= until
        })?;
        taken.memory = taken.memory.max(peak(device.pid())?);
        device.kill()?;
        drop(device);
        taken.killed_at.push(told.of(whole));
        let store = open_store(&self.second, &self.tenant)?;
        let report = store.verify()?;
        ensure!(
            report.pages_hold && report.trees_hold && report.altered.is_empty() && report.unsigned.is_empty(),
            "pages {}, trees {}, {} altered, {} without a valid signature",
            report.pages_hold,
            report.trees_hold,
            report.altered.len(),
            report.unsigned.len()
        );
        let figures = store.read(|r| r.sync_figures())?;
        let here = Progress {
            stored: figures.n_changes,
            read: figures.n_changes.saturating_sub(figures.to_be_read),
        };
        ensure!(
            here.stored >= told.stored && here.read >= told.read,
            "it had told {told:?}, and has {here:?}"
        );
        Ok(here)
    }

    /// It runs to the end.
    fn the_last_life(&self, before: Progress, taken: &mut TakenIn) -> Result<()> {
        let whole = taken.n_changes;
        let device = self.run_second(taken, |progress| {
            progress.stored >= whole && progress.read == progress.stored
        })?;
        ensure!(before.stored <= whole, "it held {} of {whole} changes", before.stored);
        taken.memory = taken.memory.max(peak(device.pid())?);
        device.finish()
    }

    /// Starts the second device and asks it how far it is until that is enough.
    fn run_second(&self, taken: &mut TakenIn, mut is_enough: impl FnMut(Progress) -> bool) -> Result<Device> {
        let began = Instant::now();
        let device = Device::start(&self.second, &self.passphrase)?;
        let (mut last, mut n_told) = (None, 0);
        ask(&device, |status| {
            let progress = Progress::told(status)?;
            if last.is_none() {
                taken.reopened.push(began.elapsed());
            }
            n_told += u64::from(last.replace(progress) != Some(progress));
            Ok(is_enough(progress).then_some(()))
        })?;
        taken.n_told += n_told;
        taken.total += began.elapsed();
        Ok(device)
    }

    /// Both find the same, and hold the same, row by row; and the second one's tables are those of its set.
    fn check(&mut self) -> Result<()> {
        let devices = [&self.first, &self.second].map(|data| Device::start(data, &self.passphrase));
        let [first, second] = devices;
        let devices = [first?, second?];
        for device in &devices {
            network::sign_in(device, &SERI_MAWAR.owner)?;
        }
        for words in SEARCHES {
            let found = |device: &Device| device.call("search_patients", json!({ "query": words }));
            let (one, other) = (found(&devices[0])?, found(&devices[1])?);
            ensure!(one == other, "a search for {words:?} finds something else");
            ensure!(
                one.as_array().is_some_and(|rows| !rows.is_empty()),
                "{words:?} finds nobody"
            );
        }
        ask(&devices[1], |_| {
            let [one, other] = [0, 1].map(|at| devices[at].call("status", json!({})));
            let (one, other) = (one?, other?);
            let is_even = Progress::told(&one)? == Progress::told(&other)?;
            Ok((is_even && is_sent(&one) && is_sent(&other)).then_some(()))
        })?;
        for device in devices {
            device.finish()?;
        }
        the_same_set(&self.relay, &self.tenant, &self.first, &self.second)?;
        let tables = open_store(&self.first, &self.tenant)?.dump_tables()?;
        let store = open_store(&self.second, &self.tenant)?;
        ensure!(store.dump_tables()? == tables, "the tables differ");
        store.rebuild()?;
        ensure!(store.dump_tables()? == tables, "a rebuild gives other rows");
        let report = store.verify()?;
        ensure!(
            report.pages_hold && report.missing.is_empty(),
            "{} holes",
            report.missing.len()
        );
        self.relay.kill()
    }
}

fn is_sent(status: &Value) -> bool {
    status["sync"]["connected"] == true && status["sync"]["pending"] == 0
}

/// Asks a device for its status until the answer is enough.
fn ask(device: &Device, mut look: impl FnMut(&Value) -> Result<Option<()>>) -> Result<()> {
    let until = Instant::now() + LONGEST;
    while look(&device.call("status", json!({}))?)?.is_none() {
        ensure!(Instant::now() < until, "it took too long");
        device.hear_until(Instant::now() + BETWEEN_LOOKS);
    }
    Ok(())
}

/// The most memory that a process ever had, in MiB; 0 where the system does not tell.
fn peak(pid: u32) -> Result<f64> {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/status")) else {
        return Ok(0.0);
    };
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kib.context("Linux tells the peak")? / 1024.0)
}

impl fmt::Display for TakenIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percents: Vec<String> = self.killed_at.iter().map(|at| format!("{:.0}", 100.0 * at)).collect();
        let mut took = self.reopened.clone();
        took.sort_unstable();
        let at = |place: usize| took.get(place).map_or(0, Duration::as_millis);
        write!(
            f,
            "a new device takes {} changes in and is killed {} times, at {} %: nothing that it had told was lost, every store \
             verified; search, tables and set are the giver's; {:.1} s of running time in all, open again after {} ms (p50), \
             {} ms (most), {:.0} MiB of memory at the most, {} different figures told on the way",
            self.n_changes,
            self.killed_at.len(),
            percents.join(", "),
            self.total.as_secs_f64(),
            at(took.len() / 2),
            at(took.len().saturating_sub(1)),
            self.memory,
            self.n_told,
        )
    }
}
