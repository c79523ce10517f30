//! Running other programs, with a line that says what is going on and how long it took.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail};

/// Something that this machine doesn't have and that this program may not install: exit code 3.
#[derive(Debug)]
pub struct NotHere(pub String);

impl std::fmt::Display for NotHere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotHere {}

/// The folder with the workspace's Cargo.toml.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace")
        .to_path_buf()
}

/// Where cargo puts what it builds: `CARGO_TARGET_DIR`, else `target`.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A program that was built by [`crate::programs::build`].
pub fn built(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

/// A cargo command in the workspace's root.
pub fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(root());
    command
}

/// Runs `command` to its end; its output is the user's to see.
pub fn run(what: &str, command: &mut Command) -> Result<()> {
    let began = Instant::now();
    println!("── {what}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("{} can't be started", command.get_program().to_string_lossy()))?;
    if !status.success() {
        bail!(
            "{what}: {} ended with {status}",
            command.get_program().to_string_lossy()
        );
    }
    println!("── {what}: {} s", began.elapsed().as_secs());
    Ok(())
}

/// As [`run`], and counts the lines on stderr that begin with `mark`.
pub fn run_counting(what: &str, mut command: Command, mark: &str) -> Result<usize> {
    let began = Instant::now();
    println!("── {what}");
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("cargo can't be started")?;
    let mut counted = 0;
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            counted += usize::from(line.starts_with(mark));
            eprintln!("{line}");
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("{what} ended with {status}");
    }
    println!("── {what}: {} s", began.elapsed().as_secs());
    Ok(counted)
}

/// What `command` prints on stdout, trimmed; `None` when it can't be started or fails.
pub fn answer(program: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(program).args(args).stdin(Stdio::null()).output().ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}
