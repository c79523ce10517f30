//! Calling: one task for each place where a device of the clinic may be.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use seal::DeviceId;
use sync_protocol::{PeerRole, StoreError};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::LanAddress;
use super::connection::run;
use super::end::LanEnd;
use super::handle::Shared;
use super::roll::{Found, Met};
use crate::Backoff;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A connection that lasted so long was a good one.
const STEADY: Duration = Duration::from_secs(20);
/// The shortest time between two calls to one place, whoever asks for more.
const BETWEEN_CALLS: Duration = Duration::from_millis(100);

/// Where a device may be.
pub(super) enum Place {
    /// Looked up at each call.
    Named(LanAddress),
    /// At one of these, as somebody says who keeps them up to date; `None` when nobody is there any more.
    Told(watch::Receiver<Option<Vec<SocketAddr>>>),
}

/// A place, and who was last found there.
pub(super) struct Target {
    pub(super) found: Found,
    pub(super) place: Place,
    pub(super) device: Option<DeviceId>,
}

impl Place {
    async fn addresses(&mut self) -> Option<Vec<SocketAddr>> {
        match self {
            Self::Named(address) => Some(address.look_up().await),
            Self::Told(told) => told.borrow_and_update().clone(),
        }
    }

    /// Returns when something else is told of it.
    async fn changed(&mut self) {
        match self {
            Self::Named(_) => std::future::pending().await,
            // Whoever told is gone: then the task ends at its next look.
            Self::Told(told) => drop(told.changed().await),
        }
    }

    fn is_gone(&self) -> bool {
        matches!(self, Self::Told(told) if told.has_changed().is_err() || told.borrow().is_none())
    }
}

/// Calls until there is a connection, and again when it is lost, until it is told to stop or the place is gone.
pub(super) async fn keep_calling(shared: Arc<Shared>, mut target: Target) {
    let mut backoff = Backoff::default();
    let mut stopping = shared.stopping();
    let mut retry = shared.retry.subscribe();
    let mut reached = None;
    while !target.place.is_gone() {
        if let Some(device) = target.device {
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stop| *stop) => return,
                () = shared.roll.until_gone(&device) => {}
            }
        }
        let called = tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            called = call(&mut target) => called,
        };
        let begun = Instant::now();
        let (device, end) = match called {
            Some((tcp, at)) => {
                let (role, found) = (PeerRole::Caller, target.found);
                let (device, end) = run(&shared, tcp, Met { role, found, at }, None).await;
                reached = device.map(|device| (device, at)).or(reached);
                (device, end)
            }
            None => (None, LanEnd::NotThere),
        };
        if matches!(end, LanEnd::Stopped | LanEnd::Store(StoreError::Closed)) {
            return;
        }
        target.device = device.or(target.device);
        // One that is proven and lost at once, again and again, has a reason: a full disk, say.
        if begun.elapsed() >= STEADY {
            backoff.reset();
        }
        let wait = shared.jitter(&mut backoff);
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = sleep(BETWEEN_CALLS) => {}
        }
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stop| *stop) => return,
            () = sleep(wait.saturating_sub(BETWEEN_CALLS)) => {}
            _ = retry.changed() => backoff.reset(),
            () = target.place.changed() => backoff.reset(),
        }
    }
    // It no longer announces itself: a router that drops multicast, perhaps. It is called where it was.
    if let (Found::Announced, Some((device, at))) = (target.found, reached) {
        shared.remember(device, at);
    }
}

/// The first of the addresses that answers.
async fn call(target: &mut Target) -> Option<(TcpStream, SocketAddr)> {
    for address in target.place.addresses().await? {
        if let Ok(Ok(tcp)) = timeout(CONNECT_WITHIN, TcpStream::connect(address)).await {
            return Some((tcp, address));
        }
    }
    None
}
