//! Syncing on the LAN that runs: listening, announcing, calling, for as long as the handle lives.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand_core::CryptoRng;
use seal::{DeviceId, DeviceKeys};
use sync_protocol::PeerStore;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};

use super::LanAddress;
use super::calling::{Place, Target, keep_calling};
use super::channel::Channel;
use super::discovery::announce_and_find;
use super::listening::{listen, take_calls};
use super::roll::{Found, LanState, Roll};
use crate::handle::{Clock, Ports};
use crate::{Backoff, Timers};

/// The port that a device listens on unless it is told otherwise, or another program has it.
pub const DEFAULT_LAN_PORT: u16 = 47_800;

/// Connections that others opened, at one time.
const MAX_PLACES: usize = 64;
/// Of these, such as have not proven who they are.
const MAX_STRANGERS: usize = 16;
/// Places called: typed, remembered, announced.
const MAX_TARGETS: usize = 128;

/// How far this device can be reached, and looks for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LanReach {
    /// On all networks that this machine is on.
    Everywhere,
    /// By programs on this machine only: for tests and the demo network.
    ThisMachine,
}

/// What a clinic's syncing on the LAN starts from.
pub struct LanOptions {
    /// The port to listen on; 0 is any. If another program has it, any.
    pub port: u16,
    /// How far.
    pub reach: LanReach,
    /// `Some`: announce this device and look for others by mDNS. The key is one that the clinic's members share and
    /// nobody else has: by it they recognise each other's announcements.
    pub hint_key: Option<[u8; 32]>,
    /// Where people said that devices are.
    pub typed: Vec<LanAddress>,
    /// Where devices were reached before ([`super::LanPeer::reached_at`]).
    pub known: Vec<(DeviceId, SocketAddr)>,
}

/// Running sync on the LAN. Dropping it stops it too, without waiting.
pub struct LanHandle {
    news: watch::Sender<()>,
    retry: watch::Sender<()>,
    stop: watch::Sender<bool>,
    state: watch::Receiver<LanState>,
    /// Ends when every task has let go of the store.
    ended: mpsc::Receiver<()>,
}

/// What every task of one handle shares.
pub(super) struct Shared {
    pub(super) store: Arc<dyn PeerStore>,
    pub(super) keys: DeviceKeys,
    pub(super) clock: Arc<Clock>,
    pub(super) channel: Channel,
    pub(super) roll: Arc<Roll>,
    pub(super) news: watch::Sender<()>,
    pub(super) retry: watch::Sender<()>,
    pub(super) places: Arc<Semaphore>,
    pub(super) strangers: Arc<Semaphore>,
    pub(super) timers: Timers,
    rng: Mutex<Box<dyn CryptoRng + Send>>,
    stopping: watch::Receiver<bool>,
    runtime: Handle,
    /// Held by every task.
    alive: mpsc::WeakSender<()>,
    /// Where each device was last reached, for the task that calls it there.
    known: Mutex<BTreeMap<DeviceId, watch::Sender<Option<Vec<SocketAddr>>>>>,
    targets: Arc<Semaphore>,
}

impl LanHandle {
    /// Starts keeping `store` equal with the clinic's other devices, as the device that `keys` make, on `runtime`.
    pub fn start(
        store: Arc<dyn PeerStore>,
        keys: DeviceKeys,
        options: LanOptions,
        ports: Ports,
        runtime: &Handle,
    ) -> Self {
        Self::start_with(store, keys, options, ports, Timers::LAN, runtime)
    }

