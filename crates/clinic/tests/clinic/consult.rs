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

#[test]
fn a_recording_without_a_model_is_kept_and_heard_again() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    let wav = place.data().join("said.wav");
    std::fs::write(&wav, three_seconds()).unwrap();
    let source = || SoundSource::Wav {
        path: wav.to_str().unwrap().to_owned(),
        fast: true,
    };
    let recording = place.desk.start_recording(queued.visit, source()).unwrap();
    let state = |place: &Place| place.desk.open_visit(queued.visit).unwrap().recordings[0].state;
    place.wait_until("the recording has ended", |_| state(&place) == RecordingState::Failed);

    let view = place.desk.open_visit(queued.visit).unwrap();
    assert_eq!(view.recordings[0].length_ms, 3000);
    let heard = place.desk.recording_audio(recording, 1500, 2500).unwrap();
    assert_eq!(
        heard.len(),
        (44usize + 2 * 16_000).div_ceil(3) * 4,
        "one second of sound, in base64"
    );
    refused(place.desk.recording_audio(recording, 5, 5), ErrorCode::Invalid);
    refused(place.desk.resume_transcription(recording), ErrorCode::NoModel);
    refused(place.desk.propose_draft(queued.visit), ErrorCode::NoTranscript);
    let missing = SoundSource::Wav {
        path: "/nowhere.wav".to_owned(),
        fast: true,
    };
    refused(
        place.desk.start_recording(queued.visit, missing),
        ErrorCode::SoundUnreadable,
    );

    // After a restart it is still whole.
    let place = place.restarted(&net);
    place.sign_in(place.owner());
    assert_eq!(place.desk.recording_audio(recording, 1500, 2500).unwrap(), heard);
}

#[test]
fn a_recording_that_a_crash_cut_off_is_offered_again_with_its_sound() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    place.desk.shut_down();
    let recording = crashed_recording(&place, &queued);

    let place = place.restarted(&net);
    place.sign_in(place.owner());
    let view = &place.desk.open_visit(queued.visit).unwrap().recordings[0];
    assert_eq!(
        (view.id, view.state, view.length_ms),
        (recording, RecordingState::Interrupted, 2000)
    );
    assert!(place.desk.recording_audio(recording, 500, 1500).is_ok());
    refused(place.desk.resume_transcription(recording), ErrorCode::NoModel);
}

/// What a store looks like when the power went while the room was being recorded: two seconds, and no end.
fn crashed_recording(place: &Place, queued: &Queued) -> RecordingId {
    let vault = place.store();
    let recording = RecordingId::from_bytes([5; 16]);
    let new = vault::NewRecording {
        id: recording,
        patient: queued.patient,
        visit: queued.visit,
        attachment: domain::AttachmentId::from_bytes([6; 16]),
        started_at: vault.now(),
        sample_rate: 16_000,
        channels: 1,
    };
    vault.write(None, |w| w.start_recording(&new)).unwrap();
    for second in 0..2u32 {
        let mut chunk = (second * 1000).to_le_bytes().to_vec();
        chunk.extend([0u8; 32_000]);
        vault.append_chunk(recording, &chunk, 1000).unwrap();
    }
    recording
}

/// One who speaks for so long from the beginning of a recording.
fn said(text: &str, end_ms: u32) -> Turn {
    Turn {
        span: Span { start_ms: 0, end_ms },
        speaker: Speaker::Patient,
        certainty: Certainty::Certain,
        language: None,
        text: text.to_owned(),
    }
}

