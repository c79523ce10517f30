//! Building our programs and starting them.

use std::{io::Write, path::PathBuf, process::Command};

use anyhow::Result;

use crate::{
    node,
    packages::{self, For},
    shell::{built, cargo, run, target},
};

/// Set-up and build: afterwards every program lies in the target folder.
pub fn build(purpose: For) -> Result<()> {
    packages::install(purpose)?;
    if !built("medieco").exists() {
        println!(
            "The first build compiles about 600 crates: some 5 to 15 minutes, 4 GB under {}. Later ones take seconds.",
            target().display()
        );
    }
    std::io::stdout().flush()?;
    node::build_ui()?;
    run("build", &mut cargo(&["build", "--workspace", "--bins"]))
}

fn has_display() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// `cargo xtask run`: the app on a demo network; without a display the same journey headless.
pub fn open_demo(fresh: bool) -> Result<()> {
    if !has_display() {
        println!("There is no display here: walking the same journey headless.");
        return journey(true);
    }
    build(For::Build)?;
    let mut demo = Command::new(built("medieco-journey"));
    demo.arg("demo");
    if fresh {
        demo.arg("--fresh");
    }
    run("demo", &mut demo)
}

/// `cargo xtask journey`.
pub fn journey(pictures: bool) -> Result<()> {
    build(if pictures { For::Tests } else { For::Build })?;
    let mut command = Command::new(built("medieco-journey"));
    command.arg("walk");
    if pictures {
        command.arg("--pictures");
    }
    run("journey", &mut command)
}

/// `cargo xtask bench`: in the profile that nothing else builds.
pub fn bench(long: bool, peers: bool, years: Option<usize>) -> Result<()> {
    let mut command = Command::new(build_measured()?);
    command.arg("bench");
    if long {
        command.arg("--long");
    }
    if peers {
        command.arg("--peers").arg(build_peers()?);
    }
    if let Some(years) = years {
        command.args(["--years", &years.to_string()]);
    }
    run("bench", &mut command)
}

/// `cargo xtask bench relay`.
pub fn bench_relay(database: &str, devices: usize, small: bool, only: Option<&str>) -> Result<()> {
    let mut command = Command::new(build_measured()?);
    command
        .args(["bench-relay", "--database", database])
        .args(["--devices", &devices.to_string()]);
    if small {
        command.arg("--small");
    }
    if let Some(row) = only {
        command.args(["--only", row]);
    }
    run("bench relay", &mut command)
}

/// Builds everything in that profile; gives the program that measures.
fn build_measured() -> Result<PathBuf> {
    packages::install(For::Tests)?;
    let measured = target().join("measured");
    if !measured.exists() {
        println!("The first measuring compiles everything once more, optimised: some 10 to 20 minutes.");
    }
    std::io::stdout().flush()?;
    node::build_ui()?;
    let what = ["build", "--workspace", "--bins", "--profile", "measured"];
    run("build", &mut cargo(&what))?;
    Ok(measured.join("medieco-journey"))
}

/// The others' program: a workspace of its own, which only this builds, as their users would.
fn build_peers() -> Result<PathBuf> {
    let folder = target().join("bench-peers");
    let mut build = cargo(&[
        "build",
        "--locked",
        "--release",
        "--manifest-path",
        "bench-peers/Cargo.toml",
    ]);
    run("build the others", build.arg("--target-dir").arg(&folder))?;
    Ok(folder.join("release/bench-peers"))
}

/// `cargo xtask simulate`.
pub fn simulate(options: &[(&str, u64)]) -> Result<()> {
    build(For::Build)?;
    let mut command = Command::new(built("medieco-journey"));
    command.arg("simulate");
    for (name, value) in options {
        command.arg(name).arg(value.to_string());
    }
    run("simulate", &mut command)
}

/// `cargo xtask screens`.
pub fn screens() -> Result<()> {
    build(For::Tests)?;
    run("screens", Command::new(built("medieco-journey")).arg("screens"))
}
