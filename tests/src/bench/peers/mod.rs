//! `medieco-journey bench --peers PROGRAM`: against what somebody would pick instead, on the same work in the same run.
//!
//! The others live in a program of their own (`bench-peers/`), outside the workspace, and are spoken to in lines of JSON;
//! `docs/bench.md`, "Against others", says what each gives and where we lose.

mod history;
mod sides;
pub mod station;
mod sync;

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{table, target};
use crate::child::Running;

/// Nothing here takes longer.
const LONGEST: Duration = Duration::from_secs(600);

/// Measures, prints the table, and leaves `bench-peers.json` in the target folder. `program`: the others.
pub fn run(program: &Path) -> Result<()> {
    let began = Instant::now();
    let target = target()?;
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&target)?;
    let log = target.join("bench-peers.log");
    let mut run = table::Run::begin();
    run.figures.extend(sync::measure(program, folder.path(), &log)?);
    run.figures.extend(history::measure(program, folder.path(), &log)?);
    run.end(began.elapsed());
    print!("\n{}", table::text(&run));
    let file = target.join("bench-peers.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&run)?).with_context(|| file.display().to_string())?;
    println!("\nFor programs: {}", file.display());
    Ok(())
}

/// What a program answers under this name; other lines are skipped.
fn answer(program: &Running, name: &str) -> Result<Value> {
    let until = Instant::now() + LONGEST;
    loop {
        let mut line = program.next_line(until.saturating_duration_since(Instant::now()))?;
        if let Some(found) = line.get_mut(name) {
            return Ok(found.take());
        }
    }
}

/// Says one line to a program.
fn say_to(program: &mut Running, line: &Value) -> Result<()> {
    use std::io::Write;
    let stdin = program.stdin()?;
    writeln!(stdin, "{line}")?;
    Ok(stdin.flush()?)
}

/// A library's name and version, as the others' program says it.
pub fn peer_version(program: &Path, library: &str) -> Option<String> {
    let out = Command::new(program).arg("versions").output().ok()?;
    let versions: Value = serde_json::from_slice(&out.stdout).ok()?;
    Some(format!("{library} {}", versions.get(library)?.as_str()?))
}
