//! The hand at a headless device: starts its process, calls its verbs, kills it, starts it again.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use testkit::Switch;

use crate::child::{PATIENCE, Running, program};

/// A device process and where its data lies.
pub struct Device {
    running: RefCell<Running>,
    heard: RefCell<VecDeque<Value>>,
    data: PathBuf,
    passphrase_file: Option<PathBuf>,
}

/// What a verb refused with.
#[derive(Debug)]
pub struct Refused {
    /// The code.
    pub code: String,
    /// Its parameters.
    pub detail: Value,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.detail)
    }
}

impl std::error::Error for Refused {}

/// The answer to a call, when this line is one.
fn answer_in(line: &Value) -> Option<Result<Value>> {
    if let Some(answer) = line.get("ok") {
        return Some(Ok(answer.clone()));
    }
    let error = line.get("error")?;
    let code = error["code"].as_str().unwrap_or_default().to_owned();
    let detail = error["detail"].clone();
    Some(Err(Refused { code, detail }.into()))
}

/// The refusal, when it is one; the program's end otherwise.
pub fn refusal_of(error: &anyhow::Error) -> Option<&Refused> {
    error.downcast_ref()
}

impl Device {
    /// Starts a device on `data`; its store's passphrase lies in `passphrase_file`.
    pub fn start(data: &Path, passphrase_file: &Path) -> Result<Self> {
        Self::start_with(data, passphrase_file, &[])
    }

    /// The same with further environment variables (named kill points, a microphone).
    pub fn start_with(data: &Path, passphrase_file: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        Self::begin(data, Some(passphrase_file), environment, &[])
    }

    /// The same, where the clinic's devices on this machine reach each other without a relay.
    pub fn start_on_lan(data: &Path, passphrase_file: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        Self::begin(data, Some(passphrase_file), environment, &["--lan", "this-machine"])
    }

    /// Starts a device on host `n` of a switch, as in a clinic: it can be reached by whoever is on that network.
    pub fn start_on_host(data: &Path, passphrase_file: &Path, switch: &Switch, n: usize) -> Result<Self> {
        let command = switch.on_host(n, &program("medieco-journey")?);
        Self::run(command, data, Some(passphrase_file), &["--lan", "everywhere"])
    }

    /// Starts a device in a desktop session, whose keyring is to have the store's key.
    pub fn start_in(data: &Path, session: &[(&str, &str)]) -> Result<Self> {
        Self::begin(data, None, session, &[])
    }

    fn begin(data: &Path, passphrase_file: Option<&Path>, environment: &[(&str, &str)], more: &[&str]) -> Result<Self> {
        let mut command = Command::new(program("medieco-journey")?);
        command.envs(environment.iter().copied());
        Self::run(command, data, passphrase_file, more)
    }

    fn run(mut command: Command, data: &Path, passphrase_file: Option<&Path>, more: &[&str]) -> Result<Self> {
        command.arg("device").arg("--data").arg(data).args(more);
        if let Some(file) = passphrase_file {
            command.arg("--passphrase-file").arg(file);
        }
        let running = Running::start(command, &data.with_extension("log"))?;
        running.wait_for(|line| (line["event"] == "ready").then_some(()))?;
        Ok(Self {
            running: RefCell::new(running),
            heard: RefCell::default(),
            data: data.to_path_buf(),
            passphrase_file: passphrase_file.map(Path::to_path_buf),
        })
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.running.borrow().pid()
    }

    /// Calls a verb; the error is a [`Refused`] when the verb said no.
    pub fn call(&self, verb: &str, input: Value) -> Result<Value> {
        self.send(verb, input)?;
        self.answer().with_context(|| verb.to_owned())
    }

    /// Sends a call, and does not wait for its answer.
    pub fn send(&self, verb: &str, input: Value) -> Result<()> {
        let line = json!({"verb": verb, "input": input});
        writeln!(self.running.borrow_mut().stdin()?, "{line}").with_context(|| format!("{verb}: the device is gone"))
    }

    /// The answer to the oldest call that has none yet. It is found after a kill too, when it had been given before.
    pub fn answer(&self) -> Result<Value> {
        loop {
            let line = self.running.borrow().next_line(PATIENCE)?;
            if let Some(answer) = answer_in(&line) {
                return answer;
            }
            self.heard.borrow_mut().push_back(line);
        }
    }

    /// As [`Device::answer`], but only until a moment; `None` when that came first.
    pub fn answer_by(&self, moment: Instant) -> Result<Option<Value>> {
        loop {
            let Some(line) = self.running.borrow().line_by(moment)? else {
                return Ok(None);
            };
            if let Some(answer) = answer_in(&line) {
                return answer.map(Some);
            }
            self.heard.borrow_mut().push_back(line);
        }
    }

    /// Listens until a moment, whatever is told.
    pub fn hear_until(&self, moment: Instant) {
        while let Ok(Some(line)) = self.running.borrow().line_by(moment) {
            self.heard.borrow_mut().push_back(line);
        }
    }

    /// Calls a verb that must refuse, and gives the code.
    pub fn refusal(&self, verb: &str, input: Value) -> Result<String> {
        Ok(self.refused(verb, input)?.code)
    }

    /// Calls a verb that must refuse, and gives the code with its parameters.
    pub fn refused(&self, verb: &str, input: Value) -> Result<Refused> {
        match self.call(verb, input) {
            Ok(answer) => bail!("{verb} should have refused and answered {answer}"),
            Err(error) => error.downcast::<Refused>(),
        }
    }

    /// Asks again at each thing that the device tells, until `wanted` finds what it waits for.
    pub fn until<T>(&self, verb: &str, input: &Value, wanted: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.heard.borrow_mut().clear();
            let answer = self.call(verb, input.clone())?;
            if let Some(found) = wanted(&answer) {
                return Ok(found);
            }
            if self.heard.borrow().is_empty() {
                let left = deadline.saturating_duration_since(Instant::now());
                let line = self.running.borrow().next_line(left);
                line.with_context(|| format!("waited for {verb}; its last answer was {answer}"))?;
            }
        }
    }

    /// The next event that `wanted` accepts.
    pub fn event<T>(&self, wanted: impl Fn(&Value) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let earlier = self.heard.borrow_mut().pop_front();
            let line = match earlier {
                Some(line) => line,
                None => self
                    .running
                    .borrow()
                    .next_line(deadline.saturating_duration_since(Instant::now()))?,
            };
            if let Some(found) = wanted(&line) {
                return Ok(found);
            }
        }
    }

    /// SIGKILL.
    pub fn kill(&self) -> Result<()> {
        self.running.borrow_mut().kill()
    }

    /// Starts it again on the same data, after a kill or an orderly end; without further environment.
    pub fn start_again(self) -> Result<Self> {
        let (data, passphrase_file) = (self.data.clone(), self.passphrase_file.clone());
        drop(self);
        Self::begin(&data, passphrase_file.as_deref(), &[], &[])
    }

    /// Closes it in order.
    pub fn finish(self) -> Result<()> {
        self.running.into_inner().finish()
    }
}
