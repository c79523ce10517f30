//! A figure: ours and its yardstick, measured in turn, as medians with their spread.

use std::time::Duration;

use anyhow::Result;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::{machine::load, progress::Progress};

/// Durations in milliseconds, or whatever else a figure counts.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One more.
    pub fn push(&mut self, took: Duration) {
        self.add(took.as_secs_f64() * 1000.0);
    }

    /// One more that is no duration.
    pub fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many.
    pub fn n(&self) -> usize {
        self.0.len()
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The value below which this part (0 to 1) of all lies, straight between the two nearest. Without samples no number.
    pub fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let place = part * sorted.len().saturating_sub(1) as f64;
        let (below, above) = (place.floor() as usize, place.ceil() as usize);
        match (sorted.get(below), sorted.get(above)) {
            (Some(low), Some(high)) => low + (high - low) * place.fract(),
            _ => f64::NAN,
        }
    }
}

impl Serialize for Samples {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut fields = to.serialize_struct("Samples", 5)?;
        fields.serialize_field("n", &self.n())?;
        fields.serialize_field("median", &self.median())?;
        fields.serialize_field("p10", &self.quantile(0.1))?;
        fields.serialize_field("p90", &self.quantile(0.9))?;
        fields.serialize_field("max", &self.quantile(1.0))?;
        fields.end()
    }
}

/// One row of the table.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// Stable name.
    pub id: &'static str,
    /// What was measured.
    pub what: String,
    /// What it is held against.
    pub against: String,
    /// What both are counted in.
    pub unit: &'static str,
    /// Ours.
    pub ours: Samples,
    /// The yardstick's.
    pub yardstick: Samples,
    /// Median of ours by median of the yardstick.
    pub ratio: f64,
    /// Processes that wanted a core in the minute before this was measured, ours included.
    pub load_before: f64,
    /// What it should be, and what it is.
    pub goals: Vec<Goal>,
}

/// A goal, and how far it was reached.
#[derive(Debug, Clone, Serialize)]
pub struct Goal {
    /// In words, with its unit.
    pub goal: String,
    /// What was found.
    pub found: f64,
    /// Whether that is good enough.
    pub met: bool,
}

impl Goal {
    /// No more than this.
    pub fn at_most(goal: &str, limit: f64, found: f64) -> Self {
        let (goal, met) = (goal.to_owned(), found <= limit);
        Self { goal, found, met }
    }

    /// No less than this.
    pub fn at_least(goal: &str, limit: f64, found: f64) -> Self {
        let (goal, met) = (goal.to_owned(), found >= limit);
        Self { goal, found, met }
    }
}

impl Figure {
    /// From samples.
    pub fn of(id: &'static str, what: String, against: String, ours: Samples, yardstick: Samples) -> Self {
        let ratio = ours.median() / yardstick.median();
        Self {
            id,
            what,
            against,
            unit: "ms",
            ours,
            yardstick,
            ratio,
            load_before: f64::NAN,
            goals: Vec::new(),
        }
    }

    /// With one more goal.
    pub fn with(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    /// Counted in something else than milliseconds.
    pub fn counted_in(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    /// With the load that stood when its measuring began.
    pub fn under(self, load_before: f64) -> Self {
        Self { load_before, ..self }
    }
}

/// Measures both `n` times in turn, after one of each that does not count; each goes first in every second pair.
pub fn in_turn(
    what: &'static str,
    n: usize,
    mut ours: impl FnMut(usize) -> Result<Duration>,
    mut yardstick: impl FnMut(usize) -> Result<Duration>,
) -> Result<(Samples, Samples, f64)> {
    let load = load();
    let mut progress = Progress::of(what, n);
    let (mut of_ours, mut of_yardstick) = (Samples::default(), Samples::default());
    ours(0)?;
    yardstick(0)?;
    for round in 1..=n {
        if round % 2 == 0 {
            of_ours.push(ours(round)?);
            of_yardstick.push(yardstick(round)?);
        } else {
            of_yardstick.push(yardstick(round)?);
            of_ours.push(ours(round)?);
        }
        progress.at(round);
    }
    Ok((of_ours, of_yardstick, load))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[u64]) -> Samples {
        let mut samples = Samples::default();
        values.iter().for_each(|ms| samples.push(Duration::from_millis(*ms)));
        samples
    }

    #[test]
    fn the_median_does_not_care_for_order_and_lies_between_two() {
        assert_eq!(samples(&[9, 1, 5]).median(), 5.0);
        assert_eq!(samples(&[4, 1, 3, 2]).median(), 2.5);
        assert_eq!(samples(&[7]).quantile(0.9), 7.0);
        assert!(samples(&[]).median().is_nan());
    }

    #[test]
    fn quantiles_lie_straight_between_the_nearest() {
        let hundred: Vec<u64> = (0..=100).collect();
        assert_eq!(samples(&hundred).quantile(0.1), 10.0);
        assert_eq!(samples(&hundred).quantile(1.0), 100.0);
    }

    #[test]
    fn each_is_measured_as_often_and_the_first_does_not_count() {
        let (mut ours_seen, mut bare_seen) = (Vec::new(), Vec::new());
        let (ours, bare, _) = in_turn(
            "test",
            3,
            |round| {
                ours_seen.push(round);
                Ok(Duration::from_millis(round as u64))
            },
            |round| {
                bare_seen.push(round);
                Ok(Duration::from_millis(1))
            },
        )
        .expect("nothing fails");
        assert_eq!((ours_seen, bare_seen), (vec![0, 1, 2, 3], vec![0, 1, 2, 3]));
        assert_eq!((ours.n(), bare.n(), ours.median()), (3, 3, 2.0));
    }
}
