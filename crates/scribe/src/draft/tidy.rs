//! A spoken sentence as it is written in a note: numbers in digits, units as symbols, nothing added.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{cues, numbers};
use crate::table;

#[derive(Debug, Deserialize)]
struct Unit {
    word: String,
    /// Empty when the word itself is written.
    symbol: String,
    kind: String,
}

#[derive(Debug, Deserialize)]
struct LeadIn {
    phrase: String,
}

static UNITS: LazyLock<HashMap<String, Unit>> = LazyLock::new(|| {
    let rows: Vec<Unit> = table::rows(include_str!("../../data/units.csv"));
    rows.into_iter().map(|unit| (unit.word.clone(), unit)).collect()
});
static LEAD_INS: LazyLock<Vec<LeadIn>> = LazyLock::new(|| table::rows(include_str!("../../data/lead_ins.csv")));

/// A degree is a temperature only for these values; else it is an angle.
pub(super) const TEMPERATURES: std::ops::RangeInclusive<f64> = 30.0..=45.0;

/// A word without the punctuation around it, in lower case.
pub(super) fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// The kind of a unit word (`dose`, `weight`, ...).
pub(super) fn unit_kind(word: &str) -> Option<&'static str> {
    UNITS.get(word).map(|unit| unit.kind.as_str())
}

/// The sentence, tidied, with a capital and an end.
pub(super) fn sentence(text: &str) -> String {
    finish(&in_digits(text))
}

/// The sentence as it stands alone: without "yes" that answers nothing, without "this is a".
pub(super) fn alone(text: &str) -> String {
    let mut rest = text.trim();
    if cues::answer(&table::plain(rest)) == Some(cues::Answer::Yes)
        && let Some((first, after)) = rest.split_once(char::is_whitespace)
        // "Ada demam" is a sentence, "Ada, demam" an answer.
        && first.ends_with(',')
    {
        rest = after.trim_start();
    }
    let without = LEAD_INS.iter().find_map(|lead_in| {
        let (start, after) = rest.split_at_checked(lead_in.phrase.len())?;
        (start.eq_ignore_ascii_case(&lead_in.phrase) && after.starts_with(' ')).then(|| after.trim_start())
    });
    sentence(without.unwrap_or(rest))
}

fn in_digits(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let bares: Vec<String> = words.iter().map(|word| bare(word)).collect();
    let bares: Vec<&str> = bares.iter().map(String::as_str).collect();
    let mut written: Vec<String> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        // A number ends where a comma stands: "thirty, eight" are two.
        let reach = (at..words.len())
            .find(|&n| ends_in_a_mark(words[n]))
            .map_or(words.len(), |n| n + 1);
        let number = numbers::read(&bares[at..reach]);
        let Some(number) = number else {
            written.push(words[at].to_owned());
            at += 1;
            continue;
        };
        let after = at + number.n_words;
        let ends_here = ends_in_a_mark(words[after - 1]);
        let unit = bares
            .get(after)
            .filter(|_| !ends_here)
            .and_then(|word| UNITS.get(*word));
        if number.in_digits || (unit.is_none() && number.n_words == 1) {
            // "One" alone may be no number; digits are what they are.
            written.extend(words[at..after].iter().map(|word| (*word).to_owned()));
            at = after;
        } else {
            written.push(format!("{}{}", number.digits, mark(words[after - 1])));
            at = after;
        }
        let symbol = unit.filter(|unit| unit.kind != "temperature" || TEMPERATURES.contains(&number.value));
        if let Some(symbol) = symbol
            .map(|unit| unit.symbol.as_str())
            .filter(|symbol| !symbol.is_empty())
        {
            let mut last = at;
            // "degrees Celsius" is one unit.
            if bares.get(at + 1) == Some(&"celsius") && !ends_in_a_mark(words[at]) {
                last += 1;
            }
            written.push(format!("{symbol}{}", mark(words[last])));
            at = last + 1;
        }
    }
    written.join(" ")
}

fn ends_in_a_mark(word: &str) -> bool {
    !mark(word).is_empty()
}

/// The punctuation at the end of a word.
fn mark(word: &str) -> &str {
    &word[word.trim_end_matches(|c: char| c.is_ascii_punctuation()).len()..]
}

fn finish(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(capital).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

/// The capital of a letter, where it has one that stands for it alone: "ß" keeps itself.
fn capital(letter: char) -> String {
    let capital: String = letter.to_uppercase().collect();
    if capital.to_lowercase() == letter.to_string() {
        capital
    } else {
        letter.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_written_in_digits() {
        let check = |said, written| assert_eq!(sentence(said), written);
        check(
            "Take paracetamol one gram, every six hours, for three days.",
            "Take paracetamol 1 g, every 6 hours, for 3 days.",
        );
        check(
            "Only amlodipine five milligrams for blood pressure.",
            "Only amlodipine 5 mg for blood pressure.",
        );
        check("it was thirty nine degrees Celsius.", "It was 39 °C.");
        check("turn it ninety degrees", "Turn it 90 degrees.");
        check("no one knows", "No one knows.");
        check("38.5 degrees, I think", "38.5 °C, I think.");
    }

    #[test]
    fn what_stands_alone_loses_its_lead_in_and_nothing_else() {
        let check = |said, written| assert_eq!(alone(said), written);
        check(
            "This is an upper respiratory tract infection.",
            "Upper respiratory tract infection.",
        );
        check(
            "Your throat is red, but your lungs are clear.",
            "Throat is red, but your lungs are clear.",
        );
        check("Yes, I am allergic to penicillin.", "I am allergic to penicillin.");
        check("This is not an infection.", "This is not an infection.");
        check("I think this is a virus.", "I think this is a virus.");
    }
}
