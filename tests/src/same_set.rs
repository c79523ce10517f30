//! Do two devices and the relay hold the same set of changes? Asked of the files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use clinic::machine::SystemClock;
use rand::SeedableRng;
use rusqlite::{Connection, OpenFlags};
use vault::{KeyHolder, PassphraseFile, Ports, SetDigest, Vault};
use zeroize::Zeroizing;

use crate::{people::PASSPHRASE, relay::Relay};

/// The number of changes that both devices and the relay hold; an error when their sets differ.
///
/// The devices' programs must be closed. What an order of closing could leave unsent is not waited for: the caller has
/// seen "nothing to send" on each.
pub fn the_same_set(relay: &Relay, tenant: &str, one: &Path, other: &Path) -> Result<u64> {
    let (one, other) = (digest_of_device(one, tenant)?, digest_of_device(other, tenant)?);
    let kept = digest_of_relay(relay.data(), tenant)?;
    ensure!(
        one == other,
        "the devices differ: {} and {} changes",
        one.count,
        other.count
    );
    ensure!(
        one == kept,
        "the relay differs: {} changes there, {} on each device",
        kept.count,
        one.count
    );
    Ok(one.count)
}

/// Opens a device's store as its program would, and asks what it holds.
pub fn open_store(device: &Path, tenant: &str) -> Result<Vault> {
    let dir = device.join("clinics").join(tenant);
    let secrets = PassphraseFile::new(&dir, Zeroizing::new(PASSPHRASE.to_owned())).load()?;
    let rng = Box::new(rand::rngs::StdRng::from_rng(&mut rand::rng()));
    Ok(Vault::open(
        &dir,
        &secrets,
        Ports {
            clock: Arc::new(SystemClock),
            rng,
        },
    )?)
}

fn digest_of_device(device: &Path, tenant: &str) -> Result<SetDigest> {
    Ok(open_store(device, tenant)?.set_of_changes()?)
}

fn digest_of_relay(data: &Path, tenant: &str) -> Result<SetDigest> {
    let file: PathBuf = std::fs::read_dir(data)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ext| ext == "db" || ext == "sqlite"))
        .context("the relay keeps one database file")?;
    let store = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut ids = store.prepare("SELECT id FROM change WHERE hex(tenant) = upper(?1)")?;
    let mut digest = SetDigest { count: 0, xor: [0; 32] };
    let mut rows = ids.query([tenant])?;
    while let Some(row) = rows.next()? {
        let id: [u8; 32] = row.get(0)?;
        digest.count += 1;
        for (sum, byte) in digest.xor.iter_mut().zip(id) {
            *sum ^= byte;
        }
    }
    Ok(digest)
}
