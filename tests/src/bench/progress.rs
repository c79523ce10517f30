//! A long step says how far it is, on stdout, above the table.

use std::time::{Duration, Instant};

/// As often as a person wants to know.
const EVERY: Duration = Duration::from_secs(2);

/// Says what happens now.
pub fn say(what: &str) {
    println!("bench: {what} …");
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
