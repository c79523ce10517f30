//! Which part of the note a sentence belongs to, by the words in it.

use std::sync::LazyLock;

use domain::{NoteSection, Speaker};
use serde::Deserialize;

use super::may_be;
use super::sentences::Sentence;
use crate::table;

/// A sentence with fewer points than this in every part is small talk.
const ENOUGH: u32 = 2;

#[derive(Debug, Deserialize)]
struct Cue {
    section: NoteSection,
    phrase: String,
    who: Speaker,
    points: u32,
}

#[derive(Debug, Deserialize)]
struct AnswerWord {
    phrase: String,
    kind: Answer,
}

/// How an answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// "Yes, ..."
    Yes,
    /// "No, ..."
    No,
    /// "Only ..."
    Part,
}

static CUES: LazyLock<Vec<Cue>> = LazyLock::new(|| table::rows(include_str!("../../data/cues.csv")));
static ANSWERS: LazyLock<Vec<AnswerWord>> = LazyLock::new(|| table::rows(include_str!("../../data/answers.csv")));

/// How a `plain` sentence begins when it answers something.
pub(super) fn answer(plain: &str) -> Option<Answer> {
    let first = plain.split_whitespace().next()?;
    ANSWERS.iter().find(|word| word.phrase == first).map(|word| word.kind)
}

/// The cues that a sentence says.
#[derive(Debug, Clone)]
pub(super) struct Score {
    said: Vec<&'static Cue>,
    speaker: Speaker,
}

impl Score {
    /// The cues of a sentence that fit its speaker.
    pub(super) fn of(sentence: &Sentence<'_>) -> Self {
        let speaker = sentence.turn.speaker;
        let said = CUES
            .iter()
            .filter(|cue| may_be(speaker, cue.who) && table::says(&sentence.plain, &cue.phrase));
        Self {
            said: said.collect(),
            speaker,
        }
    }

    /// ... and those that its question adds, whoever asked: a doctor asks about the patient's complaints, and the
    /// patient about the plan.
    pub(super) fn with_question(&self, question: &Sentence<'_>) -> Self {
        let mut both = self.clone();
        for cue in CUES.iter().filter(|cue| table::says(&question.plain, &cue.phrase)) {
            if !both.said.iter().any(|said| std::ptr::eq(*said, cue)) {
                both.said.push(cue);
            }
        }
        both
    }

    /// The part with the most points, and how many; `None` for small talk.
    pub(super) fn section(&self) -> Option<(NoteSection, u32)> {
        use NoteSection::{Assessment, Objective, Plan, Subjective};
        // Of equals the last wins: what a doctor says rather is a plan, what a patient says a complaint.
        let order = match self.speaker {
            Speaker::Patient => [Plan, Assessment, Objective, Subjective],
            Speaker::Doctor | Speaker::Unknown => [Subjective, Objective, Assessment, Plan],
        };
        let points = |section| {
            self.said
                .iter()
                .filter(|cue| cue.section == section)
                .map(|cue| cue.points)
                .sum()
        };
        let best = order
            .map(|section| (section, points(section)))
            .into_iter()
            .max_by_key(|(_, points)| *points)?;
        (best.1 >= ENOUGH).then_some(best)
    }
}
