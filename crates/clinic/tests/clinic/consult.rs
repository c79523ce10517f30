mod recording;

use clinic::{
    ErrorCode,
    views::{
        consult::{NoteState, OverrideReason, PrescribeLine, RecordAllergy, RecordingState, SoundSource, VisitState},
        reception::Queued,
    },
};
use domain::{
    AllergyStatus, Certainty, Heard, Kilograms, NoteSentence, QueueState, RecordingId, Severity, Span, Speaker, Turn,
    Vitals,
};

use crate::support::{Net, PIN, Place, line, note, product, refused};

fn consulting(net: &Net) -> (Place, Queued) {
    let place = Place::founded(net, 1, "Klinik Seri Mawar");
    let queued = place.queued("Nur Aisyah binti Rahman", "850101135029");
    (place, queued)
}

fn allergic_to_penicillin(place: &Place, queued: &Queued) {
    let input = RecordAllergy {
        patient: queued.patient,
        substance: "Penisilin".to_owned(),
        reaction: "swelling".to_owned(),
        severity: Severity::Anaphylaxis,
    };
    place.desk.record_allergy(input).unwrap();
}

#[test]
fn a_draft_is_kept_as_it_is_typed_and_survives_a_restart() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    place
        .desk
        .save_note(queued.visit, note("Fever for three days."))
        .unwrap();
    let vitals = Vitals {
        weight: Some(Kilograms(58.0)),
        ..Vitals::default()
    };
    place.desk.save_vitals(queued.visit, vitals).unwrap();
    let place = place.restarted(&net);
    place.sign_in(place.owner());
    let view = place.desk.open_visit(queued.visit).unwrap();
    let NoteState::Draft { note, .. } = view.note else {
        panic!("nobody signed it")
    };
    assert_eq!(note.subjective[0].text, "Fever for three days.");
    assert_eq!(view.banner.vitals.weight, Some(Kilograms(58.0)));
    assert_eq!(view.banner.vitals.weight_on, Some(view.day), "a weight has its day");
}

#[test]
fn a_signed_note_refuses_an_edit_and_takes_an_addendum() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    let visit = queued.visit;
    refused(place.desk.sign_note(visit, PIN.to_owned()), ErrorCode::NothingToSign);
    refused(
        place.desk.add_addendum(visit, "Later.".to_owned(), PIN.to_owned()),
        ErrorCode::NotSignedYet,
    );
    place.signed_visit(&queued, None);

    refused(place.desk.save_note(visit, note("Something else.")), ErrorCode::Signed);
    refused(place.desk.save_vitals(visit, Vitals::default()), ErrorCode::Signed);
    refused(place.desk.save_diagnoses(visit, Vec::new()), ErrorCode::Signed);
    refused(place.desk.sign_note(visit, PIN.to_owned()), ErrorCode::Signed);
    place
        .desk
        .add_addendum(visit, "She called: the fever is gone.".to_owned(), PIN.to_owned())
        .unwrap();

    let NoteState::Signed {
        note,
        signed_by,
        verified,
        addenda,
        ..
    } = place.desk.open_visit(visit).unwrap().note
    else {
        panic!("it is signed");
    };
    assert_eq!(note.subjective[0].text, "Fever for three days.");
    assert_eq!((signed_by.as_str(), verified), ("Dr Aisyah", true));
    assert_eq!(addenda[0].text, "She called: the fever is gone.");
    assert_eq!(
        place.desk.today().unwrap().rows[0].state,
        QueueState::Done,
        "no medicine was prescribed"
    );
}

#[test]
fn a_wrong_pin_signs_nothing() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    place.desk.save_note(queued.visit, note("Fever.")).unwrap();
    refused(
        place.desk.sign_note(queued.visit, "999999".to_owned()),
        ErrorCode::WrongPin,
    );
    assert!(matches!(
        place.desk.open_visit(queued.visit).unwrap().note,
        NoteState::Draft { .. }
    ));
}

#[test]
fn not_asked_none_known_and_known_are_three_answers() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    let status = || place.desk.patient_banner(queued.patient).unwrap().allergies;
    assert_eq!(status(), AllergyStatus::NotAsked);
    place.desk.no_known_allergies(queued.patient).unwrap();
    assert!(matches!(status(), AllergyStatus::NoneKnown { .. }));
    allergic_to_penicillin(&place, &queued);
    let AllergyStatus::Known { allergies } = status() else {
        panic!("there is one")
    };
    assert_eq!(
        allergies[0].substance_key.as_deref(),
        Some("penicillins"),
        "the word was understood"
    );
    refused(place.desk.no_known_allergies(queued.patient), ErrorCode::NotNow);
    allergic_to_penicillin(&place, &queued);
    let AllergyStatus::Known { allergies } = status() else {
        panic!("there is one")
    };
    assert_eq!(allergies.len(), 1, "said twice is still one allergy");
}

