//! What was measured and said aloud: temperature, blood pressure, weight.

use std::fmt;
use std::sync::LazyLock;

use domain::{Celsius, Kilograms, MillimetresOfMercury, Speaker, Turn, Vitals};
use serde::Deserialize;

use super::sentences::{Sentence, sentences};
use super::{may_be, numbers, tidy};
use crate::table;

/// What a living patient can have; anything else was misheard and is not suggested.
const BODY_TEMPERATURES: std::ops::RangeInclusive<f64> = 33.0..=43.5;
const SYSTOLIC: std::ops::RangeInclusive<f64> = 60.0..=270.0;
const DIASTOLIC: std::ops::RangeInclusive<f64> = 30.0..=160.0;
const WEIGHTS: std::ops::RangeInclusive<f64> = 0.4..=350.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Temperature,
    BloodPressure,
    Weight,
}

#[derive(Debug, Deserialize)]
struct Row {
    kind: Kind,
    phrase: String,
}

static WORDS: LazyLock<Vec<Row>> = LazyLock::new(|| table::rows(include_str!("../../data/vitals.csv")));

/// One measurement, in the digits that were said.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reading {
    Temperature(f64, String),
    BloodPressure((f64, String), (f64, String)),
    Weight(f64, String),
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reading::Temperature(_, digits) => write!(f, "T {digits} °C"),
            Reading::BloodPressure((_, systolic), (_, diastolic)) => write!(f, "BP {systolic}/{diastolic}"),
            Reading::Weight(_, digits) => write!(f, "Weight {digits} kg"),
        }
    }
}

/// The readings in a sentence. Only a doctor reads them out; what a patient measured at home is her story.
pub(super) fn of(sentence: &Sentence<'_>) -> Vec<Reading> {
    if !may_be(sentence.turn.speaker, Speaker::Doctor) || sentence.is_question() {
        return Vec::new();
    }
    let spaced = sentence.text.replace('/', " / ");
    let words: Vec<String> = spaced
        .split_whitespace()
        .map(|word| if word == "/" { word.into() } else { tidy::bare(word) })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut readings = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let Some(number) = numbers::read(&words[at..]) else {
            at += 1;
            continue;
        };
        at += number.n_words;
        let next = words.get(at).copied().unwrap_or_default();
        if next == "/" || is(Kind::BloodPressure, next) {
            let lower = words.get(at + 1..).and_then(numbers::read);
            if let Some(lower) = lower.filter(|lower| is_pressure(number.value, lower.value)) {
                at += 1 + lower.n_words;
                readings.push(Reading::BloodPressure(
                    (number.value, number.digits),
                    (lower.value, lower.digits),
                ));
            }
            continue;
        }
        let unit = tidy::unit_kind(next);
        if unit == Some("weight") && says(sentence, Kind::Weight) && WEIGHTS.contains(&number.value) {
            readings.push(Reading::Weight(number.value, number.digits));
        } else if (unit == Some("temperature") || unit.is_none() && says(sentence, Kind::Temperature))
            && BODY_TEMPERATURES.contains(&number.value)
        {
            readings.push(Reading::Temperature(number.value, number.digits));
        }
    }
    readings
}

fn is_pressure(systolic: f64, diastolic: f64) -> bool {
    SYSTOLIC.contains(&systolic) && DIASTOLIC.contains(&diastolic) && systolic > diastolic
}

fn is(kind: Kind, word: &str) -> bool {
    WORDS.iter().any(|row| row.kind == kind && row.phrase == word)
}

fn says(sentence: &Sentence<'_>, kind: Kind) -> bool {
    WORDS
        .iter()
        .any(|row| row.kind == kind && table::says(&sentence.plain, &row.phrase))
}

/// What was measured, as the screen proposes it; of two readings the later counts. The caller sets the weight's day.
pub fn suggested_vitals(turns: &[Turn]) -> Vitals {
    let mut vitals = Vitals::default();
    for reading in sentences(turns).flat_map(|sentence| of(&sentence)) {
        match reading {
            Reading::Temperature(value, _) => vitals.temperature = Some(Celsius(value)),
            Reading::BloodPressure((systolic, _), (diastolic, _)) => {
                vitals.systolic = Some(MillimetresOfMercury(systolic));
                vitals.diastolic = Some(MillimetresOfMercury(diastolic));
            }
            Reading::Weight(value, _) => vitals.weight = Some(Kilograms(value)),
        }
    }
    vitals
}
