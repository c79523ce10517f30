//! `medieco-relay serve`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use sync_server::{Limits, RunningRelay, ServeError, ServeOptions, Timers, TlsFiles, serve_with};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use super::database::Place;
use super::{FAILED, LogForm, REFUSED, Serve, USAGE, say, supervisor};

pub(super) fn run(serve: Serve, place: Place, own_mark: Option<PathBuf>, json: bool) -> ExitCode {
    log_to_stderr(serve.log);
    let tls = serve
        .tls_cert
        .zip(serve.tls_key)
        .map(|(certificate, key)| TlsFiles { certificate, key });
    let options = ServeOptions {
        tls,
        behind_proxy: serve.behind_proxy,
        public_url: serve.public_url,
        public_key_sha256: serve.public_key_sha256,
        mark: serve.mark.or(own_mark),
        admin: serve.admin,
        console: serve.console,
        max_connections: serve.max_connections,
        limits: Limits {
            connections_a_minute: serve.connections_a_minute,
            ..Limits::default()
        },
        database: place.database,
        attachments: serve.attachments,
        ..ServeOptions::new(place.data, serve.listen)
    };
    let mut timers = Timers::default();
    if let Some(within) = serve.goodbye_within.map(Duration::from_secs) {
        (timers.peer_ends_within, timers.goodbye_within) = (within, within);
    }
    match tokio::runtime::Runtime::new()
        .map_err(ServeError::from)
        .and_then(|tokio| tokio.block_on(until_told(options, timers, json)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_refusal() => say(REFUSED, error),
        Err(error) if error.is_usage() => say(USAGE, error),
        Err(error) => say(FAILED, error),
    }
}

fn log_to_stderr(form: LogForm) {
    let filter = EnvFilter::try_from_env("MEDIECO_LOG").unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match form {
        LogForm::Json => log.json().flatten_event(true).with_span_list(false).init(),
        LogForm::Text => {
            let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            log.with_ansi(colours).init();
        }
    }
}

async fn until_told(options: ServeOptions, timers: Timers, json: bool) -> Result<(), ServeError> {
    // Listening for the signals comes first, so that one that comes early is not the default's sudden death.
    let mut signals = Signals::listen()?;
    let (stop, stopping) = oneshot::channel::<()>();
    let relay = serve_with(options, timers, async { drop(stopping.await) }).await?;
    announce(&relay, json)?;
    tracing::info!(address = %relay.address, "the relay listens");
    supervisor::ready();
    tokio::select! {
        () = signals.next() => {}
        () = supervisor::watchdog(&relay) => {}
    }
    supervisor::stopping();
    drop(stop);
    tokio::select! {
        stopped = relay.stopped() => stopped?,
        () = signals.next() => {
            tracing::warn!("told a second time: the relay ends at once");
            // Nothing is lost that was acknowledged; whoever is still here was told, or comes back by himself.
            std::process::exit(FAILED.into());
        }
    }
    tracing::info!("the relay has stopped");
    Ok(())
}

fn announce(relay: &RunningRelay, json: bool) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    if json {
        let line = serde_json::json!({
            "v": 1,
            "event": "listening",
            "address": relay.address.to_string(),
            "url": relay.reachable.url,
            "admin": relay.admin.map(|address| address.to_string()),
            "console": relay.console.map(|address| address.to_string()),
            "key_sha256": relay.reachable.key_sha256.map(hex::encode),
        });
        writeln!(stdout, "{line}")?;
    } else {
        writeln!(stdout, "listening on {}", relay.reachable.url)?;
    }
    stdout.flush()
}

/// SIGTERM and Ctrl-C.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
