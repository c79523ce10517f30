//! Serving: where the relay listens, whether that is safe, and how it stops.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use rand::Rng;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, interval, interval_at, timeout};

use crate::admin::Watch;
use crate::console::{self, export, removal};
use crate::conversation::Timers;
use crate::door::Door;
use crate::figures::Figures;
use crate::keeping::Keeping;
use crate::limits::Rates;
use crate::minute::Minute;
use crate::nodes::{self, Nodes};
use crate::opening::{Opened, open};
use crate::shared::Shared;
use crate::tls::Tls;
use crate::{
    DatabaseUrl, Hub, Limits, NotReady, ObjectsError, OpenError, Reachable, S3Place, TlsError, Writer, http, sockets,
};

/// Who asked for what long ago is forgotten so often.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// What clinics use is brought into the store so often.
const COUNT_EVERY: Duration = Duration::from_secs(60);
/// Those for whom there is no room are told so, so many at a time.
const TURNED_AWAY_AT_ONCE: usize = 64;
/// Connections that the system keeps until they are accepted: after a restart all devices come at once.
const BACKLOG: u32 = 4_096;

/// Where a relay is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Devices may come.
    Serving,
    /// It was asked to stop: nobody may come, and who is here is told to come again.
    Draining,
    /// Whoever is still here is cut.
    Over,
}

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
    /// Where the operator's machines ask for health, readiness and figures.
    pub admin: Option<SocketAddr>,
    /// Where operators sign in at the console.
    pub console: Option<SocketAddr>,
    /// Connections at a time; by the limit of open files when absent.
    pub max_connections: Option<usize>,
    /// What one address, device and clinic may ask for.
    pub limits: Limits,
    /// The PostgreSQL that this relay shares with others; the store is a file of the data folder when absent.
    pub database: Option<DatabaseUrl>,
    /// Where attachments are kept; a folder of the data folder when absent.
    pub attachments: Option<S3Place>,
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
            admin: None,
            console: None,
            max_connections: None,
            limits: Limits::default(),
            database: None,
            attachments: None,
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
        match self {
            Self::Open(error) => error.is_refusal(),
            _ => matches!(self, Self::NotLoopback(_) | Self::AlreadyRunning),
        }
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
    /// The bound address for the operator's machines.
    pub admin: Option<SocketAddr>,
    /// The bound address of the console.
    pub console: Option<SocketAddr>,
    /// What invitations say.
    pub reachable: Reachable,
    /// Who is connected.
    pub hub: Arc<Hub>,
    /// The way to its store.
    pub writer: Writer,
    watch: Watch,
    ended: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl RunningRelay {
    /// Whether new connections may come.
    ///
    /// # Errors
    /// [`NotReady`].
    pub async fn ready(&self) -> Result<(), NotReady> {
        self.watch.ready().await
    }

    /// Waits until the relay has stopped: connections closed, write-ahead log in the file.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn stopped(self) -> Result<(), ServeError> {
        let Self {
            ended, writer, watch, ..
        } = self;
        drop((writer, watch));
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
    for address in [Some(options.listen), options.admin, options.console]
        .into_iter()
        .flatten()
    {
        if !address.ip().is_loopback() && options.tls.is_none() && !options.behind_proxy {
            return Err(ServeError::NotLoopback(address));
        }
    }
    let tls = options
        .tls
        .as_ref()
        .map(|files| Tls::read(&files.certificate, &files.key))
        .transpose()?;
    check_public_url(&options)?;
    let Opened {
        writer,
        threads,
        objects,
        lock,
    } = open(&options).await?;
    removal::finish_all(&writer, &objects).await?;
    objects.settle(&writer).await?;
    if options.database.is_none() {
        export::remove_scratch(&options.data)?;
    }
    let listener = listen(options.listen)?;
    let address = listener.local_addr()?;
    let admin_listener = options.admin.map(listen).transpose()?;
    let admin = admin_listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let console_listener = options.console.map(listen).transpose()?;
    let console = console_listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let reachable = reachable(&options, address, tls.as_ref());
    let known = reachable.clone();
    let set = writer.run(move |store| store.set_reachable(&known)).await;
    set.map_err(std::io::Error::other)??;
    let figures = Arc::new(Figures::default());
    let most = options.max_connections.unwrap_or_else(sockets::most_connections);
    let hub = Arc::new(Hub::new(most, Arc::clone(&figures)));
    let rates = Arc::new(Rates::new(options.limits, timers.rate_clock));
    let (set_phase, phase) = watch::channel(Phase::Serving);
    let (alive, mut all_gone) = mpsc::channel(1);
    let run = rand::rng().next_u32();
    let nodes = options.database.clone().map(|url| Nodes::start(url, run)).transpose()?;
    let keeping = Keeping::new();
    let shared = Arc::new(Shared {
        data: options.data.clone(),
        writer: writer.clone(),
        requests: Arc::clone(&keeping.requests),
        nodes,
        hub: Arc::clone(&hub),
        objects,
        figures: Arc::clone(&figures),
        rates: Arc::clone(&rates),
        phase: phase.clone(),
        timers,
        began: tokio::time::Instant::now(),
        behind_proxy: options.behind_proxy,
        turning_away: Semaphore::new(TURNED_AWAY_AT_ONCE),
        run,
        spread_ms: AtomicU32::new(0),
        _alive: alive,
    });
    if let Some(url) = options.database.clone() {
        nodes::hear(url, Arc::downgrade(&shared))?;
    }
    let watch = shared.watch();
    let acceptor = tls.map(|tls| tls.acceptor);
    let console_door = match console_listener.zip(console) {
        None => None,
        Some((listener, address)) => {
            let opened = console::open(&shared, address, acceptor.is_some()).await?;
            let door = Door {
                listener,
                tls: acceptor.clone(),
                figures: Arc::clone(&figures),
                rates: (!options.behind_proxy).then(|| Arc::clone(&rates)),
                within: timers.at_the_door,
                answered_within: console::ANSWERED_WITHIN,
                answer: move |request, from| Arc::clone(&opened).answer(request, from),
            };
            Some(tokio::spawn(door.keep(phase.clone(), Phase::Draining)))
        }
    };
    let admin_door = admin_listener.zip(admin).map(|(listener, address)| {
        let watch = watch.clone();
        let door = Door {
            listener,
            // What asks on this machine needs no certificate.
            tls: acceptor.clone().filter(|_| !address.ip().is_loopback()),
            figures: Arc::clone(&figures),
            rates: None,
            within: timers.at_the_door,
            answered_within: 2 * timers.at_the_door,
            answer: move |request, _| watch.clone().answer(request),
        };
        tokio::spawn(door.keep(phase.clone(), Phase::Over))
    });
    let door = {
        let shared = Arc::clone(&shared);
        let door = Door {
            listener,
            tls: acceptor,
            figures,
            rates: (!options.behind_proxy).then(|| Arc::clone(&rates)),
            within: timers.at_the_door,
            answered_within: 2 * timers.at_the_door,
            answer: move |request, from| {
                let answer = http::answer(request, from, &shared);
                async { answer }
            },
        };
        tokio::spawn(door.keep(phase.clone(), Phase::Draining))
    };
    let (last_words, of_minutes) = (writer.clone(), phase.clone());
    let ended = tokio::spawn(async move {
        let mut forget = interval(FORGET_EVERY);
        let mut minute = Minute::begin(&shared);
        let mut counted = interval_at(Instant::now() + COUNT_EVERY, COUNT_EVERY);
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                _ = forget.tick() => rates.forget(),
                () = minute.passes() => {
                    minute.keep(&shared);
                    removal::again(&shared);
                }
                _ = counted.tick() => keeping.minute(&last_words, &of_minutes),
            }
        }
        tracing::info!(connections = shared.hub.n_connections(), "the relay is asked to stop");
        shared.spread();
        set_phase.send_replace(Phase::Draining);
        drop(door.await);
        if let Some(door) = console_door {
            drop(door.await);
        }
        drop(shared);
        let goodbyes = async { while all_gone.recv().await.is_some() {} };
        if timeout(timers.goodbye_within, goodbyes).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        set_phase.send_replace(Phase::Over);
        keeping.flush(&last_words).await;
        drop((keeping, last_words));
        if let Some(door) = admin_door {
            drop(door.await);
        }
        tokio::task::spawn_blocking(move || threads.join())
            .await
            .map_err(std::io::Error::other)?
            .ok();
        drop(lock);
        Ok(())
    });
    Ok(RunningRelay {
        address,
        admin,
        console,
        reachable,
        hub,
        writer,
        watch,
        ended,
    })
}

fn listen(on: SocketAddr) -> Result<TcpListener, ServeError> {
    let open = || {
        let socket = if on.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // As the standard library does: the port of a relay that has just ended can be taken again.
        #[cfg(not(windows))]
        socket.set_reuseaddr(true)?;
        socket.bind(on)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|error| ServeError::Listen(on, error))
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
