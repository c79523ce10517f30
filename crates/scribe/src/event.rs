//! What the scribe tells while it listens.

use domain::{Span, Speaker, Turn};
use serde::Serialize;
use specta::Type;

/// Told as it happens, from the scribe's own threads. `Finished` is always the last.
#[derive(Debug, Clone, PartialEq, Serialize, Type)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum ScribeEvent {
    /// How loud it is, about ten times a second.
    Level {
        /// Up to where the recording was heard, in milliseconds.
        at_ms: u32,
        /// Peak of each channel, in dBFS; -100 is silence.
        peak_db: Vec<f32>,
    },
    /// What seems to be being said. A `Turn` that begins at the same time takes its place, or nothing does.
    Partial {
        /// When.
        span: Span,
        /// Words, not final.
        text: String,
    },
    /// Final words. Its speaker may be named anew by `Speakers`.
    Turn(Turn),
    /// Who spoke, for all turns so far in their order: a later voice made it clearer.
    Speakers(Vec<Speaker>),
    /// Heavy work is off: sound is kept, words wait.
    Postponed {
        /// How much speech waits, in milliseconds.
        waiting_ms: u32,
    },
    /// Something failed. The recording goes on when only words are lost, and ends when sound is.
    Failed {
        /// What.
        code: FailureCode,
    },
    /// The end.
    Finished(Outcome),
}

/// How a recording ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Type)]
pub struct Outcome {
    /// All turns, in order.
    pub turns: Vec<Turn>,
    /// How long the recording is, in milliseconds.
    pub length_ms: u32,
    /// Sound that was lost between the microphone and us, in milliseconds.
    pub lost_ms: u32,
    /// Where a voice was heard that was not put into words: offer to do it again.
    pub missing: Vec<Span>,
    /// The first failure, when there was one.
    pub failure: Option<FailureCode>,
}

/// A failure that a screen has words for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The microphone went away: the recording has ended.
    MicrophoneLost,
    /// The sound could not be kept (a full disk): the recording has ended.
    RecordingNotKept,
    /// The file cannot be read on: the recording has ended.
    SourceBroken,
    /// `medieco-engine` is not there: recording goes on without words.
    EngineMissing,
    /// The model file is damaged, cut short or of another kind: recording goes on without words.
    ModelUnusable,
    /// The engine stopped in the middle: recording goes on without words.
    EngineStopped,
}
