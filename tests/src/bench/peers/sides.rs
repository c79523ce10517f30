//! Ours and samod, as programs that speak the same few lines; two of one kind and the link between them.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;

use super::{answer, peer_version, say_to};
use crate::{
    bench::{clinic::BareClinic, long::STORE},
    child::Running,
    link::Link,
};

/// Whatever else they say to each other, they say by then.
const SETTLED: Duration = Duration::from_millis(300);

/// What a program is told on its stdin.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Connect to this port of this machine.
    Call(u16),
    /// Give this patient that telephone.
    Edit(usize, String),
}

/// One of those who are compared.
pub struct Side {
    name: &'static str,
    /// Without the folder of its store.
    command: Vec<String>,
    data: PathBuf,
    taker: PathBuf,
    log: PathBuf,
    /// What it is, for the table.
    pub version: String,
}

/// What was seen while an empty device took everything in.
pub struct First {
    pub took: Duration,
    /// Both ways.
    pub n_bytes: f64,
    /// Blocks of its store, in bytes.
    pub on_disk: f64,
    /// Memory at its highest, in MiB.
    pub memory: f64,
}

impl Side {
    /// Our devices, without desks.
    pub fn ours(folder: &Path, log: &Path) -> Result<Self> {
        let own = std::env::current_exe()?;
        Ok(Self {
            name: "ours",
            command: vec![own.display().to_string(), "station".into()],
            data: folder.join("ours"),
            taker: folder.join("ours-taker"),
            log: log.to_owned(),
            version: String::new(),
        })
    }

    /// samod's, with its own files; `synced`: each synced to the disk.
    pub fn samod(folder: &Path, log: &Path, program: &Path, synced: bool) -> Self {
        let name = if synced { "samod-synced" } else { "samod" };
        let ids = folder.join(format!("{name}.json"));
        let mut command = vec![program.display().to_string(), "samod".into(), "--ids".into()];
        command.push(ids.display().to_string());
        if synced {
            command.push("--synced".into());
        }
        Self {
            name,
            command,
            data: folder.join(name),
            taker: folder.join(format!("{name}-taker")),
            log: log.to_owned(),
            version: peer_version(program, "samod").unwrap_or_else(|| "samod".into()),
        }
    }

    fn command(&self, data: &Path) -> process::Command {
        let mut command = process::Command::new(&self.command[0]);
        command.args(&self.command[1..]).arg("--data").arg(data);
        command
    }

    /// The work, in a store of theirs.
    pub fn fill(&self, work: &Path) -> Result<()> {
        let mut command = self.command(&self.data);
        command.arg("--fill").arg(work);
        let program = Running::start(command, &self.log)?;
        answer(&program, "filled").with_context(|| self.log.display().to_string())?;
        program.finish()
    }

    fn start(&self, data: &Path) -> Result<(Running, u16)> {
        let program = Running::start(self.command(data), &self.log)?;
        let port = answer(&program, "ready").with_context(|| self.log.display().to_string())?;
        Ok((program, u16::try_from(port.as_u64().context("a port")?)?))
    }

    /// Nothing is at the taker's any more.
    fn empty(&self, clinic: &BareClinic) -> Result<()> {
        if self.taker.exists() {
            fs::remove_dir_all(&self.taker)?;
        }
        if self.name == "ours" {
            drop(clinic.store_at(&self.taker, STORE, 1)?);
        }
        Ok(())
    }

    /// Both programs, connected by a link; and how long it took until both held the same.
    pub fn connect(&self) -> Result<(Pair, Duration)> {
        let (giver, port) = self.start(&self.data)?;
        let (mut taker, _) = self.start(&self.taker)?;
        let link = Link::open(0, port, None)?;
        let began = Instant::now();
        say_to(&mut taker, &json!({ "call": link.port() }))?;
        answer(&taker, "complete").with_context(|| self.log.display().to_string())?;
        let took = began.elapsed();
        Ok((Pair { giver, taker, link }, took))
    }

    /// An empty device takes everything in.
    pub fn first(&self, clinic: &BareClinic) -> Result<First> {
        self.empty(clinic)?;
        let (pair, took) = self.connect()?;
        let memory = peak_of(pair.taker.pid())?;
        let n_bytes = pair.settled();
        pair.finish()?;
        let on_disk = on_disk(&self.taker)? as f64;
        Ok(First {
            took,
            n_bytes,
            on_disk,
            memory,
        })
    }
}

/// Who gives, who takes, and the link between them.
pub struct Pair {
    pub giver: Running,
    pub taker: Running,
    link: Link,
}

impl Pair {
    /// Bytes both ways, once nobody has more to say.
    pub fn settled(&self) -> f64 {
        std::thread::sleep(SETTLED);
        let (up, down) = self.link.n_bytes();
        (up + down) as f64
    }

    /// Both end by themselves.
    pub fn finish(self) -> Result<()> {
        self.taker.finish()?;
        self.giver.finish()
    }
}

/// Memory of another process at its highest, in MiB.
fn peak_of(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    Ok(kib.context("Linux tells the peak")? / 1024.0)
}

/// Blocks that a folder takes up, in bytes.
fn on_disk(folder: &Path) -> Result<u64> {
    let mut n_bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        n_bytes += entry.metadata()?.blocks() * 512;
        if entry.file_type()?.is_dir() {
            n_bytes += on_disk(&entry.path())?;
        }
    }
    Ok(n_bytes)
}
