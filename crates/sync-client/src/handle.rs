//! Syncing that runs: connect, keep equal, and after a loss try again, for as long as the handle lives.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rand_core::{CryptoRng, Rng};
use seal::{DeviceKeys, TenantId};
use sync_protocol::{DeviceEvent, DeviceSession, RefusedCode, StoreError, SyncStore};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

use crate::connection::{Input, Report, carry, start};
use crate::socket::connect;
use crate::{Backoff, RelayAddress, RelayError, Timers};

/// A device that was removed asks again after this: its removal may turn out void.
const ASK_AGAIN: Duration = Duration::from_secs(60 * 60);

const FETCH_WITHIN: Duration = Duration::from_secs(20);

/// Milliseconds since 1970, UTC, now.
pub type Clock = dyn Fn() -> i64 + Send + Sync;

/// The clock and the randomness of syncing.
pub struct Ports {
    /// Milliseconds since 1970, UTC.
    pub clock: Arc<Clock>,
    /// For the jitter of the back-off.
    pub rng: Box<dyn CryptoRng + Send>,
}

/// How syncing stands; for the status bar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncState {
    /// The relay has welcomed this device on the present connection.
    pub connected: bool,
    /// When the relay was last heard, milliseconds since 1970 by this device's clock.
    pub last_contact_ms: Option<i64>,
    /// Items that are saved here and not sent yet.
    pub pending: u64,
    /// The last position of the clinic's changes that is stored here.
    pub position: u64,
    /// Why there is no connection ([`RelayError::code`]); `None` while there is one, and before the first try ended.
    pub error_code: Option<&'static str>,
    /// What to add to this device's clock to get the relay's, milliseconds; `None` before the first contact.
    pub relay_clock_ahead_ms: Option<i64>,
}

/// Running sync. Dropping it stops it too, without waiting.
pub struct SyncHandle {
    shared: Arc<Shared>,
    state: watch::Receiver<SyncState>,
    ended: watch::Receiver<bool>,
}

struct Shared {
    store: Arc<dyn SyncStore>,
    state: watch::Sender<SyncState>,
    fetches: Mutex<Vec<Fetch>>,
    /// There is something for the session to do: written items, or fetches.
    todo: Notify,
    retry: Notify,
    stop: watch::Sender<bool>,
    timers: Timers,
}

struct Fetch {
    tenant: TenantId,
    answer: oneshot::Sender<Vec<Vec<u8>>>,
    /// Asked on the present connection.
    asked: bool,
}

impl SyncHandle {
    /// Starts keeping `store` equal with `relay`, as the device that `keys` make, on `runtime`.
    pub fn start(
        store: Arc<dyn SyncStore>,
        relay: RelayAddress,
        keys: DeviceKeys,
        ports: Ports,
        runtime: &Handle,
    ) -> Self {
        Self::start_with(store, relay, keys, ports, Timers::RELAY, runtime)
    }

    /// [`SyncHandle::start`] with other timers.
    pub fn start_with(
        store: Arc<dyn SyncStore>,
        relay: RelayAddress,
        keys: DeviceKeys,
        ports: Ports,
        timers: Timers,
        runtime: &Handle,
    ) -> Self {
        let (state, watched) = watch::channel(SyncState::default());
        let (stop, stopping) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let shared = Arc::new(Shared {
            store,
            state,
            fetches: Mutex::default(),
            todo: Notify::new(),
            retry: Notify::new(),
            stop,
            timers,
        });
        let work = Arc::clone(&shared);
        runtime.spawn(async move {
            keep_going(&work, &relay, &Arc::new(keys), ports, stopping).await;
            work.state.send_modify(|state| state.connected = false);
            work.fetches().clear();
            // The store is let go before anyone is told so.
            drop(work);
            end.send_replace(true);
        });
        Self {
            shared,
            state: watched,
            ended,
        }
    }

    /// Something was written: it is sent now, or as soon as there is a connection.
    pub fn nudge(&self) {
        self.shared.todo.notify_one();
    }

    /// Tries to connect now instead of waiting longer (the network came back, or a person asked).
    pub fn retry_now(&self) {
        self.shared.retry.notify_one();
    }

    /// How syncing stands, now and from now on.
    pub fn state(&self) -> watch::Receiver<SyncState> {
        self.state.clone()
    }

    /// Another clinic's statements, from the relay; empty when the relay knows no such clinic.
    ///
    /// # Errors
    /// [`RelayError::TimedOut`] when there is no connection within twenty seconds, [`RelayError::Stopped`].
    pub async fn fetch_statements(&self, tenant: TenantId) -> Result<Vec<Vec<u8>>, RelayError> {
        let (answer, answered) = oneshot::channel();
        if *self.ended.borrow() {
            return Err(RelayError::Stopped);
        }
        self.shared.fetches().push(Fetch {
            tenant,
            answer,
            asked: false,
        });
        self.shared.todo.notify_one();
        match timeout(FETCH_WITHIN, answered).await {
            Ok(Ok(statements)) => Ok(statements),
            Ok(Err(_)) => Err(RelayError::Stopped),
            Err(_) => Err(RelayError::TimedOut),
        }
    }

    /// Stops syncing and waits until the store is let go. What was not sent waits in the store.
    pub async fn stop(mut self) {
        self.shared.stop.send_replace(true);
        drop(self.ended.wait_for(|ended| *ended).await);
    }
}

impl Drop for SyncHandle {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
    }
}

