//! Serving: where the relay listens, whether that is safe, and how it stops.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{State, WebSocketUpgrade};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use sync_protocol::MAX_FRAME_BYTES;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::connection::{Shared, Timers, speak};
use crate::tls::{Tls, TlsListener};
use crate::{Hub, Objects, ObjectsError, OpenError, Reachable, Store, TlsError, Writer};

/// Connections get this long to end after the relay was asked to stop.
const GOODBYE_WITHIN: Duration = Duration::from_secs(5);
/// Small buffers: ten thousand idle devices must fit a small machine.
const BUFFER_BYTES: usize = 4 * 1024;

/// Certificate and key of the relay's own TLS, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, the relay's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeOptions {
    /// The data folder; made when absent.
    pub data: PathBuf,
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The relay's own TLS.
    pub tls: Option<TlsFiles>,
    /// A proxy before the relay does TLS: plain connections from other machines are meant.
    pub behind_proxy: bool,
    /// What clinics dial, when that is not the listening address.
    pub public_url: Option<String>,
    /// SHA-256 of the key that clinics meet there, when it is a proxy's.
    pub public_key_sha256: Option<[u8; 32]>,
    /// Where the mark outside the data folder is, by which a folder that was put back is noticed.
    pub mark: Option<PathBuf>,
}

impl ServeOptions {
    /// A relay on this machine: plain, with nothing but its data folder.
    pub fn new(data: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            data: data.into(),
            listen,
            tls: None,
            behind_proxy: false,
            public_url: None,
            public_key_sha256: None,
            mark: None,
        }
    }
}

/// Why the relay does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Plain WebSockets leave the machine only on purpose.
    #[error(
        "{0} can be reached from other machines, and without TLS anyone on the way could read who speaks to whom. \
         Give --tls-cert and --tls-key, or --behind-proxy when a proxy before this relay does TLS."
    )]
    NotLoopback(SocketAddr),
    /// No clinic can dial an unspecified address.
    #[error("{0} is not an address that a clinic can dial: say with --public-url which it should")]
    NoPublicUrl(SocketAddr),
    /// Not `ws://host` or `wss://host`.
    #[error("the public address must look like wss://relay.example.org, without a path")]
    BadPublicUrl,
    /// One relay per data folder.
    #[error("another relay is running on this data folder")]
    AlreadyRunning,
    /// The store.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store, later.
    #[error(transparent)]
    Store(#[from] sync_protocol::RelayStoreFailed),
    /// The attachments.
    #[error(transparent)]
    Objects(#[from] ObjectsError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The operating system said no to something else.
    #[error("the relay cannot run: {0}")]
    Io(#[from] std::io::Error),
}

impl ServeError {
    /// Whether the relay refuses on principle, rather than having failed.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::NotLoopback(_) | Self::AlreadyRunning)
    }

    /// Whether the way it was called makes no sense.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::NoPublicUrl(_) | Self::BadPublicUrl)
    }
}

/// A relay that listens.
pub struct RunningRelay {
    /// The bound address.
    pub address: SocketAddr,
    /// What invitations say.
    pub reachable: Reachable,
    /// Who is connected.
    pub hub: Arc<Hub>,
    /// The way to its store.
    pub writer: Writer,
    ended: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl RunningRelay {
    /// Waits until the relay has stopped: connections closed, write-ahead log in the file.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn stopped(self) -> Result<(), ServeError> {
        let Self { ended, writer, .. } = self;
        drop(writer);
        ended.await.map_err(std::io::Error::other)?
    }
}

