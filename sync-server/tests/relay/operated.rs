//! The real program as an operator runs it: with arguments of his own, its logs kept, asked over HTTP, told by signals.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use sync_client::RelayAddress;

use crate::process::{listening, relay_command};

/// Nothing here takes this long; a wait that does has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A running `medieco-relay serve`; killed when dropped.
pub struct Operated {
    child: Child,
    pub address: RelayAddress,
    listen: String,
    admin: Option<String>,
    log: PathBuf,
}

impl Operated {
    /// Starts it with these arguments after `serve`, on free ports.
    pub fn start(data: &Path, args: &[&str]) -> Self {
        Self::start_by(&mut relay_command(data), data, args)
    }

    /// The same, with an environment of one's own.
    pub fn start_by(command: &mut Command, data: &Path, args: &[&str]) -> Self {
        let log = data.join("log");
        let serve = command.args(["--json", "serve", "--listen", "127.0.0.1:0"]).args(args);
        let (child, said) = listening(serve.stderr(std::fs::File::create(&log).unwrap()));
        let listen = said["address"].as_str().unwrap().to_owned();
        Self {
            child,
            address: RelayAddress::new(&format!("ws://{listen}"), None).unwrap(),
            listen,
            admin: said["admin"].as_str().map(str::to_owned),
            log,
        }
    }

    pub fn listen(&self) -> &str {
        &self.listen
    }

    /// Asks the operator's listener.
    pub fn ask(&self, path: &str) -> (u16, String) {
        http(
            self.admin.as_ref().unwrap(),
            &format!("GET {path} HTTP/1.1\r\nHost: relay\r\n\r\n"),
        )
        .unwrap()
    }

    /// One figure, by its name and labels.
    pub fn figure(&self, name: &str) -> Option<f64> {
        let (status, text) = self.ask("/metrics");
        assert_eq!(status, 200);
        figure_in(&text, name)
    }

    /// Asks for a figure until it is as wanted.
    pub fn figure_becomes(&self, name: &str, wanted: f64) {
        self.figure_until(name, |value| value == Some(wanted));
    }

    /// Asks for a figure until it is so high, or higher.
    pub fn figure_reaches(&self, name: &str, least: f64) {
        self.figure_until(name, |value| value >= Some(least));
    }

    fn figure_until(&self, name: &str, reached: impl Fn(Option<f64>) -> bool) {
        let began = std::time::Instant::now();
        loop {
            let value = self.figure(name);
            if reached(value) {
                return;
            }
            assert!(began.elapsed() < DEADLINE, "{name} is {value:?}");
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Waits for its end; gives the exit code and what it logged.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, std::fs::read_to_string(&self.log).unwrap())
    }
}

impl Drop for Operated {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One figure of what `/metrics` answers.
pub fn figure_in(text: &str, name: &str) -> Option<f64> {
    let value = |line: &str| {
        line.strip_prefix("medieco_relay_")?
            .strip_prefix(name)?
            .strip_prefix(' ')?
            .parse()
            .ok()
    };
    text.lines().find_map(value)
}

/// Says this, and gives the status and the body of the answer; `None` when there is none.
pub fn http(to: &str, request: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(to).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // Who is turned away may be so before he has said all.
    drop(stream.write_all(request.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}
