//! A UPS at the far end of a pty, that answers Q1.

use std::io::{self, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serialport::{SerialPort, TTYPort};

/// How often the thread looks whether it is to end.
const STEP: Duration = Duration::from_millis(20);

/// What the UPS says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpsScene {
    /// Mains are there.
    Mains,
    /// Mains are gone; the battery is fine.
    Battery,
    /// Mains are gone and the battery is nearly empty.
    Low,
    /// Cut, damaged and foreign answers in turn.
    Garbage,
    /// No answer.
    Silent,
}

const MAINS: &[u8] = b"(230.1 000.0 229.9 017 50.0 13.6 29.0 00001001\r";
const BATTERY: &[u8] = b"(000.0 000.0 229.9 040 50.0 12.1 29.0 10001001\r";
const LOW: &[u8] = b"(000.0 000.0 229.9 040 50.0 10.6 29.0 11001001\r";
const GARBAGE: [&[u8]; 5] = [
    b"(000.0 000.0 229.9 040 50.0\r",
    b"(000.0 000.0 229.9 \xff40 50.0 12.1 29.0 00001001\r",
    b"Q1\r",
    b"\x00\xfe\x80((((\r",
    b"(000.0 000.0 229.9 040 50.0 13.60 29.0 10001001\r",
];

/// A UPS on a pty. Unplugged when dropped.
#[derive(Debug)]
pub struct VirtualUps {
    path: String,
    inside: Arc<Inside>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inside {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    scene: UpsScene,
    n_questions: usize,
    other_commands: Vec<Vec<u8>>,
    unplugged: bool,
}

impl VirtualUps {
    /// Starts a UPS on mains.
    pub fn start() -> io::Result<Self> {
        let (mut ours, theirs) = TTYPort::pair()?;
        ours.set_timeout(STEP)?;
        let path = theirs.name().ok_or(io::ErrorKind::Unsupported)?;
        let state = State {
            scene: UpsScene::Mains,
            n_questions: 0,
            other_commands: Vec::new(),
            unplugged: false,
        };
        let inside = Arc::new(Inside {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let thread = {
            let inside = Arc::clone(&inside);
            thread::Builder::new().name("virtual-ups".to_owned()).spawn(move || {
                answer(&mut ours, &inside);
                // Held until now, so that the pty lives on while the app has it closed.
                drop(theirs);
            })?
        };
        Ok(Self {
            path,
            inside,
            thread: Some(thread),
        })
    }

    /// The device that the app opens, e.g. `/dev/pts/3`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Says this from the next question on.
    pub fn set(&self, scene: UpsScene) {
        self.inside.state().scene = scene;
    }

    /// How often it was asked Q1.
    pub fn n_questions(&self) -> usize {
        self.inside.state().n_questions
    }

    /// Everything but Q1 that it was sent. A UPS can be switched off by what belongs here.
    pub fn other_commands(&self) -> Vec<Vec<u8>> {
        self.inside.state().other_commands.clone()
    }

    /// Waits until it was asked `n` times in all; false when `patience` is over first.
    pub fn wait_for_questions(&self, n: usize, patience: Duration) -> bool {
        let (_state, timeout) = self
            .inside
            .changed
            .wait_timeout_while(self.inside.state(), patience, |state| state.n_questions < n)
            .unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    /// Pulls the cable: the device is gone when this returns.
    pub fn unplug(&mut self) {
        self.inside.state().unplugged = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for VirtualUps {
    fn drop(&mut self) {
        self.unplug();
    }
}

impl Inside {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a command and gives the answer to it.
    fn asked(&self, command: &[u8]) -> &'static [u8] {
        let mut state = self.state();
        if command != b"Q1" {
            state.other_commands.push(command.to_vec());
            return b"";
        }
        let answer = match state.scene {
            UpsScene::Mains => MAINS,
            UpsScene::Battery => BATTERY,
            UpsScene::Low => LOW,
            UpsScene::Garbage => GARBAGE[state.n_questions % GARBAGE.len()],
            UpsScene::Silent => b"",
        };
        state.n_questions += 1;
        self.changed.notify_all();
        answer
    }
}

fn answer(port: &mut TTYPort, inside: &Inside) {
    let mut heard = Vec::new();
    let mut buffer = [0; 64];
    while !inside.state().unplugged {
        match port.read(&mut buffer) {
            Ok(n) => heard.extend(&buffer[..n]),
            // Nothing for a while; or the app has closed its end, and may open it again.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => continue,
            Err(_) => {
                thread::sleep(STEP);
                continue;
            }
        }
        while let Some(end) = heard.iter().position(|byte| *byte == b'\r') {
            let command: Vec<u8> = heard.drain(..=end).collect();
            // An app that does not read has its answer lost, as on a real line.
            let _ = port.write_all(inside.asked(&command[..end]));
        }
    }
}
