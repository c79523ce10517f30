//! One run: the steps one after the other, then the healing, in a folder that is gone afterwards.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use super::faults::Fault;
use super::figures::Figures;
use super::harm::Harm;
use super::plan::Step;
use super::world::World;

/// A run in which everything held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// How much happened.
    pub figures: Figures,
    /// Of all steps, what came of them, and every row at the end: equal for equal runs.
    pub trace: u64,
}

/// What is wrong on purpose, to see that it is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// All stores break a rule.
    Fault(Fault),
    /// Something is harmed once all is healed.
    Harm(Harm),
}

/// A promise that was broken.
#[derive(Debug, Clone)]
pub struct Broken {
    /// What was found.
    pub what: String,
    /// What happened, in order.
    pub trace: Vec<String>,
}

impl Broken {
    /// What was found, without the names and figures that differ from run to run.
    pub fn kind(&self) -> String {
        let digit = |c: char| c.is_ascii_digit();
        let words = self.what.lines().next().unwrap_or_default().split(' ');
        let words: Vec<&str> = words.filter(|word| !word.contains(digit)).collect();
        words.join(" ")
    }
}

/// Runs these steps; `seed` decides on the set-up and the healing.
///
/// # Errors
/// [`Broken`], also when something of ours panics.
pub fn run(seed: u64, steps: &[Step]) -> Result<Held, Box<Broken>> {
    run_as(None, seed, steps)
}

/// As [`run`], with something wrong.
///
/// # Errors
/// As [`run`].
pub fn run_with(wrong: Wrong, seed: u64, steps: &[Step]) -> Result<Held, Box<Broken>> {
    run_as(Some(wrong), seed, steps)
}

fn run_as(wrong: Option<Wrong>, seed: u64, steps: &[Step]) -> Result<Held, Box<Broken>> {
    let mut trace = Vec::new();
    let done = catch_unwind(AssertUnwindSafe(|| live(wrong, seed, steps, &mut trace)));
    let error = match done {
        Ok(Ok(held)) => return Ok(held),
        Ok(Err(error)) => error,
        Err(panic) => {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
            anyhow!("a panic: {}", words.unwrap_or_default())
        }
    };
    let what = format!("{error:#}");
    Err(Box::new(Broken { what, trace }))
}

fn live(wrong: Option<Wrong>, seed: u64, steps: &[Step], trace: &mut Vec<String>) -> Result<Held> {
    let folder = folder()?;
    let mut hash = DefaultHasher::new();
    let mut world = World::set_up(folder.path(), seed).context("set-up")?;
    match wrong {
        Some(Wrong::Fault(fault)) => world.fault = Some(fault),
        Some(Wrong::Harm(harm)) => world.harm = Some(harm),
        None => {}
    }
    for (n, step) in steps.iter().enumerate() {
        trace.push(format!("{n:>4} {:?}", step.act));
        let told = world.apply(*step)?;
        told.hash(&mut hash);
        let line = trace.last_mut().expect("it was just pushed");
        line.push_str(": ");
        line.push_str(&told);
    }
    trace.push("     healing".into());
    world.heal(seed).context("after healing")?;
    for device in &world.devices {
        device.vault().dump_tables()?.hash(&mut hash);
        device.held.changes.hash(&mut hash);
    }
    Ok(Held {
        figures: world.figures,
        trace: hash.finish(),
    })
}

/// In memory where there is such a place: what is simulated is the order of writes, not the disk.
fn folder() -> Result<TempDir> {
    let mut made = tempfile::Builder::new();
    made.prefix("medieco-simulate-");
    match made.tempdir_in(Path::new("/dev/shm")) {
        Ok(folder) => Ok(folder),
        Err(_) => made.tempdir().context("a temporary folder"),
    }
}
