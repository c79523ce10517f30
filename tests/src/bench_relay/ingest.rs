//! Devices that push as much as they can, in full batches: each change is verified, stored, and durable.

use anyhow::Result;
use sync_protocol::BATCH_ITEMS;

use super::{
    Scale,
    cluster::Cluster,
    load::Order,
    node::{Crowd, Home, Node},
    row::Row,
};
use crate::bench::figure::Goal;

/// Bytes of the changes' bodies: those of a note's edit.
pub(super) const BODY: usize = 160;
const A_CORE_AND_SECOND: f64 = 20_000.0;

/// What pouring came to.
pub(super) struct Poured {
    pub(super) changes: f64,
    pub(super) seconds: f64,
    pub(super) relays: f64,
    pub(super) database: f64,
    pub(super) load: f64,
    pub(super) errors: f64,
}

/// Each of so many clinics pushes its changes to its node, all at once.
pub(super) fn pour(
    nodes: &[&Node],
    n_clinics: usize,
    n_changes: usize,
    crowd: &mut Crowd,
    cluster: Option<&Cluster>,
) -> Result<Poured> {
    crowd.connect(nodes, n_clinics, 1)?;
    let seal = |crowd: &mut Crowd, changes| crowd.tell(|_| Order::Seal { changes, bytes: BODY });
    // One batch of each does not count: a program that has just begun, and its connections, prepare every statement once.
    seal(crowd, BATCH_ITEMS)?;
    crowd.tell(|_| Order::Pour)?;
    seal(crowd, n_changes)?;
    let cpu = |crowd: &Crowd| {
        let relays: f64 = nodes.iter().map(|node| node.cpu()).sum();
        (relays, cluster.map_or(0.0, Cluster::cpu), crowd.cpu())
    };
    let before = cpu(crowd);
    let report = crowd.tell(|_| Order::Pour)?;
    let after = cpu(crowd);
    crowd.tell(|_| Order::Leave)?;
    Ok(Poured {
        changes: report.sent as f64,
        seconds: report.seconds,
        relays: after.0 - before.0,
        database: after.1 - before.1,
        load: after.2 - before.2,
        errors: report.n_errors() as f64,
    })
}

/// On one node.
pub fn measure(home: &Home, node: &Node, scale: &Scale, crowd: &mut Crowd, cluster: Option<&Cluster>) -> Result<Row> {
    let what = format!(
        "{} devices push {} changes each, in full batches",
        scale.writers, scale.changes
    );
    let mut row = Row::begin("relay_ingest", what, Some(home.name()));
    let poured = pour(&[node], scale.writers, scale.changes, crowd, cluster)?;
    let a_core = poured.changes / (poured.relays + poured.database);
    row.put("changes", poured.changes);
    row.put("errors", poured.errors);
    row.put("a second", poured.changes / poured.seconds);
    row.put("a second and core", a_core);
    row.put("relay cores", poured.relays / poured.seconds);
    if cluster.is_some() {
        row.put("database cores", poured.database / poured.seconds);
        row.put("a second and core of the relay", poured.changes / poured.relays);
    }
    row.put("load cores", poured.load / poured.seconds);
    row.aims(Goal::at_least(
        "20 000 changes a second for each core",
        A_CORE_AND_SECOND,
        a_core,
    ));
    Ok(row)
}