/// Starts a relay that stops when `stop` resolves.
///
/// # Errors
/// [`ServeError`]; [`ServeError::is_refusal`] tells a principle from a fault.
pub async fn serve(
    options: ServeOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<RunningRelay, ServeError> {
    serve_with(options, Timers::default(), stop).await
}

/// The same with other timers. For tests.
///
/// # Errors
/// As [`serve`].
#[doc(hidden)]
pub async fn serve_with(
    options: ServeOptions,
    timers: Timers,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<RunningRelay, ServeError> {
    if !options.listen.ip().is_loopback() && options.tls.is_none() && !options.behind_proxy {
        return Err(ServeError::NotLoopback(options.listen));
    }
    let tls = options
        .tls
        .as_ref()
        .map(|files| Tls::read(&files.certificate, &files.key))
        .transpose()?;
    check_public_url(&options)?;
    let mut store = Store::open(&options.data, &mut rand::rng())?;
    let lock = lock(&options.data)?;
    if let Some(mark) = &options.mark {
        store.follow_with_mark(mark.clone(), &mut rand::rng())?;
    }
    let objects = Objects::in_folder(&options.data)?;
    objects.settle(&mut store).await?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| ServeError::Listen(options.listen, error))?;
    let address = listener.local_addr()?;
    // A receipt and the change that it is for are two frames: held back, the second would wait for the first one's
    // acknowledgement, 40 ms on Linux.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));
    let reachable = reachable(&options, address, tls.as_ref());
    store.set_reachable(&reachable)?;

    let (writer, store_thread) = Writer::start(store)?;
    let hub = Arc::new(Hub::default());
    let (close, closing) = watch::channel(false);
    let router = router(Shared {
        writer: writer.clone(),
        hub: Arc::clone(&hub),
        objects: Arc::new(objects),
        closing: closing.clone(),
        timers,
    });
    drop(closing);
    let stop = async move {
        stop.await;
        close.send_replace(true);
        close
    };
    let ended = tokio::spawn(async move {
        let (stopped, close) = tokio::sync::oneshot::channel();
        let shutdown = async move { drop(stopped.send(stop.await)) };
        match tls {
            Some(tls) => {
                let listener = TlsListener::start(listener, address, tls.acceptor);
                axum::serve(listener, router).with_graceful_shutdown(shutdown).await?;
            }
            None => axum::serve(listener, router).with_graceful_shutdown(shutdown).await?,
        }
        // Every connection holds a receiver: when all are gone, so are their jobs.
        if let Ok(close) = close.await
            && timeout(GOODBYE_WITHIN, close.closed()).await.is_err()
        {
            tracing::warn!("some connections did not end in time");
        }
        tokio::task::spawn_blocking(move || store_thread.join())
            .await
            .map_err(std::io::Error::other)?
            .ok();
        drop(lock);
        Ok(())
    });
    Ok(RunningRelay {
        address,
        reachable,
        hub,
        writer,
        ended,
    })
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/sync", get(upgrade))
        .route("/health", get(health))
        .with_state(shared)
}

async fn upgrade(upgrade: WebSocketUpgrade, State(shared): State<Shared>) -> Response {
    upgrade
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
        .on_upgrade(|socket| speak(socket, shared))
}

async fn health() -> impl IntoResponse {
    let body = concat!(r#"{"status":"ok","version":""#, env!("CARGO_PKG_VERSION"), "\"}\n");
    ([(CONTENT_TYPE, "application/json")], body)
}

fn check_public_url(options: &ServeOptions) -> Result<(), ServeError> {
    match &options.public_url {
        None if options.listen.ip().is_unspecified() => Err(ServeError::NoPublicUrl(options.listen)),
        None => Ok(()),
        Some(url) => {
            let host = url.strip_prefix("wss://").or_else(|| url.strip_prefix("ws://"));
            let plain = host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']));
            if plain { Ok(()) } else { Err(ServeError::BadPublicUrl) }
        }
    }
}

fn reachable(options: &ServeOptions, address: SocketAddr, tls: Option<&Tls>) -> Reachable {
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    Reachable {
        url: options
            .public_url
            .clone()
            .unwrap_or_else(|| format!("{scheme}://{address}")),
        key_sha256: options.public_key_sha256.or(tls.map(|tls| tls.key_sha256)),
    }
}

/// Held as long as the relay runs; the operating system lets go of it when the process ends, however that happens.
pub(crate) fn lock(data: &std::path::Path) -> Result<std::fs::File, ServeError> {
    let file = std::fs::File::create(data.join("relay.lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(ServeError::AlreadyRunning),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}
