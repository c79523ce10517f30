//! A clock that moves when the test says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::Instant;

/// A moment in the clinic's morning, when a clock is asked for and no time matters: 2026-11-21T01:00:00Z, nine o'clock
/// in Kuala Lumpur.
const MORNING_MS: i64 = 1_795_222_800_000;

/// A clock that stands still until it is stepped. Clones show the same time.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<AtomicI64>);

impl TestClock {
    /// Stands at this many milliseconds since 1970.
    pub fn at_ms(millis: i64) -> Self {
        Self(Arc::new(AtomicI64::new(millis)))
    }

    /// What it shows.
    pub fn now(&self) -> Instant {
        Instant::from_millisecond(self.now_ms()).expect("a test's clock stays within jiff's years")
    }

    /// What it shows, in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Moves it on, or back when `millis` is negative, and gives the new time.
    pub fn step_ms(&self, millis: i64) -> Instant {
        self.0.fetch_add(millis, Ordering::SeqCst);
        self.now()
    }
}

impl Default for TestClock {
    /// Nine in the morning of 21 November 2026 in Kuala Lumpur.
    fn default() -> Self {
        Self::at_ms(MORNING_MS)
    }
}
