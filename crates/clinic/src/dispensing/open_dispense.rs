//! `open_dispense`: one prescription, checked once more.

use domain::VisitId;
use vault::{Dispensed as Fact, FactBody, Reading, RecordedFact, Visit};

use super::{
    book::{Begun, handed_over},
    reasons::with_reasons_given,
};
use crate::{
    Desk, Error, ErrorCode,
    consult::checked_lines,
    device::label_language,
    open::OpenClinic,
    printing,
    reception::banner_of,
    roles::Verb,
    views::pharmacy::{DispenseLine, DispenseView, Dispensed, ReversedDispensing},
};

impl Desk {
    /// The prescription with its checks as they answer now, its labels, and what was handed over.
    ///
    /// # Errors
    /// [`ErrorCode::NotSignedYet`].
    pub fn open_dispense(&self, visit: VisitId) -> Result<DispenseView, Error> {
        let (clinic, _) = self.acting(Verb::SeeDispensing)?;
        clinic.read_first_of_visit(visit)?;
        clinic.read(|r| view(r, &signed_visit(r, visit)?))
    }
}

/// The visit, if its prescription is signed.
pub(super) fn signed_visit(r: &Reading<'_>, visit: VisitId) -> Result<Visit, Error> {
    let visit = r.visit(visit)?.ok_or(ErrorCode::NotFound)?;
    if visit.signed.is_empty() {
        Err(ErrorCode::NotSignedYet.into())
    } else {
        Ok(visit)
    }
}

fn view(r: &Reading<'_>, visit: &Visit) -> Result<DispenseView, Error> {
    let (_, entry) = r.queue_entry_of_visit(visit.id)?.ok_or(ErrorCode::NotFound)?;
    let language = label_language(r)?;
    let given = r.dispensings(visit.id)?;
    let begun = Begun::of(r, visit.id)?;
    let jobs = r.print_jobs(MAX_JOBS)?;

    let mut lines = Vec::new();
    for checked in checked_lines(r, &with_reasons_given(visit.clone(), &given))? {
        let id = checked.line.id;
        let (first, _) = handed_over(&given, id);
        // Newest first: the first that is found is the newest.
        let job = jobs
            .iter()
            .find(|row| row.job.visit == Some(visit.id) && row.job.what == id.to_string());
        let serial = first
            .map(|(_, fact)| fact.serial.clone())
            .or(begun.as_ref().map(|begun| begun.serial.clone()));
        lines.push(DispenseLine {
            directions: vec![pharmacy::directions(&checked.line, language)],
            serial,
            job: job.map(|job| printing::view(r, job)).transpose()?,
            handed_over: first.map(|first| dispensed(r, first)).transpose()?,
            checked,
        });
    }
    let all_given = !lines.is_empty() && lines.iter().all(|line| line.handed_over.is_some());
    let last = given.iter().max_by_key(|(fact, _)| fact.at).filter(|_| all_given);
    Ok(DispenseView {
        visit: visit.id,
        token: entry.token,
        banner: banner_of(r, visit.patient)?,
        doctor_name: OpenClinic::staff_name(r, visit.signed.first().and_then(|signed| signed.by))?,
        dispensed: last.map(|last| dispensed(r, last)).transpose()?,
        dispensed_twice: visit.lines.iter().any(|line| handed_over(&given, line.id).1 > 1),
        reversed: reversed(r, visit.id)?,
        lines,
    })
}

fn reversed(r: &Reading<'_>, visit: VisitId) -> Result<Vec<ReversedDispensing>, Error> {
    let (facts, mut rows) = (r.facts_of_visit(visit)?, Vec::new());
    for (by, reversal) in r.reversals(visit)? {
        let Some(fact) = facts.iter().find(|fact| fact.id == reversal.reverses) else {
            continue;
        };
        let FactBody::Dispensed(dispensed) = &fact.body else {
            continue;
        };
        rows.push(ReversedDispensing {
            by: OpenClinic::staff_name(r, fact.by)?,
            at: fact.at,
            serial: dispensed.serial.clone(),
            reversed_by: OpenClinic::staff_name(r, by.by)?,
            reason: reversal.reason,
        });
    }
    Ok(rows)
}

/// Jobs that are looked through for a line's newest label.
pub(super) const MAX_JOBS: u32 = 500;

fn dispensed(r: &Reading<'_>, (fact, _): &(RecordedFact, Fact)) -> Result<Dispensed, Error> {
    Ok(Dispensed {
        by: OpenClinic::staff_name(r, fact.by)?,
        at: fact.at,
    })
}
