//! `doctor`: what the app needs, and whether it is there. It never asks for a passphrase and changes nothing.

use std::{
    net::{TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use clap::Args;
use clinic::maintenance::clinics;
use devices::port::PrinterAddress;
use scribe::{capture::microphones, engine::find_program, models::installed};
use serde::Serialize;
use vault::{Keyring, KeyringState, machine_has_a_name};

use crate::{
    Around,
    outcome::{Outcome, Trouble},
};

/// How long a printer or a relay may take to pick up.
const PICK_UP: Duration = Duration::from_secs(3);

/// Looks at what the app needs.
#[derive(Args)]
pub struct Doctor {
    /// A printer to try: `tcp://HOST:PORT`, `serial:///dev/…` or `file:///…`. Nothing is printed.
    #[arg(long, value_name = "ADDRESS")]
    printer: Option<PrinterAddress>,
    /// A relay to try: `wss://HOST`.
    #[arg(long, value_name = "URL")]
    relay: Option<String>,
}

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    good: bool,
    words: String,
}

impl Doctor {
    pub fn run(self, around: &Around) -> Outcome {
        let data = around.data_dir()?;
        let mut findings = vec![keyring(), machine(), microphone(), engine(), model(&data), store(&data)];
        findings.extend(self.printer.as_ref().map(printer));
        findings.extend(self.relay.as_deref().map(relay));
        let all_good = findings.iter().all(|one| one.good);
        around.tell("doctor", &findings, |all| {
            let mark = |good| if good { "ok  " } else { "MISS" };
            all.iter()
                .map(|one| format!("{} {:<11} {}\n", mark(one.good), one.what, one.words))
                .collect()
        })?;
        if all_good {
            Ok(())
        } else {
            Err(Trouble::missing("something that the app can use is not there"))
        }
    }
}

fn keyring() -> Finding {
    let (good, words) = match Keyring::state() {
        KeyringState::Ready => (true, "keeps the store's key"),
        KeyringState::Locked => (false, "is locked: unlock it, or use a passphrase"),
        KeyringState::Absent => (false, "there is none: the app asks for a passphrase"),
    };
    Finding {
        what: "keyring",
        good,
        words: words.to_owned(),
    }
}

fn machine() -> Finding {
    let good = machine_has_a_name();
    let words = if good {
        "has an id: a copy of a store on another machine is told by it"
    } else {
        "has no id that can be read: a copy of a store is told by its words and its count alone"
    };
    Finding {
        what: "machine",
        good,
        words: words.to_owned(),
    }
}

fn microphone() -> Finding {
    let found = microphones().unwrap_or_default();
    let names: Vec<_> = found
        .iter()
        .map(|one| format!("{} ({} channels)", one.name, one.channels))
        .collect();
    let words = if names.is_empty() {
        "there is none".to_owned()
    } else {
        names.join(", ")
    };
    Finding {
        what: "microphone",
        good: !found.is_empty(),
        words,
    }
}

fn engine() -> Finding {
    match find_program() {
        Some(path) => Finding {
            what: "engine",
            good: true,
            words: path.display().to_string(),
        },
        None => Finding {
            what: "engine",
            good: false,
            words: "medieco-engine is not beside this program".to_owned(),
        },
    }
}

fn model(data: &std::path::Path) -> Finding {
    let here = installed(&data.join("models"));
    let titles: Vec<_> = here.iter().map(|one| one.entry.title.as_str()).collect();
    let words = if titles.is_empty() {
        "none: see `mediecoctl model import`".to_owned()
    } else {
        titles.join(", ")
    };
    Finding {
        what: "model",
        good: here.iter().any(|one| !one.entry.demo),
        words,
    }
}

fn store(data: &std::path::Path) -> Finding {
    let here = clinics(data).unwrap_or_default();
    let names: Vec<_> = here.iter().map(|one| one.name.as_str()).collect();
    let words = if names.is_empty() {
        format!("no clinic in {}", data.display())
    } else {
        names.join(", ")
    };
    Finding {
        what: "clinics",
        good: !here.is_empty(),
        words,
    }
}

fn printer(address: &PrinterAddress) -> Finding {
    let there = match address {
        PrinterAddress::Tcp { host, port } => picks_up(host, *port),
        PrinterAddress::Serial { path, .. } => Ok(std::path::Path::new(path).exists()),
        PrinterAddress::File { path } => Ok(std::path::Path::new(path).parent().is_some_and(std::path::Path::is_dir)),
    };
    let good = there.unwrap_or(false);
    let words = format!("{address} {}", if good { "is there" } else { "is not there" });
    Finding {
        what: "printer",
        good,
        words,
    }
}

fn relay(url: &str) -> Finding {
    let rest = url.strip_prefix("wss://").or_else(|| url.strip_prefix("ws://"));
    let host = rest.map(|rest| rest.split(['/', '#']).next().unwrap_or(rest));
    let good = host.is_some_and(|host| {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) => (name, port.parse().unwrap_or(0)),
            None => (host, if url.starts_with("wss") { 443 } else { 80 }),
        };
        picks_up(name, port).unwrap_or(false)
    });
    Finding {
        what: "relay",
        good,
        words: format!("{url} {}", if good { "picks up" } else { "does not pick up" }),
    }
}

fn picks_up(host: &str, port: u16) -> std::io::Result<bool> {
    Ok((host, port)
        .to_socket_addrs()?
        .any(|address| TcpStream::connect_timeout(&address, PICK_UP).is_ok()))
}
