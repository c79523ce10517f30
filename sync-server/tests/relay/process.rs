//! The real program as a child: started, asked, killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use seal::Invitation;
use sync_client::RelayAddress;

pub fn relay_command(data: &Path) -> Command {
    let own = env!("CARGO_BIN_EXE_medieco-relay");
    let mut command = Command::new(std::env::var_os("MEDIECO_RELAY").unwrap_or_else(|| own.into()));
    command.arg("--data").arg(data).env("MEDIECO_LOG", "warn");
    command
}

pub fn output(data: &Path, args: &[&str]) -> Output {
    relay_command(data).args(args).output().unwrap()
}

/// Starts it, and waits for what it says once it listens.
pub fn listening(serve: &mut Command) -> (Child, serde_json::Value) {
    let mut child = serve.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

/// A running `medieco-relay serve`; killed when dropped.
pub struct Process {
    child: Child,
    pub address: RelayAddress,
}

impl Process {
    /// Starts it and waits for its line.
    pub fn start(data: &Path, listen: &str) -> Self {
        Self::of(relay_command(data).args(["--json", "serve", "--listen", listen]))
    }

    /// The same, asked for with more words.
    pub fn of(serve: &mut Command) -> Self {
        let (child, said) = listening(serve.stderr(Stdio::null()));
        assert_eq!((&said["v"], &said["event"]), (&1.into(), &"listening".into()));
        let address = RelayAddress::new(said["url"].as_str().unwrap(), None).unwrap();
        Self { child, address }
    }

    /// What `--listen` was, once the port is known.
    pub fn listen(&self) -> String {
        self.address.url().trim_start_matches("ws://").to_owned()
    }

    /// The most memory that it ever held, in KB; `None` where the system does not tell.
    pub fn peak_kb(&self) -> Option<usize> {
        self.memory_kb("VmHWM:")
    }

    /// The memory that it holds now, in KB; `None` where the system does not tell.
    pub fn held_kb(&self) -> Option<usize> {
        self.memory_kb("VmRSS:")
    }

    fn memory_kb(&self, which: &str) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(which))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// SIGKILL: not one more instruction.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; gives the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// `clinic add`, as the operator does it beside the running relay.
pub fn invitation(data: &Path, name: &str) -> Invitation {
    let added = output(data, &["--json", "clinic", "add", name]);
    assert!(added.status.success());
    let said: serde_json::Value = serde_json::from_slice(&added.stdout).unwrap();
    Invitation::from_text(said["invitation"].as_str().unwrap()).unwrap()
}
