//! A store that has grown for years is looked through once after it was opened, while everybody works (`vault::looking`).

use std::{
    sync::{
        Mutex,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
    time::Duration,
};

use vault::{Looked, Vault};

use crate::open::ClinicRef;

/// The first screens come first.
const AFTER: Duration = Duration::from_secs(20);

/// The end that can stop it.
#[derive(Default)]
pub(crate) struct Looking(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl Looking {
    pub(crate) fn start(&self, clinic: ClinicRef) {
        let (close, closed) = mpsc::channel();
        let spawned = std::thread::Builder::new()
            .name("looking-through".to_owned())
            .spawn(move || {
                if closed.recv_timeout(AFTER) == Err(RecvTimeoutError::Timeout)
                    && let Some(clinic) = clinic.upgrade()
                {
                    look_through(&clinic.vault);
                }
            });
        match spawned {
            Ok(thread) => *self.0.lock().expect("nobody panics under this lock") = Some((close, thread)),
            Err(error) => tracing::error!(%error, "the store is not looked through this time"),
        }
    }

    pub(crate) fn stop(&self, vault: &Vault) {
        vault.stop_looking();
        let ends = self.0.lock().expect("nobody panics under this lock").take();
        if let Some((close, thread)) = ends {
            drop(close);
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("who looked through the store panicked");
            }
        }
    }
}

fn look_through(vault: &Vault) {
    match vault.look_through() {
        Ok(Looked::Sound) => tracing::info!("the store was looked through and is sound"),
        Ok(Looked::Damaged) => tracing::error!("the store is damaged; it says so, and is not opened again"),
        Ok(Looked::Stopped) => {}
        Err(error) => tracing::warn!(%error, "the store could not be looked through; the next start tries again"),
    }
}
