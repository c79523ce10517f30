use devices::ups::q1::{Reading, parse};
use devices::ups::{Effect, LowReason, PowerState, Watcher};
use domain::Instant;
use proptest::prelude::*;
use testkit::TestClock;

fn reading(bits: &str) -> Reading {
    parse(format!("(230.1 000.0 229.9 017 50.0 13.6 29.0 {bits}\r").as_bytes()).unwrap()
}

fn mains() -> Reading {
    reading("00001001")
}

fn battery() -> Reading {
    reading("10001001")
}

fn low() -> Reading {
    reading("11001001")
}

struct Counter {
    clock: TestClock,
    watcher: Watcher,
}

impl Counter {
    fn new() -> Self {
        let clock = TestClock::default();
        let watcher = Watcher::new(clock.now());
        Self { clock, watcher }
    }

    fn on_mains() -> Self {
        let mut counter = Self::new();
        assert_eq!(counter.hears(&mains()), []);
        counter
    }

    /// On battery since the moment that is given too.
    fn on_battery() -> (Self, Instant) {
        let mut counter = Self::on_mains();
        let effects = counter.after(2_000).hears(&battery());
        assert_eq!(
            effects,
            [Effect::Checkpoint, Effect::SaveDrafts, Effect::PauseHeavyWork]
        );
        let since = counter.clock.now();
        (counter, since)
    }

    fn after(&mut self, millis: i64) -> &mut Self {
        self.clock.step_ms(millis);
        self
    }

    fn hears(&mut self, reading: &Reading) -> Vec<Effect> {
        self.watcher.on_reading(reading, self.clock.now())
    }

    fn hears_nothing(&mut self) -> Vec<Effect> {
        self.watcher.on_tick(self.clock.now())
    }

    /// Silence for so long, looked at every second.
    fn silence(&mut self, seconds: i64) -> Vec<Effect> {
        (0..seconds).flat_map(|_| self.after(1_000).hears_nothing()).collect()
    }

    fn state(&self) -> PowerState {
        self.watcher.state()
    }
}

const FINE: PowerState = PowerState::OnMains {
    battery_fault: false,
    degraded: false,
};

#[test]
fn nothing_is_known_before_the_first_reading() {
    let mut counter = Counter::new();
    let unknown = PowerState::Unknown {
        since: counter.clock.now(),
    };
    assert_eq!(counter.state(), unknown);
    assert_eq!(counter.silence(60), []);
    assert_eq!(counter.state(), unknown);
    counter.hears(&mains());
    assert_eq!(counter.state(), FINE);
}

#[test]
fn the_first_reading_on_battery_saves_everything_at_once_and_the_alarm_waits_four_seconds() {
    let (mut counter, since) = Counter::on_battery();
    assert_eq!(
        counter.state(),
        PowerState::OnBattery {
            since,
            alarm: false,
            degraded: false
        }
    );
    assert!(counter.watcher.heavy_work_paused());
    assert_eq!(counter.after(3_999).hears(&battery()), []);
    assert_eq!(counter.after(1).hears(&battery()), [Effect::RaiseAlarm]);
    assert_eq!(
        counter.state(),
        PowerState::OnBattery {
            since,
            alarm: true,
            degraded: false
        }
    );
    assert_eq!(counter.after(2_000).hears(&battery()), [], "the alarm is raised once");
}

#[test]
fn an_outage_at_the_very_first_reading_is_one_too() {
    let mut counter = Counter::new();
    assert_eq!(
        counter.hears(&battery()),
        [Effect::Checkpoint, Effect::SaveDrafts, Effect::PauseHeavyWork]
    );
}

#[test]
fn a_blip_raises_no_alarm() {
    let (mut counter, _) = Counter::on_battery();
    assert_eq!(counter.after(2_000).hears(&mains()), []);
    assert_eq!(counter.state(), FINE);
}

#[test]
fn mains_that_come_back_clear_the_alarm_and_heavy_work_waits_a_minute_longer() {
    let (mut counter, _) = Counter::on_battery();
    counter.after(5_000).hears(&battery());
    assert_eq!(counter.after(2_000).hears(&mains()), [Effect::ClearAlarm]);
    assert_eq!(counter.after(59_999).hears(&mains()), []);
    assert!(counter.watcher.heavy_work_paused());
    assert_eq!(counter.after(1).hears(&mains()), [Effect::ResumeHeavyWork]);
    assert!(!counter.watcher.heavy_work_paused());
}

#[test]
fn the_minute_begins_anew_when_mains_fail_again() {
    let (mut counter, _) = Counter::on_battery();
    counter.after(2_000).hears(&mains());
    let effects = counter.after(50_000).hears(&battery());
    assert_eq!(
        effects,
        [Effect::Checkpoint, Effect::SaveDrafts],
        "heavy work is paused already"
    );
    counter.after(2_000).hears(&mains());
    assert_eq!(counter.after(50_000).hears(&mains()), []);
    assert_eq!(counter.after(10_000).hears(&mains()), [Effect::ResumeHeavyWork]);
}

