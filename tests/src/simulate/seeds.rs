//! Seeds that once found something.

use anyhow::{Context, Result};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed {
    /// The seed.
    pub seed: u64,
    /// With so many steps.
    pub n_steps: usize,
}

/// All of `seeds.txt`.
///
/// # Errors
/// A line that is not `SEED STEPS WHY`.
pub fn seeds() -> Result<Vec<Seed>> {
    let lines = include_str!("seeds.txt").lines();
    let lines = lines
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| read(line).with_context(|| format!("seeds.txt: {line}")))
        .collect()
}

fn read(line: &str) -> Result<Seed> {
    let mut words = line.split_whitespace();
    let mut number = || {
        words
            .next()
            .context("SEED STEPS WHY")?
            .parse::<u64>()
            .context("a number")
    };
    Ok(Seed {
        seed: number()?,
        n_steps: usize::try_from(number()?)?,
    })
}
