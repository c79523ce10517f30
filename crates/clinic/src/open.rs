//! One clinic, open: its store, who is signed in, and what works in the background for it.

use std::{
    sync::{Arc, Condvar, Mutex, Weak},
    time::Duration,
};

use seal::TenantId;
use vault::{ClinicProfile, Reading, Tag, Vault, Writing};

use crate::{
    DeskConfig, DeskEvent, Error, ErrorCode,
    background::Keeper,
    backup::Backups,
    device::Ears,
    lan::Lan,
    looking::Looking,
    power::Power,
    printing::Printing,
    reading_on::ReadingOn,
    recording::Recordings,
    room::Room,
    session::{Acting, Session},
    syncing::Syncing,
    tags,
    views::status::Spoiled,
};

/// The clinic's time zone until its profile says otherwise.
pub(crate) const ZONE: &str = "Asia/Kuala_Lumpur";

pub(crate) struct OpenClinic {
    pub tenant: TenantId,
    pub vault: Vault,
    pub session: Mutex<Option<Session>>,
    pub recordings: Recordings,
    pub printing: Printing,
    pub power: Power,
    pub ears: Ears,
    pub syncing: Syncing,
    pub lan: Lan,
    pub room: Room,
    pub backups: Backups,
    pub pins: Mutex<()>,
    /// When it was opened on this device.
    pub opened_at: domain::Instant,
    pub config: DeskConfig,
    keeper: Keeper,
    reading_on: ReadingOn,
    looking: Looking,
    /// Told when all of the above is dropped: fields are dropped in this order.
    last: Last,
}

/// Tells, when it is dropped, those who wait for it.
#[derive(Default)]
struct Last(Gone);

/// Whether a clinic was let go of by everybody, so that its store is free.
#[derive(Clone, Default)]
pub(crate) struct Gone(Arc<(Mutex<bool>, Condvar)>);

impl Drop for Last {
    fn drop(&mut self) {
        let (gone, bell) = &*self.0.0;
        *gone.lock().expect("nobody panics under this lock") = true;
        bell.notify_all();
    }
}

impl Gone {
    /// Waits until it is, or until `at_most` has passed; whether it is.
    pub(crate) fn wait(&self, at_most: Duration) -> bool {
        let (gone, bell) = &*self.0;
        let gone = gone.lock().expect("nobody panics under this lock");
        let (gone, _) = bell
            .wait_timeout_while(gone, at_most, |gone| !*gone)
            .expect("nobody panics under this lock");
        *gone
    }
}

impl OpenClinic {
    /// Starts what belongs to an open store: syncing, printing, the UPS, the making of releases.
    pub(crate) fn start(vault: Vault, config: DeskConfig) -> Result<Arc<Self>, Error> {
        let keeper = Keeper::default();
        let reading_on = ReadingOn::default();
        let printing = Printing::default();
        let syncing = Syncing::default();
        let lan = Lan::default();
        let backups = Backups::default();
        vault.subscribe(Box::new({
            let (outlet, keeper, backups) = (Arc::clone(&config.events), keeper.clone(), backups.clone());
            let reading_on = reading_on.clone();
            let (printing, syncing, lan) = (printing.clone(), syncing.clone(), lan.clone());
            move |changed: &[Tag]| {
                outlet(DeskEvent::Spoiled(Spoiled {
                    tags: tags::spoiled_by(changed),
                }));
                if changed.contains(&Tag::PrintJobs) {
                    printing.wake();
                }
                if changed.contains(&Tag::Membership) {
                    syncing.retry();
                }
                keeper.changed(changed);
                reading_on.changed(changed);
                backups.changed(changed);
                syncing.nudge();
                lan.changed(changed);
            }
        }));
        let clinic = Arc::new(Self {
            tenant: vault.tenant(),
            session: Mutex::new(None),
            recordings: Recordings::default(),
            printing,
            power: Power::default(),
            ears: Ears::default(),
            syncing,
            lan,
            room: Room::default(),
            backups,
            pins: Mutex::default(),
            opened_at: vault.now(),
            config,
            keeper,
            reading_on,
            looking: Looking::default(),
            vault,
            last: Last::default(),
        });
        clinic.recover_print_jobs()?;
        clinic.keeper.start(Arc::downgrade(&clinic));
        clinic.reading_on.start(Arc::downgrade(&clinic));
        if clinic.reading_on.is_there() {
            clinic.vault.read_in_background();
        }
        if !clinic.vault.is_looked_through() {
            clinic.looking.start(Arc::downgrade(&clinic));
        }
        clinic.room.start(Arc::downgrade(&clinic));
        clinic.vault.remove_unfinished_backup();
        clinic.backups.start(Arc::downgrade(&clinic));
        clinic.printing.start(Arc::downgrade(&clinic));
        clinic.watch_power()?;
        clinic.start_syncing()?;
        clinic.start_lan()?;
        Ok(clinic)
    }

    /// To wait by until everybody has let go of this clinic.
    pub(crate) fn gone(&self) -> Gone {
        self.last.0.clone()
    }

    /// Ends what [`Self::start`] began, in order; afterwards everything is on disk.
    pub(crate) fn close(&self) {
        self.end_session();
        self.looking.stop(&self.vault);
        self.backups.stop();
        self.recordings.stop_all();
        self.power.stop();
        self.printing.stop();
        self.keeper.stop();
        self.reading_on.stop();
        self.room.stop();
        self.syncing.stop(&self.config.runtime);
        self.lan.stop(&self.config.runtime);
        self.pay_what_is_owed();
        if let Err(error) = self.vault.checkpoint() {
            tracing::warn!(%error, "the last checkpoint failed; the log holds everything");
        }
    }

    /// Reads one consistent state.
    pub(crate) fn read<T>(&self, f: impl FnOnce(&Reading<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.vault.read(f)
    }

    /// Writes in one transaction, as `by`.
    pub(crate) fn write<T>(
        &self,
        by: &Acting,
        f: impl FnOnce(&mut Writing<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.write_with_owed(Some(by.id()), f)
    }

    /// The clinic's profile.
    pub(crate) fn profile(&self) -> Result<ClinicProfile, Error> {
        self.read(profile)
    }

    /// Tells the status bar to look again.
    pub(crate) fn status_changed(&self) {
        match self.status() {
            Ok(status) => (self.config.events)(DeskEvent::StatusChanged(Box::new(status))),
            Err(error) => tracing::warn!(code = ?error.code, "no status"),
        }
    }
}

/// The clinic's profile; on a device that was just paired it has not arrived yet.
pub(crate) fn profile(r: &Reading<'_>) -> Result<ClinicProfile, Error> {
    r.clinic_profile()?
        .ok_or_else(|| Error::new(ErrorCode::NotFound).with("what", "profile"))
}

/// What a thread of the background holds of its clinic: it never keeps a store open that was closed.
pub(crate) type ClinicRef = Weak<OpenClinic>;
