//! The clinic's own profile, in the document `clinic`.

use domain::Address;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::{DocPath, Edit, View};
use crate::reading::noun;
use crate::{Reading, VaultError, Writing};

/// What stands on the clinic's labels and letters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClinicProfile {
    /// Name.
    pub name: String,
    /// Address.
    pub address: Address,
    /// Telephone.
    pub phone: String,
    /// Licence number with the ministry of health.
    pub registration: String,
    /// IANA name of the time zone; empty = Asia/Kuala_Lumpur.
    pub zone: String,
    /// The relay, when the clinic has one.
    pub relay_url: Option<String>,
}

impl Reading<'_> {
    /// The clinic's profile; `None` before it was first saved.
    pub fn clinic_profile(&self) -> Result<Option<ClinicProfile>, VaultError> {
        self.one("SELECT json FROM p_clinic", [], |row| noun(row, 0))
    }
}

impl Writing<'_> {
    /// Saves the fields of the profile that differ.
    pub fn put_clinic_profile(&mut self, profile: &ClinicProfile) -> Result<(), VaultError> {
        self.edit(DocPath::Clinic, |root| {
            let mut fields = root.map("profile")?;
            fields.put("name", profile.name.as_str())?;
            fields.put("phone", profile.phone.as_str())?;
            fields.put("registration", profile.registration.as_str())?;
            fields.put("zone", profile.zone.as_str())?;
            fields.put_or_remove("relay_url", profile.relay_url.as_deref())?;
            write_address(&mut fields.map("address")?, &profile.address)
        })
    }
}

pub(super) fn project(conn: &Connection, root: &View<'_>) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM p_clinic")?.execute([])?;
    let Some(fields) = root.map("profile").filter(|fields| fields.text("name").is_some()) else {
        return Ok(());
    };
    let profile = ClinicProfile {
        name: fields.words("name"),
        address: fields
            .map("address")
            .map(|address| read_address(&address))
            .unwrap_or_default(),
        phone: fields.words("phone"),
        registration: fields.words("registration"),
        zone: fields.words("zone"),
        relay_url: fields.text("relay_url"),
    };
    let json = super::to_json(&profile)?;
    conn.prepare_cached("INSERT INTO p_clinic (one, json) VALUES (1, ?1)")?
        .execute([json])?;
    Ok(())
}

pub(super) fn write_address(fields: &mut Edit<'_>, address: &Address) -> Result<(), VaultError> {
    fields.put("lines", address.lines.as_str())?;
    fields.put("postcode", address.postcode.as_str())?;
    fields.put("town", address.town.as_str())?;
    fields.put("state", address.state.as_str())
}

pub(super) fn read_address(fields: &View<'_>) -> Address {
    Address {
        lines: fields.words("lines"),
        postcode: fields.words("postcode"),
        town: fields.words("town"),
        state: fields.words("state"),
    }
}