#[test]
fn each_sentence_names_the_recording_that_it_was_heard_in() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    place.desk.shut_down();
    let [first, second] = [1, 2].map(|n| RecordingId::from_bytes([n; 16]));
    let store = place.store();
    for (id, at_ms, turn) in [
        (first, 0, said("I have a fever.", 2_000)),
        (second, 60_000, said("I have a cough.", 1_500)),
    ] {
        let new = vault::NewRecording {
            id,
            patient: queued.patient,
            visit: queued.visit,
            attachment: domain::AttachmentId::from_bytes(*id.as_bytes()),
            started_at: domain::Instant::from_millisecond(store.now().as_millisecond() + at_ms).unwrap(),
            sample_rate: 16_000,
            channels: 1,
        };
        let written = store.write::<_, vault::VaultError>(None, |w| {
            w.start_recording(&new)?;
            w.put_turns(id, &[turn])?;
            w.finish_recording(id, new.started_at)
        });
        written.unwrap();
    }
    drop(store);
    let place = place.restarted(&net);
    place.sign_in(place.owner());

    let mut written = place.desk.propose_draft(queued.visit).unwrap().note;
    assert_eq!(
        written.subjective[0].source,
        Some(Heard {
            recording: Some(second),
            ..said("", 1_500).span.into()
        })
    );
    // As a build of before has written it, from the first recording while there was no other.
    written.subjective.push(NoteSentence {
        text: "I have a fever.".to_owned(),
        source: Some(said("", 2_000).span.into()),
    });
    place.desk.save_note(queued.visit, written).unwrap();
    let heard_in = |place: &Place| {
        let (NoteState::Draft { note, .. } | NoteState::Signed { note, .. }) =
            place.desk.open_visit(queued.visit).unwrap().note;
        let sources = note.subjective.into_iter().map(|sentence| sentence.source.unwrap());
        sources.map(|heard| heard.recording).collect::<Vec<_>>()
    };
    assert_eq!(heard_in(&place), [Some(second), Some(first)]);
    place.desk.sign_note(queued.visit, PIN.to_owned()).unwrap();
    let place = place.restarted(&net);
    place.sign_in(place.owner());
    assert_eq!(heard_in(&place), [Some(second), Some(first)]);
}

#[test]
fn the_demo_consult_is_written_down_and_drafted_by_the_demo_model() {
    let Some(engine) = scribe::engine::find_program() else {
        return testkit::left_out("medieco-engine is not built");
    };
    let net = Net::start();
    let place = Place::founded(&net, 1, "Klinik Seri Mawar").with_engine(&net, engine);
    place.sign_in(place.owner());
    let queued = place.queued("Nur Aisyah binti Rahman", "850101135029");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scribe/demo/consult/consult.wav").to_owned();
    let recording = place
        .desk
        .start_recording(queued.visit, SoundSource::Wav { path, fast: true })
        .unwrap();
    let view = |place: &Place| place.desk.open_visit(queued.visit).unwrap().recordings.remove(0);
    place.wait_longer("all is written down", |_| view(&place).state == RecordingState::Done);
    let written = view(&place);
    assert_eq!(written.id, recording);
    assert!(
        written.demo_model && written.turns.len() >= 20,
        "{} turns",
        written.turns.len()
    );
    let draft = place.desk.propose_draft(queued.visit).unwrap();
    assert!(!draft.note.is_empty() && draft.note.subjective.iter().all(|sentence| sentence.source.is_some()));
    let kept = place.restarted(&net);
    kept.sign_in(kept.owner());
    assert_eq!(view(&kept).turns, written.turns, "every turn was saved");
}

#[test]
fn a_note_is_not_signed_while_the_room_is_being_recorded() {
    let net = Net::start();
    let (place, queued) = consulting(&net);
    place.desk.save_note(queued.visit, note("Fever.")).unwrap();
    let wav = place.data().join("said.wav");
    std::fs::write(&wav, three_seconds()).unwrap();
    let path = wav.to_str().unwrap().to_owned();
    let recording = place
        .desk
        .start_recording(queued.visit, SoundSource::Wav { path, fast: false })
        .unwrap();
    refused(
        place.desk.sign_note(queued.visit, PIN.to_owned()),
        ErrorCode::RecordingRunning,
    );
    place.desk.stop_recording(recording).unwrap();
    place.wait_until("it has stopped", |desk| {
        desk.sign_note(queued.visit, PIN.to_owned()).is_ok()
    });
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
