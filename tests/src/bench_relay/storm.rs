//! The relay dies, and all of its devices come back at once.

use std::time::Instant;

use anyhow::Result;

use super::{
    Scale,
    load::Order,
    node::{Crowd, Home, Node},
    row::Row,
};
use crate::bench::figure::Goal;

const SECONDS: f64 = 30.0;

/// Gives the relay that was started again.
pub fn measure(home: &Home, node: Node, scale: &Scale, crowd: &mut Crowd) -> Result<(Node, Row)> {
    let mut row = Row::begin(
        "relay_storm",
        "the relay is killed and started again",
        Some(home.name()),
    );
    let there = crowd.connect(&[&node], scale.storm_clinics, scale.devices_of_a_clinic)?;
    crowd.begin(|_| Order::Back)?;
    let killed = Instant::now();
    let node = node.start_again()?;
    let up = killed.elapsed().as_secs_f64();
    let back = crowd.reports()?;
    let took = killed.elapsed().as_secs_f64();
    row.put("devices", there.n_live as f64);
    row.put("relay listens after s", up);
    row.put("all back after s", took);
    row.put("relay cores", node.cpu() / took);
    row.put("back", back.n_live as f64);
    row.put("errors", back.n_errors() as f64);
    row.aims(Goal::at_most("all back within 30 s", SECONDS, took));
    let n_lost = (there.n_live - back.n_live.min(there.n_live)) as f64 + back.n_errors() as f64;
    row.aims(Goal::at_most("none refused or lost", 0.0, n_lost));
    crowd.tell(|_| Order::Leave)?;
    Ok((node, row))
}
