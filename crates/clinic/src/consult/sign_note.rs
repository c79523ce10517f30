//! `sign_note`: from here on nothing edits the note.

use domain::{QueueState, VisitId};
use vault::{FactBody, NoteSigned, Reading, Visit};

use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, NOTE_SIGNED},
    erasing::erase_sound_of,
    pharmacy_checks::Checks,
    roles::Verb,
    sharing::refresh_releases,
};

impl Desk {
    /// Signs the note of a visit with the doctor's own key, asked for by her PIN.
    ///
    /// In one transaction: the signed fact, the next step of the queue, the releases for the patient's live consents,
    /// the audit line.
    ///
    /// # Errors
    /// [`ErrorCode::NothingToSign`], [`ErrorCode::Signed`], [`ErrorCode::ReasonNeeded`] when a serious alert came up
    /// after the line was written, [`ErrorCode::RecordingRunning`], [`ErrorCode::NotNow`] with `why` = `undecided` while
    /// something of this visit was written apart and nobody has decided, and those of the PIN.
    pub fn sign_note(&self, visit: VisitId, pin: String) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::SignNote)?;
        if clinic.recordings.is_live_for(visit) {
            return Err(ErrorCode::RecordingRunning.into());
        }
        clinic.read(|r| ready_to_sign(r, &r.visit(visit)?.ok_or(ErrorCode::NotFound)?))?;
        let signing = clinic.with_pin(&acting, &pin)?;
        clinic.write(&signing, |w| {
            let visit = w.visit(visit)?.ok_or(ErrorCode::NotFound)?;
            ready_to_sign(w, &visit)?;
            let open = Checks::of(w, &visit)?.open();
            if !open.is_empty() {
                return Err(Error::new(ErrorCode::ReasonNeeded).with("keys", open.join(",")));
            }
            let (id, patient) = (visit.id, visit.patient);
            let next = if visit.lines.is_empty() {
                QueueState::Done
            } else {
                QueueState::AtPharmacy
            };
            signing.record(w, FactBody::NoteSigned(signed(visit)))?;
            if let Some((_, entry)) = w.queue_entry_of_visit(id)? {
                w.set_queue_state(entry.id, next)?;
            }
            signing.audit(w, Line::new(NOTE_SIGNED).patient(patient).visit(id))?;
            erase_sound_of(w, &signing, id)?;
            refresh_releases(w, patient)
        })
    }
}

fn ready_to_sign(r: &Reading<'_>, visit: &Visit) -> Result<(), Error> {
    if !visit.signed.is_empty() {
        return Err(ErrorCode::Signed.into());
    }
    if visit.note.is_empty() {
        return Err(ErrorCode::NothingToSign.into());
    }
    // Nobody signs one of two doses that she has not been shown.
    let open = r.matters(Some(visit.patient))?;
    if open.iter().any(|matter| matter.visit() == Some(visit.id)) {
        return Err(Error::not_now("undecided"));
    }
    Ok(())
}

/// The visit as it is signed: whatever comes later is an addendum.
fn signed(visit: Visit) -> NoteSigned {
    NoteSigned {
        patient: visit.patient,
        visit: visit.id,
        note: visit.note,
        diagnoses: visit.diagnoses,
        vitals: visit.vitals,
        lines: visit.lines,
        sensitivity: visit.sensitivity,
    }
}
