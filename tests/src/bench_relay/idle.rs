//! What a device takes that is connected and has nothing to say.

use std::{fs, thread, time::Duration};

use anyhow::{Context, Result};

use super::{
    Scale,
    load::Order,
    node::{Crowd, Home, Node},
    row::Row,
};
use crate::bench::figure::Goal;

/// KiB of the relay's memory.
const PLAIN_KIB: f64 = 16.0;
/// Until what beginning needs is given back.
const CALM: Duration = Duration::from_secs(2);

/// Connects the great day's devices, which stay.
pub fn plain(home: &Home, node: &Node, scale: &Scale, crowd: &mut Crowd) -> Result<Row> {
    let mut row = Row::begin("relay_idle", "memory of an idle connection", Some(home.name()));
    let each = connect(&mut row, node, scale.clinics, scale, crowd)?;
    row.aims(Goal::at_most("at most 16 KiB without TLS", PLAIN_KIB, each));
    Ok(row)
}

/// The same with the relay's own TLS; these go again.
pub fn with_tls(home: &Home, scale: &Scale, crowd: &mut Crowd) -> Result<Row> {
    let mut row = Row::begin(
        "relay_idle_tls",
        "memory of an idle connection with TLS",
        Some(home.name()),
    );
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let (certificate, key) = (home.data.with_extension("pem"), home.data.with_extension("key"));
    fs::write(&certificate, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    let node = Node::start(home, Some((&certificate, &key)))?;
    connect(&mut row, &node, scale.tls_clinics, scale, crowd)?;
    crowd.tell(|_| Order::Leave)?;
    Ok(row)
}

fn connect(row: &mut Row, node: &Node, n_clinics: usize, scale: &Scale, crowd: &mut Crowd) -> Result<f64> {
    thread::sleep(CALM);
    let (before_kib, before) = (node.held_kib()?, node.cpu());
    let report = crowd.connect(&[node], n_clinics, scale.devices_of_a_clinic)?;
    let took = node.cpu() - before;
    thread::sleep(CALM);
    let n = (report.n_live > 0)
        .then_some(report.n_live as f64)
        .context("some are connected")?;
    let each = (node.held_kib()? - before_kib) / n;
    row.put("devices", n);
    row.put("KiB each", each);
    row.put("connected in s", report.seconds);
    row.put("relay ms each", 1000.0 * took / n);
    row.put("errors", report.n_errors() as f64);
    Ok(each)
}
