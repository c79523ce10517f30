//! A signed visit with all that came from it, as another clinic would be shown it.

use domain::{PrescriptionLine, StaffId};
use fhir::{Author, SharedDispensing, SharedMedicine, SharedNote, SharedReason, SharedRecording, SharedVisit};
use vault::{FactBody, Reading, Visit};

use crate::{Error, device::label_language, dispensing::with_reasons_given};

/// The visit and its parts. What is sensitive about the visit is sensitive about each of them.
pub(super) struct SignedVisit {
    pub visit: Visit,
    pub shown: SharedVisit,
    pub medicines: Vec<SharedMedicine>,
    pub recordings: Vec<SharedRecording>,
}

/// `None` for a visit whose note is not signed.
pub(super) fn signed_visit(r: &Reading<'_>, visit: Visit) -> Result<Option<SignedVisit>, Error> {
    let Some(signed) = visit.signed.first() else {
        return Ok(None);
    };
    let (author, signed_at) = (author(r, signed.by)?, signed.at);
    let words = |sentences: &[domain::NoteSentence]| sentences.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
    let mut plan = words(&visit.note.plan);
    let (mut addenda, dispensings) = (Vec::new(), r.dispensings(visit.id)?);
    let visit = with_reasons_given(visit, &dispensings);
    for fact in r.facts_of_visit(visit.id)? {
        if let FactBody::Addendum(addendum) = fact.body {
            addenda.push((fact.at, addendum.text));
        }
    }
    addenda.sort();
    plan.extend(addenda.into_iter().map(|(at, text)| format!("[{at}] {text}")));

    let shown = SharedVisit {
        id: visit.id.to_string(),
        started_at: visit.opened_at,
        signed_at,
        author: author.clone(),
        note: SharedNote {
            subjective: words(&visit.note.subjective),
            objective: words(&visit.note.objective),
            assessment: words(&visit.note.assessment),
            plan,
        },
        diagnoses: visit.diagnoses.clone(),
        vitals: visit.vitals.clone(),
        sensitivity: visit.sensitivity.clone(),
    };
    let language = label_language(r)?;
    let mut medicines = Vec::new();
    for line in &visit.lines {
        let mut dispensed = Vec::new();
        for (fact, given) in &dispensings {
            for item in given.items.iter().filter(|item| item.line.id == line.id) {
                dispensed.push(SharedDispensing {
                    id: given.dispensing.to_string(),
                    at: fact.at,
                    by: self::author(r, fact.by)?,
                    quantity: item.quantity,
                });
            }
        }
        medicines.push(SharedMedicine {
            id: line.id.to_string(),
            visit: visit.id.to_string(),
            reasons: line.overrides.iter().map(SharedReason::from).collect(),
            line: PrescriptionLine {
                overrides: Vec::new(),
                ..line.clone()
            },
            directions: pharmacy::directions(line, language),
            prescribed_at: signed_at,
            prescriber: author.clone(),
            dispensed,
            sensitivity: visit.sensitivity.clone(),
        });
    }
    let recordings = r.recordings_of_visit(visit.id)?.into_iter().map(|one| SharedRecording {
        id: one.id.to_string(),
        visit: visit.id.to_string(),
        recorded_at: one.started_at,
        duration_ms: u32::try_from(one.millis).unwrap_or(u32::MAX),
        transcript: one.turns,
        sensitivity: visit.sensitivity.clone(),
    });
    let recordings = recordings.collect();
    Ok(Some(SignedVisit {
        shown,
        medicines,
        recordings,
        visit,
    }))
}

fn author(r: &Reading<'_>, staff: Option<StaffId>) -> Result<Author, Error> {
    let staff = match staff {
        Some(id) => r.staff(id)?,
        None => None,
    };
    Ok(staff.map_or_else(
        || Author {
            name: String::new(),
            registration: String::new(),
        },
        |staff| Author {
            name: staff.name,
            registration: staff.registration,
        },
    ))
}
