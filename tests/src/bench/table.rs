//! The table for people, and the shape of the JSON for programs.

use std::{fmt::Write, time::Duration};

use serde::Serialize;

use super::{
    figure::{Figure, Samples},
    machine::{Machine, load},
};

/// Everything that one run found. `version` goes up when a field changes its meaning or goes.
#[derive(Debug, Serialize)]
pub struct Run {
    version: u32,
    at: String,
    /// Cargo's profile.
    profile: String,
    build: &'static str,
    unit: &'static str,
    machine: Machine,
    load_before: f64,
    load_after: f64,
    seconds: f64,
    /// The rows.
    pub figures: Vec<Figure>,
}

impl Run {
    /// Begins now.
    pub fn begin() -> Self {
        Self {
            version: 1,
            at: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            profile: profile(),
            build: env!("CARGO_PKG_VERSION"),
            unit: "ms",
            machine: Machine::this(),
            load_before: load(),
            load_after: f64::NAN,
            seconds: 0.0,
            figures: Vec::new(),
        }
    }

    /// Ends now.
    pub fn end(&mut self, took: Duration) {
        (self.seconds, self.load_after) = (took.as_secs_f64(), load());
    }
}

/// The name of the folder that this program lies in: `measured`, unless somebody measured something else.
fn profile() -> String {
    let own = std::env::current_exe().unwrap_or_default();
    let folder = own.parent().and_then(|folder| folder.file_name());
    match folder.map(|name| name.to_string_lossy()) {
        Some(name) if name == "debug" => "dev".to_owned(),
        Some(name) => name.into_owned(),
        None => "unknown".to_owned(),
    }
}

/// The table.
pub fn text(run: &Run) -> String {
    let mut out = String::new();
    let profile = match run.profile.as_str() {
        "dev" => "dev profile: our code unoptimised, some foreign crates optimised (Cargo.toml)",
        "measured" => "measured profile: the release (Cargo.toml)",
        other => other,
    };
    let (machine, n) = (&run.machine, run.figures.len());
    let _ = writeln!(
        out,
        "MediEco {} bench, {}: {n} figures in {:.0} s",
        run.build, run.at, run.seconds
    );
    let _ = writeln!(out, "{profile}");
    let _ = writeln!(
        out,
        "{}, {} cores, {} MiB, Linux {}; load {:.1} before, {:.1} after",
        machine.cpu, machine.cores, machine.memory_mib, machine.kernel, run.load_before, run.load_after
    );
    let _ = writeln!(
        out,
        "Milliseconds where nothing else is said: median (10th to 90th percentile). The ratio is of the medians.\n"
    );
    let _ = writeln!(
        out,
        "{:<44}{:>5}  {:<26}{:<26}{:>6}  load",
        "", "n", "ours", "yardstick", "ratio"
    );
    for figure in &run.figures {
        let what = match figure.unit {
            "ms" => figure.what.clone(),
            unit => format!("{} ({unit})", figure.what),
        };
        let _ = writeln!(
            out,
            "{:<44}{:>5}  {:<26}{:<26}{:>6.2}  {:.1}",
            what,
            figure.ours.n(),
            spread(&figure.ours),
            spread(&figure.yardstick),
            figure.ratio,
            figure.load_before,
        );
        let _ = writeln!(out, "    against {}", figure.against);
        for goal in &figure.goals {
            let word = if goal.met { "met" } else { "missed" };
            let _ = writeln!(out, "    goal: {}: {} ({word})", goal.goal, digits(goal.found));
        }
    }
    out
}

fn spread(samples: &Samples) -> String {
    let (low, high) = (samples.quantile(0.1), samples.quantile(0.9));
    format!("{} ({} to {})", digits(samples.median()), digits(low), digits(high))
}

/// Three digits are as many as such a figure can bear.
fn digits(ms: f64) -> String {
    match ms {
        ms if ms < 1.0 => format!("{ms:.3}"),
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_median_spread_and_ratio() {
        let of = |values: &[u64]| {
            let mut samples = Samples::default();
            values.iter().for_each(|ms| samples.push(Duration::from_millis(*ms)));
            samples
        };
        let figure = Figure::of(
            "id",
            "A thing".into(),
            "a bare thing".into(),
            of(&[100, 200, 300]),
            of(&[50]),
        );
        let run = Run {
            figures: vec![figure.under(0.5)],
            ..Run::begin()
        };
        let table = text(&run);
        assert!(table.contains("200 (120 to 280)"), "{table}");
        assert!(table.contains("50.0 (50.0 to 50.0)"), "{table}");
        assert!(table.contains("4.00"), "{table}");
        assert!(table.contains("against a bare thing"), "{table}");
    }

    #[test]
    fn what_is_no_time_says_what_it_counts() {
        let mut one = Samples::default();
        one.add(512.0);
        let figure = Figure::of("id", "A thing".into(), "a bare thing".into(), one.clone(), one);
        let run = Run {
            figures: vec![figure.counted_in("bytes")],
            ..Run::begin()
        };
        assert!(text(&run).contains("A thing (bytes)"));
        let json = serde_json::to_value(&run).expect("a run is JSON");
        assert_eq!(json["figures"][0]["unit"], "bytes");
        assert_eq!(json["figures"][0]["ours"]["median"], 512.0);
    }

    #[test]
    fn programs_find_a_version_and_each_figure() {
        let mut one = Samples::default();
        one.push(Duration::from_millis(3));
        let figure = Figure::of("id", "A thing".into(), "a bare thing".into(), one.clone(), one);
        let run = Run {
            figures: vec![figure],
            ..Run::begin()
        };
        let json = serde_json::to_value(&run).expect("a run is JSON");
        assert_eq!(json["version"], 1);
        assert_eq!(json["figures"][0]["ours"]["median"], 3.0);
        assert_eq!(json["figures"][0]["ratio"], 1.0);
    }
}
