//! The scribe: sound is kept, cut into turns, put into words, and drafted into a note.
//!
//! ```text
//! Source (WAV, microphone, a kept recording) -> AudioSink (the vault's) -> Segmenter -> Engine -> Turn -> Drafter
//! ```
//!
//! Keeping the sound never waits for words: a slow, missing or crashed engine costs text, not the recording. What this
//! crate does not do: it stores nothing (the caller fills `AudioSink`), shows nothing, and knows no direction of
//! arrival yet, so every speaker that it names is marked uncertain. `docs/scribe.md` has the whole of it.

pub mod capture;
pub mod demo;
pub mod draft;
pub mod engine;
mod event;
pub mod hear;
pub mod models;
mod recorder;
mod replay;
mod sound;
mod table;
pub mod wav;

pub use draft::{DraftError, Drafter, RuleDrafter};
pub use engine::{Effort, Engine, EngineError, EngineSettings, Heard, HeardSegment, Language, Transcriber};
pub use event::{FailureCode, Outcome, ScribeEvent};
pub use models::{Installed, ModelEntry, ModelError, ModelFile};
pub use recorder::{Recorder, Recording};
pub use replay::Replay;
pub use sound::{AudioChunk, AudioSink, Format, NoSink, Pace, SinkError, Source, SourceError};
