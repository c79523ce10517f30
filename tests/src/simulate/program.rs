//! `medieco-journey simulate`: many seeds, for so long, with progress; a seed that fails is explained and shrunk.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::figures::Figures;
use super::plan::{Step, plan};
use super::run::{Broken, run};
use super::shrink::shrink;

/// Lines of a failing run that are shown.
const LAST_STEPS: usize = 40;

/// What to run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The first seed.
    pub from: u64,
    /// At most so many.
    pub n_seeds: u64,
    /// At most so long.
    pub for_as_long: Duration,
    /// Steps of each.
    pub n_steps: usize,
    /// Time for shrinking a seed that fails.
    pub patience: Duration,
}

/// Runs seed after seed. Progress goes to stderr, results to stdout.
///
/// # Errors
/// When a seed fails, after all have run.
pub fn simulate(options: Options) -> Result<()> {
    let began = Instant::now();
    let mut all = Figures::default();
    let (mut n_seeds, mut failed) = (0, Vec::new());
    while n_seeds < options.n_seeds && began.elapsed() < options.for_as_long {
        let seed = options.from + n_seeds;
        let steps = plan(seed, options.n_steps);
        match run(seed, &steps) {
            Ok(held) => all += held.figures,
            Err(broken) => {
                println!("{}", explain(seed, &steps, &broken, options.patience));
                failed.push(seed);
            }
        }
        n_seeds += 1;
        if n_seeds % 10 == 0 {
            eprintln!(
                "{n_seeds} seeds in {} s, {} failed",
                began.elapsed().as_secs(),
                failed.len()
            );
            std::io::stdout().flush()?;
        }
    }
    println!("{n_seeds} seeds in {} s: {all}", began.elapsed().as_secs());
    if !failed.is_empty() {
        bail!("these seeds failed: {failed:?} (of {} steps each)", options.n_steps);
    }
    Ok(())
}

/// A failing run in words: what, the last steps, and a shorter list of steps that does the same.
pub fn explain(seed: u64, steps: &[Step], broken: &Broken, patience: Duration) -> String {
    let kind = broken.kind();
    // What came after the failing step has no part in it.
    let until = steps.len().min(broken.trace.len());
    let short = shrink(&steps[..until], patience, |fewer| {
        run(seed, fewer).is_err_and(|it| it.kind() == kind)
    });
    let (what, trace) = match run(seed, &short) {
        Err(shorter) => (shorter.what, shorter.trace),
        Ok(_) => (broken.what.clone(), Vec::new()),
    };
    let last = &broken.trace[broken.trace.len().saturating_sub(LAST_STEPS)..];
    format!(
        "seed {seed} fails: {}\nthe last steps:\n{}\nshrunk to {} of {} steps ({what}):\n{}\n",
        broken.what,
        last.join("\n"),
        short.len(),
        steps.len(),
        trace.join("\n")
    )
}
