//! `medieco-relay serve`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use sync_server::{RunningRelay, ServeError, ServeOptions, TlsFiles, serve};
use tracing_subscriber::EnvFilter;

use super::{FAILED, REFUSED, Serve, USAGE, say};

pub(super) fn run(serve: Serve, data: PathBuf, own_mark: Option<PathBuf>, json: bool) -> ExitCode {
    log_to_stderr();
    let tls = serve
        .tls_cert
        .zip(serve.tls_key)
        .map(|(certificate, key)| TlsFiles { certificate, key });
    let options = ServeOptions {
        data,
        listen: serve.listen,
        tls,
        behind_proxy: serve.behind_proxy,
        public_url: serve.public_url,
        public_key_sha256: serve.public_key_sha256,
        mark: serve.mark.or(own_mark),
    };
    match tokio::runtime::Runtime::new()
        .map_err(ServeError::from)
        .and_then(|tokio| tokio.block_on(until_told(options, json)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_refusal() => say(REFUSED, error),
        Err(error) if error.is_usage() => say(USAGE, error),
        Err(error) => say(FAILED, error),
    }
}

fn log_to_stderr() {
    let filter = EnvFilter::try_from_env("MEDIECO_LOG").unwrap_or_else(|_| EnvFilter::new("info,refinery_core=warn"));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_writer(std::io::stderr)
        .init();
}

async fn until_told(options: ServeOptions, json: bool) -> Result<(), ServeError> {
    // Listening for the signals comes first, so that one that comes early is not the default's sudden death.
    let stop = stop_signal()?;
    let relay = serve(options, stop).await?;
    announce(&relay, json)?;
    tracing::info!(address = %relay.address, "the relay listens");
    relay.stopped().await?;
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
            "key_sha256": relay.reachable.key_sha256.map(hex::encode),
        });
        writeln!(stdout, "{line}")?;
    } else {
        writeln!(stdout, "listening on {}", relay.reachable.url)?;
    }
    stdout.flush()
}

#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        drop(tokio::signal::ctrl_c().await);
    })
}
