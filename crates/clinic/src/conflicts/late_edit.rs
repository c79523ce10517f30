//! `take_late_edit` and `leave_late_edit`: a draft was edited on a device that had not heard of its signature.
//!
//! The signed note stays as it was signed. What the edit says beyond it becomes an addendum, in words that a doctor
//! looks over and signs, or is left out.

use domain::{NoteSentence, SoapNote, VisitId};
use vault::{Addendum, FactBody, LateEdit, Reading, Writing};

use crate::{
    Desk, Error, ErrorCode,
    audit::{LATE_EDIT_LEFT, LATE_EDIT_TAKEN, Line},
    device::label_language,
    roles::Verb,
    sharing::refresh_releases,
    views::conflicts::{LateEditView, LateMedicine, TakeLateEdit},
};

impl Desk {
    /// Adds what was written apart to the signed note, as the doctor words it, signed by her.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `decided` when there is no such edit (any more); those of the PIN.
    pub fn take_late_edit(&self, input: TakeLateEdit) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::SignNote)?;
        let text = input.text.trim().to_owned();
        if text.is_empty() {
            return Err(Error::invalid("text"));
        }
        let signing = clinic.with_pin(&acting, &input.pin)?;
        clinic.write(&signing, |w| {
            let patient = open_edit(w, input.visit)?;
            let visit = input.visit;
            signing.record(w, FactBody::Addendum(Addendum { patient, visit, text }))?;
            w.settle_draft(visit)?;
            signing.audit(w, Line::new(LATE_EDIT_TAKEN).patient(patient).visit(visit))?;
            refresh_releases(w, patient)
        })
    }

    /// Leaves out what was written apart. It stays in the history of the draft.
    ///
    /// # Errors
    /// As [`Desk::take_late_edit`].
    pub fn leave_late_edit(&self, visit: VisitId, reason: String) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::SignNote)?;
        clinic.write(&acting, |w| {
            let patient = open_edit(w, visit)?;
            w.settle_draft(visit)?;
            let line = Line::new(LATE_EDIT_LEFT).patient(patient).visit(visit);
            let line = match reason.trim() {
                "" => line,
                reason => line.reason(reason),
            };
            acting.audit(w, line)?;
            Ok(())
        })
    }
}

/// Whose visit it is, if one signature stands under it and its draft says something else.
fn open_edit(w: &Writing<'_>, visit: VisitId) -> Result<domain::PatientId, Error> {
    let visit = w.visit(visit)?.ok_or(ErrorCode::NotFound)?;
    if visit.proposal.is_none() || visit.signed.len() != 1 {
        return Err(Error::not_now("decided"));
    }
    Ok(visit.patient)
}

/// What the edit says beyond what was signed.
pub(super) fn view(r: &Reading<'_>, visit: VisitId, edit: &LateEdit) -> Result<LateEditView, Error> {
    let signed = r.visit(visit)?.ok_or(ErrorCode::NotFound)?;
    let language = label_language(r)?;
    let medicine = |line: &domain::PrescriptionLine, taken_off| LateMedicine {
        line: line.id,
        name: line.drug_name.clone(),
        directions: pharmacy::directions(line, language),
        taken_off,
    };
    let new = edit.lines.iter().filter(|line| !signed.lines.contains(line));
    let gone = signed
        .lines
        .iter()
        .filter(|line| edit.lines.iter().all(|other| other.id != line.id));
    Ok(LateEditView {
        added: beyond(&edit.note, &signed.note),
        left_out: beyond(&signed.note, &edit.note),
        diagnoses: edit
            .diagnoses
            .iter()
            .filter(|one| !signed.diagnoses.contains(one))
            .map(|one| one.text.clone())
            .collect(),
        medicines: new
            .map(|line| medicine(line, false))
            .chain(gone.map(|line| medicine(line, true)))
            .collect(),
        vitals: (edit.vitals != signed.vitals).then(|| edit.vitals.clone()),
    })
}

/// The sentences of `one` that `other` does not have.
fn beyond(one: &SoapNote, other: &SoapNote) -> Vec<String> {
    let there: Vec<&NoteSentence> = sentences(other).collect();
    sentences(one)
        .filter(|sentence| there.iter().all(|known| known.text != sentence.text))
        .map(|sentence| sentence.text.clone())
        .collect()
}

fn sentences(note: &SoapNote) -> impl Iterator<Item = &NoteSentence> {
    let sections = [&note.subjective, &note.objective, &note.assessment, &note.plan];
    sections.into_iter().flatten()
}
