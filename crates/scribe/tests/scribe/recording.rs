//! The recorder with a make-believe engine: what is kept, what is postponed, what is told.

use std::sync::mpsc;

use proptest::prelude::*;
use scribe::hear::mono::Ear;
use scribe::{
    AudioSink, Effort, EngineError, FailureCode, Format, Heard, HeardSegment, Language, Recorder, Replay, ScribeEvent,
    Source, SourceError, Transcriber,
};

use crate::support::{self, MONO, MemorySink, buzz};

/// Says "word" for everything.
struct Parrot;

impl Transcriber for Parrot {
    fn transcribe(&mut self, _: &[f32], _: Language, _: Effort) -> Result<Heard, EngineError> {
        let segment = HeardSegment {
            start_ms: 0,
            end_ms: 500,
            text: "word".into(),
            avg_logprob: -0.1,
            no_speech: 0.0,
        };
        Ok(Heard {
            language: Language::English,
            segments: vec![segment],
        })
    }

    fn voice(&mut self, _: &[f32]) -> Result<Option<Vec<f32>>, EngineError> {
        Ok(None)
    }
}

fn parrot() -> Result<Box<dyn Transcriber>, EngineError> {
    Ok(Box::new(Parrot))
}

fn recorder(sink: &MemorySink) -> Recorder {
    Recorder::new(Box::new(sink.clone())).partials(false)
}

fn source(blocks: Vec<Result<Vec<i16>, SourceError>>) -> Box<dyn Source> {
    Box::new(Replay::new(MONO, blocks.into_iter()))
}

fn blocks(sound: &[i16]) -> Vec<Result<Vec<i16>, SourceError>> {
    sound.chunks(1_600).map(|block| Ok(block.to_vec())).collect()
}

#[test]
fn on_battery_the_sound_is_kept_and_the_words_are_left_for_later() {
    let sink = MemorySink::default();
    let sound = buzz(120.0, 0.8);
    let (outcome, told) = support::run(
        recorder(&sink).transcriber(parrot).heavy_work(false),
        source(blocks(&sound)),
    );
    assert_eq!(sink.pcm(), sound);
    assert_eq!(
        (outcome.turns.len(), outcome.missing.len(), outcome.failure),
        (0, 1, None)
    );
    assert!(
        told.iter()
            .any(|event| matches!(event, ScribeEvent::Postponed { waiting_ms: 500.. }))
    );
    let (later, _) = support::run(recorder(&MemorySink::default()).transcriber(parrot), sink.replay());
    assert_eq!((later.turns.len(), later.missing.len()), (1, 0));
    assert_eq!(later.turns[0].span, outcome.missing[0]);
}

/// Gives its blocks only when told to, like a microphone.
struct Live(mpsc::Receiver<Vec<i16>>);

impl Source for Live {
    fn format(&self) -> Format {
        MONO
    }

    fn read(&mut self) -> Result<Option<Vec<i16>>, SourceError> {
        Ok(self.0.recv().ok())
    }
}

#[test]
fn words_that_waited_for_power_are_written_when_it_is_back() {
    let (microphone, blocks) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let recording = recorder(&MemorySink::default())
        .transcriber(parrot)
        .start(Box::new(Live(blocks)), move |event| tell.send(event).unwrap());
    recording.set_heavy_work(false);
    microphone.send(buzz(120.0, 0.8)).unwrap();
    let postponed = told.iter().find(|event| !matches!(event, ScribeEvent::Level { .. }));
    assert!(
        matches!(postponed, Some(ScribeEvent::Postponed { .. })),
        "{postponed:?}"
    );
    recording.set_heavy_work(true);
    let turn = told.iter().find(|event| !matches!(event, ScribeEvent::Level { .. }));
    assert!(matches!(turn, Some(ScribeEvent::Turn(_))), "{turn:?}");
    drop(microphone);
    assert_eq!(recording.wait().turns.len(), 1);
}

