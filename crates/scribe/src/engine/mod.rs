//! The speech engine: a child process that turns an utterance into words.
//!
//! whisper.cpp is C++: a damaged model may throw, an old processor may lack an instruction, and either ends the process
//! that it happens in. So it happens in `medieco-engine`, and here it becomes an `EngineError`.

mod process;
pub mod wire;

use std::path::PathBuf;
use std::time::Duration;

pub use process::Engine;

use crate::models::ModelFile;

/// The engine's file name.
pub const PROGRAM: &str = if cfg!(windows) {
    "medieco-engine.exe"
} else {
    "medieco-engine"
};

/// Where the engine of this installation is: beside the program that runs, or one folder up, where cargo puts it for a
/// test. `None` when it is in neither.
pub fn find_program() -> Option<PathBuf> {
    let here = std::env::current_exe().ok()?;
    let beside = here.parent()?;
    [Some(beside), beside.parent()]
        .into_iter()
        .flatten()
        .map(|folder| folder.join(PROGRAM))
        .find(|path| path.is_file())
}

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The program; see `find_program`.
    pub program: PathBuf,
    /// The whisper model.
    pub model: ModelFile,
    /// The Silero model, where there is one: it judges each utterance before it is put into words.
    pub vad: Option<PathBuf>,
    /// Threads; `None` is one less than there are physical cores. More than those are never used.
    pub threads: Option<u16>,
}

/// The language of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, specta::Type)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Malay.
    #[serde(rename = "ms")]
    Malay,
    /// The likelier of the two, for each utterance.
    #[serde(rename = "auto")]
    Auto,
}

/// How hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Words to show while people speak.
    Quick,
    /// The final words.
    Careful,
}

/// What was heard in one utterance.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// English or Malay.
    pub language: Language,
    /// In order; empty when nothing was said.
    pub segments: Vec<HeardSegment>,
}

/// A stretch of text within an utterance.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct HeardSegment {
    /// From, in milliseconds since the utterance's first sample.
    pub start_ms: u32,
    /// Up to.
    pub end_ms: u32,
    /// Its words.
    pub text: String,
    /// Mean natural logarithm of the words' probabilities: 0 is sure.
    pub avg_logprob: f32,
    /// Probability that nothing was said, 0 to 1.
    pub no_speech: f32,
}

/// Turns an utterance into words. `Engine` is the real one; tests have their own.
pub trait Transcriber: Send {
    /// The words of one utterance: mono, 16 kHz, ±1.0, at most 30 s.
    fn transcribe(&mut self, samples: &[f32], language: Language, effort: Effort) -> Result<Heard, EngineError>;

    /// How likely each 32 ms are a voice, 0 to 1; `None` when no model for that is loaded.
    fn voice(&mut self, samples: &[f32]) -> Result<Option<Vec<f32>>, EngineError>;
}

/// Why there are no words.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// `medieco-engine` is not where it should be, or cannot be started.
    #[error("the speech engine cannot be started: {0}")]
    NotFound(#[source] std::io::Error),
    /// The model file cannot be loaded: damaged, cut short, of another kind, or unreadable.
    #[error("the model file cannot be used")]
    ModelUnusable,
    /// The engine ended while it worked.
    #[error("the speech engine has stopped")]
    Stopped,
    /// The engine did not answer in time and was ended.
    #[error("the speech engine did not answer within {0:?}")]
    Deadline(Duration),
    /// The engine said something that this build does not understand: the two are of different versions.
    #[error("the speech engine speaks another protocol")]
    Protocol,
    /// The engine could not do this one request; the next may do.
    #[error("the speech engine refused: {0:?}")]
    Refused(wire::Code),
}
