//! A relay as a process, the processes that make its load, and what each of them takes.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{
    crowd,
    load::{Order, Report},
};
use crate::child::{Running, program};

/// Linux counts processor time in these.
const TICKS_A_SECOND: f64 = 100.0;
/// Nothing that a process of the load is told takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Processor time of one process.
pub struct Taken {
    /// Who started it.
    pub parent: u32,
    /// Seconds.
    pub own: f64,
    /// Seconds of its children that have ended.
    pub of_the_dead: f64,
}

/// What Linux tells of a process; `None` when there is none.
pub fn cpu_of(pid: u32) -> Option<Taken> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // What stands before is its name, which may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some(Taken {
        parent: fields.get(1)?.parse().ok()?,
        own: (ticks(11)? + ticks(12)?) / TICKS_A_SECOND,
        of_the_dead: (ticks(13)? + ticks(14)?) / TICKS_A_SECOND,
    })
}

/// Where a relay keeps what it keeps.
#[derive(Debug, Clone)]
pub struct Home {
    /// The data folder.
    pub data: PathBuf,
    /// And the database, as an operator types it.
    pub database: Option<String>,
}

impl Home {
    /// What the rows say.
    pub fn name(&self) -> &'static str {
        match self.database {
            None => "sqlite",
            Some(_) => "postgres",
        }
    }
}

/// A running `medieco-relay serve`.
pub struct Node {
    running: Running,
    /// `127.0.0.1:port`.
    pub address: String,
    home: Home,
    certificate: Option<(PathBuf, PathBuf)>,
}

impl Node {
    /// Starts it.
    pub fn start(home: &Home, certificate: Option<(&Path, &Path)>) -> Result<Self> {
        let certificate = certificate.map(|(certificate, key)| (certificate.to_path_buf(), key.to_path_buf()));
        Self::listen(home.clone(), certificate, "127.0.0.1:0")
    }

    fn listen(home: Home, certificate: Option<(PathBuf, PathBuf)>, on: &str) -> Result<Self> {
        let mut command = Command::new(program("medieco-relay")?);
        command.env("MEDIECO_LOG", "warn").arg("--data").arg(&home.data);
        if let Some(database) = &home.database {
            command.args(["--database", database]);
        }
        command.args(["--json", "serve", "--listen", on]);
        if let Some((certificate, key)) = &certificate {
            command.arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key);
        }
        let running = Running::start(command, &home.data.with_extension("log"))?;
        let address = running.wait_for(|line| Some(line["address"].as_str()?.to_owned()))?;
        Ok(Self {
            running,
            address,
            home,
            certificate,
        })
    }

    /// SIGKILL, and a new one at the same address.
    pub fn start_again(mut self) -> Result<Self> {
        self.running.kill()?;
        let Self {
            home,
            certificate,
            address,
            ..
        } = self;
        Self::listen(home, certificate, &address)
    }

    /// Its process's number.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// Seconds of processor time so far.
    pub fn cpu(&self) -> f64 {
        cpu_of(self.running.pid()).map_or(f64::NAN, |taken| taken.own)
    }

    /// The memory that it holds now, in KiB.
    pub fn held_kib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.running.pid()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib = line
            .and_then(|line| line.split_whitespace().nth(1))
            .context("Linux tells")?;
        Ok(kib.parse()?)
    }
}

/// The processes that make the load, each with its part of the clinics.
pub struct Crowd {
    parts: Vec<Running>,
    /// Their clinics' statements.
    files: Vec<PathBuf>,
    n_clinics: usize,
}

impl Crowd {
    /// So many processes, that make their clinics at the same time.
    pub fn gather(n_parts: usize, n_clinics: usize, n_devices: usize, folder: &Path) -> Result<Self> {
        let own = program("medieco-journey")?;
        let each = n_clinics / n_parts;
        let (mut parts, mut files) = (Vec::new(), Vec::new());
        for part in 0..n_parts {
            let file = folder.join(format!("statements-{part}"));
            let mut command = Command::new(&own);
            command
                .arg("load")
                .args(["--first", &(1_000 + part * each).to_string()])
                .args(["--clinics", &each.to_string()])
                .args(["--devices", &n_devices.to_string()])
                .arg("--statements")
                .arg(&file);
            parts.push(Running::start(command, &folder.join(format!("load-{part}.log")))?);
            files.push(file);
        }
        for part in &parts {
            part.next_line(PATIENCE)?;
        }
        Ok(Self {
            parts,
            files,
            n_clinics: each * n_parts,
        })
    }

    /// Makes their clinics known where a relay will serve.
    pub fn join(&self, home: &Home) -> Result<()> {
        let mut store = super::open(home)?;
        for file in &self.files {
            for roster in crowd::rosters(file)? {
                sync_protocol::RelayStore::set_roster(&mut store, &roster)?;
            }
        }
        Ok(store.checkpoint()?)
    }

    /// Tells each its own, and gives what all of them report together.
    pub fn tell(&mut self, order: impl Fn(usize) -> Order) -> Result<Report> {
        self.begin(order)?;
        self.reports()
    }

    /// Tells each its own, and does not wait.
    pub fn begin(&mut self, order: impl Fn(usize) -> Order) -> Result<()> {
        for (nth, part) in self.parts.iter_mut().enumerate() {
            let line = serde_json::to_string(&order(nth))?;
            let stdin = part.stdin()?;
            writeln!(stdin, "{line}")?;
            stdin.flush()?;
        }
        Ok(())
    }

    /// What all of them report together.
    pub fn reports(&self) -> Result<Report> {
        let mut all = Report::default();
        for part in &self.parts {
            let line = part.next_line(PATIENCE)?;
            all = all.and(serde_json::from_value(line).context("a report is JSON")?);
        }
        Ok(all)
    }

    /// Connects so many clinics, with so many devices of each, to these nodes in turn.
    pub fn connect(&mut self, nodes: &[&Node], n_clinics: usize, n_devices: usize) -> Result<Report> {
        let n_parts = self.parts.len();
        // Clinics stand in pairs, which give to each other.
        let n_pairs = n_clinics.min(self.n_clinics) / 2;
        let places: Vec<_> = nodes
            .iter()
            .map(|node| {
                let certificate = node.certificate.as_ref().map(|(certificate, _)| certificate.clone());
                (node.address.clone(), certificate)
            })
            .collect();
        self.tell(|part| {
            let (address, certificate) = places[part % places.len()].clone();
            Order::Connect {
                address,
                certificate,
                clinics: 2 * (n_pairs / n_parts + usize::from(part < n_pairs % n_parts)),
                devices: n_devices,
            }
        })
    }

    /// Seconds of processor time that all of them took so far.
    pub fn cpu(&self) -> f64 {
        self.parts
            .iter()
            .filter_map(|part| cpu_of(part.pid()))
            .map(|taken| taken.own)
            .sum()
    }
}