#[test]
fn a_stopped_recording_ends_and_still_gets_its_last_words() {
    let (microphone, blocks) = mpsc::channel();
    let sink = MemorySink::default();
    let (tell, told) = mpsc::channel();
    let recording = recorder(&sink)
        .transcriber(parrot)
        .start(Box::new(Live(blocks)), move |event| tell.send(event).unwrap());
    let sound = buzz(120.0, 0.8);
    // Cut in the middle of the voice: nobody pauses before pressing stop.
    microphone.send(sound[..28_000].to_vec()).unwrap();
    assert!(told.iter().any(|event| matches!(event, ScribeEvent::Level { .. })));
    assert!(recording.is_running());
    recording.stop();
    microphone.send(Vec::new()).unwrap();
    let outcome = recording.wait();
    assert_eq!((outcome.turns.len(), outcome.length_ms), (1, 1_750));
    assert!(sink.kept.lock().unwrap().finished);
}

#[test]
fn a_full_disk_ends_the_recording_and_keeps_what_was_kept() {
    let sink = MemorySink {
        fail_at: Some(2),
        ..MemorySink::default()
    };
    let (outcome, told) = support::run(recorder(&sink), source(blocks(&vec![0; 10 * 16_000])));
    assert_eq!(outcome.failure, Some(FailureCode::RecordingNotKept));
    assert_eq!(outcome.length_ms, 2_000);
    assert!(sink.kept.lock().unwrap().finished);
    assert!(told.contains(&ScribeEvent::Failed {
        code: FailureCode::RecordingNotKept
    }));
}

#[test]
fn a_microphone_that_goes_away_costs_nothing_of_what_it_gave() {
    let sink = MemorySink::default();
    let sound = buzz(120.0, 0.8);
    let mut blocks = blocks(&sound[..24_000 + 800]);
    blocks.push(Err(SourceError::MicrophoneLost));
    let (outcome, _) = support::run(recorder(&sink).transcriber(parrot), source(blocks));
    assert_eq!(outcome.failure, Some(FailureCode::MicrophoneLost));
    assert_eq!(sink.pcm(), sound[..24_800]);
    assert_eq!(outcome.turns.len(), 1);
}

#[test]
fn without_an_engine_there_is_a_recording_and_nothing_is_called_missing() {
    let sink = MemorySink::default();
    let (outcome, _) = support::run(recorder(&sink), source(blocks(&buzz(120.0, 0.8))));
    assert_eq!(
        (outcome.turns.len(), outcome.missing.len(), outcome.failure),
        (0, 0, None)
    );
    assert_eq!(outcome.length_ms, 2_800);
}

#[test]
fn an_engine_that_is_missing_is_told_and_costs_words_only() {
    let sink = MemorySink::default();
    let missing = || Err(EngineError::NotFound(std::io::ErrorKind::NotFound.into()));
    let (outcome, _) = support::run(recorder(&sink).transcriber(missing), source(blocks(&buzz(120.0, 0.8))));
    assert_eq!(
        (outcome.failure, outcome.missing.len()),
        (Some(FailureCode::EngineMissing), 1)
    );
    assert_eq!(outcome.length_ms, 2_800);
}

/// Notes how much was kept when words were first sought.
struct Witness(MemorySink, mpsc::Sender<usize>);

impl Transcriber for Witness {
    fn transcribe(&mut self, samples: &[f32], language: Language, effort: Effort) -> Result<Heard, EngineError> {
        self.1.send(self.0.pcm().len()).unwrap();
        Parrot.transcribe(samples, language, effort)
    }

    fn voice(&mut self, _: &[f32]) -> Result<Option<Vec<f32>>, EngineError> {
        Ok(None)
    }
}

#[test]
fn sound_is_kept_before_its_words_are_sought() {
    let sink = MemorySink::default();
    let (tell, kept) = mpsc::channel();
    let witness = Witness(sink.clone(), tell);
    let (outcome, _) = support::run(
        recorder(&sink).transcriber(move || Ok(Box::new(witness) as Box<dyn Transcriber>)),
        source(blocks(&buzz(120.0, 0.8))),
    );
    let kept = kept.recv().unwrap();
    assert!(kept >= outcome.turns[0].span.end_ms as usize * 16, "{kept}");
}

