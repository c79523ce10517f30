//! Which words to believe: whisper invents on noise, and it invents the same things. Pure.
//!
//! The loudness and voice gates come before (`phrase.rs`, and Silero where it is present); these look at the text.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::engine::{Heard, HeardSegment};
use crate::table;

/// whisper.cpp's own rule: probably nothing was said, and the words are poor.
const NO_SPEECH: f32 = 0.6;
const POOR_LOGPROB: f32 = -1.0;

/// Words this poor are noise whatever else is said of them.
const HOPELESS_LOGPROB: f32 = -2.0;

/// A stock phrase that people do say is believed unless there is this much doubt.
const DOUBT_NO_SPEECH: f32 = 0.3;
const DOUBT_LOGPROB: f32 = -0.7;

/// Nobody says more words a second; half a second is counted as a whole one for single quick words.
const FASTEST_WORDS_PER_S: f32 = 8.0;

/// A word this many times in a row, or a loop with this share of different words in a text this long, is a stuck decoder.
const SAME_WORD: usize = 4;
const LOOP_SHARE: f32 = 0.3;
const LOOP_WORDS: usize = 12;

#[derive(Debug, Deserialize)]
struct StockPhrase {
    phrase: String,
    when: When,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum When {
    Always,
    Doubtful,
}

static STOCK: LazyLock<Vec<StockPhrase>> = LazyLock::new(|| table::rows(include_str!("../../data/stock_phrases.csv")));

/// The believable text of what was heard in `length_ms` of voice; `None` when nothing is left.
pub fn believable(heard: &Heard, length_ms: u32) -> Option<String> {
    let segments: Vec<&HeardSegment> = heard.segments.iter().filter(|segment| is_speech(segment)).collect();
    let text = segments
        .iter()
        .map(|segment| segment.text.trim())
        .filter(|text| !text.is_empty());
    let text = text.collect::<Vec<_>>().join(" ");
    let plain = table::plain(&text);
    let words: Vec<&str> = plain.split_whitespace().collect();
    let doubtful = segments
        .iter()
        .any(|segment| segment.no_speech > DOUBT_NO_SPEECH || segment.avg_logprob < DOUBT_LOGPROB);
    let seconds = (length_ms as f32 / 1_000.0).max(0.5);
    let believed = !words.is_empty()
        && words.len() as f32 <= (FASTEST_WORDS_PER_S * seconds).max(2.0)
        && !is_a_loop(&words)
        && !is_stock(plain.trim(), doubtful);
    believed.then_some(text)
}

fn is_speech(segment: &HeardSegment) -> bool {
    let text = segment.text.trim();
    let is_a_sound = (text.starts_with('[') && text.ends_with(']')) || (text.starts_with('(') && text.ends_with(')'));
    let is_nothing = segment.no_speech > NO_SPEECH && segment.avg_logprob < POOR_LOGPROB;
    !is_a_sound && !text.contains('♪') && !is_nothing && segment.avg_logprob > HOPELESS_LOGPROB
}

fn is_stock(plain: &str, doubtful: bool) -> bool {
    STOCK.iter().any(|stock| match stock.when {
        When::Always => table::says(&format!(" {plain} "), &stock.phrase),
        When::Doubtful => doubtful && stock.phrase == plain,
    })
}

fn is_a_loop(words: &[&str]) -> bool {
    let stuck = words
        .windows(SAME_WORD)
        .any(|run| run.iter().all(|word| *word == run[0]));
    let different: std::collections::BTreeSet<_> = words.iter().collect();
    stuck || (words.len() >= LOOP_WORDS && (different.len() as f32) < LOOP_SHARE * words.len() as f32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::engine::Language;

    fn heard(text: &str, avg_logprob: f32, no_speech: f32) -> Heard {
        let segment = HeardSegment {
            start_ms: 0,
            end_ms: 1_000,
            text: text.to_owned(),
            avg_logprob,
            no_speech,
        };
        Heard {
            language: Language::English,
            segments: vec![segment],
        }
    }

    fn check(text: &str, avg_logprob: f32, no_speech: f32, length_ms: u32, believed: bool) {
        assert_eq!(
            believable(&heard(text, avg_logprob, no_speech), length_ms).is_some(),
            believed,
            "{text}"
        );
    }

    #[test]
    fn plain_speech_is_believed() {
        check(
            "I have had a fever and a cough for three days.",
            -0.2,
            0.01,
            2_600,
            true,
        );
        check("Thank you. Should I come back?", -0.2, 0.01, 2_000, true);
        check("Tarik nafas dalam dalam, kemudian hembus.", -0.2, 0.01, 4_000, true);
        check("Ya.", -0.4, 0.1, 300, true);
    }

    #[test]
    fn what_whisper_makes_of_noise_is_not_believed() {
        check("Thank you for watching!", -0.2, 0.01, 2_000, false);
        check("Thank you.", -0.9, 0.1, 900, false);
        check("Thank you.", -0.2, 0.5, 900, false);
        check("[BLANK_AUDIO]", -0.2, 0.1, 900, false);
        check("♪ la la ♪", -0.2, 0.1, 2_000, false);
        check("of the of the", -1.3, 0.8, 2_000, false);
        check("", -0.1, 0.0, 2_000, false);
    }

    #[test]
    fn a_thank_you_that_was_clearly_said_is_kept() {
        check("Thank you.", -0.2, 0.01, 900, true);
        check("Terima kasih.", -0.2, 0.01, 900, true);
    }

    #[test]
    fn more_words_than_a_mouth_can_say_are_not_believed() {
        check("Ada sesak nafas atau sakit dada?", -0.1, 0.0, 440, false);
        check("Ada sesak nafas atau sakit dada?", -0.1, 0.0, 3_600, true);
    }

    #[test]
    fn a_stuck_decoder_is_not_believed() {
        check("no no no no no", -0.1, 0.0, 3_000, false);
        check(
            "and then we go and then we go and then we go and then we go and then we go",
            -0.1,
            0.0,
            9_000,
            false,
        );
    }
}
