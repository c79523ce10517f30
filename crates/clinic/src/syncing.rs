//! Syncing of one open clinic: its relay, its state, and asking the relay for another clinic's keys.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, mpsc},
    time::Duration,
};

use domain::Instant;
use seal::{DeviceKeys, Membership, Statement, TenantId};
use sync_client::{Ports, RelayAddress, RelayError, SyncHandle};
use sync_protocol::{RefusedCode, SyncStore};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{
    Error, ErrorCode,
    open::{ClinicRef, OpenClinic},
};

/// Where the relay's address (with its key) is kept, in the store.
pub(crate) const RELAY: &str = "relay/address";

/// How long a person waits for the relay to tell another clinic's keys.
const ASK_WITHIN: Duration = Duration::from_secs(8);

/// The running sync, if a relay is set.
#[derive(Clone, Default)]
pub(crate) struct Syncing(Arc<Mutex<Option<Running>>>);

struct Running {
    handle: Arc<SyncHandle>,
    /// Tells the status bar; ends with the handle.
    watcher: JoinHandle<()>,
}

/// How syncing does, as the status bar says it.
#[derive(Debug, Clone, Default)]
pub(crate) struct SyncNow {
    pub connected: bool,
    pub last_contact: Option<Instant>,
    pub error: Option<String>,
}

impl Syncing {
    pub(crate) fn state(&self) -> SyncNow {
        let running = self.running();
        let Some(Running { handle, .. }) = running.as_ref() else {
            return SyncNow::default();
        };
        let state = handle.state().borrow().clone();
        SyncNow {
            connected: state.connected,
            last_contact: state.last_contact_ms.and_then(Instant::from_millisecond),
            error: state.error_code.map(str::to_owned),
        }
    }

    /// There is something to send: do not wait for the next look.
    pub(crate) fn nudge(&self) {
        if let Some(Running { handle, .. }) = self.running().as_ref() {
            handle.nudge();
        }
    }

    /// Who belongs has changed: a device that the relay did not let in may be let in now.
    pub(crate) fn retry(&self) {
        if let Some(Running { handle, .. }) = self.running().as_ref() {
            handle.retry_now();
        }
    }

    /// Stops, and waits until the store is let go.
    pub(crate) fn stop(&self, runtime: &Handle) {
        let Some(Running { handle, watcher }) = self.running().take() else {
            return;
        };
        let ended = wait_for(runtime, async move {
            // Whoever still asks for another clinic's keys ends it by letting go.
            if let Some(handle) = Arc::into_inner(handle) {
                handle.stop().await;
            }
            watcher.await.is_ok()
        });
        if ended.is_err() {
            tracing::warn!("the runtime ended before syncing did");
        }
    }

    /// The handle, while there is a connection.
    fn connected(&self) -> Option<Arc<SyncHandle>> {
        let running = self.running();
        let handle = running.as_ref().map(|running| Arc::clone(&running.handle))?;
        let connected = handle.state().borrow().connected;
        connected.then_some(handle)
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().expect("nobody panics under this lock")
    }
}

