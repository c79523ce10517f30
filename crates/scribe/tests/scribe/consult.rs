//! The demo consult, all 28 turns, by the real engine.

use domain::{Certainty, Speaker};
use scribe::demo::{self, CONSULT_TURNS};
use scribe::wav::WavSource;
use scribe::{Language, Pace, Recorder, ScribeEvent, draft};

use crate::support::{self, MemorySink, texts, truth};

#[test]
fn all_turns_are_heard_word_for_word_and_by_the_right_speaker() {
    let sink = MemorySink::default();
    let recorder = Recorder::new(Box::new(sink.clone()))
        .language(Language::Auto)
        .partials(false);
    let (outcome, told) = support::run(
        recorder.transcriber(support::engine),
        Box::new(demo::consult(Pace::AsFastAsPossible)),
    );
    let truth = truth();
    assert_eq!(texts(&outcome.turns), texts(&truth));
    assert_eq!(outcome.turns.len(), CONSULT_TURNS);
    assert_eq!((outcome.missing, outcome.failure, outcome.lost_ms), (vec![], None, 0));

    let right = outcome
        .turns
        .iter()
        .zip(&truth)
        .filter(|(heard, said)| heard.speaker == said.speaker)
        .count();
    println!("speakers named rightly: {right} of {CONSULT_TURNS}");
    assert_eq!(right, CONSULT_TURNS);
    assert!(outcome.turns.iter().all(|turn| turn.certainty == Certainty::Uncertain));
    for (heard, said) in outcome.turns.iter().zip(&truth) {
        let off = heard
            .span
            .start_ms
            .abs_diff(said.span.start_ms)
            .max(heard.span.end_ms.abs_diff(said.span.end_ms));
        assert!(off <= 150, "turn at {} ms is off by {off} ms", said.span.start_ms);
    }

    // The sound is kept whole, in chunks of at most a second, each before its words.
    let original = WavSource::open(&support::demo("consult/consult.wav"), Pace::AsFastAsPossible).unwrap();
    assert_eq!(sink.pcm().len() / 16, original.length_ms() as usize);
    assert!(
        sink.kept
            .lock()
            .unwrap()
            .chunks
            .iter()
            .all(|chunk| chunk.pcm.len() <= 16_000)
    );
    let turns_told = told
        .iter()
        .filter(|event| matches!(event, ScribeEvent::Turn(_)))
        .count();
    assert_eq!(turns_told, CONSULT_TURNS);
    assert!(matches!(told.last(), Some(ScribeEvent::Finished(_))));

    let vitals = draft::suggested_vitals(&outcome.turns);
    assert_eq!(vitals.temperature.map(|t| t.0), Some(38.2));
}

#[test]
fn the_first_channel_of_the_array_gives_the_same_words() {
    let source = WavSource::open(&support::demo("consult/consult-4ch.wav"), Pace::AsFastAsPossible).unwrap();
    let (outcome, _) = support::transcribe(source);
    let truth = truth();
    assert_eq!(texts(&outcome.turns), texts(&truth));
    let right = outcome
        .turns
        .iter()
        .zip(&truth)
        .filter(|(heard, said)| heard.speaker == said.speaker)
        .count();
    println!("speakers named rightly in the array's room: {right} of {CONSULT_TURNS}");
    assert!(right >= 26);
}

#[test]
fn words_appear_while_people_speak() {
    // The first three turns, as a microphone would give them.
    let samples = 16_000 * 95 / 10;
    let wav = WavSource::open(&support::demo("consult/consult.wav"), Pace::RealTime).unwrap();
    let recorder = Recorder::new(Box::new(scribe::NoSink))
        .language(Language::English)
        .transcriber(support::engine);
    let (outcome, told) = support::run(recorder, Box::new(support::Cut::after(wav, samples)));
    let partials = told
        .iter()
        .filter(|event| matches!(event, ScribeEvent::Partial { .. }))
        .count();
    assert!(partials > 0, "nothing appeared before the turns ended");
    assert_eq!(texts(&outcome.turns), texts(&truth()[..3]));
    let levels = told
        .iter()
        .filter(|event| matches!(event, ScribeEvent::Level { .. }))
        .count();
    assert!((80..=100).contains(&levels), "{levels} levels in 9.5 s");
}

#[test]
fn speakers_are_named_anew_when_the_second_voice_is_heard() {
    let wav = demo::consult(Pace::AsFastAsPossible);
    let recorder = Recorder::new(Box::new(scribe::NoSink))
        .language(Language::English)
        .partials(false);
    let (_, told) = support::run(
        recorder.transcriber(support::engine),
        Box::new(support::Cut::after(wav, 16_000 * 95 / 10)),
    );
    let speakers = told.iter().find_map(|event| match event {
        ScribeEvent::Speakers(speakers) => Some(speakers.clone()),
        _ => None,
    });
    assert_eq!(speakers, Some(vec![Speaker::Doctor, Speaker::Patient]));
}
