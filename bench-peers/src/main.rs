//! What somebody would pick instead, as processes that `medieco-journey bench --peers` speaks to in lines of JSON.
//!
//! `samod` is one device of a samod network; `history FILE` applies, loads and edits one long document with Automerge bare,
//! Loro and yrs; `versions` says which they are.

mod device;
mod files;
mod history;

use std::{io::Write, path::PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("samod") => device::run(&mut Flags(args.collect())),
        Some("history") => history::run(&PathBuf::from(args.next().context("which file?")?)),
        Some("versions") => {
            tell(&versions());
            Ok(())
        }
        _ => bail!("bench-peers samod|history|versions: docs/bench.md, “Against others”"),
    }
}

/// As the lock file next to this package has them.
fn versions() -> Value {
    let lock = include_str!("../Cargo.lock");
    let of = |name: &str| {
        let found = lock
            .split("[[package]]")
            .find(|part| part.contains(&format!("\nname = \"{name}\"\n")));
        let line = found.and_then(|part| part.lines().find_map(|line| line.strip_prefix("version = ")));
        line.unwrap_or("unknown").trim_matches('"').to_owned()
    };
    json!({ "samod": of("samod"), "automerge": of("automerge"), "loro": of("loro"), "yrs": of("yrs") })
}

/// One line on stdout. Whoever reads may be gone: then this process ends too, with its stdin.
fn tell(line: &Value) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

/// What follows the first word.
struct Flags(Vec<String>);

impl Flags {
    fn is_set(&self, name: &str) -> bool {
        self.0.iter().any(|word| word == name)
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let place = self.0.iter().position(|word| word == name)?;
        self.0.get(place + 1).map(PathBuf::from)
    }
}
