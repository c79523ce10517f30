//! `medieco-journey bench-relay`: what a relay carries, with real programs at real sockets.
//!
//! The load is made by processes of their own (`load.rs`), on the same machine: what they take is reported beside what the relay
//! and its database take. Every row says what it should be; `docs/bench.md` tells how to read them.

mod archive;
mod cluster;
mod crowd;
mod day;
mod days;
mod decide;
mod fetch;
mod idle;
mod ingest;
mod line;
pub mod load;
mod node;
mod nodes;
mod row;
mod share;
mod single;
mod storm;
mod talk;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use clap::ValueEnum;
use sync_protocol::RelayStore;
use sync_server::Store;

pub use self::row::Found;
use self::{
    cluster::Cluster,
    crowd::Clinic,
    node::{Crowd, Home, Node},
};

/// Devices of a clinic.
const A_CLINIC: usize = 30;
/// The clinic of two devices that this process has for itself.
const PAIR: u64 = 1;
/// Processes that make the load.
const PARTS: usize = 2;

/// What keeps the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Databases {
    /// The file.
    Sqlite,
    /// A PostgreSQL.
    Postgres,
    /// One after the other.
    Both,
}

/// The rows, in the order in which they are measured.
pub const ROWS: [&str; 12] = [
    "relay_decision",
    "relay_live_change",
    "relay_planned",
    "relay_idle",
    "relay_great_day",
    "relay_storm",
    "relay_idle_tls",
    "relay_ingest",
    "relay_gate",
    "relay_fetch",
    "relay_two_nodes",
    "relay_two_nodes_held",
];

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// On what.
    pub databases: Databases,
    /// Devices of the great day.
    pub devices: usize,
    /// That it runs, not how fast: few of everything.
    pub small: bool,
    /// This one of [`ROWS`] alone.
    pub only: Option<String>,
}

impl Options {
    fn wants(&self, row: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == row)
    }
}

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Scale {
    devices_of_a_clinic: usize,
    /// Of the planned load, and for so long, at so many times the pace.
    planned_clinics: usize,
    planned_seconds: f64,
    planned_pace: f64,
    /// Of the great day.
    clinics: usize,
    seconds: f64,
    pace: f64,
    /// That all come back at once.
    storm_clinics: usize,
    /// That are connected by TLS.
    tls_clinics: usize,
    /// Clinics that push at once, and how much.
    writers: usize,
    changes: usize,
    /// Rounds of what is measured one by one.
    rounds: usize,
    /// What is stored where releases are fetched.
    archived_clinics: usize,
    archived_changes: usize,
    releases: usize,
}

impl Scale {
    fn of(options: &Options) -> Self {
        if options.small {
            return Self {
                devices_of_a_clinic: 3,
                planned_clinics: 2,
                planned_seconds: 1.0,
                planned_pace: 3_000.0,
                clinics: 4,
                seconds: 1.0,
                pace: 10_000.0,
                storm_clinics: 4,
                tls_clinics: 2,
                writers: 4,
                changes: 600,
                rounds: 5,
                archived_clinics: 4,
                archived_changes: 50,
                releases: 20,
            };
        }
        Self {
            devices_of_a_clinic: A_CLINIC,
            planned_clinics: 6,
            planned_seconds: 30.0,
            planned_pace: 10.0,
            clinics: options.devices / A_CLINIC,
            seconds: 60.0,
            pace: 1.0,
            storm_clinics: 168.min(options.devices / A_CLINIC),
            tls_clinics: 100.min(options.devices / A_CLINIC),
            writers: 8,
            changes: 12_000,
            rounds: 300,
            archived_clinics: 1_000,
            archived_changes: 2_000,
            releases: 200,
        }
    }

    /// As many as this row connects; all of them for a whole run, and for what is measured with all.
    fn clinics_for(&self, only: Option<&str>) -> usize {
        let n = match only {
            None | Some("relay_idle" | "relay_great_day") => self.clinics,
            Some("relay_storm") => self.storm_clinics,
            Some("relay_idle_tls") => self.tls_clinics,
            Some(_) => nodes::MORE_WRITERS * self.writers.max(self.planned_clinics),
        };
        n.min(self.clinics)
    }
}