proptest! {
    // A case is seconds of sound, through filters that are slow without optimisation.
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However a source cuts its blocks, the sink gets the same samples, numbered without a gap, a second at most.
    #[test]
    fn the_sink_gets_every_sample_once(sizes in prop::collection::vec(0usize..40_000, 1..12), channels in 1u16..5) {
        let format = Format { rate: 16_000, channels };
        let mut n = 0i16;
        let blocks: Vec<Vec<i16>> = sizes.iter().map(|size| {
            (0..size / usize::from(channels) * usize::from(channels)).map(|_| { n = n.wrapping_add(1); n % 50 }).collect()
        }).collect();
        let sink = MemorySink::default();
        let source = Box::new(Replay::new(format, blocks.clone().into_iter().map(Ok)));
        let (outcome, _) = support::run(Recorder::new(Box::new(sink.clone())), source);
        prop_assert_eq!(sink.pcm(), blocks.concat());
        let kept = sink.kept.lock().unwrap();
        let mut at = 0;
        for (n, chunk) in kept.chunks.iter().enumerate() {
            prop_assert_eq!((chunk.index, chunk.start_ms), (n as u32, format.milliseconds(at)));
            prop_assert!(chunk.pcm.len() <= format.samples(1_000));
            at += chunk.pcm.len() as u64;
        }
        prop_assert_eq!(outcome.length_ms, format.milliseconds(at));
    }

    /// The ear gives as many samples as the time has, in any rate and any blocks.
    #[test]
    fn the_ear_keeps_time(rate in prop::sample::select(vec![8_000u32, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000]), sizes in prop::collection::vec(1usize..9_000, 1..10)) {
        let mut ear = Ear::new(Format { rate, channels: 1 }, 0);
        let mut n = 0;
        let mut heard = 0;
        for size in sizes {
            n += size;
            heard += ear.hear(&vec![100; size]).len();
        }
        heard += ear.finish().len();
        let due = n as f64 * 16_000.0 / f64::from(rate);
        prop_assert!((heard as f64 - due).abs() <= 1.0, "{} samples at {} Hz became {}, not {}", n, rate, heard, due);
    }
}

#[test]
fn the_ear_moves_a_sound_neither_in_time_nor_in_pitch() {
    for rate in [8_000u32, 44_100, 48_000] {
        // A second of silence, then a 440 Hz tone.
        let tone = |n: u32| {
            if n < rate {
                0.0
            } else {
                (n as f32 / rate as f32 * 440.0 * std::f32::consts::TAU).sin()
            }
        };
        let sound: Vec<i16> = (0..2 * rate).map(|n| (tone(n) * 8_000.0) as i16).collect();
        let mut ear = Ear::new(Format { rate, channels: 1 }, 0);
        let mut heard: Vec<f32> = sound.chunks(997).flat_map(|block| ear.hear(block)).collect();
        heard.extend(ear.finish());
        let begins = heard.iter().position(|x| x.abs() > 0.1).unwrap();
        assert!(
            begins.abs_diff(16_000) < 16,
            "{rate} Hz: the tone begins at sample {begins}"
        );
        let crossings = heard[18_000..30_000]
            .windows(2)
            .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0)
            .count();
        assert!(crossings.abs_diff(330) <= 1, "{rate} Hz: {crossings} periods in 0.75 s");
    }
}

#[test]
fn the_ear_listens_to_one_channel_alone() {
    let format = Format {
        rate: 16_000,
        channels: 3,
    };
    let sound: Vec<i16> = (0..16_000).flat_map(|_| [0, 16_384, -16_384]).collect();
    assert!(Ear::new(format, 1).hear(&sound).iter().all(|&x| x == 0.5));
    assert!(Ear::new(format, 2).hear(&sound).iter().all(|&x| x == -0.5));
    // A channel that is not there: the first.
    assert!(Ear::new(format, 9).hear(&sound).iter().all(|&x| x == 0.0));
}

#[test]
fn a_no_sink_keeps_nothing_and_never_fails() {
    let mut sink = scribe::NoSink;
    assert_eq!(sink.finish(), Ok(()));
}
