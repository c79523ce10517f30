//! What the clinic has chosen for all of its devices, in the document `clinic`: one field each, beside the containers of the
//! document's first change.

use rusqlite::{Connection, params};

use super::{DocPath, View};
use crate::{Reading, VaultError, Writing};

const DELETE_AUDIO_AT_SIGN_OFF: &str = "delete_audio_at_sign_off";

impl Reading<'_> {
    /// Whether the sound of a consult goes when its note is signed.
    pub fn deletes_audio_at_sign_off(&self) -> Result<bool, VaultError> {
        let chosen = self.one(
            "SELECT 1 FROM p_choices WHERE name = ?1",
            [DELETE_AUDIO_AT_SIGN_OFF],
            |_| Ok(()),
        )?;
        Ok(chosen.is_some())
    }
}

impl Writing<'_> {
    /// Chooses whether the sound of a consult goes when its note is signed.
    pub fn delete_audio_at_sign_off(&mut self, delete: bool) -> Result<(), VaultError> {
        self.edit(DocPath::Clinic, |root| root.put(DELETE_AUDIO_AT_SIGN_OFF, delete))
    }
}

pub(super) fn project(conn: &Connection, root: &View<'_>) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM p_choices")?.execute([])?;
    if root.flag(DELETE_AUDIO_AT_SIGN_OFF) {
        conn.prepare_cached("INSERT INTO p_choices (name) VALUES (?1)")?
            .execute(params![DELETE_AUDIO_AT_SIGN_OFF])?;
    }
    Ok(())
}
