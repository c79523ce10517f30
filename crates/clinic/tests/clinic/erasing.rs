use clinic::{
    ErrorCode,
    views::{
        consult::{NoteState, RecordingState, SoundSource},
        erasing::{ClinicChoices, ErasePatient, EraseReason},
        sound::{EraseRecording, SoundReason},
    },
};
use domain::{PatientId, RecordingId, Role, VisitId};

use crate::consult::three_seconds;
use crate::support::{Net, PIN, Place, note, refused};

fn erase(
    place: &Place,
    patient: PatientId,
    reason: EraseReason,
) -> Result<clinic::views::erasing::ErasureCount, clinic::Error> {
    let pin = PIN.to_owned();
    place.desk.erase_patient(ErasePatient { patient, reason, pin })
}

fn erase_sound(place: &Place, recording: RecordingId, reason: SoundReason) -> Result<(), clinic::Error> {
    let pin = PIN.to_owned();
    place.desk.erase_recording(EraseRecording { recording, reason, pin })
}

/// A recording of a visit, with its sound on this device.
pub(crate) fn record(place: &Place, visit: VisitId) -> RecordingId {
    let wav = place.data().join("said.wav");
    std::fs::write(&wav, three_seconds()).unwrap();
    let path = wav.to_str().unwrap().to_owned();
    let source = SoundSource::Wav { path, fast: true };
    let recording = place.desk.start_recording(visit, source).unwrap();
    place.wait_until("the recording has ended", |desk| {
        desk.open_visit(visit).unwrap().recordings[0].state == RecordingState::Failed
    });
    recording
}

#[test]
fn a_record_that_has_to_be_kept_is_not_erased_and_the_screen_is_told_until_when() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let queued = place.queued("Nur Aisyah binti Rahman", "850101135029");
    place.signed_visit(&queued, None);
    let preview = place.desk.erasure_preview(queued.patient).unwrap();
    assert!(!preview.retention_is_over);
    assert_eq!((preview.goes.documents, preview.goes.facts), (0, 0));
    assert_eq!((preview.stays.visits, preview.stays.facts), (1, 1));
    for reason in [EraseReason::PatientsRight, EraseReason::Retention] {
        let error = refused(erase(&place, queued.patient, reason), ErrorCode::NotNow);
        assert_eq!(error.detail["why"], "retention");
        assert_eq!(error.detail["until"], preview.kept_until.to_string());
    }
    assert!(place.desk.patient_banner(queued.patient).is_ok());

    // Eight years on all of it may go, and nothing of it is left.
    place.clock.step_ms(8 * 366 * 86_400_000);
    let preview = place.desk.erasure_preview(queued.patient).unwrap();
    assert!(preview.retention_is_over);
    assert_eq!((preview.stays.documents, preview.queue_lines), (0, 1));
    refused(
        place.desk.erase_patient(ErasePatient {
            patient: queued.patient,
            reason: EraseReason::Retention,
            pin: "000000".to_owned(),
        }),
        ErrorCode::WrongPin,
    );
    let count = erase(&place, queued.patient, EraseReason::Retention).unwrap();
    assert_eq!(count, preview.goes);
    refused(place.desk.erasure_preview(queued.patient), ErrorCode::NotFound);
    assert!(place.desk.search_patients("aisyah".to_owned()).unwrap().is_empty());
    refused(place.desk.open_visit(queued.visit), ErrorCode::NotFound);
    let audit = place.desk.audit(Some(queued.patient)).unwrap();
    let line = audit.iter().find(|row| row.action == "patient.erased").unwrap();
    assert_eq!(line.reason.as_deref(), Some("retention"));
    assert_eq!(line.patient_name, None);
    place.desk.today().unwrap();
}

#[test]
fn where_the_clinic_keeps_no_sound_it_goes_with_the_signature_and_the_note_stays() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    assert_eq!(
        place.desk.clinic_choices().unwrap(),
        ClinicChoices {
            delete_audio_at_sign_off: false
        }
    );
    place
        .desk
        .save_clinic_choices(ClinicChoices {
            delete_audio_at_sign_off: true,
        })
        .unwrap();
    let queued = place.queued("Nur Aisyah binti Rahman", "850101135029");
    let recording = record(&place, queued.visit);
    refused(
        erase_sound(&place, recording, SoundReason::NotKept),
        ErrorCode::NotSignedYet,
    );
    place
        .desk
        .save_note(queued.visit, note("Fever for three days."))
        .unwrap();
    place.desk.sign_note(queued.visit, PIN.to_owned()).unwrap();

    let view = place.desk.open_visit(queued.visit).unwrap();
    assert!(view.recordings.is_empty());
    assert!(matches!(view.note, NoteState::Signed { .. }));
    refused(place.desk.recording_audio(recording, 0, 500), ErrorCode::NotFound);
    let folder = place.clinic_folder().join("attachments");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn one_recording_is_erased_by_whoever_may_once_its_note_is_signed() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let queued = place.queued("Nur Aisyah binti Rahman", "850101135029");
    let recording = record(&place, queued.visit);
    place.signed_visit(&queued, None);
    let desk = place.colleague(Role::Receptionist);
    place.sign_in(desk);
    refused(
        erase_sound(&place, recording, SoundReason::PatientsRight),
        ErrorCode::NotAllowed,
    );
    refused(
        erase(&place, queued.patient, EraseReason::PatientsRight),
        ErrorCode::NotAllowed,
    );
    place.sign_in(place.owner());
    assert_eq!(place.desk.erasure_preview(queued.patient).unwrap().goes.recordings, 1);
    erase_sound(&place, recording, SoundReason::PatientsRight).unwrap();
    assert!(place.desk.open_visit(queued.visit).unwrap().recordings.is_empty());
    let audit = place.desk.audit(Some(queued.patient)).unwrap();
    let line = audit.iter().find(|row| row.action == "recording.erased").unwrap();
    assert_eq!(line.reason.as_deref(), Some("patients_right"));
    assert_eq!(place.desk.erasure_preview(queued.patient).unwrap().goes.recordings, 0);
}
