//! `medieco-journey station`: one device of ours without a desk, as a process that the bench speaks to in lines of JSON.
//!
//! `{"call": port}` connects it to another and answers `{"complete": n}` once both hold the same and it is durable here;
//! `{"edit": [which, phone]}` edits a patient. What an edit elsewhere brings here is told as `{"arrived": which}`.

use std::{
    io::stdin,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use domain::Patient;
use rand::{SeedableRng, rngs::StdRng};
use seal::DeviceKeys;
use serde_json::{Value, json};
use sync_client::{LanAddress, LanHandle, LanOptions, LanReach, LanState, Ports};
use tokio::runtime::Runtime;
use vault::{Tag, Vault, VaultError};

use super::{LONGEST, sides::Command};
use crate::{
    bench::{clinic::secrets_of, long::STORE},
    same_set::open_store,
};

/// Opens the store below `data` and does what stdin says, until that ends.
pub fn run(data: &Path) -> Result<()> {
    let runtime = Runtime::new()?;
    let station = Station::open(data, &runtime)?;
    station.listen(None)?;
    let port = station.until(|state| state.port)?;
    tell(&json!({ "ready": port }));
    for line in stdin().lines() {
        match serde_json::from_str(&line?)? {
            Command::Call(port) => {
                station.listen(Some(port))?;
                station.until(|state| {
                    state
                        .peers
                        .iter()
                        .any(|peer| peer.connected && peer.equal)
                        .then_some(())
                })?;
                let figures = station.vault.read(|r| r.sync_figures())?;
                ensure!(
                    figures.to_be_read + figures.waiting + figures.quarantined == 0,
                    "not everything was taken"
                );
                station.know_the_patients()?;
                station.complete.store(true, Ordering::Relaxed);
                tell(&json!({ "complete": figures.n_changes }));
            }
            Command::Edit(which, phone) => station.edit(which, phone)?,
        }
    }
    Ok(())
}

/// Whoever reads may be gone: then this process ends too, with its stdin.
fn tell(line: &Value) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

struct Station {
    vault: Vault,
    keys: DeviceKeys,
    lan: Arc<Mutex<Option<LanHandle>>>,
    patients: Arc<Mutex<Vec<Patient>>>,
    /// From now on what arrives is told.
    complete: Arc<AtomicBool>,
    runtime: tokio::runtime::Handle,
}

impl Station {
    fn open(data: &Path, runtime: &Runtime) -> Result<Self> {
        let vault = open_store(data, STORE)?;
        let station = Self {
            vault,
            keys: DeviceKeys::from_secret_bytes(&secrets_of(data, STORE)?.device)?,
            lan: Arc::default(),
            patients: Arc::default(),
            complete: Arc::default(),
            runtime: runtime.handle().clone(),
        };
        station.know_the_patients()?;
        let (lan, patients, complete) = (
            Arc::clone(&station.lan),
            Arc::clone(&station.patients),
            Arc::clone(&station.complete),
        );
        station.vault.subscribe(move |tags| {
            if let Ok(lan) = lan.lock()
                && let Some(lan) = &*lan
            {
                lan.news();
            }
            if !complete.load(Ordering::Relaxed) {
                return;
            }
            for tag in tags {
                if let Tag::Patient(id) = tag
                    && let Ok(patients) = patients.lock()
                    && let Some(which) = patients.iter().position(|patient| patient.id == *id)
                {
                    tell(&json!({ "arrived": which }));
                }
            }
        });
        Ok(station)
    }

    /// Every device has them in this order.
    fn know_the_patients(&self) -> Result<()> {
        let all = self.vault.read(|r| r.recent_patients(u32::MAX))?;
        *self.patients.lock().map_err(|_| anyhow::anyhow!("somebody panicked"))? = all;
        Ok(())
    }

    /// The LAN on this machine alone, anew, calling another when there is one to call.
    fn listen(&self, call: Option<u16>) -> Result<()> {
        let mut lan = self.lan.lock().map_err(|_| anyhow::anyhow!("somebody panicked"))?;
        drop(lan.take());
        let typed = call.map(|port| format!("127.0.0.1:{port}").parse::<LanAddress>());
        let options = LanOptions {
            port: 0,
            reach: LanReach::ThisMachine,
            hint_key: None,
            typed: typed
                .transpose()
                .map_err(|_| anyhow::anyhow!("an address of this machine"))?
                .into_iter()
                .collect(),
            known: Vec::new(),
        };
        let clock = self.vault.clone();
        let ports = Ports {
            clock: Arc::new(move || clock.now().as_millisecond()),
            rng: Box::new(StdRng::from_rng(&mut rand::rng())),
        };
        let keys = DeviceKeys::from_secret_bytes(&self.keys.to_secret_bytes())?;
        let store = Arc::new(self.vault.clone());
        *lan = Some(LanHandle::start(store, keys, options, ports, &self.runtime));
        Ok(())
    }

    /// Waits until its state tells this.
    fn until<T>(&self, read: impl Fn(&LanState) -> Option<T>) -> Result<T> {
        let mut state = {
            let lan = self.lan.lock().map_err(|_| anyhow::anyhow!("somebody panicked"))?;
            lan.as_ref().context("it was started")?.state()
        };
        let until = Instant::now() + LONGEST;
        self.runtime.block_on(async {
            loop {
                if let Some(found) = read(&state.borrow_and_update()) {
                    return Ok(found);
                }
                let left = until
                    .saturating_duration_since(Instant::now())
                    .max(Duration::from_millis(1));
                tokio::time::timeout(left, state.changed())
                    .await
                    .context("the LAN never came so far")??;
            }
        })
    }

    fn edit(&self, which: usize, phone: String) -> Result<()> {
        let mut patient = {
            let patients = self.patients.lock().map_err(|_| anyhow::anyhow!("somebody panicked"))?;
            patients.get(which).context("so many patients")?.clone()
        };
        patient.phone = phone;
        Ok(self
            .vault
            .write(None, |w| -> Result<(), VaultError> { w.put_patient(&patient) })?)
    }
}
