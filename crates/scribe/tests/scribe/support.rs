//! What the tests share: the engine's program, the demo's truth, a sink in memory, and shared files that may be absent.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, mpsc};

use domain::{Certainty, Span, Speaker, Turn};
use scribe::{
    AudioChunk, AudioSink, Engine, EngineError, EngineSettings, Format, Language, ModelFile, Outcome, Recorder, Replay,
    ScribeEvent, SinkError, Source, Transcriber,
};

pub fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn demo(file: &str) -> PathBuf {
    crate_dir().join("demo").join(file)
}

pub fn micro_model() -> PathBuf {
    demo("model/ggml-micro-consult-q5_0.bin")
}

/// The engine of this build. Cargo builds no other package's program for a test, so it is built here when it is missing,
/// with the workspace's features: nothing is compiled twice.
pub fn engine_program() -> PathBuf {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(found) = scribe::engine::find_program() {
            return found;
        }
        let status = Command::new(env!("CARGO"))
            .args(["build", "--workspace", "--bin", "medieco-engine"])
            .current_dir(crate_dir())
            .status()
            .unwrap();
        assert!(status.success(), "medieco-engine could not be built");
        scribe::engine::find_program().expect("cargo puts it one folder above the tests")
    });
    PROGRAM.clone()
}

/// A file beside the project that was not made for it and is never committed. Says so when it is absent; with `CI=true`
/// its absence fails.
pub fn shared(path: &str) -> Option<PathBuf> {
    let file = crate_dir().join("../../../shared").join(path);
    if file.exists() {
        return Some(file);
    }
    assert_ne!(
        std::env::var("CI").as_deref(),
        Ok("true"),
        "absent under CI: ../shared/{path}"
    );
    // Past the test harness, which shows only what failing tests print: `cargo xtask test` counts these lines.
    let _ = writeln!(std::io::stderr(), "LEFT OUT: ../shared/{path} is not on this machine");
    None
}

pub fn settings() -> EngineSettings {
    EngineSettings {
        program: engine_program(),
        model: ModelFile::unlisted(micro_model()),
        vad: None,
        // whisper.cpp's threads wait for each other by spinning; on a machine that does other work one is quicker.
        threads: Some(1),
    }
}

pub fn engine() -> Result<Box<dyn Transcriber>, EngineError> {
    Ok(Box::new(Engine::start(&settings())?))
}

/// The demo consult as it was written.
pub fn truth() -> Vec<Turn> {
    let text = std::fs::read_to_string(demo("consult/consult.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ms = |value: &serde_json::Value| (value.as_f64().unwrap() * 1_000.0) as u32;
    let turn = |turn: &serde_json::Value| Turn {
        span: Span {
            start_ms: ms(&turn["start"]),
            end_ms: ms(&turn["end"]),
        },
        speaker: if turn["speaker"] == "doctor" {
            Speaker::Doctor
        } else {
            Speaker::Patient
        },
        certainty: Certainty::Uncertain,
        language: turn["language"].as_str().map(str::to_owned),
        text: turn["text"].as_str().unwrap().to_owned(),
    };
    json["turns"].as_array().unwrap().iter().map(turn).collect()
}

pub fn texts(turns: &[Turn]) -> Vec<&str> {
    turns.iter().map(|turn| turn.text.as_str()).collect()
}

/// Keeps chunks in memory; fails at one of them when told to.
#[derive(Clone, Default)]
pub struct MemorySink {
    pub kept: Arc<Mutex<Kept>>,
    pub fail_at: Option<u32>,
}

#[derive(Default)]
pub struct Kept {
    pub chunks: Vec<AudioChunk>,
    pub finished: bool,
}

impl MemorySink {
    pub fn pcm(&self) -> Vec<i16> {
        self.kept
            .lock()
            .unwrap()
            .chunks
            .iter()
            .flat_map(|chunk| chunk.pcm.clone())
            .collect()
    }

    pub fn replay(&self) -> Box<dyn Source> {
        let kept = self.kept.lock().unwrap();
        let chunks: Vec<_> = kept.chunks.iter().map(|chunk| Ok(chunk.pcm.clone())).collect();
        Box::new(Replay::new(kept.chunks[0].format, chunks.into_iter()))
    }
}

impl AudioSink for MemorySink {
    fn append(&mut self, chunk: AudioChunk) -> Result<(), SinkError> {
        if self.fail_at == Some(chunk.index) {
            return Err(SinkError("disk_full".into()));
        }
        self.kept.lock().unwrap().chunks.push(chunk);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.kept.lock().unwrap().finished = true;
        Ok(())
    }
}

/// Runs a recording to its end; gives the outcome and everything that was told.
pub fn run(recorder: Recorder, source: Box<dyn Source>) -> (Outcome, Vec<ScribeEvent>) {
    let (tell, told) = mpsc::channel();
    let outcome = recorder.start(source, move |event| tell.send(event).unwrap()).wait();
    (outcome, told.into_iter().collect())
}

/// Puts a source into words with the real engine and the demo model.
pub fn transcribe(source: impl Source + 'static) -> (Outcome, Vec<ScribeEvent>) {
    let recorder = Recorder::new(Box::new(scribe::NoSink))
        .language(Language::English)
        .partials(false);
    run(recorder.transcriber(engine), Box::new(source))
}

/// `seconds` of a tone that sounds like a voice (a buzz with many harmonics), between silences of a second.
pub fn buzz(hz: f32, seconds: f32) -> Vec<i16> {
    let rate = 16_000.0;
    let buzz = (0..(seconds * rate) as usize).map(|n| {
        let phase = n as f32 / rate * hz * std::f32::consts::TAU;
        (1..12).map(|k| (phase * k as f32).sin() / k as f32).sum::<f32>() * 3_000.0
    });
    let silence = vec![0i16; rate as usize];
    let mut sound = silence.clone();
    sound.extend(buzz.map(|x| x as i16));
    sound.extend(silence);
    sound
}

pub const MONO: Format = Format {
    rate: 16_000,
    channels: 1,
};

/// A source that ends early.
pub struct Cut<S> {
    source: S,
    left: usize,
}

impl<S: Source> Cut<S> {
    pub fn after(source: S, samples: usize) -> Self {
        Self { source, left: samples }
    }
}

impl<S: Source> Source for Cut<S> {
    fn format(&self) -> Format {
        self.source.format()
    }

    fn read(&mut self) -> Result<Option<Vec<i16>>, scribe::SourceError> {
        let block = self.source.read()?.filter(|_| self.left > 0);
        Ok(block.map(|mut block| {
            block.truncate(self.left);
            self.left -= block.len();
            block
        }))
    }

    fn waits(&self) -> bool {
        self.source.waits()
    }
}
