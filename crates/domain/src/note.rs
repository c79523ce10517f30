//! The note of a visit, and what was measured.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::{Celsius, Day, Kilograms, MillimetresOfMercury, RecordingId};

/// Seconds of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Span {
    /// From, in milliseconds since the recording began.
    pub start_ms: u32,
    /// Up to, in milliseconds since the recording began.
    pub end_ms: u32,
}

/// Where something was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Heard {
    /// In which recording; `None` where it is not known, as in what builds of before wrote.
    pub recording: Option<RecordingId>,
    /// From, in milliseconds since the recording began.
    pub start_ms: u32,
    /// Up to, in milliseconds since the recording began.
    pub end_ms: u32,
}

impl From<Span> for Heard {
    fn from(span: Span) -> Self {
        Self {
            recording: None,
            start_ms: span.start_ms,
            end_ms: span.end_ms,
        }
    }
}

/// One sentence of a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct NoteSentence {
    /// The words.
    pub text: String,
    /// Where they were heard; `None` when a person typed them.
    pub source: Option<Heard>,
}

/// The four parts of a SOAP note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum NoteSection {
    /// What the patient says.
    Subjective,
    /// What was found.
    Objective,
    /// What it is.
    Assessment,
    /// What will be done.
    Plan,
}

/// A SOAP note, sentence by sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct SoapNote {
    /// What the patient says.
    pub subjective: Vec<NoteSentence>,
    /// What was found.
    pub objective: Vec<NoteSentence>,
    /// What it is.
    pub assessment: Vec<NoteSentence>,
    /// What will be done.
    pub plan: Vec<NoteSentence>,
}

impl SoapNote {
    /// True when nothing is written in any part.
    pub fn is_empty(&self) -> bool {
        self.subjective.is_empty() && self.objective.is_empty() && self.assessment.is_empty() && self.plan.is_empty()
    }

    /// Where each sentence was heard that was.
    pub fn heard_mut(&mut self) -> impl Iterator<Item = &mut Heard> {
        let sections = [
            &mut self.subjective,
            &mut self.objective,
            &mut self.assessment,
            &mut self.plan,
        ];
        let sentences = sections.into_iter().flatten();
        sentences.filter_map(|sentence| sentence.source.as_mut())
    }
}

/// A diagnosis of a visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Diagnosis {
    /// In words.
    pub text: String,
    /// ICD-10 code, when coded.
    pub icd10: Option<String>,
}

/// A mark that keeps an entry out of what is shared unless it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Mental health.
    MentalHealth,
    /// HIV and sexually transmitted infections.
    SexualHealth,
    /// Reproductive health.
    Reproductive,
}

/// What was measured at a visit. Each is `None` when it was not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Type)]
pub struct Vitals {
    /// Body temperature.
    pub temperature: Option<Celsius>,
    /// Systolic blood pressure.
    pub systolic: Option<MillimetresOfMercury>,
    /// Diastolic blood pressure.
    pub diastolic: Option<MillimetresOfMercury>,
    /// Body weight.
    pub weight: Option<Kilograms>,
    /// The day of the weight; a weight is never shown without it.
    pub weight_on: Option<Day>,
}
