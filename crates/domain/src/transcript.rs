//! Who said what, when.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::Span;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The doctor.
    Doctor,
    /// The patient, or who came with her.
    Patient,
    /// Not known; never guessed.
    Unknown,
}

/// How sure the speaker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Certainty {
    /// From direction of arrival or by a person.
    Certain,
    /// From voice and pauses only; the screen marks it.
    Uncertain,
}

/// One turn of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Turn {
    /// When, in the recording.
    pub span: Span,
    /// Who.
    pub speaker: Speaker,
    /// How sure.
    pub certainty: Certainty,
    /// ISO 639-1 code of the language that was transcribed in (`en`, `ms`), when known.
    pub language: Option<String>,
    /// What was said.
    pub text: String,
}
