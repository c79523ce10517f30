//! Two relays on one PostgreSQL against one.
//!
//! All of it shares one machine, whose cores are used up by one relay, its database and the load already. So there are two
//! pairs of figures: free, where the machine is the limit and says so; and with each relay held to a small part of a core,
//! as if it had a small machine of its own, where the database is not the limit.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Result;
use rustix::process::{Pid, Signal, kill_process};

use super::{
    Scale,
    cluster::Cluster,
    ingest::{Poured, pour},
    node::{Crowd, Home, Node},
    row::Row,
};
use crate::bench::figure::Goal;

const CARRY: f64 = 1.7;
/// A relay that is held runs so long in each period, and two of them one after the other: they would not take each other's
/// processors either if each had a machine of its own.
const RUNS: Duration = Duration::from_millis(3);
const PERIOD: Duration = Duration::from_millis(30);
/// It is given so much less to do.
const LESS: usize = 12;
/// Clinics are spread over a node's eight connections to the database by their ids, and push again when they are answered. With
/// few of them some connections would have nothing to do, and of two nodes with half of them each more than of one. So there
/// are so many times as many.
pub const MORE_WRITERS: usize = 8;

/// One of the pairs.
pub fn measure(
    held: bool,
    home: &Home,
    scale: &Scale,
    crowd: &mut Crowd,
    cluster: &Cluster,
    folder: &Path,
) -> Result<Row> {
    let other = Home {
        data: folder.join("other-node"),
        database: home.database.clone(),
    };
    fs::create_dir_all(&other.data)?;
    fs::copy(home.data.join("relay.key"), other.data.join("relay.key"))?;
    let (first, second) = (Node::start(home, None)?, Node::start(&other, None)?);
    let (id, what) = if held {
        (
            "relay_two_nodes_held",
            "two nodes against one, each held to a tenth of the time",
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
        let _hold = held.then(|| Held::hold(nodes)).transpose()?;
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
    Ok(row)
}

/// Processes that run only a part of the time, each in its turn.
struct Held {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Held {
    fn hold(nodes: &[&Node]) -> Result<Self> {
        let pid = |node: &&Node| Pid::from_raw(i32::try_from(node.pid()).ok()?);
        let pids: Vec<Pid> = nodes.iter().filter_map(pid).collect();
        let waits = PERIOD.saturating_sub(RUNS * u32::try_from(pids.len())?);
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let tell = |pid: &Pid, signal| kill_process(*pid, signal).is_ok();
            let mut are_there = pids.iter().all(|pid| tell(pid, Signal::STOP));
            while are_there && !seen.load(Ordering::Relaxed) {
                for pid in &pids {
                    are_there &= tell(pid, Signal::CONT);
                    thread::sleep(RUNS);
                    are_there &= tell(pid, Signal::STOP);
                }
                thread::sleep(waits);
            }
            for pid in &pids {
                tell(pid, Signal::CONT);
            }
        });
        Ok(Self {
            over,
            thread: Some(thread),
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