/// Measures everything, prints the table, and leaves `bench-relay.json` in the target folder.
pub fn run(options: Options) -> Result<()> {
    let target = target()?;
    let mut found = Found::begin(options.small);
    let measured = measure(options, &target, &mut found);
    // Also when something failed after the first of them.
    print!("\n{}", found.text());
    measured?;
    let file = target.join("bench-relay.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&found)?).with_context(|| file.display().to_string())?;
    println!("\nFor programs: {}", file.display());
    Ok(())
}

/// The measuring itself. `kept`: where the great store stays for the next time.
///
/// # Errors
/// What failed; the rows before it are in `found`.
pub fn measure(options: Options, kept: &Path, found: &mut Found) -> Result<()> {
    let (began, scale) = (Instant::now(), Scale::of(&options));
    let folder = tempfile::Builder::new().prefix("bench-relay-").tempdir_in(kept)?;
    if options.wants("relay_decision") {
        found.rows.push(decide::alone()?);
    }
    let n_clinics = scale.clinics_for(options.only.as_deref());
    println!(
        "bench: {n_clinics} clinics of {} devices are made …",
        scale.devices_of_a_clinic
    );
    let mut crowd = Crowd::gather(PARTS, n_clinics, scale.devices_of_a_clinic, folder.path())?;
    let of_archive = options.wants("relay_gate") || options.wants("relay_fetch");
    let archive = of_archive.then(|| archive::ready(&scale, options.small, folder.path(), kept));
    let archive = archive.transpose()?;
    if options.databases != Databases::Postgres {
        let home = Home {
            data: folder.path().join("relay"),
            database: None,
        };
        of_one(&home, &options, &scale, &mut crowd, None, found)?;
        if let Some(archive) = &archive {
            let rows = fetch::measure(&archive.home, archive, &scale, None)?;
            found.rows.extend(rows.into_iter().filter(|row| options.wants(row.id)));
        }
    }
    if options.databases != Databases::Sqlite {
        let cluster = Cluster::start()?;
        let home = Home {
            data: folder.path().join("node"),
            database: Some(cluster.database("medieco")?),
        };
        of_one(&home, &options, &scale, &mut crowd, Some(&cluster), found)?;
        if let Some(archive) = &archive {
            let moved = archive.moved_to(&cluster, folder.path())?;
            let rows = fetch::measure(&moved, archive, &scale, Some(&cluster))?;
            found.rows.extend(rows.into_iter().filter(|row| options.wants(row.id)));
        }
        for (id, held) in [("relay_two_nodes", false), ("relay_two_nodes_held", true)] {
            if options.wants(id) {
                let row = nodes::measure(held, &home, &scale, &mut crowd, &cluster, folder.path())?;
                found.rows.extend(row);
            }
        }
    }
    found.end(began.elapsed());
    Ok(())
}

/// Everything that is measured on each database.
fn of_one(
    home: &Home,
    options: &Options,
    scale: &Scale,
    crowd: &mut Crowd,
    cluster: Option<&Cluster>,
    found: &mut Found,
) -> Result<()> {
    let mut pair = Clinic::make(PAIR, 2)?;
    crowd.join(home)?;
    open(home)?.set_roster(&pair.roster()?)?;
    let mut node = Node::start(home, None)?;
    if options.wants("relay_live_change") {
        found.rows.push(single::measure(home, &node, &mut pair, scale)?);
    }
    if options.wants("relay_planned") {
        found.rows.push(days::planned(home, &node, scale, crowd, cluster)?);
    }
    let great_day = options.wants("relay_great_day");
    if great_day || options.wants("relay_idle") {
        let idle = idle::plain(home, &node, scale, crowd)?;
        found.rows.extend(Some(idle).filter(|row| options.wants(row.id)));
        if great_day {
            found.rows.push(days::great(home, &node, scale, crowd, cluster)?);
        }
    }
    if options.wants("relay_storm") {
        let (again, stormed) = storm::measure(home, node, scale, crowd)?;
        found.rows.push(stormed);
        node = again;
    }
    drop(node);
    // Before there is much that a new device would have to be given.
    if options.wants("relay_idle_tls") {
        found.rows.push(idle::with_tls(home, scale, crowd)?);
    }
    if options.wants("relay_ingest") {
        let node = Node::start(home, None)?;
        found.rows.push(ingest::measure(home, &node, scale, crowd, cluster)?);
    }
    Ok(())
}

fn open(home: &Home) -> Result<Store> {
    Ok(match &home.database {
        None => Store::open(&home.data, &mut rand::rng())?,
        Some(database) => Store::open_shared(&home.data, &database.parse()?, &mut rand::rng())?,
    })
}

/// The folder above `debug/`, where this program lies.
fn target() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).context("this program lies in a target folder")?;
    Ok(folder.to_path_buf())
}
