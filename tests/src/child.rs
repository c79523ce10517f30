//! A program of ours as a child process that never outlives its parent's interest in it.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Longest wait for anything that a program here should do by itself.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A program that was built beside this one.
pub fn program(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let found = own
        .ancestors()
        .skip(1)
        .take(2)
        .map(|dir| dir.join(name))
        .find(|path| path.is_file());
    found.with_context(|| format!("{name} is not built: run cargo build --workspace"))
}

/// A running program, its stdout read as lines of JSON. Killed when dropped.
pub struct Running {
    child: Child,
    lines: Receiver<Value>,
    name: String,
}

impl Running {
    /// Starts `command`; what it says on stderr goes to `log`.
    pub fn start(mut command: Command, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(log)?)
            .spawn()
            .with_context(|| format!("{name} can't be started"))?;
        let out = BufReader::new(child.stdout.take().context("stdout is piped")?);
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, lines, name })
    }

    /// Its stdin.
    pub fn stdin(&mut self) -> Result<&mut ChildStdin> {
        self.child.stdin.as_mut().context("stdin is piped")
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line within `patience`; an error when the program ended or stays silent.
    pub fn next_line(&self, patience: Duration) -> Result<Value> {
        match self.lines.recv_timeout(patience) {
            Ok(line) => Ok(line),
            Err(RecvTimeoutError::Timeout) => bail!("{} said nothing for {} s", self.name, patience.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("{} has ended", self.name),
        }
    }

    /// The next line, when it comes before a moment.
    pub fn line_by(&self, moment: Instant) -> Result<Option<Value>> {
        match self
            .lines
            .recv_timeout(moment.saturating_duration_since(Instant::now()))
        {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("{} has ended", self.name),
        }
    }

    /// The first line that `wanted` turns into something.
    pub fn wait_for<T>(&self, mut wanted: impl FnMut(&Value) -> Option<T>) -> Result<T> {
        let until = Instant::now() + PATIENCE;
        loop {
            let line = self.next_line(until.saturating_duration_since(Instant::now()))?;
            if let Some(found) = wanted(&line) {
                return Ok(found);
            }
        }
    }

    /// SIGKILL, and wait until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Closes its stdin and waits for it to end by itself.
    pub fn finish(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if !status.success() {
            bail!("{} ended with {status}", self.name);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
