//! Who works here, in the document `clinic`.

use domain::{Role, Staff, StaffId};
use rusqlite::{Connection, params};

use super::{DocPath, View, id_of};
use crate::reading::noun;
use crate::{Reading, VaultError, Writing};

impl Reading<'_> {
    /// One member of the staff.
    pub fn staff(&self, id: StaffId) -> Result<Option<Staff>, VaultError> {
        self.one("SELECT json FROM p_staff WHERE id = ?1", [id.as_bytes()], |row| {
            noun(row, 0)
        })
    }

    /// All staff by name, those who left included.
    pub fn all_staff(&self) -> Result<Vec<Staff>, VaultError> {
        self.many("SELECT json FROM p_staff ORDER BY name, id", [], |row| noun(row, 0))
    }
}

impl Writing<'_> {
    /// Adds a member of the staff, or saves the fields that differ.
    pub fn put_staff(&mut self, staff: &Staff) -> Result<(), VaultError> {
        self.edit(DocPath::Clinic, |root| {
            let mut all = root.map("staff")?;
            let mut fields = all.map(&staff.id.to_string())?;
            fields.put("name", staff.name.as_str())?;
            fields.put_code_shown_as("role", &staff.role, &Role::Receptionist)?;
            fields.put("registration", staff.registration.as_str())?;
            fields.put("left", staff.left)
        })
    }
}

pub(super) fn project(conn: &Connection, root: &View<'_>) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM p_staff")?.execute([])?;
    for (name, fields) in root.children("staff") {
        let Some(id) = id_of::<StaffId>(&name) else { continue };
        let staff = Staff {
            id,
            name: fields.words("name"),
            // A role that only a newer build knows opens here what the least of all roles opens.
            role: fields.code("role").unwrap_or(Role::Receptionist),
            registration: fields.words("registration"),
            left: fields.flag("left"),
        };
        conn.prepare_cached("INSERT INTO p_staff (id, name, json) VALUES (?1, ?2, ?3)")?
            .execute(params![id.as_bytes(), staff.name, super::to_json(&staff)?])?;
    }
    Ok(())
}
