//! `open_visit`: everything that the consult shows.

use domain::VisitId;
use vault::{FactBody, Reading, Recording, Visit};

use super::{heard_in, past_visits};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, VISIT_OPENED},
    open::OpenClinic,
    pharmacy_checks::{CheckedLine, Checks},
    reception::banner_of,
    recording::view as recording_view,
    roles::Verb,
    sharing::received_for,
    views::consult::{Addendum, NoteState, VisitView},
};

impl Desk {
    /// The visit, its patient, and what other clinics share about her. That somebody looked is audited once a session.
    pub fn open_visit(&self, visit: VisitId) -> Result<VisitView, Error> {
        let (clinic, acting) = self.acting(Verb::OpenVisit)?;
        clinic.read_first_of_visit(visit)?;
        let (view, patient) = clinic.read(|r| {
            let visit = r.visit(visit)?.ok_or(ErrorCode::NotFound)?;
            let patient = visit.patient;
            Ok((view_of(&clinic, r, visit)?, patient))
        })?;
        let line = Line::new(VISIT_OPENED).patient(patient).visit(visit);
        clinic.audit_first_look(&acting, visit.as_bytes(), line)?;
        Ok(view)
    }
}

fn view_of(clinic: &OpenClinic, r: &Reading<'_>, visit: Visit) -> Result<VisitView, Error> {
    let (_, entry) = r.queue_entry_of_visit(visit.id)?.ok_or(ErrorCode::NotFound)?;
    let recordings = r.recordings_of_visit(visit.id)?;
    Ok(VisitView {
        visit: visit.id,
        token: entry.token,
        day: visit.day,
        reason: entry.reason,
        state: entry.state,
        banner: banner_of(r, visit.patient)?,
        past_visits: past_visits::beside(r, visit.patient, visit.id)?,
        note: note_state(r, &visit, &recordings)?,
        diagnoses: visit.diagnoses.clone(),
        vitals: visit.vitals.clone(),
        sensitivity: visit.sensitivity.clone(),
        lines: checked_lines(r, &visit)?,
        recordings: recordings
            .iter()
            .map(|one| recording_view(clinic, r, one))
            .collect::<Result<_, _>>()?,
        shared: received_for(r, visit.patient)?,
    })
}

/// The prescription with its findings.
pub(crate) fn checked_lines(r: &Reading<'_>, visit: &Visit) -> Result<Vec<CheckedLine>, Error> {
    Ok(Checks::of(r, visit)?.checked())
}

fn note_state(r: &Reading<'_>, visit: &Visit, recordings: &[Recording]) -> Result<NoteState, Error> {
    let mut note = visit.note.clone();
    heard_in::fill(&mut note, recordings.iter().map(|one| (one.id, one.turns.as_slice())));
    let Some(signed) = visit.signed.first() else {
        return Ok(NoteState::Draft { note, saved_at: None });
    };
    let mut addenda = Vec::new();
    for fact in r.facts_of_visit(visit.id)? {
        if let FactBody::Addendum(addendum) = fact.body {
            addenda.push(Addendum {
                text: addendum.text,
                by: OpenClinic::staff_name(r, fact.by)?,
                at: fact.at,
            });
        }
    }
    addenda.sort_by_key(|addendum| addendum.at);
    Ok(NoteState::Signed {
        note,
        signed_by: OpenClinic::staff_name(r, signed.by)?,
        signed_at: signed.at,
        verified: signed.verified,
        addenda,
        twice: visit.signed.len() > 1,
        late_edit: visit.signed.len() == 1 && visit.proposal.is_some(),
    })
}
