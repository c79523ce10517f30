//! A wire that counts what goes over it, and over which nothing may come any more without either end's being told.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

/// What was seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Connections that were ever led through.
    pub n_ever: usize,
    /// Connections that are open.
    pub n_open: usize,
    /// Bytes, both ways.
    pub n_bytes: u64,
}

pub struct Proxy {
    pub address: SocketAddr,
    to: Arc<Mutex<Option<SocketAddr>>>,
    seen: watch::Receiver<Seen>,
    /// So many of the first connections are open and carry nothing.
    dead: Arc<AtomicUsize>,
    /// Whoever calls waits.
    away: watch::Sender<bool>,
}

impl Proxy {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, seen) = watch::channel(Seen::default());
        let to: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let leads_to = Arc::clone(&to);
        let dead: Arc<AtomicUsize> = Arc::default();
        let are_dead = Arc::clone(&dead);
        let away = watch::Sender::new(false);
        let is_away = away.subscribe();
        tokio::spawn(async move {
            let count = Arc::new(count);
            while let Ok((from, _)) = listener.accept().await {
                let to = *leads_to.lock().unwrap();
                // Nobody there yet: it is hung up.
                let Some(to) = to else { continue };
                let (count, are_dead, mut is_away) = (Arc::clone(&count), Arc::clone(&are_dead), is_away.clone());
                tokio::spawn(async move {
                    if is_away.wait_for(|away| !away).await.is_ok() {
                        lead(from, to, count, are_dead).await;
                    }
                });
            }
        });
        Self {
            address,
            to,
            seen,
            dead,
            away,
        }
    }

    pub fn lead_to(&self, at: SocketAddr) {
        *self.to.lock().unwrap() = Some(at);
    }

    /// As when a cable is out or a machine has no power: what is open stays open, never carries anything again, and
    /// neither end is told, also not of the other's end. Whoever calls hears nothing until [`Proxy::comes_back`].
    pub fn goes_dead(&self) {
        self.away.send_replace(true);
        self.dead.store(self.seen().n_ever, Ordering::SeqCst);
    }

    pub fn comes_back(&self) {
        self.away.send_replace(false);
    }

    pub fn seen(&self) -> Seen {
        *self.seen.borrow()
    }

    pub async fn until(&self, holds: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        let waited = timeout(Duration::from_secs(30), seen.wait_for(|seen| holds(seen))).await;
        drop(waited.expect("it happens in time").unwrap());
    }
}

async fn lead(from: TcpStream, to: SocketAddr, count: Arc<watch::Sender<Seen>>, dead: Arc<AtomicUsize>) {
    let Ok(to) = TcpStream::connect(to).await else { return };
    let mut place = 0;
    count.send_modify(|seen| {
        place = seen.n_ever;
        seen.n_ever += 1;
        seen.n_open += 1;
    });
    let is_dead = || dead.load(Ordering::SeqCst) > place;
    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
    tokio::select! {
        () = copy(from_read, to_write, &count, is_dead) => {}
        () = copy(to_read, from_write, &count, is_dead) => {}
    }
    count.send_modify(|seen| seen.n_open -= 1);
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: &watch::Sender<Seen>,
    is_dead: impl Fn() -> bool,
) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut piece).await;
        if is_dead() {
            // Also the end of one side is not told to the other.
            return std::future::pending().await;
        }
        let Ok(n_bytes) = read else { return };
        if n_bytes == 0 || to.write_all(&piece[..n_bytes]).await.is_err() {
            return;
        }
        count.send_modify(|seen| seen.n_bytes += n_bytes as u64);
    }
}
