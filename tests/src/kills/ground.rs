//! The two clinics, the relay and the folder in which a day of kills takes place.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    clinics::{self, Clinics, WORDS},
    day::Around,
    hand::Device,
    network,
    relay::Relay,
};

/// Where it takes place.
pub struct Ground {
    folder: PathBuf,
    relay: Option<Relay>,
    clinics: Clinics,
}

impl Ground {
    /// New clinics below `folder`.
    pub fn found(folder: &Path) -> Result<Self> {
        let relay = Relay::start(&folder.join("relay"), 0)?;
        let clinics = clinics::found(folder, &relay)?;
        Ok(Self::of(folder, relay, clinics))
    }

    /// Clinics that there are already: `counter`, `room` and `sentosa` below `folder`, all closed.
    pub fn of(folder: &Path, relay: Relay, clinics: Clinics) -> Self {
        Self {
            folder: folder.to_path_buf(),
            relay: Some(relay),
            clinics,
        }
    }

    /// Whose clinics.
    pub fn clinics(&self) -> &Clinics {
        &self.clinics
    }

    /// The data folder of a device.
    pub fn data(&self, device: &str) -> PathBuf {
        self.folder.join(device)
    }

    /// What stories need.
    pub fn around(&self) -> Around {
        Around {
            other_clinic: self.clinics.sentosa.clone(),
            words: self.folder.join(WORDS),
        }
    }

    /// The relay.
    pub fn relay(&self) -> Result<&Relay> {
        self.relay.as_ref().context("the relay did not come back")
    }

    /// Starts a device, which reaches the clinic's others by the relay and without it.
    pub fn start(&self, device: &str) -> Result<Device> {
        Device::start_on_lan(&self.data(device), &network::passphrase_file(&self.folder)?, &[])
    }

    /// SIGKILL.
    pub fn kill_relay(&mut self) -> Result<()> {
        self.relay.as_mut().context("the relay did not come back")?.kill()
    }

    /// The same relay, on what is on its disk.
    pub fn start_relay_again(&mut self) -> Result<()> {
        let relay = self.relay.take().context("the relay did not come back")?;
        self.relay = Some(relay.start_again()?);
        Ok(())
    }
}
