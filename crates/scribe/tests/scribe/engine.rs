//! The contract with the real `medieco-engine`, and everything that a file can do to it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use scribe::engine::wire::{self, Code, Reply, Request};
use scribe::wav::WavSource;
use scribe::{
    Effort, Engine, EngineError, EngineSettings, FailureCode, Language, ModelFile, Pace, Recorder, Source, Transcriber,
};

use crate::support::{self, MemorySink, settings};

fn samples_of(file: &Path) -> Vec<f32> {
    let mut wav = WavSource::open(file, Pace::AsFastAsPossible).unwrap();
    let mut samples = Vec::new();
    while let Some(block) = wav.read().unwrap() {
        samples.extend(block.into_iter().map(|x| f32::from(x) / 32_768.0));
    }
    samples
}

/// The frames as they cross, by hand: what `docs/scribe.md` says.
#[test]
fn the_protocol_is_what_is_written() {
    let mut child = Command::new(support::engine_program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut ask = |header: &str, payload: &[u8]| {
        stdin.write_all(&(header.len() as u32).to_le_bytes()).unwrap();
        stdin.write_all(header.as_bytes()).unwrap();
        stdin.write_all(payload).unwrap();
        stdin.flush().unwrap();
    };
    let mut reply = || wire::read(&mut stdout).unwrap();
    assert!(matches!(reply(), Some(Reply::Ready { cores: 1.., .. })));

    ask(
        r#"{"op":"transcribe","id":1,"language":"en","beam":1,"audio_ctx":0,"payload":4}"#,
        &[0; 4],
    );
    assert_eq!(
        reply(),
        Some(Reply::Error {
            id: Some(1),
            code: Code::NotLoaded
        })
    );

    let model = support::micro_model();
    ask(
        &format!(r#"{{"op":"load","path":{:?},"threads":1}}"#, model.to_str().unwrap()),
        &[],
    );
    assert_eq!(
        reply(),
        Some(Reply::Loaded {
            multilingual: true,
            audio_ctx: 1500,
            threads: 1
        })
    );

    let payload = wire::payload(&samples_of(&support::demo("consult/turns/01-doctor.wav")));
    let header = format!(
        r#"{{"op":"transcribe","id":2,"language":"en","beam":1,"audio_ctx":0,"payload":{}}}"#,
        payload.len()
    );
    ask(&header, &payload);
    let Some(Reply::Segments {
        id: 2,
        language: Language::English,
        segments,
    }) = reply()
    else {
        panic!("no segments")
    };
    assert_eq!(segments[0].text, "Good morning, what brings you in today?");
    assert!(segments[0].avg_logprob <= 0.0 && (0.0..=1.0).contains(&segments[0].no_speech));

    ask(
        r#"{"op":"transcribe","id":3,"language":"en","beam":1,"audio_ctx":0,"payload":0}"#,
        &[],
    );
    assert_eq!(
        reply(),
        Some(Reply::Error {
            id: Some(3),
            code: Code::NothingToHear
        })
    );

    ask(r#"{"op":"cancel","id":4}"#, &[]);
    ask(&header.replace(r#""id":2"#, r#""id":4"#), &payload);
    assert_eq!(
        reply(),
        Some(Reply::Error {
            id: Some(4),
            code: Code::Cancelled
        })
    );

    ask(r#"{"op":"quit"}"#, &[]);
    assert_eq!(reply(), None);
    assert!(child.wait().unwrap().success());
}

#[test]
fn requests_have_the_written_form() {
    let mut frame = Vec::new();
    let request = Request::Transcribe {
        id: 7,
        language: Language::Malay,
        beam: 5,
        audio_ctx: 512,
        payload: 4,
    };
    wire::write(&mut frame, &request, &wire::payload(&[1.0])).unwrap();
    let header = r#"{"op":"transcribe","id":7,"language":"ms","beam":5,"audio_ctx":512,"payload":4}"#;
    let mut written = (header.len() as u32).to_le_bytes().to_vec();
    written.extend_from_slice(header.as_bytes());
    written.extend_from_slice(&[0, 0, 0x80, 0x3f]);
    assert_eq!(frame, written);
}

#[test]
fn the_engine_ends_when_its_parent_is_gone() {
    let mut child = Command::new(support::engine_program())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_file_that_is_no_whole_model_is_a_clean_error() {
    let whole = std::fs::read(support::micro_model()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let settings = EngineSettings {
            model: ModelFile::unlisted(path),
            ..settings()
        };
        assert!(
            matches!(Engine::start(&settings), Err(EngineError::ModelUnusable)),
            "{name}"
        );
    };
    check("empty", b"");
    check(
        "text",
        b"this is no model, but it is long enough for a header of forty-eight bytes",
    );
    // In the header, in the vocabulary, right after it (whisper.cpp alone would take that one), and among the weights.
    for keep in [20, 60_000, 600_000, 1_000_000, whole.len() / 2, whole.len() - 1_000] {
        check(&format!("first {keep} bytes"), &whole[..keep]);
    }
    let mut other = whole.clone();
    other[..4].copy_from_slice(b"GGUF");
    check("another kind", &other);
    let mut huge = whole;
    huge[4..8].copy_from_slice(&55_000_u32.to_le_bytes());
    check("a header that lies", &huge);
    let absent = EngineSettings {
        model: ModelFile::unlisted(folder.path().join("absent")),
        ..settings()
    };
    assert!(matches!(Engine::start(&absent), Err(EngineError::ModelUnusable)));
}

#[test]
fn a_program_that_is_not_there_or_is_no_engine_is_told_apart() {
    let absent = EngineSettings {
        program: PathBuf::from("/nowhere/medieco-engine"),
        ..settings()
    };
    assert!(matches!(Engine::start(&absent), Err(EngineError::NotFound(_))));
    let other = EngineSettings {
        program: PathBuf::from("true"),
        ..settings()
    };
    assert!(matches!(Engine::start(&other), Err(EngineError::Stopped)));
}

#[test]
fn a_recording_with_an_unusable_model_is_kept_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ggml-broken.bin");
    std::fs::write(&path, &std::fs::read(support::micro_model()).unwrap()[..3_000_000]).unwrap();
    let broken = EngineSettings {
        model: ModelFile::unlisted(path),
        ..settings()
    };
    let sink = MemorySink::default();
    let recorder = Recorder::new(Box::new(sink.clone()))
        .transcriber(move || Ok(Box::new(Engine::start(&broken)?) as Box<dyn Transcriber>));
    let (outcome, _) = support::run(recorder, Box::new(scribe::demo::consult(Pace::AsFastAsPossible)));
    assert_eq!(outcome.failure, Some(FailureCode::ModelUnusable));
    assert_eq!(
        (outcome.turns.len(), outcome.missing.len()),
        (0, scribe::demo::CONSULT_TURNS)
    );
    assert_eq!(sink.pcm().len() as u32 / 16, outcome.length_ms);
}

/// Ends the engine's process at its sixth utterance, as the operating system would when memory is short.
struct Doomed {
    engine: Engine,
    calls: u32,
}

impl Transcriber for Doomed {
    fn transcribe(
        &mut self,
        samples: &[f32],
        language: Language,
        effort: Effort,
    ) -> Result<scribe::Heard, EngineError> {
        self.calls += 1;
        if self.calls == 6 {
            let killed = Command::new("kill")
                .args(["-9", &self.engine.process_id().to_string()])
                .status()
                .unwrap();
            assert!(killed.success());
        }
        self.engine.transcribe(samples, language, effort)
    }

    fn voice(&mut self, samples: &[f32]) -> Result<Option<Vec<f32>>, EngineError> {
        self.engine.voice(samples)
    }
}

#[test]
fn a_killed_engine_costs_words_and_they_can_be_sought_again() {
    let sink = MemorySink::default();
    let recorder = Recorder::new(Box::new(sink.clone()))
        .language(Language::English)
        .partials(false)
        .transcriber(|| {
            let engine = Engine::start(&settings())?;
            Ok(Box::new(Doomed { engine, calls: 0 }) as Box<dyn Transcriber>)
        });
    let (outcome, _) = support::run(recorder, Box::new(scribe::demo::consult(Pace::AsFastAsPossible)));
    assert_eq!(outcome.failure, Some(FailureCode::EngineStopped));
    assert_eq!((outcome.turns.len(), outcome.missing.len()), (5, 23));
    assert!(sink.kept.lock().unwrap().finished);

    let recorder = Recorder::new(Box::new(scribe::NoSink))
        .language(Language::English)
        .partials(false);
    let (again, _) = support::run(recorder.transcriber(support::engine), sink.replay());
    assert_eq!(support::texts(&again.turns), support::texts(&support::truth()));
    assert_eq!(again.failure, None);
}

#[test]
fn silero_judges_where_its_file_is_present() {
    let Some(vad) = support::shared("models/vad/ggml-silero-v6.2.0.bin") else {
        return;
    };
    let mut engine = Engine::start(&EngineSettings {
        vad: Some(vad.clone()),
        ..settings()
    })
    .unwrap();
    let voice = engine
        .voice(&samples_of(&support::demo("consult/turns/01-doctor.wav")))
        .unwrap()
        .unwrap();
    assert!(voice.iter().filter(|&&p| p > 0.5).count() > 30, "{voice:?}");
    let silence = engine.voice(&vec![0.0; 32_000]).unwrap().unwrap();
    assert!(silence.iter().all(|&p| p < 0.5), "{silence:?}");
    // It is no whisper model, and the other way round.
    let swapped = EngineSettings {
        model: ModelFile::unlisted(&vad),
        ..settings()
    };
    assert!(matches!(Engine::start(&swapped), Err(EngineError::ModelUnusable)));
    let swapped = EngineSettings {
        vad: Some(support::micro_model()),
        ..settings()
    };
    assert!(matches!(Engine::start(&swapped), Err(EngineError::ModelUnusable)));
}

#[test]
fn without_a_silero_file_nothing_is_judged() {
    let mut engine = Engine::start(&settings()).unwrap();
    assert_eq!(engine.voice(&[0.0; 16_000]).unwrap(), None);
}

#[test]
fn an_engine_that_is_dropped_is_gone() {
    let engine = Engine::start(&settings()).unwrap();
    let id = engine.process_id().to_string();
    let (done, gone) = mpsc::channel();
    std::thread::spawn(move || {
        drop(engine);
        done.send(()).unwrap();
    });
    gone.recv_timeout(std::time::Duration::from_secs(10)).unwrap();
    let alive = Command::new("kill")
        .args(["-0", &id])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(!alive.success());
}
