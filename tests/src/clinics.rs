//! Two clinics on one relay, as they stand when the first patient comes: A with a counter and a room, B with one device.

use std::{fs, path::Path};

use anyhow::Result;
use serde_json::json;
use testkit::people::people;

use crate::{
    bench::clinic::register,
    hand::Device,
    network,
    people::{SENTOSA, SERI_MAWAR},
    relay::Relay,
    same_set::open_store,
    sound::{bytes_of, speech, wav},
};

/// A few spoken words, as a file in the folder of the clinics.
pub const WORDS: &str = "words.wav";

/// Whose clinics they are.
#[derive(Debug, Clone)]
pub struct Clinics {
    /// Tenant id of A.
    pub tenant: String,
    /// Tenant id of B.
    pub sentosa: String,
}

/// Founds them below `folder`, in `counter`, `room` and `sentosa`, and closes all devices. Their owners have met.
pub fn found(folder: &Path, relay: &Relay) -> Result<Clinics> {
    let pass = network::passphrase_file(folder)?;
    let invitation = relay.add_clinic(SERI_MAWAR.name)?;
    let counter = Device::start(&folder.join("counter"), &pass)?;
    let tenant = network::found(&counter, &invitation, &SERI_MAWAR)?;
    let room = Device::start(&folder.join("room"), &pass)?;
    network::pair(&counter, &room)?;
    network::sign_in(&room, &SERI_MAWAR.owner)?;
    let invitation = relay.add_clinic(SENTOSA.name)?;
    let other = Device::start(&folder.join("sentosa"), &pass)?;
    let sentosa = network::found(&other, &invitation, &SENTOSA)?;
    network::introduce(&counter, &other)?;
    for device in [&counter, &room, &other] {
        all_sent(device)?;
    }
    for device in [counter, room, other] {
        device.finish()?;
    }
    fs::write(
        folder.join(WORDS),
        wav(16_000, 1, 16, &bytes_of(speech(3_400)?.into_iter())),
    )?;
    Ok(Clinics { tenant, sentosa })
}

/// Writes people with an old visit each into a closed device's store, as years of work would.
pub fn fill(device: &Path, tenant: &str, n_patients: usize) -> Result<()> {
    register(&open_store(device, tenant)?, people(20).take(n_patients).collect(), 1)?;
    Ok(())
}

/// Waits until the device has sent all that it saved.
pub fn all_sent(device: &Device) -> Result<()> {
    device.until("status", &json!({}), |status| {
        (status["sync"]["connected"] == true && status["sync"]["pending"] == 0).then_some(())
    })
}
