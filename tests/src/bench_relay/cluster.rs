//! A PostgreSQL of the bench's own, as its packages make it: nothing is tuned, and every commit waits for the disk.
//!
//! It ends with this process, however that ends: a shell holds the other end of a pipe, and takes everything away when the
//! pipe closes.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use sync_server::{DatabaseUrl, RELAY_ROLE, prepare};

use super::node::cpu_of;

/// On a disk, which `/tmp` need not be, and where PostgreSQL's own user can reach it.
const PLACE: &str = "/var/tmp";

/// `trust`: who reaches the socket, in a folder of its owner's alone, may be anyone.
const SCRIPT: &str = r#"
set -e
trap 'rm -rf "$2"' EXIT
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
cat >> "$2/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$2'
CONF
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w start >/dev/null
echo ready
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null
"#;

/// A running PostgreSQL.
pub struct Cluster {
    folder: PathBuf,
    postmaster: u32,
    shell: Child,
}

impl Cluster {
    /// Starts one.
    pub fn start() -> Result<Self> {
        let programs = programs().context("PostgreSQL's programs are not here: `cargo xtask setup` installs them")?;
        let folder = tempfile::Builder::new()
            .prefix("medieco-bench-pg-")
            .tempdir_in(PLACE)?
            .keep();
        let mut command = if rustix::process::geteuid().is_root() {
            // PostgreSQL refuses to run as root.
            let owner = Command::new("chown").arg("postgres:postgres").arg(&folder).status()?;
            if !owner.success() {
                bail!("there is no user postgres");
            }
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut shell = command
            .args(["-c", SCRIPT, "postgresql-of-the-bench"])
            .args([&programs, &folder])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = String::new();
        let out = shell.stdout.take().context("stdout is piped")?;
        BufReader::new(out).read_line(&mut said)?;
        if said != "ready\n" {
            bail!("PostgreSQL did not start");
        }
        let pids = fs::read_to_string(folder.join("data/postmaster.pid"))?;
        let postmaster = pids.lines().next().context("its first line is a pid")?.trim().parse()?;
        Ok(Self {
            folder,
            postmaster,
            shell,
        })
    }

    /// A new database, prepared for relays; gives what an operator types.
    pub fn database(&self, name: &str) -> Result<String> {
        let made = Command::new(programs().context("they were here before")?.join("createdb"))
            .arg("-h")
            .arg(&self.folder)
            .args(["-U", "postgres", name])
            .status()?;
        if !made.success() {
            bail!("createdb says no");
        }
        prepare(&self.url("postgres", name).parse::<DatabaseUrl>()?, None)?;
        Ok(self.url(RELAY_ROLE, name))
    }

    /// The same database, for this login.
    pub fn url(&self, user: &str, name: &str) -> String {
        let socket = self.folder.to_string_lossy().replace('/', "%2F");
        format!("postgres://{user}@{socket}/{name}")
    }

    /// Seconds of processor time that all of it took so far.
    pub fn cpu(&self) -> f64 {
        let children = fs::read_dir("/proc").into_iter().flatten().flatten();
        let children = children.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let own = children.filter_map(|pid| {
            let taken = cpu_of(pid)?;
            (pid == self.postmaster || taken.parent == self.postmaster).then_some(if pid == self.postmaster {
                taken.own + taken.of_the_dead
            } else {
                taken.own
            })
        });
        own.sum()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        drop(self.shell.wait());
    }
}

/// Where Debian puts them, the newest first, or wherever the path leads.
fn programs() -> Option<PathBuf> {
    let has_them = |folder: &Path| folder.join("initdb").exists() && folder.join("pg_ctl").exists();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let mut debian: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    debian.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    debian
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|folder| has_them(folder))
}
