use clinic::{
    Desk, Error, ErrorCode,
    roles::{Verb, may},
    views::{
        conflicts::{ChosenValue, DecideConflict, DecideRemoved, Reverse, TakeLateEdit},
        consult::{PrescribeLine, RecordAllergy, SoundSource},
        erasing::{ClinicChoices, ErasePatient, EraseReason},
        members::{MakeAdmin, RemoveDevice, ReviewRemoved},
        network::{EntryView, SendLetter},
        pharmacy::HandOver,
        reception::QueuePatient,
        requests::{AnswerRequest, AskForRecord},
        setup::AddStaff,
        sharing::GrantConsent,
        sound::{EraseRecording, SoundReason},
        status::DeviceSettings,
    },
};
use domain::{
    ConsentLanguage, HowAgreed, PatientId, Purpose, QueueEntryId, QueueState, RecordingId, Role, Severity, Staff,
    StaffId, VisitId, Vitals,
};

use crate::{
    sharing::{evidence, terms},
    support::{Net, PIN, Place, line, note, somebody},
};

const NOBODY: PatientId = PatientId::from_bytes([9; 16]);
const NO_VISIT: VisitId = VisitId::from_bytes([9; 16]);

type Call = fn(&Desk) -> Result<(), Error>;

/// Each verb, called so that it changes nothing: its role is asked before anything else is looked at.
fn calls() -> Vec<(Verb, Call)> {
    fn done<T>(outcome: Result<T, Error>) -> Result<(), Error> {
        outcome.map(drop)
    }
    vec![
        (Verb::OfferPairing, |desk| done(desk.offer_pairing())),
        (Verb::SeeDevices, |desk| done(desk.devices())),
        (Verb::SeeDevices, |desk| done(desk.quarantined())),
        (Verb::ChangeDevices, |desk| {
            desk.rename_device("00".repeat(32), "x".repeat(99))
        }),
        (Verb::ChangeDevices, |desk| {
            desk.make_admin(MakeAdmin {
                device: "nonsense".to_owned(),
                pin: PIN.to_owned(),
                kit: None,
            })
        }),
        (Verb::ChangeDevices, |desk| {
            desk.remove_device(RemoveDevice {
                device: "00".repeat(32),
                pin: PIN.to_owned(),
                kit: None,
                undo_since: None,
                own: false,
            })
        }),
        (Verb::ChangeDevices, |desk| {
            desk.review_removed(ReviewRemoved {
                device: "nonsense".to_owned(),
                take: false,
                pin: PIN.to_owned(),
                kit: None,
            })
        }),
        (Verb::ChangeDevices, |desk| {
            done(desk.take_in_unsent("/nowhere/x".to_owned()))
        }),
        (Verb::SeeDevice, |desk| done(desk.save_unsent("/nowhere/x".to_owned()))),
        (Verb::ChangeDevices, |desk| {
            done(desk.begin_anew("/nowhere/x".to_owned(), PIN.to_owned()))
        }),
        (Verb::SeeDevice, |desk| done(desk.leave_clinic(None, PIN.to_owned()))),
        (Verb::ChangeClinic, |desk| {
            desk.save_clinic_choices(ClinicChoices {
                delete_audio_at_sign_off: false,
            })
        }),
        (Verb::EraseRecording, |desk| {
            desk.erase_recording(EraseRecording {
                recording: RecordingId::from_bytes([9; 16]),
                reason: SoundReason::NotKept,
                pin: PIN.to_owned(),
            })
        }),
        (Verb::ErasePatient, |desk| done(desk.erasure_preview(NOBODY))),
        (Verb::ErasePatient, |desk| {
            done(desk.erase_patient(ErasePatient {
                patient: NOBODY,
                reason: EraseReason::PatientsRight,
                pin: PIN.to_owned(),
            }))
        }),
        (Verb::AddStaff, |desk| {
            let (name, registration) = (String::new(), String::new());
            done(desk.add_staff(AddStaff {
                name,
                role: Role::Doctor,
                registration,
                pin: None,
            }))
        }),
        (Verb::SearchPatients, |desk| done(desk.search_patients("x".to_owned()))),
        (Verb::RegisterPatient, |desk| {
            done(desk.register_patient(somebody(" ", "850101135029")))
        }),
        (Verb::QueuePatient, |desk| {
            done(desk.queue_patient(QueuePatient {
                patient: NOBODY,
                reason: "x".to_owned(),
                doctor: None,
            }))
        }),
        (Verb::SeeToday, |desk| done(desk.today())),
        (Verb::SetQueueState, |desk| {
            desk.set_queue_state(QueueEntryId::from_bytes([9; 16]), QueueState::Done)
        }),
        (Verb::SeeBanner, |desk| done(desk.patient_banner(NOBODY))),
        (Verb::OpenVisit, |desk| done(desk.open_visit(NO_VISIT))),
        (Verb::RecordAllergy, |desk| {
            let (substance, reaction) = ("Penicillin".to_owned(), String::new());
            desk.record_allergy(RecordAllergy {
                patient: NOBODY,
                substance,
                reaction,
                severity: Severity::Mild,
            })
        }),
        (Verb::RecordAllergy, |desk| desk.no_known_allergies(NOBODY)),
        (Verb::SaveVitals, |desk| desk.save_vitals(NO_VISIT, Vitals::default())),
        (Verb::WriteNote, |desk| done(desk.save_note(NO_VISIT, note("x")))),
        (Verb::WriteNote, |desk| desk.save_diagnoses(NO_VISIT, Vec::new())),
        (Verb::WriteNote, |desk| desk.set_sensitivity(NO_VISIT, Vec::new())),
        (Verb::WriteNote, |desk| done(desk.propose_draft(NO_VISIT))),
        (Verb::Record, |desk| {
            done(desk.start_recording(
                NO_VISIT,
                SoundSource::Wav {
                    path: "/nowhere".to_owned(),
                    fast: true,
                },
            ))
        }),
        (Verb::Record, |desk| {
            desk.stop_recording(RecordingId::from_bytes([9; 16]))
        }),
        (Verb::Record, |desk| {
            desk.resume_transcription(RecordingId::from_bytes([9; 16]))
        }),
        (Verb::ListenAgain, |desk| {
            done(desk.recording_audio(RecordingId::from_bytes([9; 16]), 0, 1))
        }),
        (Verb::SeeRecordings, |desk| done(desk.recordings_of(NOBODY))),
        (Verb::ListenAgain, |desk| {
            desk.fetch_recording(RecordingId::from_bytes([9; 16]))
        }),
        (Verb::ListenAgain, |desk| {
            desk.stop_fetching_recording(RecordingId::from_bytes([9; 16]))
        }),
        (Verb::Prescribe, |desk| done(desk.check_line(NO_VISIT, line("x", 1)))),
        (Verb::Prescribe, |desk| {
            done(desk.prescribe(PrescribeLine {
                visit: NO_VISIT,
                line: line("x", 1),
                reasons: Vec::new(),
            }))
        }),
        (Verb::Prescribe, |desk| desk.remove_line(NO_VISIT, line("x", 1).id)),
        (Verb::SignNote, |desk| desk.sign_note(NO_VISIT, PIN.to_owned())),
        (Verb::SignNote, |desk| {
            desk.add_addendum(NO_VISIT, "x".to_owned(), PIN.to_owned())
        }),
        (Verb::SearchProducts, |desk| {
            done(desk.search_products("para".to_owned()))
        }),
        (Verb::SeeConflicts, |desk| done(desk.conflicts(None))),
        (Verb::DecideClinical, |desk| {
            desk.decide_conflict(deciding("allergies entries/x/severity"))
        }),
        (Verb::DecideIdentity, |desk| {
            desk.decide_conflict(deciding("identity name"))
        }),
        (Verb::DecideClinical, |desk| {
            desk.decide_removed(DecideRemoved {
                key: "x".to_owned(),
                put_back: true,
                reason: String::new(),
            })
        }),
        (Verb::SignNote, |desk| {
            desk.take_late_edit(TakeLateEdit {
                visit: NO_VISIT,
                text: "x".to_owned(),
                pin: PIN.to_owned(),
            })
        }),
        (Verb::SignNote, |desk| desk.leave_late_edit(NO_VISIT, String::new())),
        (Verb::SignNote, |desk| desk.reverse_signature(reversal())),
        (Verb::ReverseDispensing, |desk| desk.reverse_dispensing(reversal())),
        (Verb::SeeDispensing, |desk| done(desk.dispensing_queue())),
        (Verb::SeeDispensing, |desk| done(desk.open_dispense(NO_VISIT))),
        (Verb::PrintLabels, |desk| {
            done(desk.label_preview(NO_VISIT, line("x", 1).id))
        }),
        (Verb::PrintLabels, |desk| done(desk.print_labels(NO_VISIT, Vec::new()))),
        (Verb::PrintLabels, |desk| done(desk.print_jobs())),
        (Verb::OpenVisit, |desk| done(desk.patient_history(NOBODY))),
        (Verb::HandOver, |desk| {
            desk.hand_over(HandOver {
                visit: NO_VISIT,
                lines: vec![line("x", 1).id],
                reasons: Vec::new(),
                pin: PIN.to_owned(),
            })
        }),
        (Verb::SeeSharing, |desk| done(desk.network())),
        (Verb::SeeSharing, |desk| done(desk.grants_of(NOBODY))),
        (Verb::SeeSharing, |desk| done(desk.own_card())),
        (Verb::VerifyClinic, |desk| done(desk.verify_clinic("x".to_owned()))),
        (Verb::VerifyClinic, |desk| {
            done(desk.verify_by_digits("x".to_owned(), "1".to_owned()))
        }),
        (Verb::SeeDirectory, |desk| done(desk.directory())),
        (Verb::EditDirectory, |desk| {
            done(desk.publish_entry(EntryView {
                name: String::new(),
                telephone: String::new(),
                address: String::new(),
                specialties: Vec::new(),
                accepts_referrals: false,
            }))
        }),
        (Verb::ReadLetters, |desk| done(desk.letters())),
        (Verb::ReadLetters, |desk| {
            done(desk.open_letter("x".to_owned(), "y".to_owned()))
        }),
        (Verb::WriteLetter, |desk| {
            let (clinic, text) = ("00".repeat(32), String::new());
            done(desk.send_letter(SendLetter { clinic, text }))
        }),
        (Verb::AskForRecord, |desk| {
            done(desk.ask_for_record(AskForRecord {
                patient: NOBODY,
                clinic: "00".repeat(32),
                purpose: Purpose::Treatment,
                reason: String::new(),
            }))
        }),
        (Verb::SeeRequests, |desk| done(desk.record_requests())),
        (Verb::SeeRequests, |desk| {
            done(desk.open_request("x".to_owned(), "y".to_owned()))
        }),
        (Verb::SeeRequests, |desk| done(desk.open_answer("x".to_owned()))),
        (Verb::AnswerRequest, |desk| {
            done(desk.answer_request(AnswerRequest {
                from: "x".to_owned(),
                id: "y".to_owned(),
                patient: NOBODY,
                how: HowAgreed::Spoken,
                guardian: None,
                language: ConsentLanguage::Malay,
                terms: terms(&[]),
            }))
        }),
        (Verb::AnswerRequest, |desk| {
            desk.decline_request("x".to_owned(), "y".to_owned())
        }),
        (Verb::GrantConsent, |desk| {
            let (clinic, terms) = ("00".repeat(32), terms(&[]));
            done(desk.grant_consent(GrantConsent {
                patient: NOBODY,
                clinic,
                terms,
                evidence: evidence(),
            }))
        }),
        (Verb::RevokeConsent, |desk| {
            desk.revoke_consent("00".repeat(16), "x".to_owned())
        }),
        (Verb::OpenShared, |desk| done(desk.open_shared("00".repeat(16)))),
        (Verb::ExportShared, |desk| done(desk.export_fhir("00".repeat(16)))),
        (Verb::ExportShared, |desk| {
            desk.save_fhir("00".repeat(16), "/nowhere/x".to_owned())
        }),
        (Verb::SeeAudit, |desk| done(desk.audit(None))),
        (Verb::SeeDevice, |desk| done(desk.device_settings())),
        (Verb::SeeDevice, |desk| done(desk.device_contacts())),
        (Verb::SeeDevices, |desk| done(desk.plan())),
        (Verb::SeeDevice, |desk| done(desk.backup_state())),
        (Verb::SeeDevice, |desk| done(desk.backup_now())),
        (Verb::ChangeDevice, |desk| {
            desk.set_backup_folder("/nowhere".to_owned(), false)
        }),
        (Verb::ChangeDevice, |desk| {
            desk.save_device_settings(DeviceSettings {
                printer: "nonsense".to_owned(),
                label_size: String::new(),
                ups: String::new(),
                microphone: String::new(),
                model: String::new(),
                label_language: String::new(),
                lan_enabled: true,
                lan_addresses: Vec::new(),
            })
        }),
    ]
}

