//! A recording's transcript: DocumentReference.

use domain::{Speaker, Turn};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::SharedRecording;
use crate::document::Frame;
use crate::json::{Entry, attachments, concept, identifier, security};
use crate::names::{DOCUMENT_CODE, RECORDING, VISIT};
use crate::reading::{attached, identifier_in, instant, sensitivity, text_or_empty};

/// What programs read.
#[derive(Serialize, Deserialize)]
struct Values {
    duration_ms: u32,
    transcript: Vec<Turn>,
}

pub(crate) fn write_recording(frame: &Frame, recording: &SharedRecording) -> Entry {
    let made = recording.recorded_at.to_string();
    let values = Values {
        duration_ms: recording.duration_ms,
        transcript: recording.transcript.clone(),
    };
    Entry::new(
        "DocumentReference",
        &[frame.clinic_id(), &recording.id, "recording"],
        json!({
            "meta": security(&recording.sensitivity),
            "identifier": [identifier(RECORDING, &recording.id)],
            "status": "current",
            "type": concept(DOCUMENT_CODE, "recording", "Transcript of a recording"),
            "subject": frame.patient,
            "date": made,
            "custodian": frame.clinic,
            "content": attachments("Transcript", &made, &readable(&recording.transcript), &values),
            "context": { "related": [{ "identifier": identifier(VISIT, &recording.visit) }] },
        }),
    )
}

/// The conversation as a person reads it.
fn readable(turns: &[Turn]) -> String {
    let said = |turn: &Turn| {
        let who = match turn.speaker {
            Speaker::Doctor => "Doctor",
            Speaker::Patient => "Patient",
            Speaker::Unknown => "Unknown",
        };
        let seconds = turn.span.start_ms / 1000;
        format!("[{:02}:{:02}] {who}: {}\n", seconds / 60, seconds % 60, turn.text)
    };
    match turns {
        [] => "No transcript.".to_owned(),
        turns => turns.iter().map(said).collect(),
    }
}

pub(crate) fn read_recording(document: &Value) -> Option<SharedRecording> {
    let values: Values = attached(document)?;
    Some(SharedRecording {
        id: identifier_in(document, RECORDING)?.to_owned(),
        visit: text_or_empty(document, "/context/related/0/identifier/value"),
        recorded_at: instant(document, "/date")?,
        duration_ms: values.duration_ms,
        transcript: values.transcript,
        sensitivity: sensitivity(document),
    })
}
