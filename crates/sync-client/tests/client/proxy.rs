//! A wire between two devices that counts what goes over it.

use std::net::SocketAddr;
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
}

impl Proxy {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, seen) = watch::channel(Seen::default());
        let to: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
        let leads_to = Arc::clone(&to);
        tokio::spawn(async move {
            let count = Arc::new(count);
            while let Ok((from, _)) = listener.accept().await {
                let to = *leads_to.lock().unwrap();
                // Nobody there yet: it is hung up.
                let Some(to) = to else { continue };
                tokio::spawn(lead(from, to, Arc::clone(&count)));
            }
        });
        Self { address, to, seen }
    }

    pub fn lead_to(&self, at: SocketAddr) {
        *self.to.lock().unwrap() = Some(at);
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

async fn lead(from: TcpStream, to: SocketAddr, count: Arc<watch::Sender<Seen>>) {
    let Ok(to) = TcpStream::connect(to).await else { return };
    count.send_modify(|seen| {
        seen.n_ever += 1;
        seen.n_open += 1;
    });
    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
    tokio::select! {
        () = copy(from_read, to_write, &count) => {}
        () = copy(to_read, from_write, &count) => {}
    }
    count.send_modify(|seen| seen.n_open -= 1);
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, count: &watch::Sender<Seen>) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(n_bytes) = from.read(&mut piece).await {
        if n_bytes == 0 || to.write_all(&piece[..n_bytes]).await.is_err() {
            return;
        }
        count.send_modify(|seen| seen.n_bytes += n_bytes as u64);
    }
}
