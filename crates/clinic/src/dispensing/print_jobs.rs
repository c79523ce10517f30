//! `print_jobs` and `answer_print`: the spool's drawer, and the question "did it come out?".

use devices::spool::JobState;
use domain::PrintJobId;

use crate::{
    Desk, Error, ErrorCode,
    audit::{LABEL_ANSWERED, Line},
    printing::{kept_state, view},
    roles::Verb,
    views::pharmacy::PrintJobView,
};

/// Jobs that the drawer shows at most.
const MAX_SHOWN: u32 = 100;

impl Desk {
    /// The newest first.
    pub fn print_jobs(&self) -> Result<Vec<PrintJobView>, Error> {
        let (clinic, _) = self.acting(Verb::PrintLabels)?;
        clinic.read(|r| r.print_jobs(MAX_SHOWN)?.iter().map(|job| view(r, job)).collect())
    }

    /// A person says whether a label came out. One that did not is printed again by `reprint`. For a job that grew old
    /// while it waited, "no" lets it go to the printer now.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] when nobody needs to be asked about this job.
    pub fn answer_print(&self, job: PrintJobId, came_out: bool) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::PrintLabels)?;
        let row = clinic.read(|r| Ok(r.print_job(job)?))?.ok_or(ErrorCode::NotFound)?;
        let mut spooled = clinic.printing.job(&row);
        let answered = match spooled.state {
            JobState::Queued | JobState::Failed { .. } if !came_out => spooled.release(clinic.vault.now()),
            _ => spooled.came_out(came_out),
        };
        answered.map_err(|_| Error::not_now("print_job"))?;
        clinic.printing.remember(&spooled);
        clinic.write(&acting, |w| {
            let (state, reason) = kept_state(spooled.state);
            w.set_print_state(job, state, reason)?;
            let line = Line::new(LABEL_ANSWERED)
                .about(job)
                .reason(if came_out { "came_out" } else { "did_not" });
            acting.audit(w, row.job.visit.into_iter().fold(line, Line::visit))?;
            Ok(())
        })?;
        clinic.printing.wake();
        clinic.status_changed();
        Ok(())
    }
}
