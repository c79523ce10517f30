//! `medieco-journey bench`: what our parts take, each beside the bare part under it, in one run.
//!
//! A figure means little by itself on an unknown machine: so each stands beside a yardstick that was measured in turn
//! with it, and the ratio is what to look at. Some have a goal beside them, and whether it was met. `docs/bench.md` says how to
//! read it.

mod absorb;
mod bare;
pub(crate) mod clinic;
mod counter;
mod crowded;
mod edit;
mod engine;
pub(crate) mod figure;
mod giant;
mod lan;
mod long;
pub(crate) mod machine;
mod newcomer;
pub mod peers;
mod progress;
mod queue;
mod registration;
mod round_trip;
mod search;
mod start;
mod table;
mod years;

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    hand::Device,
    network::{found, pair, passphrase_file},
    people::{SENTOSA, SERI_MAWAR},
    relay::Relay,
};
use progress::say;

/// Devices that are founded and paired, and closed; whoever measures opens them.
struct Site {
    /// The relay of both clinics.
    relay: Relay,
    /// A clinic's first device.
    first: PathBuf,
    /// The same clinic's second device.
    second: PathBuf,
    /// The only device of another clinic, which will have many patients.
    crowded: PathBuf,
    /// That clinic's tenant id.
    crowd: String,
    /// The tenant id of the clinic with two devices.
    pair: String,
    /// File with the passphrase of all stores.
    passphrase: PathBuf,
}

/// Measures everything, prints the table, and leaves `bench.json` in the target folder. `long`: the slow link too.
///
/// The measuring is a process of its own: what foreign libraries have to say on stderr (ALSA on a machine without a sound
/// card) goes to `bench.log` and not between the rows.
pub fn run(long: bool) -> Result<()> {
    let log = target()?.join("bench.log");
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "--measure"]);
    if long {
        command.arg("--long");
    }
    command.stderr(File::create(&log)?);
    if command.status()?.success() {
        return Ok(());
    }
    let words = std::fs::read_to_string(&log)?;
    let why = words
        .lines()
        .rev()
        .find(|line| line.starts_with("medieco-journey: "))
        .unwrap_or("no reason given");
    bail!(
        "{} (all of it: {})",
        why.trim_start_matches("medieco-journey: "),
        log.display()
    );
}

/// The measuring itself.
pub fn measure(long: bool, only_stores: bool) -> Result<()> {
    let began = std::time::Instant::now();
    if only_stores {
        return measure_stores();
    }
    let target = target()?;
    // On the same disk as the target folder: `/tmp` may be memory, where nothing waits for a disk.
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&target)?;
    let mut run = table::Run::begin();
    say("two clinics and three devices are made");
    let mut site = make(folder.path())?;
    let trip = round_trip::measure(&site, folder.path())?;
    let newcomer = newcomer::measure(&mut site, folder.path(), long)?;
    // From here on no relay: what a device does by itself is measured undisturbed by what it sends.
    site.relay.kill()?;
    let registration = registration::measure(&site, folder.path())?;
    let edit = edit::measure(folder.path())?;
    let queue = queue::measure(folder.path())?;
    let absorb = absorb::measure(folder.path())?;
    let giant = giant::measure(folder.path())?;
    let lan = lan::measure(folder.path())?;
    let searches = search::measure(&site, folder.path())?;
    let crowded = crowded::measure(&site)?;
    let engine = engine::measure()?;
    let starts = start::measure(&site, folder.path())?;
    run.figures.push(edit);
    run.figures.push(queue);
    run.figures.push(registration);
    run.figures.extend(absorb);
    run.figures.extend(giant);
    run.figures.extend(newcomer);
    run.figures.extend(searches);
    run.figures.extend(crowded);
    run.figures.push(trip);
    run.figures.push(lan);
    run.figures.push(engine);
    run.figures.extend(starts);
    run.end(began.elapsed());
    print!("\n{}", table::text(&run));
    let file = target.join("bench.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&run)?).with_context(|| file.display().to_string())?;
    println!("\nFor programs: {}", file.display());
    Ok(())
}

/// Only what needs no program beside this one: while somebody works on the store.
fn measure_stores() -> Result<()> {
    let began = std::time::Instant::now();
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(target()?)?;
    let mut run = table::Run::begin();
    run.figures.push(edit::measure(folder.path())?);
    run.figures.push(queue::measure(folder.path())?);
    run.figures.extend(absorb::measure(folder.path())?);
    run.figures.extend(giant::measure(folder.path())?);
    run.figures.push(lan::measure(folder.path())?);
    run.end(began.elapsed());
    print!("\n{}", table::text(&run));
    Ok(())
}

/// Only the row of a new device; its clinic stays in `kept`, for the next time: while somebody works on it.
pub fn measure_newcomer(kept: &Path) -> Result<()> {
    let began = std::time::Instant::now();
    if !kept.join("site").exists() {
        newcomer::leave(make(kept)?, kept)?;
    }
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(target()?)?;
    let mut run = table::Run::begin();
    run.figures.push(newcomer::measure_again(kept, folder.path())?);
    run.end(began.elapsed());
    print!("\n{}", table::text(&run));
    Ok(())
}

/// Only what years of work change; leaves `bench-years.json` in the target folder. `kept`: where the filled clinics stay for the
/// next time.
pub fn measure_years(years: usize, kept: Option<&Path>) -> Result<()> {
    let began = std::time::Instant::now();
    let target = target()?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&target)?;
    let mut run = table::Run::begin();
    let filled = folder.path().join("filled");
    run.figures = years::measure(folder.path(), kept.unwrap_or(&filled), years)?;
    run.end(began.elapsed());
    print!("\n{}", table::text(&run));
    let file = target.join("bench-years.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&run)?).with_context(|| file.display().to_string())?;
    println!("\nFor programs: {}", file.display());
    Ok(())
}

/// The folder above `debug/`, where this program lies.
fn target() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own
        .ancestors()
        .nth(2)
        .context("this program lies in a target folder")?
        .to_path_buf())
}

fn make(folder: &Path) -> Result<Site> {
    let passphrase = passphrase_file(folder)?;
    let relay = Relay::start(&folder.join("relay"), 0)?;
    let place = |name: &str| folder.join(name);
    let (first, second, crowded) = (place("first"), place("second"), place("crowded"));
    let device = Device::start(&first, &passphrase)?;
    let tenant = found(&device, &relay.add_clinic(SERI_MAWAR.name)?, &SERI_MAWAR)?;
    let newcomer = Device::start(&second, &passphrase)?;
    pair(&device, &newcomer)?;
    newcomer.finish()?;
    device.finish()?;
    let device = Device::start(&crowded, &passphrase)?;
    let crowd = found(&device, &relay.add_clinic(SENTOSA.name)?, &SENTOSA)?;
    device.finish()?;
    Ok(Site {
        relay,
        first,
        second,
        crowded,
        crowd,
        pair: tenant,
        passphrase,
    })
}
