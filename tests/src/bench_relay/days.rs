//! Clinics at their day's work, all devices connected: how soon what one writes is with the others, and what it takes.

use anyhow::Result;

use super::{
    Scale,
    cluster::Cluster,
    load::Order,
    node::{Crowd, Home, Node},
    row::{Row, Spread},
};
use crate::bench::figure::Goal;

/// From its time to the other devices' hands.
const P95_MS: f64 = 200.0;
const ERRORS_PERCENT: f64 = 0.1;

/// Six clinics of thirty people.
pub fn planned(home: &Home, node: &Node, scale: &Scale, crowd: &mut Crowd, cluster: Option<&Cluster>) -> Result<Row> {
    let what = format!(
        "planned load: {} clinics of {} devices, {} times a clinic's pace",
        scale.planned_clinics, scale.devices_of_a_clinic, scale.planned_pace
    );
    let mut row = Row::begin("relay_planned", what, Some(home.name()));
    crowd.connect(&[node], scale.planned_clinics, scale.devices_of_a_clinic)?;
    let pace = (scale.planned_seconds, scale.planned_pace);
    day(&mut row, home, node, crowd, cluster, pace)?;
    crowd.tell(|_| Order::Leave)?;
    Ok(row)
}

/// A hundred times that, at the pace of a clinic's hour. The devices are connected already, and go.
pub fn great(home: &Home, node: &Node, scale: &Scale, crowd: &mut Crowd, cluster: Option<&Cluster>) -> Result<Row> {
    let what = format!(
        "a clinic's hour in {} clinics: {} devices",
        scale.clinics,
        scale.clinics * scale.devices_of_a_clinic
    );
    let mut row = Row::begin("relay_great_day", what, Some(home.name()));
    day(&mut row, home, node, crowd, cluster, (scale.seconds, scale.pace))?;
    crowd.tell(|_| Order::Leave)?;
    Ok(row)
}

fn day(
    row: &mut Row,
    home: &Home,
    node: &Node,
    crowd: &mut Crowd,
    cluster: Option<&Cluster>,
    (seconds, pace): (f64, f64),
) -> Result<()> {
    let file = |part: usize| home.data.with_extension(format!("samples-{part}"));
    let before = (node.cpu(), cluster.map(Cluster::cpu), crowd.cpu());
    let report = crowd.tell(|part| Order::Day {
        seconds,
        pace,
        samples: file(part),
    })?;
    let mut samples = Vec::new();
    for part in 0..super::PARTS {
        let bytes = std::fs::read(file(part))?;
        let each = bytes.chunks_exact(4).filter_map(|four| four.try_into().ok());
        samples.extend(each.map(|four| f64::from(f32::from_le_bytes(four))));
    }
    let spread = Spread::of(samples);
    let n = report.sent + report.delivered + report.released;
    let errors = 100.0 * report.n_errors() as f64 / (n as f64).max(1.0);
    row.put("devices", report.n_live as f64);
    row.put("written", report.sent as f64);
    row.put("delivered", report.delivered as f64);
    row.put("releases", report.released as f64);
    row.put("errors", report.n_errors() as f64);
    row.put("errors %", errors);
    row.put_spread(&spread);
    row.put("seconds", report.seconds);
    row.put("relay cores", (node.cpu() - before.0) / report.seconds);
    if let (Some(cluster), Some(before)) = (cluster, before.1) {
        row.put("database cores", (cluster.cpu() - before) / report.seconds);
    }
    row.put("load cores", (crowd.cpu() - before.2) / report.seconds);
    for (what, n) in &report.errors {
        println!("bench: {what}: {n}");
    }
    row.aims(Goal::at_most("p95 below 200 ms", P95_MS, spread.at(0.95)));
    row.aims(Goal::at_most("errors below 0.1 %", ERRORS_PERCENT, errors));
    Ok(())
}
