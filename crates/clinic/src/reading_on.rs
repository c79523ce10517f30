//! Reading on: what comes in large batches (a new device, one that was away for long) is stored first, and read here slice by
//! slice, what today's work needs before the rest. A switch-off costs nothing: what is left is read at the next start.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use domain::{PatientId, VisitId};
use vault::Tag;

use crate::{
    Error,
    open::{ClinicRef, OpenClinic},
};

/// So long nothing may have come before what came is read: while more comes, storing it is what brings everybody's name here
/// soonest.
const QUIET: Duration = Duration::from_millis(100);

/// The end that hears of changes.
#[derive(Clone, Default)]
pub(crate) struct ReadingOn(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    told: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    closing: Arc<AtomicBool>,
}

impl ReadingOn {
    /// Hears of a commit. Never blocks.
    pub(crate) fn changed(&self, tags: &[Tag]) {
        if tags.contains(&Tag::Sync)
            && let Some(told) = &self.0.lock().expect("nobody panics under this lock").told
        {
            let _ = told.send(());
        }
    }

    pub(crate) fn start(&self, clinic: ClinicRef) {
        let (told, heard) = mpsc::channel();
        let closing = Arc::new(AtomicBool::new(false));
        // What was left when this device was switched off.
        let _ = told.send(());
        let spawned = std::thread::Builder::new().name("reading-on".to_owned()).spawn({
            let closing = Arc::clone(&closing);
            move || {
                while heard.recv().is_ok() {
                    heard.try_iter().for_each(drop);
                    let (mut n_left, mut n_stored) = (u64::MAX, 0);
                    while !closing.load(Ordering::Relaxed) {
                        let Some(clinic) = clinic.upgrade() else { return };
                        let n_now = clinic.vault.n_stored_first();
                        let is_new = std::mem::replace(&mut n_stored, n_now) != n_now;
                        if is_new || clinic.vault.is_storing_first() {
                            drop(clinic);
                            heard.try_iter().for_each(drop);
                            let _ = heard.recv_timeout(QUIET);
                            n_left = u64::MAX;
                            continue;
                        }
                        match clinic.read_a_slice(n_left) {
                            Some(left) => n_left = left,
                            None => break,
                        }
                    }
                }
            }
        });
        match spawned {
            Ok(thread) => {
                *self.0.lock().expect("nobody panics under this lock") = Ends {
                    told: Some(told),
                    thread: Some(thread),
                    closing,
                };
            }
            Err(error) => tracing::error!(%error, "what comes in large batches is read as it comes"),
        }
    }

    pub(crate) fn stop(&self) {
        let ends = std::mem::take(&mut *self.0.lock().expect("nobody panics under this lock"));
        ends.closing.store(true, Ordering::Relaxed);
        drop(ends.told);
        if let Some(thread) = ends.thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("reading on panicked");
        }
    }

    /// Whether somebody reads on.
    pub(crate) fn is_there(&self) -> bool {
        self.0.lock().expect("nobody panics under this lock").thread.is_some()
    }
}

impl OpenClinic {
    /// What is here of a patient and still to be read is read before anything of it is shown.
    pub(crate) fn read_first(&self, patient: PatientId) -> Result<(), Error> {
        Ok(self.vault.read_first(patient, None)?)
    }

    /// The same for a visit and its patient.
    pub(crate) fn read_first_of_visit(&self, visit: VisitId) -> Result<(), Error> {
        let patient = self.read(|r| {
            let queued = r.queue_entry_of_visit(visit)?.map(|(_, entry)| entry.patient);
            Ok(match queued {
                Some(patient) => Some(patient),
                None => r.visit(visit)?.map(|visit| visit.patient),
            })
        })?;
        match patient {
            Some(patient) => Ok(self.vault.read_first(patient, Some(visit))?),
            None => Ok(()),
        }
    }

    /// Reads a slice; how much is left, or nothing when this is to be tried again only when something comes.
    fn read_a_slice(&self, n_before: u64) -> Option<u64> {
        match self.vault.read_on() {
            Ok(n_left) => (0 < n_left && n_left < n_before).then_some(n_left),
            Err(error) => {
                tracing::warn!(%error, "nothing was read on; what comes next tries again");
                None
            }
        }
    }
}
