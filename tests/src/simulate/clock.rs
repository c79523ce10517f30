//! A device's clock, which may be wrong.

use testkit::TestClock;
use vault::Clock;

use super::plan::Jump;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// Shows the true time, and how far this device is from it.
#[derive(Clone)]
pub(super) struct DeviceClock {
    shows: TestClock,
    off_ms: i64,
}

impl DeviceClock {
    pub(super) fn new(now_ms: i64) -> Self {
        Self {
            shows: TestClock::at_ms(now_ms),
            off_ms: 0,
        }
    }

    /// Another clock that shows the same.
    pub(super) fn like(&self) -> Self {
        Self {
            shows: TestClock::at_ms(self.shows.now_ms()),
            off_ms: self.off_ms,
        }
    }

    /// The true time is this.
    pub(super) fn set(&self, now_ms: i64) {
        self.shows.step_ms(now_ms + self.off_ms - self.shows.now_ms());
    }

    pub(super) fn jump(&mut self, jump: Jump, now_ms: i64) {
        self.off_ms = match jump {
            Jump::HourAhead => HOUR_MS,
            Jump::HourBehind => -HOUR_MS,
            Jump::Dead => -3 * 365 * 24 * HOUR_MS,
            Jump::Right => 0,
        };
        self.set(now_ms);
    }

    /// For a moment it shows another time.
    pub(super) fn step(&self, millis: i64) {
        self.shows.step_ms(millis);
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.shows.now_ms()
    }
}

impl Clock for DeviceClock {
    fn now(&self) -> domain::Instant {
        self.shows.now()
    }
}
