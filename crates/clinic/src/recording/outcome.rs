//! What this device remembers of a transcription: by which model, and whether all of it was written down.

use domain::RecordingId;
use serde::{Deserialize, Serialize};
use vault::{Reading, Writing};

use crate::Error;

/// Kept beside the recording, on the device that holds its sound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Transcription {
    /// The model's file.
    pub model: Option<String>,
    /// It is the demo's model.
    pub demo_model: bool,
    /// Some of the sound has no text yet.
    pub incomplete: bool,
}

fn key(recording: RecordingId) -> String {
    format!("transcription/{recording}")
}

impl Transcription {
    pub(super) fn of(r: &Reading<'_>, recording: RecordingId) -> Result<Option<Self>, Error> {
        let text = r.setting(&key(recording))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(super) fn keep(&self, w: &mut Writing<'_>, recording: RecordingId) -> Result<(), Error> {
        let text = serde_json::to_string(self).expect("plain text");
        Ok(w.put_setting(&key(recording), &text)?)
    }
}
