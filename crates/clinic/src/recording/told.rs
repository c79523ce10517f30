//! What the scribe tells, on its way into the vault and to the screen.

use std::sync::Mutex;

use domain::{RecordingId, Speaker, Turn, VisitId};
use scribe::{Outcome, ScribeEvent};

use super::{live::Live, outcome::Transcription};
use crate::{
    DeskEvent, Error,
    open::{ClinicRef, OpenClinic},
    views::consult::{RecordingProgress, RecordingState},
};

/// One run of the scribe.
#[derive(Clone, Copy)]
pub(super) struct Run {
    pub visit: VisitId,
    pub recording: RecordingId,
    pub from_microphone: bool,
    pub begins_as: RecordingState,
}

/// Hears the scribe for one run.
pub(super) struct Told {
    pub clinic: ClinicRef,
    pub run: Run,
    pub transcription: Transcription,
    /// The last loudness of each channel.
    pub levels: Mutex<Vec<u8>>,
}

impl Told {
    /// One event; called on the scribe's own threads.
    pub(super) fn hear(&self, event: ScribeEvent) {
        let Some(clinic) = self.clinic.upgrade() else { return };
        let mut progress = RecordingProgress {
            visit: self.run.visit,
            recording: self.run.recording,
            state: RecordingState::Recording,
            length_ms: 0,
            levels: Vec::new(),
            turn: None,
            partial: None,
            error: None,
        };
        match event {
            ScribeEvent::Level { at_ms, peak_db } => {
                *self.levels.lock().expect("nobody panics under this lock") =
                    peak_db.iter().map(|db| loudness(*db)).collect();
                self.update(&clinic, |live| live.length_ms = live.length_ms.max(at_ms));
            }
            ScribeEvent::Partial { text, .. } => progress.partial = Some(text),
            ScribeEvent::Turn(turn) => {
                self.keep_turn(&clinic, turn.clone());
                progress.turn = Some(turn);
            }
            ScribeEvent::Speakers(speakers) => self.name_speakers(&clinic, &speakers),
            ScribeEvent::Postponed { .. } => self.update(&clinic, |live| live.state = RecordingState::Postponed),
            ScribeEvent::Failed { code } => progress.error = Some(code_word(code)),
            ScribeEvent::Finished(outcome) => {
                progress.state = self.finish(&clinic, &outcome);
                progress.length_ms = outcome.length_ms;
                progress.error = outcome.failure.map(code_word);
            }
        }
        if let Some((state, length_ms)) = clinic
            .recordings
            .with(self.run.recording, |live| (live.state, live.length_ms))
        {
            (progress.state, progress.length_ms) = (state, length_ms);
        }
        progress.levels = self.levels.lock().expect("nobody panics under this lock").clone();
        (clinic.config.events)(DeskEvent::RecordingProgress(progress));
    }

    fn update(&self, clinic: &OpenClinic, f: impl FnOnce(&mut Live)) {
        clinic.recordings.with(self.run.recording, f);
    }

    /// A turn is saved as it comes.
    fn keep_turn(&self, clinic: &OpenClinic, turn: Turn) {
        let turns = clinic.recordings.with(self.run.recording, |live| {
            if live.state == RecordingState::Postponed {
                live.state = RecordingState::Transcribing;
            }
            live.turns.push(turn);
            live.turns.clone()
        });
        if let Some(turns) = turns {
            let kept = clinic
                .vault
                .write(None, |w| Ok::<_, Error>(w.put_turns(self.run.recording, &turns)?));
            self.tell_failure(kept);
        }
    }

    /// A later voice made it clearer who spoke; it is saved with the next turn.
    fn name_speakers(&self, clinic: &OpenClinic, speakers: &[Speaker]) {
        self.update(clinic, |live| {
            for (turn, speaker) in live.turns.iter_mut().zip(speakers) {
                turn.speaker = *speaker;
            }
        });
    }

    /// The last word: all turns, and whether any sound is still without text.
    fn finish(&self, clinic: &OpenClinic, outcome: &Outcome) -> RecordingState {
        let incomplete = self.transcription.model.is_none() || outcome.failure.is_some() || !outcome.missing.is_empty();
        let transcription = Transcription {
            incomplete,
            ..self.transcription.clone()
        };
        let kept = clinic.vault.write(None, |w| {
            if !outcome.turns.is_empty() {
                w.put_turns(self.run.recording, &outcome.turns)?;
            }
            transcription.keep(w, self.run.recording)?;
            let ended_at = w.now();
            Ok::<_, Error>(w.finish_recording(self.run.recording, ended_at)?)
        });
        self.tell_failure(kept);
        clinic.recordings.with(self.run.recording, |live| live.over = true);
        if incomplete {
            RecordingState::Failed
        } else {
            RecordingState::Done
        }
    }

    fn tell_failure(&self, kept: Result<(), Error>) {
        if let Err(error) = kept {
            tracing::error!(code = ?error.code, "a transcript was not saved; the sound is");
        }
    }
}

/// Peak level, -60 dB and below = 0, full scale = 100.
fn loudness(peak_db: f32) -> u8 {
    ((peak_db + 60.0) / 60.0 * 100.0).clamp(0.0, 100.0) as u8
}

/// The code's stable name, as it crosses.
fn code_word(code: scribe::FailureCode) -> String {
    serde_json::to_value(code)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}
