//! The UPS: what is heavy pauses on battery, and everything is saved while there is still current.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use devices::ups::{
    Effect, PowerState, Watcher,
    port::{self, Heard, Polling, Watch},
};
use domain::Instant;

use crate::{
    Error, ErrorCode,
    device::Setting,
    open::{ClinicRef, OpenClinic},
    views::status::{PowerCode, PowerView},
};

/// What is known of the current, and who asks.
#[derive(Default)]
pub(crate) struct Power {
    asking: Mutex<Option<Asking>>,
    heard: Arc<Mutex<Option<Reported>>>,
    paused: Arc<AtomicBool>,
}

struct Asking {
    port: String,
    /// Ends when it is dropped.
    _watch: Watch,
}

/// The last that the UPS said.
#[derive(Clone)]
struct Reported {
    state: PowerState,
    load_percent: Option<u8>,
}

impl Power {
    /// Whether heavy work waits for the mains.
    pub(crate) fn heavy_work_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire)
    }

    pub(crate) fn stop(&self) {
        let asking = self.asking.lock().expect("nobody panics under this lock").take();
        drop(asking);
    }

    /// As the status bar shows it.
    pub(crate) fn view(&self) -> PowerView {
        let heard = self.heard.lock().expect("nobody panics under this lock").clone();
        let paused = self.heavy_work_paused();
        let Some(Reported { state, load_percent }) = heard else {
            let is_set = self.asking.lock().expect("nobody panics under this lock").is_some();
            let state = if is_set { PowerCode::Unknown } else { PowerCode::NotSet };
            return PowerView {
                state,
                on_battery_since: None,
                load_percent: None,
                paused,
            };
        };
        let (state, on_battery_since) = code_of(&state);
        PowerView {
            state,
            on_battery_since,
            load_percent,
            paused,
        }
    }
}

fn code_of(state: &PowerState) -> (PowerCode, Option<Instant>) {
    match state {
        PowerState::NotWatched => (PowerCode::Unknown, None),
        PowerState::OnMains {
            battery_fault: true, ..
        } => (PowerCode::BatteryFault, None),
        PowerState::OnMains { degraded: true, .. } => (PowerCode::Degraded, None),
        PowerState::OnMains { .. } => (PowerCode::Mains, None),
        PowerState::OnBattery { since, .. } => (PowerCode::Battery, Some(*since)),
        PowerState::Low { since, .. } => (PowerCode::Low, Some(*since)),
        PowerState::Unknown { .. } => (PowerCode::Unknown, None),
    }
}

impl OpenClinic {
    /// Watches the UPS that this device is set to; the one that was watched before is let go.
    pub(crate) fn watch_power(self: &Arc<Self>) -> Result<(), Error> {
        let set = self.read(|r| Setting::Ups.read(r))?;
        let same = {
            let asking = self.power.asking.lock().expect("nobody panics under this lock");
            asking.as_ref().map(|asking| &asking.port) == set.as_ref()
        };
        if same {
            return Ok(());
        }
        self.power.stop();
        *self.power.heard.lock().expect("nobody panics under this lock") = None;
        self.resume_heavy_work();
        let Some(port) = set else { return Ok(()) };

        let mut watcher = Watcher::new(self.vault.now());
        let clinic: ClinicRef = Arc::downgrade(self);
        let watch = port::watch(port.clone(), Polling::default(), move |heard| {
            if let Some(clinic) = clinic.upgrade() {
                clinic.hear_ups(&mut watcher, &heard);
            }
        })
        .map_err(|_| ErrorCode::Internal)?;
        *self.power.asking.lock().expect("nobody panics under this lock") = Some(Asking { port, _watch: watch });
        Ok(())
    }

    fn hear_ups(&self, watcher: &mut Watcher, heard: &Heard) {
        let now = self.vault.now();
        let (effects, load_percent) = match heard {
            Heard::Reading(reading) => (watcher.on_reading(reading, now), Some(reading.load_percent)),
            _ => (watcher.on_tick(now), None),
        };
        if effects.contains(&Effect::PauseHeavyWork) {
            // Before anything else: a backup reads one state for as long as it writes, and would hold a checkpoint up.
            self.power.paused.store(true, Ordering::Release);
        }
        for effect in &effects {
            self.act(*effect);
        }
        let before = {
            let mut heard = self.power.heard.lock().expect("nobody panics under this lock");
            let known_load = heard.as_ref().and_then(|before| before.load_percent);
            let load_percent = load_percent
                .map(|load| u8::try_from(load).unwrap_or(u8::MAX))
                .or(known_load);
            heard.replace(Reported {
                state: watcher.state(),
                load_percent,
            })
        };
        let changed = before.is_none_or(|before| code_of(&before.state) != code_of(&watcher.state()));
        if changed || !effects.is_empty() {
            self.status_changed();
        }
    }

    fn act(&self, effect: Effect) {
        match effect {
            // A draft is in the store the moment it is typed: saving drafts is saving the store.
            Effect::Checkpoint | Effect::SaveDrafts => self.save_store(),
            Effect::PauseHeavyWork => {
                self.power.paused.store(true, Ordering::Release);
                self.recordings.set_heavy_work(false);
            }
            Effect::ResumeHeavyWork => self.resume_heavy_work(),
            Effect::CloseInOrder => {
                self.recordings.stop_all();
                self.save_store();
            }
            Effect::RaiseAlarm | Effect::ClearAlarm => (),
        }
    }

    fn resume_heavy_work(&self) {
        self.power.paused.store(false, Ordering::Release);
        self.recordings.set_heavy_work(true);
    }

    fn save_store(&self) {
        if let Err(error) = self.vault.checkpoint() {
            tracing::error!(%error, "no checkpoint on battery; the log holds everything");
        }
    }
}
