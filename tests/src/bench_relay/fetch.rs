//! A patient's history from another clinic, out of a great store.

use std::time::Instant;

use anyhow::{Context, Result};

use super::{
    Scale,
    archive::Archive,
    cluster::Cluster,
    decide,
    line::Place,
    node::{Home, Node},
    row::{Row, Spread},
    single::{Device, runtime},
    talk::Heard,
};
use crate::bench::figure::Goal;

const P95_MS: f64 = 20.0;

/// The gate alone, and then whole histories, each through all of its pages.
pub fn measure(home: &Home, archive: &Archive, scale: &Scale, cluster: Option<&Cluster>) -> Result<Vec<Row>> {
    let gate = decide::gate(home, archive, scale.rounds)?;
    let what = format!(
        "a history of {} releases is fetched; {} clinics, {} changes stored",
        scale.releases,
        scale.archived_clinics,
        scale.archived_clinics * scale.archived_changes
    );
    let mut row = Row::begin("relay_fetch", what, Some(home.name()));
    let node = Node::start(home, None)?;
    let before = (node.cpu(), cluster.map(Cluster::cpu));
    let (mut spread, mut n_pulls) = (Vec::new(), 0);
    runtime()?.block_on(async {
        let mut device = Device::connect(&Place::new(&node.address, None)?, &archive.to, 0).await?;
        // All are new to it.
        for _ in &archive.grants {
            device.until(|heard| matches!(heard, Heard::Pulled(_))).await?;
        }
        for grant in archive.grants.iter().cycle().take(scale.rounds) {
            let began = Instant::now();
            let (line, talk) = device.parts();
            let pull = talk.pull_anew(*grant);
            line.say(&pull).await?;
            device
                .until(|heard| matches!(heard, Heard::Pulled(of) if of == grant))
                .await?;
            spread.push(began.elapsed().as_secs_f64() * 1000.0);
            n_pulls += 1;
        }
        anyhow::Ok(())
    })?;
    let n_pulls = (n_pulls > 0)
        .then_some(f64::from(n_pulls))
        .context("some were fetched")?;
    let spread = Spread::of(spread);
    row.put_spread(&spread);
    row.put("relay ms each", 1000.0 * (node.cpu() - before.0) / n_pulls);
    if let (Some(cluster), Some(before)) = (cluster, before.1) {
        row.put("database ms each", 1000.0 * (cluster.cpu() - before) / n_pulls);
    }
    row.aims(Goal::at_most("p95 at most 20 ms", P95_MS, spread.at(0.95)));
    Ok(vec![gate, row])
}
