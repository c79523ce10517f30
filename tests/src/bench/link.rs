//! A link between a device and its relay: it counts what passes, and may be slow.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
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
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    closing: AtomicBool,
}

impl Link {
    /// From `port` (0 is any) to `to`; `bytes_a_second` each way when it is slow.
    pub fn open(port: u16, to: u16, bytes_a_second: Option<u64>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let port = listener.local_addr()?.port();
        let counts = Arc::new(Counts::default());
        let of_thread = Arc::clone(&counts);
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
                    let counts = Arc::clone(&of_thread);
                    std::thread::spawn(move || pass(from, into, &counts, is_up, bytes_a_second));
                }
            }
        });
        Ok(Self {
            port,
            counts,
            thread: Some(thread),
        })
    }

    /// Where it is called.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What went to the relay, and what came from it.
    pub fn n_bytes(&self) -> (u64, u64) {
        (
            self.counts.up.load(Ordering::Relaxed),
            self.counts.down.load(Ordering::Relaxed),
        )
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.counts.closing.store(true, Ordering::Relaxed);
        // Wakes whoever waits for the next call.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Passes bytes on until one end is gone.
fn pass(mut from: TcpStream, mut into: TcpStream, counts: &Counts, is_up: bool, bytes_a_second: Option<u64>) {
    let counted = if is_up { &counts.up } else { &counts.down };
    let (mut piece, mut free_at) = ([0; PIECE], Instant::now());
    while let Ok(n @ 1..) = from.read(&mut piece) {
        if let Some(rate) = bytes_a_second {
            free_at = free_at.max(Instant::now()) + Duration::from_secs_f64(n as f64 / rate as f64);
            std::thread::sleep(free_at.saturating_duration_since(Instant::now()));
        }
        if into.write_all(&piece[..n]).is_err() {
            break;
        }
        counted.fetch_add(n as u64, Ordering::Relaxed);
    }
    drop(into.shutdown(Shutdown::Both));
    drop(from.shutdown(Shutdown::Both));
}
