//! A draft of the note from the turns. It never invents.
//!
//! `RuleDrafter` is the embedded one: no model, no network. It picks sentences by cue words (`data/cues.csv`), writes
//! spoken numbers as digits, and takes nothing from anywhere but the turns that a sentence points to; a test holds it to
//! that over arbitrary turns. A sentence that is left out costs the doctor a line; one that is made up costs her trust.

mod allergies;
mod cues;
mod numbers;
mod readings;
mod sentences;
mod tidy;

use domain::{NoteSection, NoteSentence, SoapNote, Speaker, Turn};

pub use allergies::{MentionedAllergy, mentioned_allergies};
pub use readings::suggested_vitals;

use cues::{Answer, Score};
use sentences::{Sentence, sentences};

/// Makes a draft. The embedded rules are one; a local language model can be another.
pub trait Drafter: Send + Sync {
    /// A note in which each sentence points to where in the recording it comes from.
    fn draft(&self, turns: &[Turn]) -> Result<SoapNote, DraftError>;
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The drafter's model or program failed. The embedded rules never do.
    #[error("the draft could not be made")]
    Failed,
}

/// The embedded drafter.
#[derive(Debug, Clone, Copy, Default)]
pub struct RuleDrafter;

impl Drafter for RuleDrafter {
    fn draft(&self, turns: &[Turn]) -> Result<SoapNote, DraftError> {
        let mut note = SoapNote::default();
        let mut question: Option<Sentence<'_>> = None;
        for sentence in sentences(turns) {
            if sentence.is_question() {
                question = Some(sentence);
                continue;
            }
            // Only the first sentence after a question, by someone else, answers it.
            let asked = question.take().filter(|question| sentence.may_answer(question));
            for reading in readings::of(&sentence) {
                note.objective.push(NoteSentence {
                    text: reading.to_string(),
                    source: Some(sentence.turn.span.into()),
                });
            }
            if let Some((section, drafted)) = draft_one(&sentence, asked.as_ref()) {
                part(&mut note, section).push(drafted);
            }
        }
        Ok(note)
    }
}

fn draft_one(sentence: &Sentence<'_>, asked: Option<&Sentence<'_>>) -> Option<(NoteSection, NoteSentence)> {
    let own = Score::of(sentence);
    let answer = cues::answer(&sentence.plain);
    let with_question = asked.zip(answer).and_then(|(question, answer)| {
        let both = own.with_question(question);
        // "No" means nothing without its question; "yes" and "only" need it when it says more than they do.
        let needed = answer == Answer::No || both.section()?.1 > own.section().map_or(0, |(_, points)| points);
        needed.then_some((question, both))
    });
    match with_question {
        Some((question, both)) => {
            let (section, _) = both.section()?;
            let text = format!("{} {}", tidy::sentence(question.text), tidy::sentence(sentence.text));
            Some((
                section,
                NoteSentence {
                    text,
                    source: Some(question.span_to(sentence).into()),
                },
            ))
        }
        // A bare "no, ..." whose question is not known would change its meaning when it stands alone.
        None if answer == Some(Answer::No) && asked.is_some() => None,
        None => {
            let (section, _) = own.section()?;
            Some((
                section,
                NoteSentence {
                    text: tidy::alone(sentence.text),
                    source: Some(sentence.turn.span.into()),
                },
            ))
        }
    }
}

fn part(note: &mut SoapNote, section: NoteSection) -> &mut Vec<NoteSentence> {
    match section {
        NoteSection::Subjective => &mut note.subjective,
        NoteSection::Objective => &mut note.objective,
        NoteSection::Assessment => &mut note.assessment,
        NoteSection::Plan => &mut note.plan,
    }
}

/// True when this speaker may be the one that a cue or a reading is about. Nobody knows who "unknown" is.
fn may_be(speaker: Speaker, wanted: Speaker) -> bool {
    speaker == wanted || speaker == Speaker::Unknown
}
