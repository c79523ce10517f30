//! Allergies that were told, to be offered for the record: "I am allergic to penicillin. I get a rash."

use std::sync::LazyLock;

use domain::{Span, Turn};
use serde::{Deserialize, Serialize};
use specta::Type;

use super::sentences::{Sentence, sentences};
use crate::table;

/// A substance is named in at most this many words.
const LONGEST_NAME: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    BeforeSubstance,
    Negates,
    NothingNamed,
    EndsSubstance,
    BeforeReaction,
}

#[derive(Debug, Deserialize)]
struct Row {
    kind: Kind,
    phrase: String,
}

static WORDS: LazyLock<Vec<Row>> = LazyLock::new(|| table::rows(include_str!("../../data/allergies.csv")));

fn phrases(kind: Kind) -> impl Iterator<Item = &'static str> {
    WORDS
        .iter()
        .filter(move |row| row.kind == kind)
        .map(|row| row.phrase.as_str())
}

/// An allergy in the words of the conversation. A person decides whether it goes on record, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Type)]
pub struct MentionedAllergy {
    /// To what, as it was said, in lower case.
    pub substance_text: String,
    /// What happens, when that was said too.
    pub reaction: Option<String>,
    /// Where in the recording.
    pub span: Span,
}

/// The allergies that were told. Questions and denials are none.
pub fn mentioned_allergies(turns: &[Turn]) -> Vec<MentionedAllergy> {
    let all: Vec<Sentence<'_>> = sentences(turns).collect();
    let mut mentioned: Vec<MentionedAllergy> = Vec::new();
    for (n, sentence) in all.iter().enumerate().filter(|(_, sentence)| !sentence.is_question()) {
        let Some(substance_text) = substance(sentence) else {
            continue;
        };
        let next = all
            .get(n + 1)
            .filter(|next| next.n == sentence.n && !next.is_question());
        let reaction = reaction(sentence).or_else(|| reaction(next?));
        let told = MentionedAllergy {
            substance_text,
            reaction,
            span: sentence.turn.span,
        };
        match mentioned
            .iter_mut()
            .find(|known| known.substance_text == told.substance_text)
        {
            Some(known) => known.reaction = known.reaction.take().or(told.reaction),
            None => mentioned.push(told),
        }
    }
    mentioned
}

/// What stands after "allergic to", up to a comma or a word that begins something else.
fn substance(sentence: &Sentence<'_>) -> Option<String> {
    let clauses = sentence.text.split([',', ';', '.', '!']);
    clauses.map(table::plain).find_map(|clause| {
        let (before, after) = phrases(Kind::BeforeSubstance).find_map(|phrase| around(&clause, phrase))?;
        if phrases(Kind::Negates).any(|word| table::says(before, word)) {
            return None;
        }
        let words = after.split_whitespace();
        let name: Vec<&str> = words
            .take_while(|word| !is(Kind::EndsSubstance, word))
            .take(LONGEST_NAME)
            .collect();
        let names_something = name.first().is_some_and(|word| !is(Kind::NothingNamed, word));
        names_something.then(|| name.join(" "))
    })
}

fn reaction(sentence: &Sentence<'_>) -> Option<String> {
    let clauses = sentence.text.split([',', ';', '.', '!']);
    clauses.map(table::plain).find_map(|clause| {
        // The longest phrase that is said: "i get a" before "i get".
        let phrase = phrases(Kind::BeforeReaction)
            .filter(|phrase| table::says(&clause, phrase))
            .max_by_key(|p| p.len())?;
        let (before, after) = around(&clause, phrase)?;
        let negated = phrases(Kind::Negates).any(|word| table::says(before, word) || table::says(after, word));
        let after = after.trim();
        (!negated && !after.is_empty()).then(|| after.to_owned())
    })
}

/// What stands before and after a phrase; both keep the spaces that whole words are matched by.
fn around<'a>(plain: &'a str, phrase: &str) -> Option<(&'a str, &'a str)> {
    let at = table::find(plain, phrase)?;
    Some((&plain[..at], &plain[at + phrase.len()..]))
}

fn is(kind: Kind, word: &str) -> bool {
    phrases(kind).any(|phrase| phrase == word)
}
