//! A recording as the consult shows it.

use vault::{Reading, Recording};

use super::outcome::Transcription;
use crate::{
    Error,
    open::OpenClinic,
    views::consult::{RecordingState, RecordingView},
};

/// What is running is told by whoever runs it; what is not, by what was kept of it.
pub(crate) fn view(clinic: &OpenClinic, r: &Reading<'_>, recording: &Recording) -> Result<RecordingView, Error> {
    let kept = Transcription::of(r, recording.id)?;
    let live = clinic
        .recordings
        .with(recording.id, |live| (live.state, live.turns.clone(), live.length_ms));
    let (model, demo_model) = kept
        .as_ref()
        .map_or((None, false), |kept| (kept.model.clone(), kept.demo_model));
    let (state, turns, length_ms) = live.unwrap_or_else(|| {
        let length_ms = u32::try_from(recording.millis).unwrap_or(u32::MAX);
        (state_of(recording, kept.as_ref()), recording.turns.clone(), length_ms)
    });
    Ok(RecordingView {
        id: recording.id,
        state,
        length_ms,
        turns,
        model,
        demo_model,
    })
}

fn state_of(recording: &Recording, kept: Option<&Transcription>) -> RecordingState {
    match (recording.ended_at, kept) {
        (None, _) => RecordingState::Interrupted,
        (Some(_), Some(kept)) if kept.incomplete => RecordingState::Failed,
        (Some(_), _) => RecordingState::Done,
    }
}
