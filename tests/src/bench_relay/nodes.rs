//! Two relays on one PostgreSQL against one.
//!
//! All of it shares one machine, whose cores are used up by one relay, its database and the load already. So there are two
//! pairs of figures: free, where the machine is the limit and says so; and with each relay held to a small part of a core,
//! as if it had a small machine of its own, where the database is not the limit.

use std::{fs, path::Path};

use anyhow::Result;

use super::{
    Scale,
    cluster::Cluster,
    ingest::{Poured, pour},
    node::{Crowd, Home, Node},
    row::Row,
    share::Share,
};
use crate::bench::figure::Goal;

const CARRY: f64 = 1.7;
/// A relay that is held runs so long in each period, in microseconds, with all of its threads together: three twentieths of a core,
/// so that two of them, the database and the load leave the machine's two cores time to spare.
const RUNS: u32 = 3_000;
const PERIOD: u32 = 20_000;
/// It is given so much less to do.
const LESS: usize = 12;
/// Clinics are spread over a node's eight connections to the database by their ids, and push again when they are answered. With
/// few of them some connections would have nothing to do, and of two nodes with half of them each more than of one. So there
/// are so many times as many.
pub const MORE_WRITERS: usize = 8;

/// One of the pairs. None is held where the kernel shares nothing out, which a line says.
pub fn measure(
    held: bool,
    home: &Home,
    scale: &Scale,
    crowd: &mut Crowd,
    cluster: &Cluster,
    folder: &Path,
) -> Result<Option<Row>> {
    let other = Home {
        data: folder.join("other-node"),
        database: home.database.clone(),
    };
    fs::create_dir_all(&other.data)?;
    fs::copy(home.data.join("relay.key"), other.data.join("relay.key"))?;
    let (first, second) = (Node::start(home, None)?, Node::start(&other, None)?);
    if let (true, Err(why)) = (held, Share::give(first.pid(), RUNS, PERIOD)) {
        println!("bench: two nodes are not held, and not measured so: {why:#}");
        return Ok(None);
    }
    let (id, what) = if held {
        (
            "relay_two_nodes_held",
            "two nodes against one, each held to three twentieths of a core",
        )
    } else {
        ("relay_two_nodes", "two nodes against one, on this machine")
    };
    let mut row = Row::begin(id, what, Some(home.name()));
    let (writers, changes) = if held {
        (scale.writers * MORE_WRITERS, (scale.changes / LESS).max(1))
    } else {
        (scale.writers, scale.changes)
    };
    let mut run = |nodes: &[&Node]| {
        let share = |node: &&Node| Share::give(node.pid(), RUNS, PERIOD);
        let _held: Vec<Share> = nodes.iter().filter(|_| held).map(share).collect::<Result<_>>()?;
        pour(nodes, writers, changes, crowd, Some(cluster))
    };
    let (one, two) = (run(&[&first])?, run(&[&first, &second])?);
    let speed = |poured: &Poured| poured.changes / poured.seconds;
    row.put("one: a second", speed(&one));
    row.put("two: a second", speed(&two));
    for (poured, relays, database, load) in [
        (&one, "one: relay cores", "one: database cores", "one: load cores"),
        (&two, "two: relay cores", "two: database cores", "two: load cores"),
    ] {
        row.put(relays, poured.relays / poured.seconds);
        row.put(database, poured.database / poured.seconds);
        row.put(load, poured.load / poured.seconds);
    }
    let cost = |poured: &Poured| (poured.relays + poured.database) / poured.changes * 1e6;
    row.put("one: µs of processor a change", cost(&one));
    row.put("two: µs of processor a change", cost(&two));
    row.put("errors", one.errors + two.errors);
    if held {
        row.aims(Goal::at_least(
            "two carry 1.7 times what one does",
            CARRY,
            speed(&two) / speed(&one),
        ));
    } else {
        row.put("ratio", speed(&two) / speed(&one));
        let dearer = cost(&two) / cost(&one);
        row.aims(Goal::at_most(
            "a change takes at most 2 / 1.7 of the processor time",
            2.0 / CARRY,
            dearer,
        ));
    }
    Ok(Some(row))
}