async fn keep_going(
    shared: &Arc<Shared>,
    relay: &RelayAddress,
    keys: &Arc<DeviceKeys>,
    mut ports: Ports,
    mut stopping: watch::Receiver<bool>,
) {
    let mut backoff = Backoff::default();
    loop {
        let error = one_connection(shared, relay, keys, &ports.clock, &mut stopping).await;
        if error == RelayError::Stopped || error == RelayError::Store(StoreError::Closed) {
            return;
        }
        if shared.lost(error) {
            backoff.reset();
        }
        let wait = match error {
            RelayError::Refused(RefusedCode::Removed) => ASK_AGAIN,
            // Only people can change that: a whole clinic that called every half minute would be a storm for nothing.
            RelayError::Refused(RefusedCode::Suspended | RefusedCode::DeviceLimit) => shared.pause(&mut *ports.rng),
            // The relay has spread its devices over a while; who is refused then backs off as ever.
            RelayError::Restarting(ms) => Duration::from_millis(ms.into()),
            _ => backoff.next_wait(&mut *ports.rng),
        };
        shared.wait(wait, &mut stopping).await;
    }
}

async fn one_connection(
    shared: &Arc<Shared>,
    relay: &RelayAddress,
    keys: &Arc<DeviceKeys>,
    clock: &Arc<Clock>,
    stopping: &mut watch::Receiver<bool>,
) -> RelayError {
    let socket = tokio::select! {
        biased;
        _ = stopping.wait_for(|stop| *stop) => return RelayError::Stopped,
        socket = connect(relay, shared.timers.handshake) => match socket {
            Ok(socket) => socket,
            Err(error) => return error,
        },
    };
    let session = DeviceSession::new(Arc::clone(&shared.store), Arc::clone(keys));
    let (told, now_ms) = (Arc::clone(shared), Arc::clone(clock));
    let report = move |report| told.report(report, now_ms());
    let running = start(session, Arc::clone(&shared.store), Arc::clone(clock), report);
    let inputs = running.inputs.downgrade();
    shared.fetches().iter_mut().for_each(|fetch| fetch.asked = false);
    tokio::select! {
        error = carry(socket, running, shared.timers, stopping) => error,
        error = hand_over(shared, inputs) => error,
    }
}

/// Tells the session what there is to do. The socket alone keeps the session alive, hence the weak end.
async fn hand_over(shared: &Shared, inputs: mpsc::WeakSender<Input>) -> RelayError {
    loop {
        shared.todo.notified().await;
        for input in shared.todo() {
            let sent = match inputs.upgrade() {
                Some(inputs) => inputs.send(input).await.is_ok(),
                None => false,
            };
            if !sent {
                // The connection is ending; whoever carries it says why. What is to do stays to do.
                shared.todo.notify_one();
                return std::future::pending().await;
            }
        }
    }
}

impl Shared {
    fn todo(&self) -> Vec<Input> {
        let connected = self.state.borrow().connected;
        let mut fetches = self.fetches();
        let unasked = fetches
            .iter_mut()
            .filter(|fetch| connected && !fetch.asked)
            .map(|fetch| {
                fetch.asked = true;
                Input::Fetch(fetch.tenant)
            });
        std::iter::once(Input::Nudge).chain(unasked).collect()
    }

    /// A pause, lengthened at random: the devices of a clinic do not all come back in the same instant.
    fn pause(&self, rng: &mut (impl Rng + ?Sized)) -> Duration {
        let pause_ms = u64::try_from(self.timers.pause.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(pause_ms.saturating_add(rng.next_u64() % (pause_ms / 2 + 1)))
    }

    /// Waits before the next try. What is written meanwhile is counted.
    async fn wait(self: &Arc<Self>, length: Duration, stopping: &mut watch::Receiver<bool>) {
        let mut over = std::pin::pin!(sleep(length));
        loop {
            let shared = Arc::clone(self);
            let counted = tokio::task::spawn_blocking(move || shared.store.pending()).await;
            if let Ok(Ok(pending)) = counted {
                self.state
                    .send_if_modified(|state| std::mem::replace(&mut state.pending, pending) != pending);
            }
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                () = &mut over => return,
                () = self.retry.notified() => return,
                () = self.todo.notified() => {}
            }
        }
    }

    /// The connection is lost, or there was none. Returns whether there was one.
    fn lost(&self, error: RelayError) -> bool {
        let code = Some(error.code());
        let before = self.state.borrow().clone();
        if before.error_code != code {
            tracing::info!(code, "no contact with the relay");
        }
        let was_connected = before.connected;
        self.state.send_replace(SyncState {
            connected: false,
            error_code: code,
            ..before
        });
        was_connected
    }

    fn report(&self, report: Report, now_ms: i64) {
        let live = report.events.iter().find_map(|event| match event {
            DeviceEvent::Live { relay_now_ms } => Some(*relay_now_ms),
            _ => None,
        });
        self.state.send_if_modified(|state| {
            let before = state.clone();
            if let Some(relay_now_ms) = live {
                state.connected = true;
                state.error_code = None;
                state.relay_clock_ahead_ms = Some(relay_now_ms.saturating_sub(now_ms));
            }
            if !report.events.is_empty() {
                state.last_contact_ms = Some(now_ms);
            }
            state.pending = report.pending;
            state.position = report.position;
            *state != before
        });
        if live.is_some() {
            tracing::info!("the relay is reached");
            self.todo.notify_one();
        }
        for event in report.events {
            if let DeviceEvent::Statements(tenant, statements) = event {
                self.answer(tenant, &statements);
            }
        }
    }

    fn answer(&self, tenant: TenantId, statements: &[Vec<u8>]) {
        let mut fetches = self.fetches();
        for fetch in std::mem::take(&mut *fetches) {
            if fetch.tenant == tenant {
                drop(fetch.answer.send(statements.to_vec()));
            } else {
                fetches.push(fetch);
            }
        }
    }

    fn fetches(&self) -> MutexGuard<'_, Vec<Fetch>> {
        self.fetches.lock().expect("nothing panics while it holds the fetches")
    }
}
