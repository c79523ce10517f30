//! Recordings of a consult: kept, cut off, written down, and where each sentence was heard.

use super::*;

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
