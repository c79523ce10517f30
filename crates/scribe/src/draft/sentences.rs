//! Turns into sentences.

use domain::{Span, Turn};

use crate::table;

/// One sentence of a turn.
#[derive(Debug, Clone)]
pub(super) struct Sentence<'a> {
    pub(super) turn: &'a Turn,
    /// Which turn, from 0.
    pub(super) n: usize,
    /// With its punctuation.
    pub(super) text: &'a str,
    /// Lower case, words only; see `table::plain`.
    pub(super) plain: String,
}

impl Sentence<'_> {
    pub(super) fn is_question(&self) -> bool {
        self.text.ends_with('?')
    }

    /// True when this follows `question` closely enough to answer it, and is not its own speaker's.
    pub(super) fn may_answer(&self, question: &Sentence<'_>) -> bool {
        self.n == question.n + 1 && (self.turn.speaker != question.turn.speaker || !self.is_named())
    }

    /// From the beginning of this turn to the end of a later one.
    pub(super) fn span_to(&self, later: &Sentence<'_>) -> Span {
        Span {
            start_ms: self.turn.span.start_ms,
            end_ms: later.turn.span.end_ms.max(self.turn.span.end_ms),
        }
    }

    fn is_named(&self) -> bool {
        self.turn.speaker != domain::Speaker::Unknown
    }
}

/// All sentences of all turns, in order; those without a word are left out.
pub(super) fn sentences(turns: &[Turn]) -> impl Iterator<Item = Sentence<'_>> {
    turns.iter().enumerate().flat_map(|(n, turn)| {
        let parts = split(&turn.text).into_iter().map(move |text| Sentence {
            turn,
            n,
            text,
            plain: table::plain(text),
        });
        parts.filter(|sentence| !sentence.plain.trim().is_empty())
    })
}

/// Cuts after `.`, `?`, `!` where a space or the end follows, so `38.2` stays whole.
pub(super) fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, mark) in text.char_indices().filter(|(_, c)| matches!(c, '.' | '?' | '!')) {
        let after = at + mark.len_utf8();
        if text[after..].chars().next().is_none_or(char::is_whitespace) {
            parts.push(text[from..after].trim());
            from = after;
        }
    }
    parts.push(text[from..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}
