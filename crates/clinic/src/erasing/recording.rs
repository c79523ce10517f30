//! `erase_recording`: the sound of a consult goes, and its transcript with it. What was taken into the note stays.

use domain::{PatientId, Role, VisitId};
use vault::{Erased, ErasureReason, FactBody, HeldDocument, SoundErased, Writing};

use super::{is_enrolled_as, must_be_enrolled_as, word};
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
            erase(w, &acting, visit, vec![held], Some(reason))
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
    erase(w, acting, visit, held, None)
}

/// At somebody's word, for this reason; with none, since the note was signed.
fn erase(
    w: &mut Writing<'_>,
    acting: &Acting,
    visit: VisitId,
    held: Vec<HeldDocument>,
    reason: Option<SoundReason>,
) -> Result<(), Error> {
    let patient = w.visit(visit)?.ok_or(ErrorCode::NotFound)?.patient;
    let n = held.len();
    let (erased, why) = told(patient, held, reason);
    acting.record(w, FactBody::Erased(erased))?;
    let line = Line::new(RECORDING_ERASED).patient(patient).visit(visit);
    acting.audit(w, line.reason(why).about(n))?;
    refresh_releases(w, patient)
}

/// The fact, and the word for its reason as it is audited for good. The fact names the one reason for which a doctor's erasing
/// counts on every device, older ones included, and beside it why it was.
fn told(patient: PatientId, held: Vec<HeldDocument>, reason: Option<SoundReason>) -> (Erased, &'static str) {
    let counts_as = ErasureReason::AudioAtSignOff;
    let (sound, why) = match reason {
        None => (None, word(counts_as)),
        Some(SoundReason::PatientsRight) => (Some(SoundErased::PatientsRight), "patients_right"),
        Some(SoundReason::NotKept) => (Some(SoundErased::NotKept), "not_kept"),
    };
    let erased = Erased {
        sound,
        ..Erased::of(counts_as, patient, held, Vec::new())
    };
    (erased, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_reason_is_stored_as_what_it_is_and_counts_for_a_doctor_on_devices_of_before() {
        let patient = PatientId::from_bytes([3; 16]);
        for (reason, stored, audited) in [
            (None, None, "audio_at_sign_off"),
            (
                Some(SoundReason::PatientsRight),
                Some("patients_right"),
                "patients_right",
            ),
            (Some(SoundReason::NotKept), Some("not_kept"), "not_kept"),
        ] {
            let (erased, why) = told(patient, Vec::new(), reason);
            let fact = serde_json::to_value(&erased).unwrap();
            assert_eq!(fact["sound"].as_str(), stored);
            assert_eq!(fact["reason"], "audio_at_sign_off");
            assert_eq!(why, audited);
        }
    }
}