fn deciding(what: &str) -> DecideConflict {
    DecideConflict {
        key: format!("patient/{NOBODY}/{what}"),
        value: ChosenValue::Typed { text: "x".to_owned() },
        reason: String::new(),
    }
}

fn reversal() -> Reverse {
    Reverse {
        visit: NO_VISIT,
        fact: "00".repeat(32),
        reason: "x".to_owned(),
        pin: PIN.to_owned(),
    }
}

#[test]
fn each_role_is_refused_exactly_what_the_table_does_not_give_it() {
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar");
    let roles = [Role::Admin, Role::Doctor, Role::Pharmacist, Role::Receptionist];
    let staff: Vec<(Role, StaffId)> = roles.into_iter().map(|role| (role, place.colleague(role))).collect();
    for (role, id) in staff {
        place.sign_in(id);
        let person = Staff {
            id,
            name: String::new(),
            role,
            registration: String::new(),
            left: false,
        };
        for (verb, call) in calls() {
            let refused = matches!(call(&place.desk), Err(error) if error.code == ErrorCode::NotAllowed);
            assert_eq!(refused, !may(&person, verb), "{role:?} {verb:?}");
        }
    }
}

#[test]
fn every_verb_of_the_table_is_called_here() {
    let called: Vec<Verb> = calls().into_iter().map(|(verb, _)| verb).collect();
    assert!(Verb::ALL.iter().all(|verb| called.contains(verb)));
}
