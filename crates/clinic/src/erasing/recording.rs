//! `erase_recording`: the sound of a consult goes, and its transcript with it. What was taken into the note stays.

use domain::{Role, VisitId};
use vault::{Erased, ErasureReason, FactBody, HeldDocument, Writing};

use super::{is_enrolled_as, must_be_enrolled_as};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, RECORDING_ERASED},
    roles::Verb,
    session::Acting,
    sharing::refresh_releases,
    views::sound::{EraseRecording, SoundReason},
};

const MAY: [Role; 3] = [Role::Owner, Role::Admin, Role::Doctor];

impl Desk {
    /// Erases one recording on every device: sound and transcript. Nothing brings it back.
    ///
    /// # Errors
    /// [`ErrorCode::RecordingRunning`], [`ErrorCode::NotSignedYet`] while the note that it belongs to is not signed, and
    /// those of the PIN.
    pub fn erase_recording(&self, input: EraseRecording) -> Result<(), Error> {
        let EraseRecording { recording, reason, pin } = input;
        let (clinic, acting) = self.acting(Verb::EraseRecording)?;
        let visit = clinic.read(|r| Ok(r.recording(recording)?.ok_or(ErrorCode::NotFound)?.visit))?;
        if clinic.recordings.is_live_for(visit) {
            return Err(ErrorCode::RecordingRunning.into());
        }
        let acting = clinic.with_pin(&acting, &pin)?;
        clinic.write(&acting, |w| {
            must_be_enrolled_as(w, &acting, &MAY)?;
            let signed = w.visit(visit)?.is_some_and(|visit| !visit.signed.is_empty());
            if !signed {
                return Err(ErrorCode::NotSignedYet.into());
            }
            let held = w.held_recording(recording)?.ok_or(ErrorCode::NotFound)?;
            erase(w, &acting, visit, vec![held], word(reason))
        })
    }
}

/// Where the clinic keeps no sound beyond the signature: all that was recorded of this visit goes, in the write that signs.
pub(crate) fn erase_sound_of(w: &mut Writing<'_>, acting: &Acting, visit: VisitId) -> Result<(), Error> {
    if !w.deletes_audio_at_sign_off()? || !is_enrolled_as(w, acting, &MAY)? {
        return Ok(());
    }
    let mut held = Vec::new();
    for recording in w.recordings_of_visit(visit)? {
        held.extend(w.held_recording(recording.id)?);
    }
    if held.is_empty() {
        return Ok(());
    }
    erase(w, acting, visit, held, "audio_at_sign_off")
}

/// As it is audited, for good.
const fn word(reason: SoundReason) -> &'static str {
    match reason {
        SoundReason::PatientsRight => "patients_right",
        SoundReason::NotKept => "not_kept",
    }
}

/// The fact names the one reason for which a doctor's erasing counts on every device; why it was, the audit says.
fn erase(
    w: &mut Writing<'_>,
    acting: &Acting,
    visit: VisitId,
    held: Vec<HeldDocument>,
    why: &str,
) -> Result<(), Error> {
    let patient = w.visit(visit)?.ok_or(ErrorCode::NotFound)?.patient;
    let (reason, n) = (ErasureReason::AudioAtSignOff, held.len());
    acting.record(w, FactBody::Erased(Erased::of(reason, patient, held, Vec::new())))?;
    let line = Line::new(RECORDING_ERASED).patient(patient).visit(visit);
    acting.audit(w, line.reason(why).about(n))?;
    refresh_releases(w, patient)
}
