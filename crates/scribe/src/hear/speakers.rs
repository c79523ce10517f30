//! Which of two voices is the doctor's, for one channel: by height, then by what each says. Pure, and never certain.
//!
//! Two people in a room mostly differ in height of voice. Where the heights do not fall apart into two groups, nobody
//! is named: a wrong name in a medical record is worse than none.

use std::sync::LazyLock;

use domain::Speaker;
use serde::Deserialize;

use super::voice::Voice;
use crate::table;

/// Two voices are told apart when their means differ by this much, in semitones; a speaker's own sentences differ by
/// two or three.
const APART: f32 = 4.0;

/// ... and by this many times their own scatter.
const APART_BY_SCATTER: f32 = 2.0;

/// Who speaks first is mostly the doctor, who calls the patient in. It weighs as much as one clear phrase.
const SPOKE_FIRST: i32 = 2;

#[derive(Debug, Deserialize)]
struct Cue {
    phrase: String,
    /// Above zero speaks for the doctor, below for the patient.
    points: i32,
}

static CUES: LazyLock<Vec<Cue>> = LazyLock::new(|| table::rows(include_str!("../../data/speaker_cues.csv")));

/// Names the speaker of each turn from its voice and its words. All `Unknown` while only one voice was heard.
pub fn name(turns: &[(Voice, &str)]) -> Vec<Speaker> {
    let unknown = vec![Speaker::Unknown; turns.len()];
    let Some(split) = split(turns.iter().filter_map(|(voice, _)| voice.pitch)) else {
        return unknown;
    };
    let is_high = |voice: &Voice| voice.pitch.map(|pitch| pitch > split);
    let first = turns.iter().find_map(|(voice, _)| is_high(voice));
    let first_points = if first == Some(true) { SPOKE_FIRST } else { -SPOKE_FIRST };
    let high_points = turns
        .iter()
        .fold(first_points, |sum, (voice, text)| match is_high(voice) {
            Some(true) => sum + points(text),
            Some(false) => sum - points(text),
            None => sum,
        });
    let high_is_doctor = match high_points {
        0 => return unknown,
        points => points > 0,
    };
    let speaker = |voice: &Voice| match is_high(voice) {
        None => Speaker::Unknown,
        Some(high) if high == high_is_doctor => Speaker::Doctor,
        Some(_) => Speaker::Patient,
    };
    turns.iter().map(|(voice, _)| speaker(voice)).collect()
}

fn points(text: &str) -> i32 {
    let plain = table::plain(text);
    CUES.iter()
        .filter(|cue| table::says(&plain, &cue.phrase))
        .map(|cue| cue.points)
        .sum()
}

/// The pitch between two groups that are well apart; `None` when there is only one.
///
/// In one dimension the best pair of groups is a cut in the sorted values: every cut is tried.
fn split(pitches: impl Iterator<Item = f32>) -> Option<f32> {
    let mut pitches: Vec<f32> = pitches.collect();
    pitches.sort_by(f32::total_cmp);
    let scatter = |at: usize| sum_of_squares(&pitches[..at]) + sum_of_squares(&pitches[at..]);
    let at = (1..pitches.len()).min_by(|&a, &b| scatter(a).total_cmp(&scatter(b)))?;
    let (low, high) = pitches.split_at(at);
    let deviation = (scatter(at) / pitches.len() as f32).sqrt();
    let apart = mean(high) - mean(low);
    (apart >= APART && apart >= APART_BY_SCATTER * deviation).then(|| (low[at - 1] + high[0]) / 2.0)
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

fn sum_of_squares(values: &[f32]) -> f32 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(pitch: f32, text: &str) -> (Voice, &str) {
        (
            Voice {
                pitch: Some(pitch),
                tilt_db: 0.0,
            },
            text,
        )
    }

    #[test]
    fn the_one_who_asks_and_plans_is_the_doctor_even_when_the_patient_speaks_first() {
        let turns = [
            turn(10.0, "Doctor, I have a sore throat."),
            turn(19.0, "Are you allergic to any medicine?"),
            turn(10.5, "No."),
            turn(18.5, "I will give you paracetamol."),
        ];
        use Speaker::{Doctor, Patient};
        assert_eq!(name(&turns), [Patient, Doctor, Patient, Doctor]);
    }

    #[test]
    fn one_voice_alone_is_nobody() {
        let turns = [
            turn(19.0, "Are you allergic?"),
            turn(19.8, "Your throat is red."),
            turn(18.9, "Doctor, I feel ill."),
        ];
        assert_eq!(name(&turns), [Speaker::Unknown; 3]);
    }

    #[test]
    fn a_turn_without_a_voiced_sound_is_nobodys() {
        let turns = [turn(19.0, "Let me see."), turn(10.0, "Yes."), (Voice::default(), "Hm.")];
        assert_eq!(name(&turns)[2], Speaker::Unknown);
    }

    #[test]
    fn two_voices_of_the_same_height_are_not_told_apart() {
        let turns = [
            turn(18.0, "What brings you in?"),
            turn(20.0, "I have a cough."),
            turn(19.0, "For how long?"),
        ];
        assert_eq!(name(&turns), [Speaker::Unknown; 3]);
    }
}
