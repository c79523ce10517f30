//! The one thread from which labels leave.
//!
//! What it does is written down before and after: `sending` is in the store, and the store's mark on disk, before the
//! first byte leaves, so that a crash can never print a label twice unasked.

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::JoinHandle,
    time::Duration,
};

use devices::{
    port::{self, Limits, PrinterAddress},
    spool::{Job, JobState, Next},
};
use domain::{Instant, PrintJobId};
use vault::{FactBody, FactDraft, LabelPrinted, PrintJob};

use super::job::{job_of, kept_state};
use crate::{
    Error,
    open::{ClinicRef, OpenClinic},
};

/// The worker's bell, and what the spool remembers between two looks at the store.
#[derive(Clone, Default)]
pub(crate) struct Printing(Arc<Shared>);

#[derive(Default)]
struct Shared {
    bell: Mutex<Bell>,
    rung: Condvar,
    memory: Mutex<Memory>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What no row holds: tries, and a person's leave.
#[derive(Default)]
struct Memory {
    /// The printer that the tries were made at.
    printer: Option<PrinterAddress>,
    jobs: HashMap<PrintJobId, Job>,
}

#[derive(Default)]
struct Bell {
    woken: bool,
    closing: bool,
}

/// How long the worker sleeps at most while a job waits for its next try.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

impl Printing {
    /// There may be something to print.
    pub(crate) fn wake(&self) {
        self.bell().woken = true;
        self.0.rung.notify_all();
    }

    pub(crate) fn start(&self, clinic: ClinicRef) {
        let spool = self.clone();
        let thread = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || spool.run(&clinic));
        match thread {
            Ok(thread) => *self.0.thread.lock().expect("nobody panics under this lock") = Some(thread),
            Err(error) => tracing::error!(%error, "nothing can be printed"),
        }
        self.wake();
    }

    /// Lets the label that is leaving leave, and ends.
    pub(crate) fn stop(&self) {
        self.bell().closing = true;
        self.0.rung.notify_all();
        let thread = self.0.thread.lock().expect("nobody panics under this lock").take();
        if let Some(thread) = thread
            && thread.thread().id() != std::thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the spool panicked");
        }
    }

    /// A job, with what is remembered of it.
    pub(crate) fn job(&self, row: &PrintJob) -> Job {
        let remembered = self.memory().jobs.get(&row.job.id).cloned();
        let job = job_of(row);
        remembered.map_or(job.clone(), |known| Job {
            state: job.state,
            ..known
        })
    }

    /// Remembers tries, and a person's leave.
    pub(crate) fn remember(&self, job: &Job) {
        self.memory().jobs.insert(job.id, job.clone());
    }

    /// From now on this is the printer: what another one did not take is not made to wait for that.
    fn begin_at(&self, printer: &PrinterAddress) {
        let mut memory = self.memory();
        if memory.printer.as_ref() == Some(printer) {
            return;
        }
        memory.printer = Some(printer.clone());
        for job in memory.jobs.values_mut() {
            job.n_failed = 0;
            job.not_before = job.queued_at;
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.memory.lock().expect("nobody panics under this lock")
    }

    fn run(&self, clinic: &ClinicRef) {
        let mut waits = false;
        while self.wait(waits) {
            let Some(clinic) = clinic.upgrade() else { return };
            waits = clinic.print_what_waits().unwrap_or_else(|error| {
                tracing::error!(code = ?error.code, "the spool stopped for a moment");
                true
            });
        }
    }

    /// Waits for the bell (or a moment, while something waits for its next try); `false` at the end.
    fn wait(&self, something_waits: bool) -> bool {
        let mut bell = self.bell();
        while !bell.woken && !bell.closing {
            if something_waits {
                let (next, timeout) = self
                    .0
                    .rung
                    .wait_timeout(bell, LOOK_AGAIN)
                    .expect("nobody panics under this lock");
                bell = next;
                if timeout.timed_out() {
                    break;
                }
            } else {
                bell = self.0.rung.wait(bell).expect("nobody panics under this lock");
            }
        }
        bell.woken = false;
        !bell.closing
    }

    fn is_closing(&self) -> bool {
        self.bell().closing
    }

    fn bell(&self) -> MutexGuard<'_, Bell> {
        self.0.bell.lock().expect("nobody panics under this lock")
    }
}

