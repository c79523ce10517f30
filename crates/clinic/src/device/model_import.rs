//! `import_model`: bringing in a speech model from a file, told as it goes on, and taken back on a word.

use std::{
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use scribe::models::{import_watched, remove_unfinished};

use super::models::{choice, unusable};
use crate::{
    Desk, DeskEvent, Error,
    views::status::{ModelChoice, ModelImport},
};

/// The import that is under way on this device, if any: its word to stop.
#[derive(Default)]
pub(crate) struct Importing(Mutex<Option<Arc<AtomicBool>>>);

impl Importing {
    /// Begins one; `None` while another is under way.
    fn begin(&self) -> Option<Begun<'_>> {
        let mut under_way = self.0.lock().expect("nobody panics under this lock");
        if under_way.is_some() {
            return None;
        }
        let stop = Arc::new(AtomicBool::new(false));
        *under_way = Some(Arc::clone(&stop));
        Some(Begun { of: self, stop })
    }

    /// Asks the one that is under way to stop; it does so within a piece of 1 MiB.
    pub(crate) fn cancel(&self) {
        if let Some(stop) = &*self.0.lock().expect("nobody panics under this lock") {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Over when dropped, however it ended.
struct Begun<'i> {
    of: &'i Importing,
    stop: Arc<AtomicBool>,
}

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        *self.of.0.lock().expect("nobody panics under this lock") = None;
    }
}

impl Desk {
    /// Brings in a model from a file (a USB stick): checked by its hash before it counts. It blocks its own thread and
    /// nothing else, and tells [`DeskEvent::ModelImport`] with each percent.
    ///
    /// # Errors
    /// [`ErrorCode::ModelUnusable`](crate::ErrorCode::ModelUnusable) with `why`, `DiskFull`, `FileFailed`; `Cancelled`
    /// by [`Self::cancel_model_import`]; `NotNow` with `why` = `model_import` while another is under way. Each of them
    /// leaves nothing behind.
    pub fn import_model(&self, path: String) -> Result<ModelChoice, Error> {
        let Some(begun) = self.inner.importing.begin() else {
            return Err(Error::not_now("model_import"));
        };
        let mut percent = None;
        let watch = |done_bytes: u64, total_bytes: u64| {
            let now = Some(done_bytes * 100 / total_bytes.max(1));
            if percent != now {
                percent = now;
                (self.inner.config.events)(DeskEvent::ModelImport(ModelImport {
                    done_bytes,
                    total_bytes,
                }));
            }
            // Looked at after telling: who cancels at what he is told is heard at once.
            if begun.stop.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let brought = import_watched(Path::new(&path), &self.inner.config.models_dir(), watch).map_err(unusable)?;
        if let Some(clinic) = self.opened() {
            clinic.status_changed();
        }
        self.tell_everything();
        Ok(choice(&brought.entry, true, self.model_in_use()?.as_deref()))
    }

    /// Takes back the import that is under way; without one nothing happens. `import_model` then answers `cancelled`.
    pub fn cancel_model_import(&self) -> Result<(), Error> {
        self.inner.importing.cancel();
        Ok(())
    }

    /// What a kill or a power cut left of an import goes.
    pub(crate) fn remove_unfinished_import(&self) {
        remove_unfinished(&self.inner.config.models_dir());
    }
}
