//! `medieco-journey`: the demo network, the journeys, the measurements. Not shipped.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use journeys::{bench, bench_relay, demo, device, kills, report::Report, screens, simulate, story, walk, window};

/// As in the programs that clinics get.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The demo network, the journeys, the measurements.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Open the app on a demo network.
    Demo {
        /// Begin with an empty network.
        #[arg(long)]
        fresh: bool,
    },
    /// Walk a patient's whole day headless.
    Walk {
        /// Begin with an empty network.
        #[arg(long)]
        fresh: bool,
        /// Go through the same story in the real window too, and take its pictures.
        #[arg(long)]
        pictures: bool,
    },
    /// One contact sheet of every screen.
    Screens {
        /// Only these.
        #[arg(long, value_enum)]
        only: Option<screens::Only>,
    },
    /// Measure our parts, each beside the bare part under it.
    Bench {
        /// What takes minutes too: a new device over a slow link.
        #[arg(long)]
        long: bool,
        /// Only the rows of the store, in this process; nothing is written down.
        #[arg(long, hide = true)]
        stores: bool,
        /// Only the row of a new device, whose clinic is kept in this folder for the next time.
        #[arg(long, hide = true, value_name = "FOLDER")]
        newcomer: Option<PathBuf>,
        /// Instead: a clinic after so many years of work beside its first day.
        #[arg(long, value_name = "YEARS")]
        years: Option<usize>,
        /// What was filled for that is kept in this folder for the next time.
        #[arg(long, hide = true, value_name = "FOLDER", requires = "years")]
        kept: Option<PathBuf>,
        /// In this very process, whatever it writes to stderr.
        #[arg(long, hide = true)]
        measure: bool,
        /// Against others instead, which are in this program (`cargo xtask bench --peers` builds it).
        #[arg(long, hide = true, value_name = "PROGRAM")]
        peers: Option<PathBuf>,
    },
    /// Measure what a relay carries, with real programs at real sockets.
    BenchRelay {
        /// On which database.
        #[arg(long, value_enum, default_value = "both")]
        database: bench_relay::Databases,
        /// Devices of the great day.
        #[arg(long, default_value_t = 18_000)]
        devices: usize,
        /// Few of everything: that it runs, not how fast.
        #[arg(long)]
        small: bool,
        /// This row alone, by its id.
        #[arg(long, value_parser = bench_relay::ROWS)]
        only: Option<String>,
    },
    /// The load of the relay's bench, told what to do over stdin.
    #[command(hide = true)]
    Load {
        /// The number of its first clinic.
        #[arg(long)]
        first: u64,
        /// So many clinics,
        #[arg(long)]
        clinics: u64,
        /// and so many devices of each.
        #[arg(long)]
        devices: usize,
        /// Where their statements are left.
        #[arg(long)]
        statements: PathBuf,
    },
    /// One device of the bench against others, spoken to over stdio.
    #[command(hide = true)]
    Station {
        /// Its data folder.
        #[arg(long)]
        data: PathBuf,
    },
    /// Bad luck by the seed, against real stores; see docs/simulate.md.
    Simulate {
        /// At most so many seeds.
        #[arg(long, default_value_t = 1)]
        seeds: u64,
        /// At most so many minutes.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Steps of each seed.
        #[arg(long, default_value_t = 200)]
        steps: usize,
        /// Seconds for shrinking a seed that fails.
        #[arg(long, default_value_t = 120)]
        patience: u64,
        /// So many kills of real device processes under load, instead of seeds.
        #[arg(long)]
        kills: Option<u64>,
        /// A new device takes a clinic of so many patients in, and is killed on the way: `kills` times, or twenty.
        #[arg(long)]
        newcomer: Option<usize>,
    },
    /// A device without a window, spoken to over stdio.
    Device {
        /// Its data folder.
        #[arg(long)]
        data: PathBuf,
        /// File with the passphrase of its stores.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// Keep equal with the clinic's other devices without a relay, and how far to look for them.
        #[arg(long)]
        lan: Option<device::Reach>,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().act {
        Act::Demo { fresh } => demo::open(fresh),
        Act::Walk { fresh, pictures } => walk_headless(fresh, pictures),
        Act::Screens { only } => screens::contact_sheets(only),
        Act::Bench { peers: Some(peers), .. } => bench::peers::run(&peers),
        Act::Bench {
            newcomer: Some(kept), ..
        } => bench::measure_newcomer(&kept),
        Act::Bench {
            years: Some(years),
            kept,
            ..
        } => bench::measure_years(years, kept.as_deref()),
        Act::Bench {
            measure: false,
            long,
            stores: false,
            ..
        } => bench::run(long),
        Act::Bench { long, stores, .. } => bench::measure(long, stores),
        Act::BenchRelay {
            database,
            devices,
            small,
            only,
        } => bench_relay::run(bench_relay::Options {
            databases: database,
            devices,
            small,
            only,
        }),
        Act::Load {
            first,
            clinics,
            devices,
            statements,
        } => bench_relay::load::run(first, clinics, devices, &statements),
        Act::Station { data } => bench::peers::station::run(&data),
        Act::Simulate {
            newcomer: Some(n_patients),
            kills,
            from,
            ..
        } => kills::take_in(n_patients, kills.unwrap_or(20), from),
        Act::Simulate {
            kills: Some(n_kills),
            from,
            ..
        } => kills::kills(n_kills, from),
        Act::Simulate {
            kills: None,
            newcomer: None,
            seeds,
            minutes,
            from,
            steps,
            patience,
        } => simulate::simulate(simulate::Options {
            from,
            n_seeds: seeds,
            for_as_long: Duration::from_secs(60 * minutes),
            n_steps: steps,
            patience: Duration::from_secs(patience),
        }),
        Act::Device {
            data,
            passphrase_file,
            lan,
        } => device::run(data, passphrase_file, lan),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("medieco-journey: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn walk_headless(fresh: bool, pictures: bool) -> Result<()> {
    let folder = demo::folder()?.join("headless");
    if fresh && folder.exists() {
        std::fs::remove_dir_all(&folder).context("the demo's own folder")?;
    }
    let report = Report::to(&demo::folder()?.join("results"))?;
    walk::walk(&folder.join("network"), &report)?;
    if pictures && window::can_drive() {
        let folder = tempfile::tempdir()?;
        story::first_start(&folder.path().join("first"), &report)?;
        let network = demo::prepare(&folder.path().join("demo"))?;
        story::day(&network, folder.path(), &report)?;
    }
    report.close()
}
