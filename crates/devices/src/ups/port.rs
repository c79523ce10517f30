//! Reads a UPS over the serial port that a person chose. It asks Q1 and sends nothing else, ever.
//!
//! Ports are never scanned: on the wrong line, levels or bytes can cut the load of a UPS.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use serialport::{ClearBuffer, DataBits, FlowControl, Parity, SerialPort, StopBits};

use super::q1::{self, Q1Error, Reading};

/// Speed of every Megatec UPS.
const BAUD: u32 = 2400;
/// The longest single read: how soon a deadline is noticed.
const STEP: Duration = Duration::from_millis(100);
/// What a chattering line may send before it counts as garbage.
const LONGEST_LINE: usize = 256;
/// How long the reader may be overdue before its silence is reported for it; a read can hang in a USB driver.
const OVERDUE: Duration = Duration::from_secs(1);

/// The rhythm of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Polling {
    /// Between two questions, and between two reports that the port is gone.
    pub interval: Duration,
    /// Until an answer must be complete. Real UPSes take up to 0.4 s.
    pub answer: Duration,
    /// The longest wait between two attempts to open the port again.
    pub reopen_at_most: Duration,
}

impl Default for Polling {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(2),
            answer: Duration::from_secs(1),
            reopen_at_most: Duration::from_secs(30),
        }
    }
}

/// What was heard. Something is heard in every interval: feed readings to [`super::Watcher::on_reading`] and take
/// everything else for a tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Heard {
    /// The port is open.
    Opened,
    /// A whole, faultless answer.
    Reading(Reading),
    /// An answer that was refused.
    Garbage(Q1Error),
    /// No answer.
    Silent,
    /// The port can't be opened, or went away; it is tried again.
    PortLost,
}

/// Ends the watching when dropped.
#[derive(Debug)]
pub struct Watch {
    _stop: Sender<()>,
}

/// Watches the UPS at `path`, on threads of its own, until the [`Watch`] is dropped.
///
/// `on_heard` is called on such a thread. Garbage, silence and a port that disappears are told and survived.
///
/// # Errors
/// When the operating system gives no thread.
pub fn watch(
    path: impl Into<String>,
    polling: Polling,
    mut on_heard: impl FnMut(Heard) + Send + 'static,
) -> io::Result<Watch> {
    let path = path.into();
    let (stop, stopped) = mpsc::channel();
    let (tell, heard) = mpsc::channel();
    thread::Builder::new()
        .name("ups-reader".to_owned())
        .spawn(move || read_on(&path, polling, &stopped, &tell))?;
    // A thread apart from the reader: when a read hangs in a driver, its silence must still be told.
    thread::Builder::new().name("ups-teller".to_owned()).spawn(move || {
        let patience = polling.interval + polling.answer + OVERDUE;
        loop {
            match heard.recv_timeout(patience) {
                Ok(news) => on_heard(news),
                Err(RecvTimeoutError::Timeout) => on_heard(Heard::Silent),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    })?;
    Ok(Watch { _stop: stop })
}

/// Nobody listens any more.
struct Stopped;

fn read_on(path: &str, polling: Polling, stopped: &Receiver<()>, tell: &Sender<Heard>) {
    let mut wait = polling.interval;
    loop {
        let asked_before = match open(path) {
            Ok(mut port) => match ask_on(&mut port, polling, stopped, tell) {
                Ok(asked) => asked,
                Err(Stopped) => return,
            },
            Err(error) => {
                tracing::debug!(%error, "the UPS's port can't be opened");
                false
            }
        };
        wait = if asked_before {
            polling.interval
        } else {
            (wait * 2).min(polling.reopen_at_most)
        };
        if stay_away(wait, polling.interval, stopped, tell).is_err() {
            return;
        }
    }
}

/// Asks until the port goes away; true when it has worked at all.
fn ask_on(
    port: &mut Box<dyn SerialPort>,
    polling: Polling,
    stopped: &Receiver<()>,
    tell: &Sender<Heard>,
) -> Result<bool, Stopped> {
    tell.send(Heard::Opened).map_err(|_| Stopped)?;
    let mut worked = false;
    loop {
        match ask(port, polling.answer) {
            Ok(news) => {
                worked = true;
                tell.send(news).map_err(|_| Stopped)?;
            }
            Err(error) => {
                tracing::debug!(%error, "the UPS's port is gone");
                return Ok(worked);
            }
        }
        pause(polling.interval, stopped)?;
    }
}

/// Waits before the port is opened again, and reports in every interval that it is gone.
fn stay_away(wait: Duration, interval: Duration, stopped: &Receiver<()>, tell: &Sender<Heard>) -> Result<(), Stopped> {
    let until = Instant::now() + wait;
    loop {
        tell.send(Heard::PortLost).map_err(|_| Stopped)?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        pause(left.min(interval), stopped)?;
    }
}

/// Waits, unless the watch was dropped.
fn pause(wait: Duration, stopped: &Receiver<()>) -> Result<(), Stopped> {
    match stopped.recv_timeout(wait) {
        Err(RecvTimeoutError::Timeout) => Ok(()),
        Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Stopped),
    }
}

fn open(path: &str) -> serialport::Result<Box<dyn SerialPort>> {
    let mut port = serialport::new(path, BAUD)
        .data_bits(DataBits::Eight)
        .parity(Parity::None)
        .stop_bits(StopBits::One)
        .flow_control(FlowControl::None)
        .timeout(STEP)
        .open()?;
    // Many interfaces draw their power from these two lines. A pty has none, and some adapters neither: no matter.
    let _ = port.write_data_terminal_ready(true);
    let _ = port.write_request_to_send(false);
    Ok(port)
}

/// One question and its answer. An error means that the port is gone.
fn ask(port: &mut Box<dyn SerialPort>, patience: Duration) -> io::Result<Heard> {
    port.clear(ClearBuffer::Input)?;
    let deadline = Instant::now() + patience;
    match port.write_all(q1::ASK) {
        Ok(()) => {}
        Err(error) if gave_up(&error) => return Ok(Heard::Silent),
        Err(error) => return Err(error),
    }
    let mut line = Vec::with_capacity(q1::LINE_BYTES);
    let mut buffer = [0; 64];
    while Instant::now() < deadline && line.len() < LONGEST_LINE && !line.contains(&b'\r') {
        match port.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => line.extend(&buffer[..n]),
            Err(error) if gave_up(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(match q1::parse(&line) {
        Ok(reading) => Heard::Reading(reading),
        Err(Q1Error::Length { n_bytes: 0 }) => Heard::Silent,
        Err(error) => Heard::Garbage(error),
    })
}

fn gave_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
    )
}