#[test]
fn a_serious_allergy_wants_a_reason_and_the_reason_is_audited() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    allergic_to_penicillin(&place, &queued);
    let line = line(&product(&place.desk, "amoxicillin"), 1);
    let prescribe = |reasons: Vec<OverrideReason>| {
        place.desk.prescribe(PrescribeLine {
            visit: queued.visit,
            line: line.clone(),
            reasons,
        })
    };
    let error = refused(prescribe(Vec::new()), ErrorCode::ReasonNeeded);
    let key = error.detail["keys"].split(',').next().unwrap().to_owned();
    assert!(key.starts_with("allergy:penicillins:"), "{key}");
    assert!(
        place.desk.open_visit(queued.visit).unwrap().lines.is_empty(),
        "nothing was saved"
    );

    let give = |reason: &str| {
        vec![OverrideReason {
            finding_key: key.clone(),
            reason: reason.to_owned(),
        }]
    };
    refused(prescribe(give("  ")), ErrorCode::ReasonNeeded);
    let checked = prescribe(give("Took it last year without harm.")).unwrap();
    assert!(checked.open.is_empty());
    assert_eq!(checked.line.overrides[0].reason, "Took it last year without harm.");
    let audit = place.desk.audit(Some(queued.patient)).unwrap();
    let overridden = audit.iter().find(|row| row.action == "alert.overridden").unwrap();
    assert_eq!(overridden.reason.as_deref(), Some("Took it last year without harm."));
}

#[test]
fn an_allergy_that_comes_up_after_prescribing_stops_the_signature() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    place.desk.no_known_allergies(queued.patient).unwrap();
    let line = line(&product(&place.desk, "amoxicillin"), 1);
    place
        .desk
        .prescribe(PrescribeLine {
            visit: queued.visit,
            line: line.clone(),
            reasons: Vec::new(),
        })
        .unwrap();
    place.desk.save_note(queued.visit, note("Sore throat.")).unwrap();
    allergic_to_penicillin(&place, &queued);
    refused(
        place.desk.sign_note(queued.visit, PIN.to_owned()),
        ErrorCode::ReasonNeeded,
    );
    place.desk.remove_line(queued.visit, line.id).unwrap();
    place.desk.sign_note(queued.visit, PIN.to_owned()).unwrap();
}

#[test]
fn what_the_tables_know_of_a_product_is_not_the_screens_to_say() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    let key = product(&place.desk, "paracetamol");
    let mut typed = line(&key, 1);
    typed.drug_name = "Sugar".to_owned();
    let input = PrescribeLine {
        visit: queued.visit,
        line: typed,
        reasons: Vec::new(),
    };
    let checked = place.desk.prescribe(input).unwrap();
    assert!(checked.line.drug_name.to_lowercase().contains("paracetamol"));
}

/// A WAV file: one channel, 16 kHz, a tone of 440 Hz.
pub fn three_seconds() -> Vec<u8> {
    let samples: Vec<i16> = (0..48_000)
        .map(|n| (f64::from(n) * 440.0 * std::f64::consts::TAU / 16_000.0).sin() * 8000.0)
        .map(|s| s as i16)
        .collect();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + 96_000u32).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16u32.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(16_000u32.to_le_bytes());
    file.extend(32_000u32.to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend(16u16.to_le_bytes());
    file.extend(b"data");
    file.extend(96_000u32.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[test]
fn the_history_of_any_patient_is_hers_newest_first_and_looking_is_audited() {
    let net = Net::start();
    let (place, first) = consulting(&net);
    let diagnosis = domain::Diagnosis {
        text: "Acute pharyngitis".to_owned(),
        icd10: None,
    };
    place.desk.save_diagnoses(first.visit, vec![diagnosis]).unwrap();
    place
        .desk
        .set_sensitivity(first.visit, vec![domain::Sensitivity::MentalHealth])
        .unwrap();
    place.desk.no_known_allergies(first.patient).unwrap();
    place.signed_visit(&first, Some(line(&product(&place.desk, "paracetamol"), 1)));
    place.queued("Siti", "900202105028");
    place.clock.step_ms(2 * 24 * 60 * 60 * 1000);
    assert!(place.desk.today().unwrap().rows.is_empty());
    let (patient, reason) = (first.patient, "cough".to_owned());
    let second = place
        .desk
        .queue_patient(clinic::views::reception::QueuePatient {
            patient,
            reason,
            doctor: None,
        })
        .unwrap();

    let history = place.desk.patient_history(first.patient).unwrap();
    assert_eq!(
        history.iter().map(|one| one.visit).collect::<Vec<_>>(),
        [second.visit, first.visit]
    );
    let (now, past) = (&history[0], &history[1]);
    assert_eq!((now.state, now.summary.as_str()), (VisitState::Draft, "cough"));
    assert_eq!((now.doctor.as_str(), now.sensitive), ("", false));
    assert_eq!(
        (past.state, past.summary.as_str()),
        (VisitState::Signed, "Acute pharyngitis")
    );
    assert_eq!((past.doctor.as_str(), past.sensitive), ("Dr Aisyah", true));
    assert!(past.medicines[0].to_lowercase().contains("paracetamol"));
    // The consult lists the same, without the visit that it shows.
    assert_eq!(place.desk.open_visit(second.visit).unwrap().past_visits, history[1..]);

    place.desk.patient_history(first.patient).unwrap();
    let audit = place.desk.audit(Some(first.patient)).unwrap();
    assert_eq!(audit.iter().filter(|row| row.action == "history.opened").count(), 1);
    refused(
        place.desk.patient_history(domain::PatientId::from_bytes([9; 16])),
        ErrorCode::NotFound,
    );
}
