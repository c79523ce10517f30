//! What was found: a row is a set of figures of one database, with what they should be.

use std::{fmt::Write, time::Duration};

use serde::Serialize;

use crate::bench::{
    figure::Goal,
    machine::{Machine, load},
};

/// One thing that was measured.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Stable name.
    pub id: &'static str,
    /// What was measured.
    pub what: String,
    /// `sqlite`, `postgres`, or none.
    pub database: Option<&'static str>,
    /// Figures by name; the name ends with the unit.
    pub figures: Vec<(&'static str, f64)>,
    /// What it should be, and what it is.
    pub goals: Vec<Goal>,
    /// Processes that wanted a core in the minute before.
    pub load_before: f64,
}

impl Row {
    /// Begins now: the load is that of before.
    pub fn begin(id: &'static str, what: impl Into<String>, database: Option<&'static str>) -> Self {
        let what = what.into();
        println!(
            "bench: {what}{} …",
            database.map(|name| format!(", {name}")).unwrap_or_default()
        );
        Self {
            id,
            what,
            database,
            figures: Vec::new(),
            goals: Vec::new(),
            load_before: load(),
        }
    }

    /// One more figure.
    pub fn put(&mut self, name: &'static str, value: f64) {
        self.figures.push((name, value));
    }

    /// The middle and the tail of something in milliseconds.
    pub fn put_spread(&mut self, spread: &Spread) {
        self.put("n", spread.n() as f64);
        self.put("p50 ms", spread.at(0.5));
        self.put("p95 ms", spread.at(0.95));
        self.put("p99 ms", spread.at(0.99));
        self.put("max ms", spread.at(1.0));
    }

    /// One more goal.
    pub fn aims(&mut self, goal: Goal) {
        self.goals.push(goal);
    }
}

/// Milliseconds, in their order.
#[derive(Debug, Clone, Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Of these.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// How many.
    pub fn n(&self) -> usize {
        self.0.len()
    }

    /// So far up, from 0 to 1: the first that no smaller part is above.
    pub fn at(&self, part: f64) -> f64 {
        let place = (part * self.0.len() as f64).ceil() as usize;
        self.0.get(place.max(1) - 1).copied().unwrap_or(f64::NAN)
    }
}

/// Everything that one run found.
#[derive(Debug, Serialize)]
pub struct Found {
    version: u32,
    at: String,
    build: &'static str,
    machine: Machine,
    load_before: f64,
    load_after: f64,
    seconds: f64,
    /// Whether it was the quick form, whose figures mean nothing.
    pub small: bool,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Found {
    /// Begins now.
    pub fn begin(small: bool) -> Self {
        Self {
            version: 1,
            at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            build: env!("CARGO_PKG_VERSION"),
            machine: Machine::this(),
            load_before: load(),
            load_after: f64::NAN,
            seconds: 0.0,
            small,
            rows: Vec::new(),
        }
    }

    /// Ends now.
    pub fn end(&mut self, took: Duration) {
        (self.seconds, self.load_after) = (took.as_secs_f64(), load());
    }

    /// The table for people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let machine = &self.machine;
        let _ = writeln!(
            out,
            "MediEco {} bench of the relay, {}: {} rows in {:.0} s\n{}, {} cores, {} MiB, Linux {}; load {:.1} before, {:.1} after",
            self.build,
            self.at,
            self.rows.len(),
            self.seconds,
            machine.cpu,
            machine.cores,
            machine.memory_mib,
            machine.kernel,
            self.load_before,
            self.load_after
        );
        if self.small {
            out.push_str("The quick form: that it runs, not how fast.\n");
        }
        for row in &self.rows {
            let database = row.database.map(|name| format!(", {name}")).unwrap_or_default();
            let _ = writeln!(out, "\n{}{database} (load {:.1})", row.what, row.load_before);
            let figures: Vec<String> = row
                .figures
                .iter()
                .map(|(name, value)| format!("{name} {}", digits(*value)))
                .collect();
            for some in figures.chunks(6) {
                let _ = writeln!(out, "    {}", some.join(" | "));
            }
            for goal in &row.goals {
                let word = if goal.met { "met" } else { "missed" };
                let _ = writeln!(out, "    goal: {}: {} ({word})", goal.goal, digits(goal.found));
            }
        }
        out
    }
}

/// Three digits are as many as such a figure can bear; what is counted is written out.
fn digits(value: f64) -> String {
    match value {
        value if value == value.trunc() && value.abs() < 1e15 => format!("{value:.0}"),
        value if value.abs() < 1.0 => format!("{value:.3}"),
        value if value.abs() < 10.0 => format!("{value:.2}"),
        value if value.abs() < 100.0 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_first_that_no_smaller_part_is_above() {
        let hundred = Spread::of((1..=100).rev().map(f64::from).collect());
        assert_eq!(
            (hundred.at(0.5), hundred.at(0.95), hundred.at(1.0)),
            (50.0, 95.0, 100.0)
        );
        assert_eq!(Spread::of(vec![7.0]).at(0.5), 7.0);
        assert!(Spread::default().at(0.5).is_nan());
    }

    #[test]
    fn the_table_says_what_is_missed() {
        let mut row = Row::begin("id", "A thing", Some("sqlite"));
        row.put("p95 ms", 210.4);
        row.aims(Goal::at_most("p95 below 200 ms", 200.0, 210.4));
        let mut found = Found::begin(true);
        found.rows.push(row);
        let text = found.text();
        assert!(text.contains("A thing, sqlite"), "{text}");
        assert!(text.contains("p95 ms 210"), "{text}");
        assert!(text.contains("goal: p95 below 200 ms: 210 (missed)"), "{text}");
    }
}
