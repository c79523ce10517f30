//! A label printer on a TCP port of this machine.

mod escpos;
mod paper;
mod serve;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

pub use escpos::{Command, Decoder, UnknownByte};

/// How the printer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrinterMode {
    /// Prints, and answers questions after its state.
    Normal,
    /// Prints, and answers nothing, as many cheap ones do.
    Silent,
    /// Takes this many bytes of a connection (questions count), then reads no more and keeps it open.
    StopsReadingAfter(usize),
    /// Takes this many bytes of a connection (questions count), then drops it.
    DropsAfter(usize),
    /// Says that it has no paper; takes no picture.
    OutOfPaper,
    /// Says that its cover is open; takes no picture.
    CoverOpen,
    /// Is switched off: nobody listens at its address. Can't be switched on later.
    Refuses,
}

/// What happened at the printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrinterEvent {
    /// A label came out and was cut.
    Label {
        /// Where its picture is.
        path: PathBuf,
        /// Dots across.
        width: u32,
        /// Dots down.
        height: u32,
    },
    /// The connection ended before a cut.
    HalfLabel {
        /// Rows that were burnt.
        rows: u32,
    },
    /// A byte that is no command of ours; the connection was dropped.
    Refused {
        /// The byte.
        byte: u8,
        /// How many bytes of the connection came before it.
        offset: u64,
    },
}

/// A label printer. Gone when dropped; its pictures stay.
#[derive(Debug)]
pub struct VirtualPrinter {
    address: SocketAddr,
    inside: Arc<Inside>,
}

/// What the connections share.
struct Inside {
    folder: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
    on_event: Box<dyn Fn(&PrinterEvent) + Send + Sync>,
}

struct State {
    mode: PrinterMode,
    events: Vec<PrinterEvent>,
    n_labels: usize,
    /// Connections that are open and not read.
    held: Vec<TcpStream>,
    stopping: bool,
}

impl VirtualPrinter {
    /// Starts a printer on a free port of 127.0.0.1. Labels land in `folder` as `label-0001.png` and so on.
    pub fn start(folder: impl AsRef<Path>, mode: PrinterMode) -> io::Result<Self> {
        Self::listen("127.0.0.1:0", folder, mode, |_| {})
    }

    /// Starts a printer at `address`; `on_event` is called for each event, on the connection's thread.
    pub fn listen(
        address: &str,
        folder: impl AsRef<Path>,
        mode: PrinterMode,
        on_event: impl Fn(&PrinterEvent) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let folder = folder.as_ref().to_owned();
        std::fs::create_dir_all(&folder)?;
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let state = State {
            mode,
            events: Vec::new(),
            n_labels: 0,
            held: Vec::new(),
            stopping: false,
        };
        let inside = Arc::new(Inside {
            folder,
            state: Mutex::new(state),
            changed: Condvar::new(),
            on_event: Box::new(on_event),
        });
        if mode != PrinterMode::Refuses {
            let inside = Arc::clone(&inside);
            thread::Builder::new()
                .name("virtual-printer".to_owned())
                .spawn(move || serve::serve(&listener, &inside))?;
        }
        Ok(Self { address, inside })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as the app's settings write it: `tcp://127.0.0.1:40213`.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Behaves so from the next connection on.
    pub fn set_mode(&self, mode: PrinterMode) {
        self.inside.state().mode = mode;
    }

    /// All that has happened.
    pub fn events(&self) -> Vec<PrinterEvent> {
        self.inside.state().events.clone()
    }

    /// The pictures so far, in the order in which they came out.
    pub fn labels(&self) -> Vec<PathBuf> {
        labels(&self.inside.state().events)
    }

    /// Waits until `n` labels have come out, or `patience` is over, and gives those that have.
    pub fn wait_for_labels(&self, n: usize, patience: Duration) -> Vec<PathBuf> {
        self.wait_until(patience, |events| labels(events).len() >= n);
        self.labels()
    }

    /// Waits until the events satisfy `enough`; false when `patience` is over first.
    pub fn wait_until(&self, patience: Duration, enough: impl Fn(&[PrinterEvent]) -> bool) -> bool {
        let state = self.inside.state();
        let (_state, timeout) = self
            .inside
            .changed
            .wait_timeout_while(state, patience, |state| !enough(&state.events))
            .unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }
}

impl Drop for VirtualPrinter {
    fn drop(&mut self) {
        let mut state = self.inside.state();
        state.stopping = true;
        state.held.clear();
        drop(state);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Inside {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn happened(&self, event: PrinterEvent) {
        (self.on_event)(&event);
        self.state().events.push(event);
        self.changed.notify_all();
    }
}

impl std::fmt::Debug for Inside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inside")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

fn labels(events: &[PrinterEvent]) -> Vec<PathBuf> {
    let path = |event: &PrinterEvent| match event {
        PrinterEvent::Label { path, .. } => Some(path.clone()),
        PrinterEvent::HalfLabel { .. } | PrinterEvent::Refused { .. } => None,
    };
    events.iter().filter_map(path).collect()
}
