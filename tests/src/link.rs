//! A link between a device and its relay: it counts what passes, and may be slow, or stop.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Result;

/// So many bytes go in one piece.
const PIECE: usize = 4096;

/// Listens on one port of this machine and passes on to another.
pub struct Link {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    up: AtomicU64,
    down: AtomicU64,
    closing: AtomicBool,
    /// What may still come from the relay; without a number everything.
    left: Mutex<Option<u64>>,
    more: Condvar,
}

impl Link {
    /// From `port` (0 is any) to `to`; `bytes_a_second` each way when it is slow.
    pub fn open(port: u16, to: u16, bytes_a_second: Option<u64>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if of_thread.closing.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", to)) else {
                    continue;
                };
                // What is small goes on at once, as between sockets of our own.
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                for (from, into, is_up) in [(&near, &far, true), (&far, &near, false)] {
                    let (Ok(from), Ok(into)) = (from.try_clone(), into.try_clone()) else {
                        continue;
                    };
                    let shared = Arc::clone(&of_thread);
                    std::thread::spawn(move || pass(from, into, &shared, is_up, bytes_a_second));
                }
            }
        });
        Ok(Self {
            port,
            shared,
            thread: Some(thread),
        })
    }

    /// Where it is called.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where a device finds the relay through it.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// From now on so many bytes come from the relay, in all, and then none; without a number everything.
    pub fn let_through(&self, n_bytes: Option<u64>) {
        *self.shared.left() = n_bytes;
        self.shared.more.notify_all();
    }

    /// What went to the relay, and what came from it.
    pub fn n_bytes(&self) -> (u64, u64) {
        (
            self.shared.up.load(Ordering::Relaxed),
            self.shared.down.load(Ordering::Relaxed),
        )
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Relaxed);
        self.let_through(None);
        // Wakes whoever waits for the next call.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Shared {
    fn left(&self) -> MutexGuard<'_, Option<u64>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something may come; gives how much of `n` that is.
    fn may_come(&self, n: usize) -> usize {
        let waited = self.more.wait_while(self.left(), |left| *left == Some(0));
        let mut left = waited.unwrap_or_else(PoisonError::into_inner);
        let Some(left) = left.as_mut() else {
            return n;
        };
        let n = n.min(usize::try_from(*left).unwrap_or(n));
        *left -= n as u64;
        n
    }
}

/// Passes bytes on until one end is gone.
fn pass(mut from: TcpStream, mut into: TcpStream, shared: &Shared, is_up: bool, bytes_a_second: Option<u64>) {
    let counted = if is_up { &shared.up } else { &shared.down };
    let (mut piece, mut free_at) = ([0; PIECE], Instant::now());
    while let Ok(n @ 1..) = from.read(&mut piece) {
        if let Some(rate) = bytes_a_second {
            free_at = free_at.max(Instant::now()) + Duration::from_secs_f64(n as f64 / rate as f64);
            std::thread::sleep(free_at.saturating_duration_since(Instant::now()));
        }
        if give(&piece[..n], &mut into, shared, is_up).is_err() {
            break;
        }
        counted.fetch_add(n as u64, Ordering::Relaxed);
    }
    drop(into.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}

fn give(mut bytes: &[u8], into: &mut TcpStream, shared: &Shared, is_up: bool) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let n = if is_up {
            bytes.len()
        } else {
            shared.may_come(bytes.len())
        };
        into.write_all(&bytes[..n])?;
        bytes = &bytes[n..];
    }
    Ok(())
}
