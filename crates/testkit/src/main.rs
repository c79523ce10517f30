//! The virtual printer, UPS and microphone as a program: for trying the app by hand, and for journeys of several processes.
//!
//! What happens comes on stdout as JSON, one event a line.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::thread;

use anyhow::Context;
use clap::{Parser, Subcommand};
use serde_json::{Value, json};
use testkit::{PrinterEvent, PrinterMode, VirtualPrinter};

/// Devices that do not exist, at the far end of real sockets and ptys.
#[derive(Parser)]
#[command(
    version,
    after_help = "\
Examples:
  medieco-fake-devices printer --listen 127.0.0.1:9100 --out /tmp/labels
  medieco-fake-devices printer --out /tmp/labels --mode stops-reading:200
  medieco-fake-devices ups        then type: battery
  medieco-fake-devices microphone --dir /tmp/mic
                                  then start MediEco with ALSA_CONFIG_PATH=/tmp/mic/asound.conf, and type a WAV's path"
)]
struct Arguments {
    #[command(subcommand)]
    device: Device,
}

#[derive(Subcommand)]
enum Device {
    /// A label printer on a TCP port; each label becomes a PNG file.
    Printer {
        /// Address to listen at; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
        /// Folder for the labels.
        #[arg(long)]
        out: PathBuf,
        /// normal, silent, stops-reading:BYTES, drops:BYTES, out-of-paper, cover-open or refuses.
        #[arg(long, default_value = "normal", value_parser = mode)]
        mode: PrinterMode,
    },
    /// A UPS on a pty; reads mains, battery, low, garbage or silent from stdin, until it is closed.
    #[cfg(unix)]
    Ups,
    /// A microphone behind ALSA; reads paths of WAV files (16 kHz, one channel, 16 bit) to play from stdin.
    #[cfg(target_os = "linux")]
    Microphone {
        /// Folder for its FIFO and for ALSA's configuration.
        #[arg(long)]
        dir: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().device {
        Device::Printer { listen, out, mode } => printer(&listen, out, mode),
        #[cfg(unix)]
        Device::Ups => ups(),
        #[cfg(target_os = "linux")]
        Device::Microphone { dir } => microphone(&dir),
    }
}

fn printer(listen: &str, out: PathBuf, mode: PrinterMode) -> anyhow::Result<()> {
    let printer = VirtualPrinter::listen(listen, out, mode, |event| say(&event_json(event)))
        .with_context(|| format!("no printer can listen at {listen}"))?;
    say(&json!({"event": "listening", "address": printer.url()}));
    // Its threads do the work, until the process is ended from outside.
    loop {
        thread::park();
    }
}

#[cfg(unix)]
fn ups() -> anyhow::Result<()> {
    use testkit::{UpsScene, VirtualUps};

    let ups = VirtualUps::start().context("this machine gives no pty")?;
    say(&json!({"event": "listening", "path": ups.path()}));
    for line in io::stdin().lock().lines() {
        let scene = match line?.trim() {
            "mains" => UpsScene::Mains,
            "battery" => UpsScene::Battery,
            "low" => UpsScene::Low,
            "garbage" => UpsScene::Garbage,
            "silent" => UpsScene::Silent,
            other => {
                say(&json!({"event": "unknown_command", "command": other}));
                continue;
            }
        };
        ups.set(scene);
        say(&json!({"event": "scene", "scene": format!("{scene:?}").to_lowercase()}));
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn microphone(dir: &std::path::Path) -> anyhow::Result<()> {
    let microphone = testkit::VirtualMicrophone::start(dir).context("no FIFO can be made there")?;
    say(&json!({"event": "listening", "alsa_config": microphone.alsa_config()}));
    for line in io::stdin().lock().lines() {
        let wav = PathBuf::from(line?);
        match microphone.play(&wav) {
            Ok(()) => say(&json!({"event": "playing", "wav": wav})),
            Err(error) => say(&json!({"event": "unusable", "wav": wav, "why": error.to_string()})),
        }
    }
    Ok(())
}

fn event_json(event: &PrinterEvent) -> Value {
    match event {
        PrinterEvent::Label { path, width, height } => {
            json!({"event": "label", "path": path, "width": width, "height": height})
        }
        PrinterEvent::HalfLabel { rows } => json!({"event": "half_label", "rows": rows}),
        PrinterEvent::Refused { byte, offset } => json!({"event": "refused", "byte": byte, "offset": offset}),
    }
}

/// One line on stdout, at once. That nobody reads it any more is no reason to stop.
fn say(event: &Value) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{event}").and_then(|()| out.flush());
}

fn mode(text: &str) -> Result<PrinterMode, String> {
    let (name, bytes) = text
        .split_once(':')
        .map_or((text, None), |(name, bytes)| (name, Some(bytes)));
    let after = || usize::from_str(bytes.unwrap_or_default()).map_err(|_| format!("{name}: needs a number of bytes"));
    match (name, bytes) {
        ("normal", None) => Ok(PrinterMode::Normal),
        ("silent", None) => Ok(PrinterMode::Silent),
        ("out-of-paper", None) => Ok(PrinterMode::OutOfPaper),
        ("cover-open", None) => Ok(PrinterMode::CoverOpen),
        ("refuses", None) => Ok(PrinterMode::Refuses),
        ("stops-reading", _) => after().map(PrinterMode::StopsReadingAfter),
        ("drops", _) => after().map(PrinterMode::DropsAfter),
        _ => Err(format!("no such mode: {text}")),
    }
}