#[test]
fn a_low_battery_on_battery_closes_in_order_once() {
    let (mut counter, since) = Counter::on_battery();
    assert_eq!(counter.after(2_000).hears(&low()), [Effect::CloseInOrder]);
    assert_eq!(
        counter.state(),
        PowerState::Low {
            since,
            reason: LowReason::BatteryLow
        }
    );
    assert_eq!(counter.after(2_000).hears(&low()), []);
}

#[test]
fn a_low_battery_on_mains_is_a_worn_battery_and_closes_nothing() {
    let mut counter = Counter::on_mains();
    assert_eq!(counter.hears(&reading("01001001")), []);
    assert_eq!(
        counter.state(),
        PowerState::OnMains {
            battery_fault: true,
            degraded: false
        }
    );
}

#[test]
fn a_shutdown_bit_counts_on_battery_alone() {
    let mut counter = Counter::on_mains();
    assert_eq!(counter.hears(&reading("00001011")), []);
    assert_eq!(counter.state(), FINE);
    let (mut counter, since) = Counter::on_battery();
    assert_eq!(counter.hears(&reading("10001011")), [Effect::CloseInOrder]);
    assert_eq!(
        counter.state(),
        PowerState::Low {
            since,
            reason: LowReason::ShuttingDown
        }
    );
}

#[test]
fn silence_on_mains_is_degraded_after_six_seconds_and_unknown_after_fifteen() {
    let mut counter = Counter::on_mains();
    assert_eq!(counter.silence(5), []);
    assert_eq!(counter.state(), FINE);
    counter.silence(1);
    assert_eq!(
        counter.state(),
        PowerState::OnMains {
            battery_fault: false,
            degraded: true
        }
    );
    counter.silence(8);
    assert_eq!(
        counter.state(),
        PowerState::OnMains {
            battery_fault: false,
            degraded: true
        }
    );
    assert_eq!(counter.silence(1), []);
    assert_eq!(
        counter.state(),
        PowerState::Unknown {
            since: counter.clock.now()
        }
    );
}

#[test]
fn silence_on_battery_is_a_low_battery_after_fifteen_seconds() {
    let (mut counter, since) = Counter::on_battery();
    assert_eq!(
        counter.silence(6),
        [Effect::RaiseAlarm],
        "silence does not hold the alarm back"
    );
    assert_eq!(
        counter.state(),
        PowerState::OnBattery {
            since,
            alarm: true,
            degraded: true
        }
    );
    assert_eq!(counter.silence(8), []);
    assert_eq!(counter.silence(1), [Effect::CloseInOrder]);
    assert_eq!(
        counter.state(),
        PowerState::Low {
            since,
            reason: LowReason::Silent
        }
    );
}

#[test]
fn one_reading_ends_the_silence() {
    let mut counter = Counter::on_mains();
    counter.silence(14);
    counter.hears(&mains());
    assert_eq!(counter.silence(5), []);
    assert_eq!(counter.state(), FINE);
}

#[test]
fn a_laptop_that_slept_on_battery_does_not_take_its_own_sleep_for_the_end() {
    let (mut counter, since) = Counter::on_battery();
    assert_eq!(counter.after(8 * 3600 * 1000).hears_nothing(), [Effect::RaiseAlarm]);
    assert_eq!(
        counter.state(),
        PowerState::OnBattery {
            since,
            alarm: true,
            degraded: false
        }
    );
}

#[test]
fn a_clock_set_back_changes_nothing() {
    let (mut counter, since) = Counter::on_battery();
    assert_eq!(counter.after(-3_600_000).hears_nothing(), []);
    assert_eq!(counter.hears(&battery()), []);
    assert_eq!(
        counter.state(),
        PowerState::OnBattery {
            since,
            alarm: false,
            degraded: false
        }
    );
}

#[test]
fn after_a_low_battery_mains_bring_everything_back() {
    let (mut counter, _) = Counter::on_battery();
    counter.hears(&low());
    assert_eq!(counter.after(2_000).hears(&mains()), [Effect::ClearAlarm]);
    assert_eq!(counter.state(), FINE);
    counter.after(2_000).hears(&battery());
    assert_eq!(
        counter.after(2_000).hears(&low()),
        [Effect::CloseInOrder],
        "the next outage closes anew"
    );
}

proptest! {
    #[test]
    fn every_outage_is_saved_before_anything_else(
        heard in proptest::collection::vec((0u8..4, 0i64..20_000), 1..80)
    ) {
        let mut counter = Counter::new();
        let on_battery = |state| matches!(state, PowerState::OnBattery { .. } | PowerState::Low { .. });
        for (what, millis) in heard {
            let before = on_battery(counter.state());
            counter.after(millis);
            let effects = match what {
                0 => counter.hears(&mains()),
                1 => counter.hears(&battery()),
                2 => counter.hears(&low()),
                _ => counter.hears_nothing(),
            };
            let begins = !before && on_battery(counter.state());
            prop_assert_eq!(begins, effects.first() == Some(&Effect::Checkpoint));
            prop_assert!(!on_battery(counter.state()) || counter.watcher.heavy_work_paused());
        }
    }
}
