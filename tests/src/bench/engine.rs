//! Speech to text: `medieco-engine` behind its pipes beside a bare `whisper_full` in this process.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use scribe::{
    Source, Transcriber,
    engine::{Effort, Engine, EngineSettings, Language, find_program},
    models::ModelFile,
    wav::WavSource,
};
use whisper_rs::{FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperState};

use super::figure::{Figure, in_turn};
use crate::walk::{consult_wav, demo_model};

const N: usize = 24;
/// Two would fight for cores with whatever else runs (see `speech.rs` of the engine).
const THREADS: u16 = 1;

/// Turns of the demo consult, in rotation, each by the engine and by whisper alone.
pub fn measure() -> Result<Figure> {
    let turns = turns()?;
    let seconds = turns.iter().map(Vec::len).sum::<usize>() as f64 / turns.len() as f64 / 16_000.0;
    let model = demo_model();
    let settings = EngineSettings {
        program: find_program().context("medieco-engine is not built")?,
        model: ModelFile::unlisted(&model),
        vad: None,
        threads: Some(THREADS),
    };
    let mut engine = Engine::start(&settings)?;
    let mut bare = Bare::load(&model)?;
    let heard = engine.transcribe(&turns[0], Language::English, Effort::Careful)?;
    let words: Vec<&str> = heard.segments.iter().map(|segment| segment.text.trim()).collect();
    bare.hear(&turns[0])?;
    ensure!(
        words.join(" ") == bare.words(),
        "the engine and whisper alone heard different words"
    );
    let (ours, yardstick, load) = in_turn(
        "utterances",
        N,
        |round| {
            let began = Instant::now();
            engine.transcribe(&turns[round % turns.len()], Language::English, Effort::Careful)?;
            Ok(began.elapsed())
        },
        |round| bare.hear(&turns[round % turns.len()]),
    )?;
    Ok(Figure::of(
        "engine",
        "put an utterance into words".into(),
        format!("whisper_full alone: same model, same {seconds:.1} s of sound, beam 5, {THREADS} thread"),
        ours,
        yardstick,
    )
    .under(load))
}

/// Some turns of the demo consult, as whisper wants them.
fn turns() -> Result<Vec<Vec<f32>>> {
    let folder = consult_wav().with_file_name("turns");
    let mut files: Vec<_> = std::fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    files.iter().take(8).map(|file| samples(file)).collect()
}

fn samples(file: &Path) -> Result<Vec<f32>> {
    let mut source = WavSource::open(file, scribe::Pace::AsFastAsPossible)?;
    let format = source.format();
    ensure!(
        format.rate == 16_000 && format.channels == 1,
        "{} is not as whisper wants it",
        file.display()
    );
    let mut samples = Vec::new();
    while let Some(block) = source.read()? {
        samples.extend(block.iter().map(|sample| f32::from(*sample) / 32_768.0));
    }
    Ok(samples)
}

/// whisper.cpp and nothing else.
struct Bare {
    state: WhisperState,
    whole_context: usize,
}

impl Bare {
    fn load(model: &Path) -> Result<Self> {
        whisper_rs::install_logging_hooks();
        let context = WhisperContext::new_with_params(model, WhisperContextParameters::default())?;
        Ok(Self {
            state: context.create_state()?,
            whole_context: usize::try_from(context.n_audio_ctx())?,
        })
    }

    fn hear(&mut self, samples: &[f32]) -> Result<Duration> {
        let began = Instant::now();
        let mut params = FullParams::new(SamplingStrategy::BeamSearch {
            beam_size: 5,
            patience: -1.0,
        });
        params.set_n_threads(i32::from(THREADS));
        params.set_language(Some("en"));
        params.set_no_context(true);
        params.set_n_max_text_ctx(0);
        params.set_temperature(0.0);
        params.set_temperature_inc(0.0);
        // As much of the window as the scribe asks the engine for (`context_for` there).
        let context = (samples.len().div_ceil(16_000) * 50 + 128)
            .max(512)
            .min(self.whole_context);
        params.set_audio_ctx(i32::try_from(context)?);
        params.set_suppress_blank(true);
        params.set_print_special(false);
        params.set_print_progress(false);
        params.set_print_realtime(false);
        params.set_print_timestamps(false);
        self.state.full(params, samples)?;
        Ok(began.elapsed())
    }

    fn words(&self) -> String {
        let texts = self
            .state
            .as_iter()
            .map(|segment| segment.to_str_lossy().unwrap_or_default().trim().to_owned());
        texts.collect::<Vec<_>>().join(" ")
    }
}