impl OpenClinic {
    /// After a crash nobody knows what became of a label that was leaving: a person is asked.
    pub(crate) fn recover_print_jobs(&self) -> Result<(), Error> {
        let cut_off: Vec<PrintJob> = self
            .read(|r| Ok(r.open_print_jobs()?))?
            .into_iter()
            .filter(|row| row.state == vault::PrintState::Sending)
            .collect();
        for row in cut_off {
            let mut job = job_of(&row);
            job.recover();
            self.keep_job(&job)?;
        }
        Ok(())
    }

    /// Sends what may be sent, oldest first; says whether something waits for its next try.
    fn print_what_waits(&self) -> Result<bool, Error> {
        let Some(printer) = self.printer()? else {
            return Ok(false);
        };
        self.printing.begin_at(&printer);
        let rows = self.read(|r| Ok(r.open_print_jobs()?))?;
        for row in rows {
            if self.printing.is_closing() {
                return Ok(false);
            }
            let mut job = self.printing.job(&row);
            match job.next(self.vault.now()) {
                Next::Send => {
                    if !self.print(&mut job, &row, &printer)? {
                        return Ok(true);
                    }
                }
                // Labels leave in their order: those behind it wait with it.
                Next::WaitUntil { .. } => return Ok(true),
                Next::AskPerson { .. } | Next::Nothing => (),
            }
        }
        Ok(false)
    }

    /// Sends one label; `false` when the printer took nothing.
    fn print(&self, job: &mut Job, row: &PrintJob, printer: &PrinterAddress) -> Result<bool, Error> {
        let now = self.vault.now();
        job.begin(now).map_err(|_| Error::not_now("print_job"))?;
        self.keep_job(job)?;
        self.vault.settle()?;
        self.status_changed();

        let outcome = port::send(printer, &row.job.bytes, &Limits::default());
        job.finish(&outcome, self.vault.now())
            .map_err(|_| Error::not_now("print_job"))?;
        self.printing.remember(job);
        self.vault.write(None, |w| {
            let (state, reason) = kept_state(job.state);
            w.set_print_state(job.id, state, reason)?;
            let at = w.now();
            if let Some(printed) = label_printed(w, job, row, at)? {
                w.record_fact(&printed, None)?;
            }
            Ok::<_, Error>(())
        })?;
        self.status_changed();
        Ok(!matches!(job.state, JobState::Failed { .. }))
    }

    fn keep_job(&self, job: &Job) -> Result<(), Error> {
        let (state, reason) = kept_state(job.state);
        self.vault
            .write(None, |w| Ok(w.set_print_state(job.id, state, reason)?))
    }
}

/// The fact that a label left for the printer, with what is known of its fate.
fn label_printed(r: &vault::Reading<'_>, job: &Job, row: &PrintJob, at: Instant) -> Result<Option<FactDraft>, Error> {
    let outcome = match job.state {
        JobState::Sent => "sent",
        JobState::Confirmed => "confirmed",
        JobState::Unknown => "unknown",
        _ => return Ok(None),
    };
    let Some(visit) = row.job.visit else { return Ok(None) };
    let Some(patient) = r.visit(visit)?.map(|visit| visit.patient) else {
        return Ok(None);
    };
    let (dispensing, copy) = (row.job.dispensing, row.job.copy);
    let body = LabelPrinted {
        patient,
        visit,
        dispensing,
        job: job.id,
        copy,
        outcome: outcome.to_owned(),
    };
    Ok(Some(FactDraft {
        at,
        by: None,
        body: FactBody::LabelPrinted(body),
    }))
}
