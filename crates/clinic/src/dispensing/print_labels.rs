//! `print_labels` and `reprint`: bytes frozen in the store, then the spool's business.

use devices::escpos;
use domain::{LineId, PrintJobId, VisitId};
use vault::{NewPrintJob, PrintJob, Visit, Writing};

use super::{
    book::{Begun, handed_over},
    label::{Print, laid_out, line_of},
    open_dispense::{MAX_JOBS, signed_visit},
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{LABEL_PRINTED, LABEL_REPRINTED, Line},
    printing::{DID_NOT_COME_OUT, view},
    roles::Verb,
    session::Acting,
    views::pharmacy::PrintJobView,
};

impl Desk {
    /// Prints the labels of these lines. One that has a label already is not printed twice: its job is shown.
    ///
    /// # Errors
    /// [`ErrorCode::NoPrinter`], and those of the label; then no label of them is printed.
    pub fn print_labels(&self, visit: VisitId, lines: Vec<LineId>) -> Result<Vec<PrintJobView>, Error> {
        let (clinic, acting) = self.acting(Verb::PrintLabels)?;
        let printer = clinic.printer()?.ok_or(ErrorCode::NoPrinter)?.to_string();
        clinic.write(&acting, |w| {
            let visit = signed_visit(w, visit)?;
            let begun = Begun::or_begin(w, visit.id)?;
            let mut jobs = Vec::new();
            for line in lines {
                let id = match newest_job(w, &visit, line)? {
                    Some(row) => row.job.id,
                    None => {
                        let to = Where {
                            printer: &printer,
                            begun: &begun,
                            copy: 0,
                        };
                        freeze(w, &acting, &visit, line, &to)?
                    }
                };
                let job = w.print_job(id)?.ok_or(ErrorCode::NotFound)?;
                jobs.push(view(w, &job)?);
            }
            Ok(jobs)
        })
    }

    /// Prints a label once more; it says REPRINT and which one, and why is audited.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] while the job before it still waits or leaves: there is nothing to print again yet.
    pub fn reprint(&self, job: PrintJobId, reason: String) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::PrintLabels)?;
        if reason.trim().is_empty() {
            return Err(Error::invalid("reason"));
        }
        let printer = clinic.printer()?.ok_or(ErrorCode::NoPrinter)?.to_string();
        clinic.write(&acting, |w| {
            let before = w.print_job(job)?.ok_or(ErrorCode::NotFound)?;
            let waits = matches!(before.state, vault::PrintState::Queued | vault::PrintState::Sending);
            let fails = before.state == vault::PrintState::Failed && before.reason.as_deref() != Some(DID_NOT_COME_OUT);
            if waits || fails {
                return Err(Error::not_now("print_job"));
            }
            let line: LineId = before.job.what.parse().map_err(|_| ErrorCode::NotFound)?;
            let visit = signed_visit(w, before.job.visit.ok_or(ErrorCode::NotFound)?)?;
            let begun = begun_or_given(w, &visit, line)?;
            let newest =
                newest_job(w, &visit, line)?.map_or(before.job.copy, |newest| newest.job.copy.max(before.job.copy));
            let to = Where {
                printer: &printer,
                begun: &begun,
                copy: newest + 1,
            };
            freeze(w, &acting, &visit, line, &to)?;
            let line = Line::new(LABEL_REPRINTED).patient(visit.patient).visit(visit.id);
            acting.audit(w, line.reason(reason.trim()))?;
            Ok(())
        })
    }
}

struct Where<'a> {
    printer: &'a str,
    begun: &'a Begun,
    copy: u32,
}

/// Lays the label out and freezes its bytes as a job.
fn freeze(
    w: &mut Writing<'_>,
    acting: &Acting,
    visit: &Visit,
    line: LineId,
    to: &Where<'_>,
) -> Result<PrintJobId, Error> {
    let reprint = (to.copy > 0).then_some(to.copy);
    let print = Print {
        serial: &to.begun.serial,
        handed_over_by: &acting.staff.name,
        reprint,
    };
    let bitmap = laid_out(w, visit, line_of(visit, line)?, &print)?;
    let now = w.now();
    let id = PrintJobId::make(now, w.rng());
    w.add_print_job(&NewPrintJob {
        id,
        printer: to.printer.to_owned(),
        what: line.to_string(),
        bytes: escpos::wrap(&bitmap),
        visit: Some(visit.id),
        dispensing: Some(to.begun.dispensing),
        copy: to.copy,
    })?;
    acting.audit(
        w,
        Line::new(LABEL_PRINTED)
            .patient(visit.patient)
            .visit(visit.id)
            .about(id),
    )?;
    Ok(id)
}

/// The newest label of this line.
pub(super) fn newest_job(w: &Writing<'_>, visit: &Visit, line: LineId) -> Result<Option<PrintJob>, Error> {
    let jobs = w.print_jobs(MAX_JOBS)?;
    Ok(jobs
        .into_iter()
        .find(|row| row.job.visit == Some(visit.id) && row.job.what == line.to_string()))
}

/// A label that is printed again after handing over bears the serial that stands in the book.
fn begun_or_given(w: &mut Writing<'_>, visit: &Visit, line: LineId) -> Result<Begun, Error> {
    let given = w.dispensings(visit.id)?;
    match handed_over(&given, line).0 {
        Some((_, fact)) => Ok(Begun {
            dispensing: fact.dispensing,
            serial: fact.serial.clone(),
        }),
        None => Begun::or_begin(w, visit.id),
    }
}
