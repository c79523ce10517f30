//! The relay as a process, and the operator at its command line.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::child::{Running, program};

/// A relay process on its own data folder.
pub struct Relay {
    running: Running,
    data: PathBuf,
    port: u16,
}

impl Relay {
    /// Starts it on `port` (0 = any free one) and waits until it listens.
    pub fn start(data: &Path, port: u16) -> Result<Self> {
        std::fs::create_dir_all(data)?;
        let mut command = Command::new(program("medieco-relay")?);
        command
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", &format!("127.0.0.1:{port}"), "--json"]);
        let running = Running::start(command, &data.with_extension("log"))?;
        let port = running.wait_for(|line| {
            let address = line["address"].as_str().or_else(|| line["listening"].as_str())?;
            address.rsplit(':').next()?.trim_end_matches("/sync").parse().ok()
        })?;
        Ok(Self {
            running,
            data: data.to_path_buf(),
            port,
        })
    }

    /// Where devices reach it.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The operator makes a clinic; gives the text of its one invitation.
    pub fn add_clinic(&self, name: &str) -> Result<String> {
        let answer = self.operator(&["clinic", "add", name])?;
        Ok(answer["invitation"]
            .as_str()
            .with_context(|| format!("{answer} holds no invitation"))?
            .to_owned())
    }

    /// A command of the operator, answered as JSON.
    pub fn operator(&self, args: &[&str]) -> Result<Value> {
        let out = Command::new(program("medieco-relay")?)
            .args(args)
            .arg("--data")
            .arg(&self.data)
            .arg("--json")
            .output()?;
        if !out.status.success() {
            bail!(
                "medieco-relay {}: {}",
                args.join(" "),
                String::from_utf8_lossy(&out.stderr)
            );
        }
        serde_json::from_slice(&out.stdout).context("medieco-relay answers in JSON")
    }

    /// SIGKILL.
    pub fn kill(&mut self) -> Result<()> {
        self.running.kill()
    }

    /// Comes back on the same data and port.
    pub fn start_again(self) -> Result<Self> {
        let (data, port) = (self.data.clone(), self.port);
        drop(self);
        Self::start(&data, port)
    }
}
