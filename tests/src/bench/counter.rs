//! A desk in this very process, as the app has one: no window and no pipe stands between it and the clock.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use clinic::{Desk, DeskConfig, DeskEvent, machine, views::reception::CreatePatient};
use domain::{Address, Identifier, PatientId};
use testkit::people::FakePerson;
use tokio::runtime::Runtime;

use crate::{
    child::PATIENCE,
    people::{Colleague, PASSPHRASE},
};

/// An open desk, and what it told: which parts of its store changed, and when.
pub struct Counter {
    /// The desk.
    pub desk: Desk,
    heard: Receiver<(Instant, Vec<String>)>,
}

impl Counter {
    /// Opens the desk on a device's data.
    pub fn open(data: &Path, runtime: &Runtime) -> Result<Self> {
        let (tell, heard) = channel();
        let desk = Desk::start(DeskConfig {
            data_dir: data.to_path_buf(),
            engine: machine::engine_beside_this_program(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            demo: None,
            passphrase: Some(PASSPHRASE.to_owned().into()),
            crash_report: None,
            clock: Arc::new(machine::SystemClock),
            make_rng: machine::system_rng(),
            events: Arc::new(move |event| {
                if let DeskEvent::Spoiled(spoiled) = event {
                    let _ = tell.send((Instant::now(), spoiled.tags));
                }
            }),
            runtime: runtime.handle().clone(),
            lan: None,
        })?;
        Ok(Self { desk, heard })
    }

    /// Signs in; on a device where she has no PIN yet she chooses it.
    pub fn sign_in(&self, who: &Colleague) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let face = loop {
            let faces = self.desk.staff_faces()?;
            if let Some(face) = faces.into_iter().find(|face| face.name == who.name) {
                break face;
            }
            let left = until.saturating_duration_since(Instant::now());
            self.heard
                .recv_timeout(left)
                .context("the owner never came to this device")?;
        };
        let pin = who.pin.to_owned();
        if face.has_pin_here {
            self.desk.sign_in(face.id, pin)?
        } else {
            self.desk.set_pin(face.id, pin)?
        };
        Ok(())
    }

    /// Forgets what was heard so far.
    pub fn forget(&self) {
        self.heard.try_iter().for_each(drop);
    }

    /// When the store here changed in what a tag names; waits for it.
    pub fn changed(&self, tag: &str) -> Result<Instant> {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (at, tags) = self
                .heard
                .recv_timeout(left)
                .with_context(|| format!("{tag} never changed"))?;
            if tags.iter().any(|one| one == tag) {
                return Ok(at);
            }
        }
    }

    /// Waits until it is connected and has sent everything.
    pub fn all_sent(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let sync = self.desk.status()?.sync;
            if sync.connected && sync.pending == 0 {
                return Ok(());
            }
            ensure!(Instant::now() < until, "not everything is sent: {sync:?}");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// Registers somebody.
    pub fn register(&self, person: FakePerson) -> Result<PatientId> {
        Ok(self.desk.register_patient(at_the_counter(person))?)
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.desk.shut_down();
    }
}

/// Where everybody in these measurements lives.
pub fn home() -> Address {
    Address {
        lines: "12 Jalan Mawar 3, Taman Seri".into(),
        postcode: "46000".into(),
        town: "Petaling Jaya".into(),
        state: "Selangor".into(),
    }
}

fn at_the_counter(person: FakePerson) -> CreatePatient {
    CreatePatient {
        name: person.name,
        identifier: Identifier::MyKad { number: person.mykad },
        birth_date: Some(person.birth_date),
        sex: person.sex,
        phone: person.phone,
        address: home(),
    }
}
