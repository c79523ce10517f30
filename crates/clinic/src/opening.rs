//! Opening clinics: one at a time, and how far it is while tables are made again after an update.

use std::{
    ops::ControlFlow,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Sender},
    },
};

use crate::{
    Desk, DeskEvent, Error, ErrorCode,
    views::setup::{MakingReady, MakingReadyTold},
};

/// What is being opened.
#[derive(Default)]
pub(crate) struct Opening {
    /// Held by whoever opens a clinic: who comes second finds it open.
    turn: Mutex<()>,
    /// How far it is; nothing while there is nothing to be told.
    at: Mutex<Option<MakingReady>>,
    /// Nothing is opened any more, and what is under way ends soon.
    closing: AtomicBool,
}

impl Opening {
    /// How far it is, if tables are being made again.
    pub(crate) fn at(&self) -> Option<MakingReady> {
        self.lock().clone()
    }

    /// Waits until nobody else opens a clinic.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`] when the desk is being shut down.
    pub(crate) fn turn(&self) -> Result<MutexGuard<'_, ()>, Error> {
        // Who panicked has opened nothing.
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        match self.closing.load(Ordering::SeqCst) {
            true => Err(ErrorCode::Cancelled.into()),
            false => Ok(turn),
        }
    }

    /// Ends what is under way, between two transactions, and waits for it; nothing is opened afterwards.
    pub(crate) fn stop(&self) {
        self.closing.store(true, Ordering::SeqCst);
        drop(self.turn.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, Option<MakingReady>> {
        self.at.lock().expect("nobody panics under this lock")
    }
}

/// Tells how far a clinic's tables are, and, when it is dropped, that it is over.
pub(crate) struct Teller<'d> {
    desk: &'d Desk,
    tenant: &'d str,
    first: Option<Sender<()>>,
    error: Option<Error>,
}

impl<'d> Teller<'d> {
    /// `first` hears once that it is going to take long; it is dropped when it is over.
    pub(crate) fn new(desk: &'d Desk, tenant: &'d str, first: Option<Sender<()>>) -> Self {
        Self {
            desk,
            tenant,
            first,
            // Of a panic, until something else is said.
            error: Some(ErrorCode::Internal.into()),
        }
    }

    pub(crate) fn is_at(&mut self, at: vault::MakingReady) -> ControlFlow<()> {
        let opening = &self.desk.inner.opening;
        let now = MakingReady {
            tenant: self.tenant.to_owned(),
            name: self.desk.kept_name(self.tenant),
            done: u32::try_from(at.done).unwrap_or(u32::MAX),
            of: u32::try_from(at.of).unwrap_or(u32::MAX),
        };
        let before = opening.lock().replace(now.clone());
        if let Some(first) = self.first.take() {
            let _ = first.send(());
        }
        if before.as_ref() != Some(&now) {
            self.tell(now, false, None);
        }
        match opening.closing.load(Ordering::SeqCst) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// It is open, or not.
    pub(crate) fn ends(mut self, opened: &Result<(), Error>) {
        self.error = opened.as_ref().err().cloned();
    }

    fn tell(&self, at: MakingReady, ended: bool, error: Option<Error>) {
        (self.desk.inner.config.events)(DeskEvent::MakingReady(MakingReadyTold { at, ended, error }));
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        let last = self.desk.inner.opening.lock().take();
        let error = self.error.take();
        if let Some(last) = last {
            self.tell(last, true, error);
        }
    }
}

impl Desk {
    /// Opens the clinic that was open last. Returns as soon as it is open or cannot be, or it was told that its tables are
    /// made again first; then that goes on.
    pub(crate) fn open_last(&self, tenant: String) {
        let (first, heard) = mpsc::channel();
        let desk = self.clone();
        let open = move || {
            if let Err(error) = desk.open_and_tell(&tenant, None, Some(first)) {
                tracing::warn!(code = ?error.code, "the last clinic was not opened");
            }
        };
        match std::thread::Builder::new().name("opening".to_owned()).spawn(open) {
            // Nothing is heard when it was opened, or could not be, at once.
            Ok(_) => drop(heard.recv()),
            Err(error) => tracing::error!(%error, "the last clinic was not opened"),
        }
    }

    /// Whether [`Self::shut_down`] was called. For tests.
    #[doc(hidden)]
    pub fn is_closing(&self) -> bool {
        self.inner.opening.closing.load(Ordering::SeqCst)
    }
}
