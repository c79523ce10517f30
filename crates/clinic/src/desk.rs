//! The desk: what one device has open. The app holds one, and so does a headless device.
//!
//! Every verb is a method of [`Desk`], in a file of its own. All of them block (the store, Argon2id, the relay): a
//! shell calls them from a thread that may wait.

use std::{
    path::PathBuf,
    sync::{Arc, RwLock},
    time::Duration,
};

use rand_core::CryptoRng;
use sync_client::LanReach;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use crate::{
    Error, ErrorCode,
    device::Importing,
    open::OpenClinic,
    opening::Opening,
    session::Acting,
    setup::{DeskFile, PairingProgress},
    tags,
    views::{
        backup::BackupTold,
        consult::RecordingProgress,
        setup::{Demo, MakingReadyTold},
        status::{ModelImport, Spoiled, StatusView},
    },
};

/// How long a verb that is under way may keep a closed clinic.
const LET_GO_WITHIN: Duration = Duration::from_secs(3);

/// Makes a fresh source of randomness; only shells make real ones.
pub type MakeRng = Arc<dyn Fn() -> Box<dyn CryptoRng + Send> + Send + Sync>;

/// Where the desk tells what happened. Called from any thread, never under a lock; must not block.
pub type Outlet = Arc<dyn Fn(DeskEvent) + Send + Sync>;

/// What a shell hands to the desk.
#[derive(Clone)]
pub struct DeskConfig {
    /// Holds `clinics/<tenant>/`, `models/` and `desk.json`.
    pub data_dir: PathBuf,
    /// The program `medieco-engine`.
    pub engine: PathBuf,
    /// The version of this build, as shown.
    pub version: String,
    /// The demo's people; `None` outside the demo.
    pub demo: Option<Demo>,
    /// From `--passphrase-file`: tried when a store wants one.
    pub passphrase: Option<Zeroizing<String>>,
    /// Where the report of the last run's panic lies.
    pub crash_report: Option<String>,
    /// The time.
    pub clock: Arc<dyn vault::Clock>,
    /// Randomness.
    pub make_rng: MakeRng,
    /// Where events go.
    pub events: Outlet,
    /// Where syncing runs.
    pub runtime: Handle,
    /// How far this device may be reached by the clinic's others, and look for them, without a relay; `None`: not at all.
    pub lan: Option<LanReach>,
}

/// Told without being asked.
#[derive(Debug, Clone)]
pub enum DeskEvent {
    /// Queries to read again.
    Spoiled(Spoiled),
    /// A recording went on.
    RecordingProgress(RecordingProgress),
    /// The status bar changed.
    StatusChanged(Box<StatusView>),
    /// A speech model is being brought in.
    ModelImport(ModelImport),
    /// A backup is being made or restored.
    BackupProgress(BackupTold),
    /// A clinic is made ready after an update.
    MakingReady(MakingReadyTold),
}

/// What one device has open.
#[derive(Clone)]
pub struct Desk {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: DeskConfig,
    pub(crate) file: DeskFile,
    pub(crate) pairing: PairingProgress,
    pub(crate) importing: Importing,
    pub(crate) opening: Opening,
    open: RwLock<Option<Arc<OpenClinic>>>,
}

/// Closes a clinic and waits for whoever is in the middle of a verb: the store is free when this returns.
fn close_and_let_go(clinic: Arc<OpenClinic>) {
    clinic.close();
    let gone = clinic.gone();
    drop(clinic);
    if !gone.wait(LET_GO_WITHIN) {
        tracing::warn!("a verb still holds the clinic that was closed");
    }
}

impl Drop for Inner {
    /// A shell that forgot [`Desk::shut_down`] still leaves its clinic in order.
    fn drop(&mut self) {
        if let Some(clinic) = self.open.get_mut().ok().and_then(Option::take) {
            close_and_let_go(clinic);
        }
    }
}

impl Desk {
    /// Starts, and opens the clinic that was open last if its key is at hand. If it has to be made ready after an update, that
    /// goes on when this returns: `app_state` and [`DeskEvent::MakingReady`] say how far it is.
    ///
    /// # Errors
    /// [`ErrorCode::FileFailed`] when the data folder cannot be used. A clinic that cannot be opened is no error here:
    /// `app_state` lists it, and `open_clinic` says why.
    pub fn start(config: DeskConfig) -> Result<Self, Error> {
        let file = DeskFile::open(&config.data_dir)?;
        let inner = Inner {
            config,
            file,
            pairing: PairingProgress::default(),
            importing: Importing::default(),
            opening: Opening::default(),
            open: RwLock::new(None),
        };
        let desk = Self { inner: Arc::new(inner) };
        desk.remove_unfinished_import();
        if let Err(error) = desk.finish_leaving() {
            tracing::warn!(code = ?error.code, "a clinic that was left is not gone whole");
        }
        if desk.inner.config.demo.is_some() {
            desk.install_demo_model()?;
        }
        if let Some(tenant) = desk.inner.file.last_open() {
            desk.open_last(tenant);
        }
        Ok(desk)
    }

    /// Ends in order: recordings, printing, the UPS, syncing; then the store is on disk and closed. A clinic that is being made
    /// ready goes on at the next start. Nothing is opened afterwards.
    pub fn shut_down(&self) {
        self.inner.pairing.cancel();
        self.inner.importing.cancel();
        self.inner.opening.stop();
        self.put_open(None);
    }

    /// The open clinic.
    pub(crate) fn clinic(&self) -> Result<Arc<OpenClinic>, Error> {
        self.opened().ok_or(ErrorCode::NoClinicOpen.into())
    }

    /// The open clinic, if any.
    pub(crate) fn opened(&self) -> Option<Arc<OpenClinic>> {
        self.inner.open.read().expect("nobody panics under this lock").clone()
    }

    /// Closes what is open and puts `next` in its place.
    pub(crate) fn put_open(&self, next: Option<Arc<OpenClinic>>) {
        let before = std::mem::replace(
            &mut *self.inner.open.write().expect("nobody panics under this lock"),
            next,
        );
        if let Some(clinic) = before {
            close_and_let_go(clinic);
        }
        self.tell_everything();
    }

    /// The open clinic and who is signed in there, if her role opens `verb`.
    pub(crate) fn acting(&self, verb: crate::roles::Verb) -> Result<(Arc<OpenClinic>, Acting), Error> {
        let clinic = self.clinic()?;
        let acting = clinic.acting(verb)?;
        Ok((clinic, acting))
    }

    /// Everything that a screen shows is to be read again.
    pub(crate) fn tell_everything(&self) {
        (self.inner.config.events)(DeskEvent::Spoiled(Spoiled {
            tags: vec![tags::EVERYTHING.to_owned()],
        }));
    }

    pub(crate) fn now(&self) -> domain::Instant {
        self.inner.config.clock.now()
    }

    pub(crate) fn rng(&self) -> Box<dyn CryptoRng + Send> {
        (self.inner.config.make_rng)()
    }
}
