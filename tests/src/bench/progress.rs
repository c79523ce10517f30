//! A long step says how far it is, on stdout, above the table.

use std::time::{Duration, Instant};

use super::figure::Figure;

/// As often as a person wants to know.
const EVERY: Duration = Duration::from_secs(2);

/// Says what happens now.
pub fn say(what: &str) {
    println!("bench: {what} …");
}

/// Says what a row came to, when the table is still far away.
pub fn tell(row: &Figure) {
    let Figure { id, unit, ratio, .. } = row;
    let (ours, yardstick) = (row.ours.median(), row.yardstick.median());
    println!("bench: {id}: {ours:.3} {unit}, held against {yardstick:.3}: {ratio:.2}");
    for goal in &row.goals {
        println!("bench: {id}: {}: {:.1}", goal.goal, goal.found);
    }
}

/// One step of known length.
pub struct Progress {
    what: &'static str,
    n: usize,
    told: Instant,
}

impl Progress {
    /// Says what begins.
    pub fn of(what: &'static str, n: usize) -> Self {
        say(what);
        Self {
            what,
            n,
            told: Instant::now(),
        }
    }

    /// `done` of all are done; says so now and then.
    pub fn at(&mut self, done: usize) {
        if self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            println!("bench: {}: {done} of {}", self.what, self.n);
        }
    }
}