impl OpenClinic {
    /// The clinic's relay.
    pub(crate) fn relay(&self) -> Result<Option<RelayAddress>, Error> {
        let text = self.read(|r| Ok(r.setting(RELAY)?))?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    /// All statements of this clinic, encoded.
    pub(crate) fn statements(&self) -> Result<Vec<Vec<u8>>, Error> {
        self.vault.statements().map_err(|_| ErrorCode::StoreFailed.into())
    }

    /// Starts syncing with the relay that is set.
    pub(crate) fn start_syncing(self: &Arc<Self>) -> Result<(), Error> {
        let Some(relay) = self.relay()? else { return Ok(()) };
        let keys = DeviceKeys::from_secret_bytes(&self.vault.belonging().keys.to_secret_bytes())?;
        let clock = Arc::clone(&self.config.clock);
        let ports = Ports {
            clock: Arc::new(move || clock.now().as_millisecond()),
            rng: (self.config.make_rng)(),
        };
        let store: Arc<dyn SyncStore> = Arc::new(self.vault.clone());
        let handle = SyncHandle::start(store, relay, keys, ports, &self.config.runtime);
        let (mut state, clinic): (_, ClinicRef) = (handle.state(), Arc::downgrade(self));
        let watcher = self.config.runtime.spawn(async move {
            while state.changed().await.is_ok() {
                let Some(clinic) = clinic.upgrade() else { return };
                drop(tokio::task::spawn_blocking(move || clinic.status_changed()).await);
            }
        });
        let handle = Arc::new(handle);
        *self.syncing.running() = Some(Running { handle, watcher });
        Ok(())
    }

    /// The membership of another clinic, proved back to its pinned id: as known here, else as the relay tells it now.
    ///
    /// # Errors
    /// [`ErrorCode::ClinicNotReached`] when it is not known here and the relay does not answer.
    pub(crate) fn membership_of(&self, tenant: TenantId) -> Result<Membership, Error> {
        match self.read(|r| Ok(r.foreign_membership(tenant)?))? {
            Some(known) => Ok(known),
            None => self.ask_membership_of(tenant),
        }
    }

    /// The same, as the relay tells it now, else as known here: what is sealed by it shall not open with the keys of a device
    /// that the other clinic has removed meanwhile.
    ///
    /// # Errors
    /// As [`Self::membership_of`].
    pub(crate) fn newest_membership_of(&self, tenant: TenantId) -> Result<Membership, Error> {
        match self.ask_membership_of(tenant) {
            Err(error) if error.code == ErrorCode::ClinicNotReached => self.membership_of(tenant),
            told => told,
        }
    }

    fn ask_membership_of(&self, tenant: TenantId) -> Result<Membership, Error> {
        let handle = self.syncing.connected().ok_or(ErrorCode::ClinicNotReached)?;
        let asked = async move { tokio::time::timeout(ASK_WITHIN, handle.fetch_statements(tenant)).await };
        let told = wait_for(&self.config.runtime, asked)?;
        let told = told.ok().and_then(Result::ok).ok_or(ErrorCode::ClinicNotReached)?;
        let is_clinic = |statements: &[Statement]| Membership::from_statements(tenant, statements).is_ok();
        let statements: Vec<Statement> = told.iter().filter_map(|bytes| Statement::decode(bytes).ok()).collect();
        if !is_clinic(&statements) {
            return Err(ErrorCode::ClinicNotReached.into());
        }
        self.vault
            .absorb_foreign_statements(tenant, told)
            .map_err(|_| ErrorCode::StoreFailed)?;
        // With those that were here already: a relay that tells fewer takes nothing back.
        self.read(|r| Ok(r.foreign_membership(tenant)?))?
            .ok_or(ErrorCode::ClinicNotReached.into())
    }
}

/// Waits for `work` on the runtime. Unlike `block_on` it may be called from anywhere.
pub(crate) fn wait_for<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Error> {
    let (done, outcome) = mpsc::sync_channel(1);
    runtime.spawn(async move { drop(done.send(work.await)) });
    outcome
        .recv()
        .map_err(|_| Error::new(ErrorCode::Internal).with("why", "runtime"))
}

/// A relay's "no", in the screens' words.
pub(crate) fn refused(error: RelayError) -> Error {
    match error {
        RelayError::Unreachable
        | RelayError::Lost
        | RelayError::Restarting(_)
        | RelayError::TimedOut
        | RelayError::Stopped => ErrorCode::RelayNotReached.into(),
        RelayError::Refused(RefusedCode::InvitationExpired) => ErrorCode::InvitationExpired.into(),
        RelayError::Refused(RefusedCode::InvitationUnknown | RefusedCode::InvitationUsed) => {
            ErrorCode::InvitationRefused.into()
        }
        RelayError::Refused(RefusedCode::NobodyWaits) => ErrorCode::CodeExpired.into(),
        // The member was there and broke it off: what this device made of the code did not fit hers.
        RelayError::Pairing(_) | RelayError::PairingClosed => ErrorCode::CodeWrong.into(),
        other => Error::new(ErrorCode::RelayRefused).with("why", other.code()),
    }
}
