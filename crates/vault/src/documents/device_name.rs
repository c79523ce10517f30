//! What people call the clinic's devices, in the document `clinic`.
//!
//! One field for each device beside the containers of the document's first change: no container of its own, so that two
//! devices that name others apart never make two of it.

use rusqlite::{Connection, params};
use seal::DeviceId;

use super::{DocPath, View};
use crate::{Reading, VaultError, Writing};

const PREFIX: &str = "device/";

impl Reading<'_> {
    /// The names of devices that have one.
    pub fn device_names(&self) -> Result<Vec<(DeviceId, String)>, VaultError> {
        self.many("SELECT id, name FROM p_devices ORDER BY id", [], |row| {
            Ok((DeviceId::from_bytes(row.get(0)?), row.get(1)?))
        })
    }
}

impl Writing<'_> {
    /// Gives a device a name; an empty one takes it away.
    pub fn put_device_name(&mut self, device: DeviceId, name: &str) -> Result<(), VaultError> {
        self.edit(DocPath::Clinic, |root| {
            let name = Some(name).filter(|name| !name.is_empty());
            root.put_or_remove(&format!("{PREFIX}{device}"), name)
        })
    }
}

pub(super) fn project(conn: &Connection, root: &View<'_>) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM p_devices")?.execute([])?;
    for key in root.keys() {
        let device = key.strip_prefix(PREFIX).and_then(|id| id.parse::<DeviceId>().ok());
        if let (Some(device), Some(name)) = (device, root.text(&key)) {
            conn.prepare_cached("INSERT OR REPLACE INTO p_devices (id, name) VALUES (?1, ?2)")?
                .execute(params![device.as_bytes(), name])?;
        }
    }
    Ok(())
}
