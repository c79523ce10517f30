//! `cargo xtask`: set-up, build, run, test, ci.
//!
//! Knows no crate of ours: it must compile on a machine that has nothing yet. It builds and starts the rest.

mod ci;
mod fuzz;
mod node;
mod packages;
mod programs;
mod shell;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Set up, build, run and test MediEco",
    after_help = "Examples:\n  cargo xtask run             open the app on a demo network (headless where there is no display)\n  cargo xtask run --fresh     the same, from an empty demo\n  cargo xtask test            every test, with all set-up that they need\n  cargo xtask simulate        ten minutes of bad luck, by the seed\n  cargo xtask ci              exactly what CI runs"
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

/// What `bench` measures by itself.
#[derive(Subcommand)]
enum Alone {
    /// What a relay carries: a hundred times the planned load, a storm, two nodes; some ten minutes.
    Relay {
        /// sqlite, postgres or both.
        #[arg(long, default_value = "both")]
        database: String,
        /// Devices that are connected at once.
        #[arg(long, default_value_t = 18_000)]
        devices: usize,
        /// Few of everything: that it runs, not how fast.
        #[arg(long)]
        small: bool,
        /// One row alone, by its id (docs/bench.md).
        #[arg(long, value_name = "ROW")]
        only: Option<String>,
    },
}

#[derive(Subcommand)]
enum Task {
    /// Do all set-up, build, and open the app on a demo network with a local relay.
    Run {
        /// Begin with an empty demo network (wipes only the demo's own folder).
        #[arg(long)]
        fresh: bool,
    },
    /// Walk a patient's whole day headless, and show what it did.
    Journey {
        /// Also take pictures of the real window going through the same story.
        #[arg(long)]
        pictures: bool,
    },
    /// Do all set-up that the tests need, and run every test.
    Test,
    /// Exactly what CI runs.
    Ci,
    /// Measure, each figure beside its yardstick; a table for people and JSON for programs.
    Bench {
        /// What takes minutes too: a new device over a slow link.
        #[arg(long)]
        long: bool,
        /// Instead: against what somebody would pick instead of ours, on the same work in the same run.
        #[arg(long, conflicts_with = "long")]
        peers: bool,
        /// Instead: a clinic after so many years of work beside its first day; five take an hour or more.
        #[arg(long, value_name = "YEARS", conflicts_with_all = ["long", "peers"])]
        years: Option<usize>,
        /// Instead: something of its own.
        #[command(subcommand)]
        alone: Option<Alone>,
    },
    /// Bad luck by the seed, against real stores; `cargo xtask test` has a short one.
    Simulate {
        /// At most so many seeds.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// At most so many minutes.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Steps of each seed.
        #[arg(long, default_value_t = 250)]
        steps: u64,
        /// Instead of seeds: so many kills of real device processes under load (1000 when no number is given).
        #[arg(long, num_args = 0..=1, default_missing_value = "1000")]
        kills: Option<u64>,
        /// Instead of seeds: a new device takes a clinic of so many patients in (10000 when no number is given) and is killed
        /// on the way, as often as `kills` says or twenty times.
        #[arg(long, num_args = 0..=1, default_missing_value = "10000")]
        newcomer: Option<u64>,
    },
    /// Try hostile bytes on everything that reads bytes from outside (needs a nightly compiler and cargo-fuzz).
    Fuzz {
        /// So many minutes in all.
        #[arg(long, default_value_t = 30)]
        minutes: u64,
        /// Only this target: a file in fuzz/fuzz_targets, without its ending.
        target: Option<String>,
    },
    /// One contact sheet of every screen: both languages, light and dark, both sizes.
    Screens,
    /// Check the layers between the crates.
    Tidy,
    /// Only install what a build and the tests need.
    Setup,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.task {
        Task::Run { fresh } => programs::open_demo(fresh),
        Task::Journey { pictures } => programs::journey(pictures),
        Task::Test => ci::test(),
        Task::Ci => ci::ci(),
        Task::Bench {
            alone: None,
            long,
            peers,
            years,
        } => programs::bench(long, peers, years),
        Task::Bench {
            alone:
                Some(Alone::Relay {
                    database,
                    devices,
                    small,
                    only,
                }),
            ..
        } => programs::bench_relay(&database, devices, small, only.as_deref()),
        Task::Simulate {
            seeds,
            minutes,
            from,
            steps,
            kills: None,
            newcomer: None,
        } => programs::simulate(&[
            ("--seeds", seeds),
            ("--minutes", minutes),
            ("--from", from),
            ("--steps", steps),
        ]),
        Task::Simulate {
            from,
            kills,
            newcomer: Some(patients),
            ..
        } => programs::simulate(&[
            ("--newcomer", patients),
            ("--kills", kills.unwrap_or(20)),
            ("--from", from),
        ]),
        Task::Simulate {
            from,
            kills: Some(kills),
            ..
        } => programs::simulate(&[("--kills", kills), ("--from", from)]),
        Task::Fuzz { minutes, target } => fuzz::fuzz(minutes, target.as_deref()),
        Task::Screens => programs::screens(),
        Task::Tidy => tidy::tidy(),
        Task::Setup => packages::install(packages::For::Tests).and_then(|()| node::install_ui()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            match error.downcast_ref::<shell::NotHere>() {
                Some(_) => ExitCode::from(3),
                None => ExitCode::from(1),
            }
        }
    }
}
