//! `patient_history`: her visits in one line each, newest first. The consult's list of earlier ones is the same.

use domain::{PatientId, VisitId};
use vault::{Reading, Visit};

use crate::{
    Desk, Error, ErrorCode,
    audit::{HISTORY_OPENED, Line},
    conflicts::{Open, open_of},
    open::OpenClinic,
    roles::Verb,
    views::consult::{PastVisit, VisitState},
};

/// Earlier visits that the consult lists.
const MAX_BESIDE_A_VISIT: usize = 20;

impl Desk {
    /// All visits of a patient, also of one who is not in today's queue; open to whom `open_visit` is open, since it
    /// tells diagnoses and medicines. That somebody looked is audited once a session.
    pub fn patient_history(&self, patient: PatientId) -> Result<Vec<PastVisit>, Error> {
        let (clinic, acting) = self.acting(Verb::OpenVisit)?;
        let history = clinic.read(|r| {
            r.patient(patient)?.ok_or(ErrorCode::NotFound)?;
            let (visits, open) = (r.visits_of(patient)?, open_of(r, Some(patient))?);
            visits.iter().map(|visit| past_visit(r, visit, &open)).collect()
        })?;
        clinic.audit_first_look(&acting, patient.as_bytes(), Line::new(HISTORY_OPENED).patient(patient))?;
        Ok(history)
    }
}

/// Her newest visits beside `now_open`.
pub(super) fn beside(r: &Reading<'_>, patient: PatientId, now_open: VisitId) -> Result<Vec<PastVisit>, Error> {
    let (visits, open) = (r.visits_of(patient)?, open_of(r, Some(patient))?);
    let earlier = visits.iter().filter(|visit| visit.id != now_open);
    earlier
        .take(MAX_BESIDE_A_VISIT)
        .map(|visit| past_visit(r, visit, &open))
        .collect()
}

fn past_visit(r: &Reading<'_>, visit: &Visit, open: &Open) -> Result<PastVisit, Error> {
    let signed = visit.signed.first();
    Ok(PastVisit {
        visit: visit.id,
        day: visit.day,
        state: match signed {
            Some(_) => VisitState::Signed,
            None => VisitState::Draft,
        },
        doctor: OpenClinic::staff_name(r, signed.map_or(visit.doctor, |signed| signed.by))?,
        sensitive: !visit.sensitivity.is_empty(),
        summary: summary(r, visit)?,
        medicines: visit.lines.iter().map(|line| line.drug_name.clone()).collect(),
        signed_twice: open.signed_twice.contains(&visit.id),
        dispensed_twice: open.dispensed_twice.contains(&visit.id),
    })
}

/// The diagnoses; without any, why she came.
fn summary(r: &Reading<'_>, visit: &Visit) -> Result<String, Error> {
    if visit.diagnoses.is_empty() {
        let entry = r.queue_entry_of_visit(visit.id)?;
        return Ok(entry.map(|(_, entry)| entry.reason).unwrap_or_default());
    }
    let diagnoses: Vec<_> = visit
        .diagnoses
        .iter()
        .map(|diagnosis| diagnosis.text.as_str())
        .collect();
    Ok(diagnoses.join(", "))
}