    /// [`LanHandle::start`] with other timers.
    pub fn start_with(
        store: Arc<dyn PeerStore>,
        keys: DeviceKeys,
        options: LanOptions,
        mut ports: Ports,
        timers: Timers,
        runtime: &Handle,
    ) -> Self {
        let (roll, state) = Roll::new();
        let (news, retry) = (watch::Sender::new(()), watch::Sender::new(()));
        let (stop, stopping) = watch::channel(false);
        let (alive, ended) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            store,
            keys,
            clock: ports.clock,
            channel: Channel::make(&mut *ports.rng),
            roll,
            news: news.clone(),
            retry: retry.clone(),
            places: Arc::new(Semaphore::new(MAX_PLACES)),
            strangers: Arc::new(Semaphore::new(MAX_STRANGERS)),
            timers,
            rng: Mutex::new(ports.rng),
            stopping,
            runtime: runtime.clone(),
            alive: alive.downgrade(),
            known: Mutex::default(),
            targets: Arc::new(Semaphore::new(MAX_TARGETS)),
        });
        shared.spawn(move |shared| begin(shared, options));
        drop(alive);
        Self {
            news,
            retry,
            stop,
            state,
            ended,
        }
    }

    /// Something came into the store, from wherever: connected devices hear of it now.
    pub fn news(&self) {
        self.news.send_replace(());
    }

    /// Calls now instead of waiting longer.
    pub fn retry_now(&self) {
        self.retry.send_replace(());
    }

    /// How the LAN stands, now and from now on.
    pub fn state(&self) -> watch::Receiver<LanState> {
        self.state.clone()
    }

    /// Hangs up, stops listening and announcing, and waits until the store is let go.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.ended.recv().await.is_some() {}
    }
}

impl Drop for LanHandle {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Shared {
    pub(super) fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.clone()
    }

    /// Runs a task that ends when it is told to stop, and for whose end [`LanHandle::stop`] waits.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F) {
        // Whoever spawns is a task itself, or the start.
        let Some(alive) = self.alive.upgrade() else { return };
        let work = work(Arc::clone(self));
        self.runtime.spawn(async move {
            // The store is let go before anyone is told so.
            work.await;
            drop(alive);
        });
    }

    /// Calls a place from now on, unless too many are called.
    pub(super) fn call(self: &Arc<Self>, target: Target) {
        let Ok(permit) = Arc::clone(&self.targets).try_acquire_owned() else {
            tracing::warn!("too many places are called on the LAN already");
            return;
        };
        self.spawn(|shared| async move {
            keep_calling(shared, target).await;
            drop(permit);
        });
    }

    /// A device was reached there: from now on it is called there whenever there is no connection with it.
    pub(super) fn remember(self: &Arc<Self>, device: DeviceId, at: SocketAddr) {
        let mut known = self
            .known
            .lock()
            .expect("nothing panics while it holds the known places");
        let told = Some(vec![at]);
        if let Some(place) = known.get(&device) {
            place.send_if_modified(|before| std::mem::replace(before, told.clone()) != told);
            return;
        }
        let (place, told) = watch::channel(told);
        known.insert(device, place);
        drop(known);
        self.call(Target {
            found: Found::Known,
            place: Place::Told(told),
            device: Some(device),
        });
    }

    pub(super) fn jitter(&self, backoff: &mut Backoff) -> Duration {
        self.with_rng(|rng| backoff.next_wait(rng))
    }

    pub(super) fn with_rng<T>(&self, f: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
        f(&mut **self.rng.lock().expect("nothing panics while it draws"))
    }
}

async fn begin(shared: Arc<Shared>, options: LanOptions) {
    let port = match listen(options.reach, options.port).await {
        Ok((port, listeners)) => {
            for listener in listeners {
                shared.spawn(|shared| take_calls(shared, listener));
            }
            Some(port)
        }
        Err(error) => {
            tracing::warn!(kind = ?error.kind(), "nobody on the LAN can call this device");
            None
        }
    };
    shared.roll.listens(port);
    for (device, at) in options.known {
        shared.remember(device, at);
    }
    for address in options.typed {
        shared.call(Target {
            found: Found::Typed,
            place: Place::Named(address),
            device: None,
        });
    }
    if let (Some(key), Some(port)) = (options.hint_key, port) {
        shared.spawn(|shared| announce_and_find(shared, key, port, options.reach));
    }
}
