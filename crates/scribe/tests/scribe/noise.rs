//! Silence and noise yield no text.

use scribe::hear::Segmenter;
use scribe::wav::WavSource;
use scribe::{Engine, EngineSettings, Language, NoSink, Pace, Recorder, Transcriber};

use crate::support::{self, MONO, settings};

#[test]
fn ninety_five_seconds_of_dishes_give_no_text() {
    let Some(dishes) = support::shared("audio/noise_doing_the_dishes.wav") else {
        return;
    };
    let (outcome, _) = support::transcribe(WavSource::open(&dishes, Pace::AsFastAsPossible).unwrap());
    assert_eq!((support::texts(&outcome.turns), outcome.failure), (vec![], None));
    assert!(outcome.length_ms > 95_000);
}

#[test]
fn with_silero_the_dishes_give_none_either_and_the_consult_loses_nothing() {
    let Some(vad) = support::shared("models/vad/ggml-silero-v6.2.0.bin") else {
        return;
    };
    let Some(dishes) = support::shared("audio/noise_doing_the_dishes.wav") else {
        return;
    };
    let transcribe = |source: WavSource| {
        let settings = EngineSettings {
            vad: Some(vad.clone()),
            ..settings()
        };
        let recorder = Recorder::new(Box::new(NoSink))
            .language(Language::English)
            .partials(false);
        let start = move || Ok(Box::new(Engine::start(&settings)?) as Box<dyn Transcriber>);
        support::run(recorder.transcriber(start), Box::new(source)).0
    };
    assert_eq!(
        transcribe(WavSource::open(&dishes, Pace::AsFastAsPossible).unwrap()).turns,
        []
    );
    let consult = transcribe(scribe::demo::consult(Pace::AsFastAsPossible));
    assert_eq!(support::texts(&consult.turns), support::texts(&support::truth()));
}

#[test]
fn noise_of_an_array_is_no_voice() {
    for file in ["noise_diffuse.wav", "noise_0.70225_-0.70225_0.11704.wav"] {
        let Some(path) = support::shared(&format!("audio/array4/{file}")) else {
            return;
        };
        let (outcome, _) = support::run(
            Recorder::new(Box::new(NoSink))
                .partials(false)
                .transcriber(support::engine),
            Box::new(WavSource::open(&path, Pace::AsFastAsPossible).unwrap()),
        );
        assert_eq!(outcome.turns, [], "{file}");
    }
}

#[test]
fn silence_hum_and_steady_noise_open_nothing() {
    let mut seed = 1_u32;
    let mut random = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let hum = |n: usize| (n as f32 * 50.0 / 16_000.0 * std::f32::consts::TAU).sin() * 0.05;
    let minute = 60 * 16_000;
    let sounds: [(&str, Vec<f32>); 4] = [
        ("digital silence", vec![0.0; minute]),
        ("mains hum", (0..minute).map(hum).collect()),
        ("hiss", (0..minute).map(|_| random() * 0.02).collect()),
        (
            "a fan that starts",
            (0..minute)
                .map(|n| random() * if n < minute / 2 { 0.002 } else { 0.1 })
                .collect(),
        ),
    ];
    for (name, sound) in sounds {
        let mut segmenter = Segmenter::new();
        let mut heard: Vec<_> = sound.chunks(1_600).flat_map(|block| segmenter.push(block)).collect();
        heard.extend(segmenter.finish());
        assert_eq!(heard.len(), 0, "{name}");
    }
}

#[test]
fn a_voice_is_still_found_after_a_fan_has_started() {
    let mut seed = 7_u32;
    let mut hiss = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((seed >> 8) as f32 / (1 << 24) as f32 - 0.5) * 0.02
    };
    let mut sound = vec![0.0; 2 * 16_000];
    sound.extend((0..6 * 16_000).map(|_| hiss()));
    let voice = support::buzz(140.0, 1.0);
    sound.extend(voice.iter().map(|&x| f32::from(x) / 32_768.0 + hiss()));
    let mut segmenter = Segmenter::new();
    let mut heard = segmenter.push(&sound);
    heard.extend(segmenter.finish());
    assert_eq!(heard.len(), 1);
    assert!(
        heard[0].start_ms.abs_diff(9_000) <= 30 && heard[0].end_ms.abs_diff(10_000) <= 60,
        "{:?}",
        (heard[0].start_ms, heard[0].end_ms)
    );
    let f0 = 55.0 * (heard[0].voice.pitch.unwrap() / 12.0).exp2();
    assert!((f0 - 140.0).abs() < 4.0, "{f0}");
    assert_eq!(MONO.rate, 16_000);
}
