//! What systemd is told, when it is systemd that started the relay: ready, alive, stopping. Elsewhere nothing happens.

use sync_server::RunningRelay;

/// Clinics can connect now.
pub(super) fn ready() {
    tell(&[State::Ready]);
}

/// The relay was asked to stop.
pub(super) fn stopping() {
    tell(&[State::Stopping]);
}

#[cfg(unix)]
use sd_notify::NotifyState as State;

#[cfg(unix)]
fn tell(states: &[State<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor cannot be told");
    }
}

/// Says again and again that the relay is alive, as often as the unit wants it and for as long as the store answers.
/// Never ends.
#[cfg(unix)]
pub(super) async fn watchdog(relay: &RunningRelay) {
    let Some(within) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut clock = tokio::time::interval(within / 3);
    loop {
        clock.tick().await;
        match relay.ready().await {
            Ok(()) => tell(&[State::Watchdog]),
            Err(why) => tracing::warn!(code = why.code(), "the supervisor is not told that the relay is alive"),
        }
    }
}

#[cfg(not(unix))]
enum State {
    Ready,
    Stopping,
}

#[cfg(not(unix))]
fn tell(_: &[State]) {}

/// Never ends.
#[cfg(not(unix))]
pub(super) async fn watchdog(_: &RunningRelay) {
    std::future::pending().await
}
