//! `propose_draft`: the note that the recording suggests. Nothing of it is saved until the doctor takes it.

use domain::{Heard, RecordingId, Turn, VisitId};
use scribe::{Drafter as _, RuleDrafter, draft};

use crate::{
    Desk, Error, ErrorCode,
    roles::Verb,
    views::consult::{DraftProposal, MentionedAllergy},
};

impl Desk {
    /// A draft from the newest recording of the visit that has text; each sentence points to its seconds.
    ///
    /// # Errors
    /// [`ErrorCode::NoTranscript`] when nothing was transcribed yet.
    pub fn propose_draft(&self, visit: VisitId) -> Result<DraftProposal, Error> {
        let (clinic, _) = self.acting(Verb::WriteNote)?;
        let newest = clinic.read(|r| {
            let recordings = r.recordings_of_visit(visit)?;
            let newest = recordings
                .into_iter()
                .filter(|one| !one.turns.is_empty())
                .max_by_key(|one| one.started_at);
            Ok(newest.map(|one| (one.id, one.turns)))
        })?;
        let (recording, turns) = newest.ok_or(ErrorCode::NoTranscript)?;
        proposal(recording, &turns, clinic.read(|r| Ok(r.today()?))?)
    }
}

fn proposal(recording: RecordingId, turns: &[Turn], today: domain::Day) -> Result<DraftProposal, Error> {
    let mut vitals = draft::suggested_vitals(turns);
    vitals.weight_on = vitals.weight.map(|_| today);
    let allergies = draft::mentioned_allergies(turns)
        .into_iter()
        .map(|said| MentionedAllergy {
            substance: said.substance_text,
            reaction: said.reaction.unwrap_or_default(),
            heard: Heard {
                recording: Some(recording),
                ..said.span.into()
            },
        });
    let mut note = RuleDrafter.draft(turns).map_err(|_| ErrorCode::NoTranscript)?;
    note.heard_mut().for_each(|heard| heard.recording = Some(recording));
    Ok(DraftProposal {
        note,
        vitals,
        allergies: allergies.collect(),
    })
}
