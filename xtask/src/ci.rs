//! What CI runs, step by step, with the seconds of each.

use std::{process::Command, time::Instant};

use anyhow::{Context, Result};

use crate::{
    node,
    packages::{self, For},
    shell::{self, answer, cargo, run, target},
    tidy,
};

/// `cargo xtask test`.
pub fn test() -> Result<()> {
    let mut steps = Steps::default();
    set_up(&mut steps)?;
    tests(&mut steps)
}

/// `cargo xtask ci`.
pub fn ci() -> Result<()> {
    let mut steps = Steps::default();
    steps.step("fmt", || run("fmt", &mut cargo(&["fmt", "--all", "--check"])))?;
    steps.step("tidy", tidy::tidy)?;
    set_up(&mut steps)?;
    steps.step("screens: check", || {
        run("screens: check", &mut node::npm(&["run", "check"])?)
    })?;
    steps.step("clippy", || {
        run(
            "clippy",
            &mut cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ]),
        )
    })?;
    tests(&mut steps)?;
    steps.step("doc", || {
        run(
            "doc",
            cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    steps.step("deny", deny)
}

fn set_up(steps: &mut Steps) -> Result<()> {
    steps.step("system packages", || packages::install(For::Tests))?;
    steps.step("screens: build", node::build_ui)
}

fn tests(steps: &mut Steps) -> Result<()> {
    steps.step("screens: test", || run("screens: test", &mut node::npm(&["test"])?))?;
    // The same targets in one go, so that programs and tests share every dependency.
    steps.step("build", || {
        run(
            "build",
            &mut cargo(&["build", "--workspace", "--all-targets", "--locked"]),
        )
    })?;
    let mut n_left_out = 0;
    let tested = steps.step("test", || {
        let tests = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
        n_left_out = shell::run_counting("test", tests, "LEFT OUT:")?;
        Ok(())
    });
    println!("left out for lack of files or rights on this machine: {n_left_out} (each says so above: LEFT OUT)");
    tested
}

/// Licences, bans and sources. Advisories need a database that is not always within reach.
fn deny() -> Result<()> {
    let tools = target().join("tools");
    let deny = tools.join("bin/cargo-deny");
    if !deny.exists() {
        let mut install = cargo(&[
            "install",
            "--quiet",
            "--locked",
            "cargo-deny",
            "--version",
            "^0.20",
            "--root",
        ]);
        run(
            "cargo-deny",
            install
                .arg(&tools)
                .env("CARGO_TARGET_DIR", target().join("tools-build")),
        )?;
    }
    let mut check = Command::new(&deny);
    check
        .args(["check", "bans", "licenses", "sources"])
        .current_dir(crate::shell::root());
    run("deny", &mut check)?;
    println!("advisories: not checked here (their database is out of reach of this machine)");
    Ok(())
}

#[derive(Default)]
struct Steps(Vec<(&'static str, u64)>);

impl Steps {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let began = Instant::now();
        let done = work();
        self.0.push((name, began.elapsed().as_secs()));
        done.with_context(|| format!("step “{name}”"))
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        println!(
            "\nseconds per step (two cores: {}):",
            answer("nproc", &[]).unwrap_or_default()
        );
        for (name, seconds) in &self.0 {
            println!("{seconds:>6}  {name}");
        }
        println!("{:>6}  in all", self.0.iter().map(|(_, seconds)| seconds).sum::<u64>());
    }
}
