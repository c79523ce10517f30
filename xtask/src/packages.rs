//! System packages: which ones, and how they get here.

use std::{
    io::{IsTerminal, stdin},
    process::Command,
};

use anyhow::Result;

use crate::shell::{NotHere, answer, run};

/// What the packages are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Building and running.
    Build,
    /// Building, and driving the real window in tests.
    Tests,
}

const BUILD: &[&str] = &[
    "build-essential",
    "pkg-config",
    "cmake",
    "libwebkit2gtk-4.1-dev",
    "libasound2-dev",
    "libdbus-1-dev",
    "libssl-dev",
    "ca-certificates",
];

const TESTS: &[&str] = &[
    "webkit2gtk-driver",
    "xvfb",
    "imagemagick",
    "libasound2-plugins",
    "dbus",
    "gnome-keyring",
    "iproute2",
    "fonts-dejavu-core",
    "postgresql",
];

/// Installs what is missing. Without root, sudo or a terminal it says the one line to run (exit code 3).
pub fn install(purpose: For) -> Result<()> {
    let mut wanted = BUILD.to_vec();
    if purpose == For::Tests {
        wanted.extend(TESTS);
    }
    if !crate::node::is_usable() {
        wanted.extend(["python3", "python3-pip"]);
    }
    let missing: Vec<&str> = wanted.into_iter().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if answer("apt-get", &["--version"]).is_none() {
        return Err(NotHere(format!(
            "this machine has no apt. MediEco is built on Debian and Ubuntu; elsewhere install what these packages hold and try again: {}",
            missing.join(" ")
        ))
        .into());
    }
    println!(
        "MediEco needs {} system packages (up to 260 MB to download, 1.1 GB on disk):",
        missing.len()
    );
    println!("  {}", missing.join(" "));
    let mut prefix: Vec<&str> = Vec::new();
    if answer("id", &["-u"]).as_deref() != Some("0") {
        let may_ask = stdin().is_terminal();
        let has_sudo =
            answer("sudo", &["-n", "true"]).is_some() || (may_ask && answer("sudo", &["--version"]).is_some());
        if !has_sudo {
            return Err(NotHere(format!(
                "please have an administrator run this line, then try again:\n\n  {line}\n"
            ))
            .into());
        }
        prefix.push("sudo");
    }
    prefix.push("apt-get");
    let apt = |what: &str, args: &[&str]| {
        let mut command = Command::new(prefix[0]);
        command
            .args(&prefix[1..])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive");
        run(what, &mut command)
    };
    apt("package lists", &["-qq", "update"])?;
    let mut args = vec!["-qq", "install", "-y", "--no-install-recommends"];
    args.extend(&missing);
    apt("system packages", &args)
}

fn is_installed(package: &str) -> bool {
    answer("dpkg-query", &["-W", "-f=${Status}", package]).is_some_and(|status| status.ends_with("ok installed"))
}
