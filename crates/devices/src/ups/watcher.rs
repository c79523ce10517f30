//! What a UPS's readings, and its silences, mean for the clinic. Pure: readings and time in, state and effects out.

use domain::Instant;
use serde::{Deserialize, Serialize};
use specta::Type;

use super::q1::Reading;

/// Blips and self-tests are common: the alarm waits this long, the checkpoint does not.
const ALARM_AFTER_MS: i64 = 4_000;
/// Silence after which the last reading is shown as getting old.
const DEGRADED_AFTER_MS: i64 = 6_000;
/// Silence after which nothing is known any more.
const UNKNOWN_AFTER_MS: i64 = 15_000;
/// Mains must hold this long before heavy work goes on.
const RESUME_AFTER_MS: i64 = 60_000;
/// The most that one call adds to the silence. A laptop that slept, or a clock that was set, did not listen meanwhile.
const LISTENED_AT_MOST_MS: i64 = 5_000;

/// What the status bar shows of the power.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PowerState {
    /// No UPS was chosen.
    #[default]
    NotWatched,
    /// Nothing was heard, or not for a while.
    Unknown {
        /// Since when.
        since: Instant,
    },
    /// On mains.
    OnMains {
        /// The battery is low in spite of it: it is worn out and would not last.
        battery_fault: bool,
        /// The last reading is some seconds old.
        degraded: bool,
    },
    /// On battery.
    OnBattery {
        /// Since when; what is left is not known.
        since: Instant,
        /// Long enough for a person to be told.
        alarm: bool,
        /// The last reading is some seconds old.
        degraded: bool,
    },
    /// On battery, and not for long any more.
    Low {
        /// Since when on battery.
        since: Instant,
        /// How we know.
        reason: LowReason,
    },
}

/// Why the battery counts as nearly empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum LowReason {
    /// The UPS says so.
    BatteryLow,
    /// The UPS is about to cut the load.
    ShuttingDown,
    /// It was on battery and fell silent: that is how many of them end.
    Silent,
}

/// What the caller is to do, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Bring the store's log into the store.
    Checkpoint,
    /// Save every draft.
    SaveDrafts,
    /// Transcription, model work and backups wait.
    PauseHeavyWork,
    /// Tell the people.
    RaiseAlarm,
    /// Save, close the store, tell the people, ask the operating system to shut down.
    CloseInOrder,
    /// Mains are back: the alarm goes.
    ClearAlarm,
    /// Mains have held: heavy work goes on.
    ResumeHeavyWork,
}

/// Watches one UPS.
///
/// Call [`Self::on_reading`] for each reading and [`Self::on_tick`] at least every two seconds without one.
#[derive(Debug, Clone)]
pub struct Watcher {
    state: PowerState,
    /// When it was last called, to measure the silence.
    called_at: Instant,
    silent_ms: i64,
    mains_since: Option<Instant>,
    heavy_work_paused: bool,
    closing: bool,
}

impl Watcher {
    /// Watches from `now`; unknown until the first reading.
    pub fn new(now: Instant) -> Self {
        Self {
            state: PowerState::Unknown { since: now },
            called_at: now,
            silent_ms: 0,
            mains_since: None,
            heavy_work_paused: false,
            closing: false,
        }
    }

    /// What the status bar shows.
    pub fn state(&self) -> PowerState {
        self.state
    }

    /// Whether transcription, model work and backups are to wait.
    pub fn heavy_work_paused(&self) -> bool {
        self.heavy_work_paused
    }

    /// A reading came.
    pub fn on_reading(&mut self, reading: &Reading, now: Instant) -> Vec<Effect> {
        self.called_at = now;
        self.silent_ms = 0;
        if reading.on_battery {
            self.on_battery(reading, now)
        } else {
            self.on_mains(reading, now)
        }
    }

    /// No reading came: nothing, garbage, or the port is gone.
    pub fn on_tick(&mut self, now: Instant) -> Vec<Effect> {
        self.silent_ms += elapsed(self.called_at, now).min(LISTENED_AT_MOST_MS);
        self.called_at = now;
        let (degraded, lost) = (self.silent_ms >= DEGRADED_AFTER_MS, self.silent_ms >= UNKNOWN_AFTER_MS);
        let mut effects = Vec::new();
        self.state = match self.state {
            PowerState::OnMains { .. } if lost => PowerState::Unknown { since: now },
            PowerState::OnMains { battery_fault, .. } => PowerState::OnMains {
                battery_fault,
                degraded,
            },
            PowerState::OnBattery { since, .. } if lost => self.low(since, LowReason::Silent, &mut effects),
            PowerState::OnBattery { since, alarm, .. } => battery(since, alarm, degraded, now, &mut effects),
            other => other,
        };
        effects
    }

    fn on_battery(&mut self, reading: &Reading, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        let (since, alarm) = match self.state {
            PowerState::OnBattery { since, alarm, .. } => (since, alarm),
            PowerState::Low { since, .. } => (since, true),
            PowerState::NotWatched | PowerState::Unknown { .. } | PowerState::OnMains { .. } => {
                effects.extend([Effect::Checkpoint, Effect::SaveDrafts]);
                if !self.heavy_work_paused {
                    effects.push(Effect::PauseHeavyWork);
                }
                (now, false)
            }
        };
        self.mains_since = None;
        self.heavy_work_paused = true;
        self.state = if reading.shutdown_active {
            self.low(since, LowReason::ShuttingDown, &mut effects)
        } else if reading.battery_low {
            self.low(since, LowReason::BatteryLow, &mut effects)
        } else {
            battery(since, alarm, false, now, &mut effects)
        };
        effects
    }

    fn on_mains(&mut self, reading: &Reading, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        if matches!(
            self.state,
            PowerState::OnBattery { alarm: true, .. } | PowerState::Low { .. }
        ) {
            effects.push(Effect::ClearAlarm);
        }
        let mains_since = *self.mains_since.get_or_insert(now);
        if self.heavy_work_paused && elapsed(mains_since, now) >= RESUME_AFTER_MS {
            self.heavy_work_paused = false;
            effects.push(Effect::ResumeHeavyWork);
        }
        self.closing = false;
        self.state = PowerState::OnMains {
            battery_fault: reading.battery_low,
            degraded: false,
        };
        effects
    }

    /// The battery ends: the people are told and the closing begins, once in an outage.
    fn low(&mut self, since: Instant, reason: LowReason, effects: &mut Vec<Effect>) -> PowerState {
        if !self.closing {
            self.closing = true;
            effects.push(Effect::CloseInOrder);
        }
        PowerState::Low { since, reason }
    }
}

fn battery(since: Instant, alarm: bool, degraded: bool, now: Instant, effects: &mut Vec<Effect>) -> PowerState {
    let due = elapsed(since, now) >= ALARM_AFTER_MS;
    if due && !alarm {
        effects.push(Effect::RaiseAlarm);
    }
    PowerState::OnBattery {
        since,
        alarm: alarm || due,
        degraded,
    }
}

/// Milliseconds from `from` to `to`; none when the clock was set back.
fn elapsed(from: Instant, to: Instant) -> i64 {
    to.as_millisecond().saturating_sub(from.as_millisecond()).max(0)
}
