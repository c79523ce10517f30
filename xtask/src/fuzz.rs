//! `cargo xtask fuzz`: the targets of `fuzz/`, one after the other, with cargo-fuzz and a nightly compiler.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::shell::{NotHere, answer, root, run, target};

/// No input is longer; the bounds of every target hold from the first byte on.
const MAX_LEN: &str = "-max_len=65536";
/// One input that takes longer, in seconds, hangs.
const TIMEOUT: &str = "-timeout=20";
/// What libFuzzer says at the end of how many inputs it tried.
const TRIED: &str = "stat::number_of_executed_units:";

/// Runs `only`, or every target, for `minutes` in all.
pub fn fuzz(minutes: u64, only: Option<&str>) -> Result<()> {
    needs()?;
    let mut names = targets(&root().join("fuzz/fuzz_targets"))?;
    if let Some(only) = only {
        names.retain(|name| name == only);
        if names.is_empty() {
            bail!("there is no target {only}; they are the files in fuzz/fuzz_targets");
        }
    }
    let seconds = (minutes * 60 / names.len() as u64).max(1);
    let mut broken = Vec::new();
    for name in &names {
        println!("── fuzz {name}: {seconds} s");
        match one(name, seconds)? {
            Some(n_tried) => println!("── fuzz {name}: {n_tried} inputs tried"),
            None => broken.push(name.as_str()),
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!(
        "found something: {}. The input is in fuzz/artifacts; docs/fuzz.md says what to do with it",
        broken.join(", ")
    )
}

fn needs() -> Result<()> {
    if answer("rustup", &["run", "nightly", "rustc", "--version"]).is_none() {
        bail!(NotHere(
            "fuzzing needs a nightly compiler: rustup toolchain install nightly --profile minimal".into()
        ));
    }
    if answer("cargo-fuzz", &["--version"]).is_none() {
        bail!(NotHere(
            "fuzzing needs cargo-fuzz: cargo install cargo-fuzz --locked".into()
        ));
    }
    Ok(())
}

fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for file in fs::read_dir(folder)? {
        names.extend(file?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// How many inputs were tried; `None` when one of them broke something.
fn one(name: &str, seconds: u64) -> Result<Option<u64>> {
    // What is found grows in the target folder; the corpus in the repository stays small and is only read.
    let found = target().join("fuzz-corpus").join(name);
    fs::create_dir_all(&found)?;
    let seeds = root().join("fuzz/corpus").join(name);
    let mut child = cargo_fuzz("run", name)
        .args([&found, &seeds])
        .arg("--")
        .args([MAX_LEN, TIMEOUT, "-print_final_stats=1"])
        .arg(format!("-max_total_time={seconds}"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo-fuzz can't be started")?;
    let (mut n_tried, mut said) = (0, Vec::new());
    for line in child
        .stderr
        .take()
        .map(BufReader::new)
        .into_iter()
        .flat_map(BufRead::lines)
    {
        let line = line?;
        if let Some(n) = line.strip_prefix(TRIED) {
            n_tried = n.trim().parse().unwrap_or(0);
        }
        said.push(line);
    }
    if !child.wait()?.success() {
        let from = said.len().saturating_sub(60);
        eprintln!("{}", said[from..].join("\n"));
        return Ok(None);
    }
    run(
        "smallest corpus that reaches as far",
        cargo_fuzz("cmin", name).arg(&found),
    )?;
    Ok(Some(n_tried))
}

/// Without a sanitizer: our code has no `unsafe` for one to watch, and panics, memory and hangs are seen without.
fn cargo_fuzz(what: &str, name: &str) -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "fuzz", what])
        .args(["--fuzz-dir", "fuzz", "--sanitizer", "none", "--target-dir"])
        .arg(target().join("fuzz"))
        .arg(name)
        .current_dir(root());
    command
}
