//! A full disk: it is told, and stands in nobody's way who only reads.
//!
//! An audit line of a sign-in or a look that finds no room is signed at once and *owed*: it is written with the first
//! write that finds room again. It is lost only if this program ends before that.

use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use vault::{FactBody, Writing};

use crate::{
    Error, ErrorCode,
    audit::Line,
    open::{ClinicRef, OpenClinic},
    session::{Acting, SignedFact},
};

/// How often a full disk is tried again when nobody writes.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Room that a disk has which is not full: a busy hour's writes.
const ENOUGH_BYTES: usize = 1024 * 1024;

/// Lines that are owed at most; beyond it nothing more is opened.
const MAX_OWED: usize = 10_000;

/// What is known of the disk's room.
#[derive(Default)]
pub(crate) struct Room {
    full: AtomicBool,
    owed: Mutex<Vec<SignedFact>>,
    ends: Mutex<Ends>,
}

#[derive(Default)]
struct Ends {
    told: Option<Sender<Told>>,
    thread: Option<JoinHandle<()>>,
}

enum Told {
    Full,
    Close,
}

impl Room {
    /// The last write found no room.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Watches for room from now on, while there is none.
    pub(crate) fn start(&self, clinic: ClinicRef) {
        let (told, heard) = mpsc::channel();
        let thread = std::thread::Builder::new().name("room".to_owned()).spawn(move || {
            let mut full = false;
            loop {
                let next = if full {
                    heard.recv_timeout(LOOK_EVERY)
                } else {
                    heard.recv().map_err(|_| RecvTimeoutError::Disconnected)
                };
                match next {
                    Ok(Told::Full) => full = true,
                    Err(RecvTimeoutError::Timeout) => {
                        let Some(clinic) = clinic.upgrade() else { return };
                        full = !clinic.look_for_room();
                    }
                    Ok(Told::Close) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        match thread {
            Ok(thread) => {
                *self.ends() = Ends {
                    told: Some(told),
                    thread: Some(thread),
                }
            }
            Err(error) => tracing::error!(%error, "only the next write will tell that there is room again"),
        }
    }

    pub(crate) fn stop(&self) {
        let ends = std::mem::take(&mut *self.ends());
        if let Some(told) = ends.told {
            drop(told.send(Told::Close));
        }
        if let Some(thread) = ends.thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the watch for room panicked");
        }
    }

    /// Whether that is news.
    fn set(&self, full: bool) -> bool {
        let news = self.full.swap(full, Ordering::Relaxed) != full;
        if news
            && full
            && let Some(told) = &self.ends().told
        {
            drop(told.send(Told::Full));
        }
        news
    }

    fn owe(&self, fact: SignedFact) -> Result<(), Error> {
        let mut owed = self.owed();
        if owed.len() >= MAX_OWED {
            return Err(ErrorCode::DiskFull.into());
        }
        owed.push(fact);
        Ok(())
    }

    fn owed(&self) -> MutexGuard<'_, Vec<SignedFact>> {
        self.owed.lock().expect("nobody panics under this lock")
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().expect("nobody panics under this lock")
    }
}

impl OpenClinic {
    /// One transaction, with what is owed in front of it; hears whether there was room.
    pub(crate) fn write_with_owed<T>(
        &self,
        by: Option<domain::StaffId>,
        f: impl FnOnce(&mut Writing<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // On a device that was removed nothing is written down any more; what it owes stays owed.
        let owed = match self.vault.belonging().is_member() {
            true => std::mem::take(&mut *self.room.owed()),
            false => Vec::new(),
        };
        let outcome = self.vault.write(by, |w| {
            for fact in &owed {
                w.record_fact(&fact.draft, Some(fact.signature))?;
            }
            f(w)
        });
        if outcome.is_err() {
            self.room.owed().splice(..0, owed);
        }
        let news = match &outcome {
            Ok(_) => self.room.set(false),
            Err(error) if error.code == ErrorCode::DiskFull => self.room.set(true),
            Err(_) => false,
        };
        if news {
            self.status_changed();
        }
        outcome
    }

    /// Writes an audit line; on a full disk it is owed. On a device that was removed there is nobody left to tell.
    pub(crate) fn audit_or_owe(&self, acting: &Acting, line: Line<'_>) -> Result<(), Error> {
        let fact = acting.sign(&self.vault.belonging(), self.vault.now(), FactBody::Audit(line.into()))?;
        let written = self.write(acting, |w| {
            w.record_fact(&fact.draft, Some(fact.signature))?;
            Ok(())
        });
        match written {
            Err(error) if error.code == ErrorCode::DiskFull => self.room.owe(fact),
            Err(error) if error.code == ErrorCode::DeviceRemoved => Ok(()),
            other => other,
        }
    }

    /// Whether there is room (again); then what was owed is written.
    fn look_for_room(&self) -> bool {
        if self.room.is_full() && self.vault.has_room(ENOUGH_BYTES) {
            drop(self.write_with_owed(None, |_| Ok(())));
        }
        !self.room.is_full()
    }

    /// Writes what is owed, if it can be; at the end.
    pub(crate) fn pay_what_is_owed(&self) {
        let n_owed = self.room.owed().len();
        if n_owed > 0 && !self.vault.belonging().is_member() {
            tracing::warn!(n_owed, "audit lines of a device that was removed were not written");
        } else if n_owed > 0 && self.write_with_owed(None, |_| Ok(())).is_err() {
            tracing::error!(n_owed, "the disk is full: audit lines were lost");
        }
    }
}
