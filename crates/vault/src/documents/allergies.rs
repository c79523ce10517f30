//! What a patient must not be given: `patient/<id>/allergies`.
//!
//! Adding always wins over "none known": when one counter writes down that there are none while another writes down
//! one, there is one. Until a person has decided, what was written apart counts in its graver reading: the worse of two
//! severities, each of two substances, and an entry that one removed and another edited.

use domain::{
    Allergy, AllergyId, AllergyStatus, AllergyVerification, Day, Field, Instant, PatientId, Severity, StaffId,
};
use rusqlite::{Connection, params};

use super::disputes;
use super::{DocPath, View, from_code, removal};
use crate::reading::noun;
use crate::{Reading, VaultError, Writing};

impl Reading<'_> {
    /// What is known of a patient's allergies, the worst first.
    pub fn allergies(&self, patient: PatientId) -> Result<AllergyStatus, VaultError> {
        let found = self.one(
            "SELECT json FROM p_allergies WHERE patient = ?1",
            [patient.as_bytes()],
            |row| noun(row, 0),
        )?;
        Ok(found.unwrap_or(AllergyStatus::NotAsked))
    }
}

impl Writing<'_> {
    /// Writes down an allergy, or saves the fields of a known one that differ.
    pub fn record_allergy(&mut self, patient: PatientId, allergy: &Allergy) -> Result<(), VaultError> {
        self.edit(DocPath::Allergies(patient), |root| {
            let mut entries = root.map("entries")?;
            let mut fields = entries.map(&allergy.id.to_string())?;
            removal::put_back(&mut fields)?;
            fields.put("substance", allergy.substance.as_str())?;
            fields.put_or_remove("substance_key", allergy.substance_key.as_deref())?;
            fields.put("reaction", allergy.reaction.as_str())?;
            fields.put_code_shown_as("severity", &allergy.severity, &Severity::Unknown)?;
            let reported = AllergyVerification::PatientReported;
            fields.put_code_shown_as("verification", &allergy.verification, &reported)?;
            fields.put_instant("recorded_at", allergy.recorded_at)?;
            fields.put("recorded_by", allergy.recorded_by.to_string())
        })
    }

    /// Takes an allergy away that was written down in error.
    pub fn remove_allergy(&mut self, patient: PatientId, allergy: AllergyId) -> Result<(), VaultError> {
        self.edit(DocPath::Allergies(patient), |root| {
            removal::remove(&mut root.map("entries")?, &allergy.to_string())
        })
    }

    /// Writes down that the patient was asked on that day and has none. Says nothing while one is on record.
    pub fn set_none_known(&mut self, patient: PatientId, asked_on: Day) -> Result<(), VaultError> {
        self.edit(DocPath::Allergies(patient), |root| {
            root.put("none_known_on", asked_on.to_string())
        })
    }
}

pub(super) fn project(conn: &Connection, patient: PatientId, root: &View<'_>) -> Result<(), VaultError> {
    let mut allergies: Vec<Allergy> = root
        .children("entries")
        .iter()
        .filter(|(_, fields)| !removal::is_removed(fields) || removal::is_edited_apart(fields))
        .flat_map(|(name, fields)| read(name, fields))
        .collect();
    allergies.sort_by(|a, b| b.severity.cmp(&a.severity).then(a.id.cmp(&b.id)));
    let status = match (allergies.is_empty(), root.day("none_known_on")) {
        (false, _) => AllergyStatus::Known { allergies },
        (true, Some(asked_on)) => AllergyStatus::NoneKnown { asked_on },
        (true, None) => AllergyStatus::NotAsked,
    };
    conn.prepare_cached("INSERT OR REPLACE INTO p_allergies (patient, json) VALUES (?1, ?2)")?
        .execute(params![patient.as_bytes(), super::to_json(&status)?])?;
    Ok(())
}

/// Nothing here is left out for being unreadable: an allergy that is half known is still an allergy. More than one: which
/// substance it is was written apart.
fn read(name: &str, fields: &View<'_>) -> Vec<Allergy> {
    let id = name.parse().unwrap_or(AllergyId::from_bytes([0; 16]));
    let severities = fields.scalars("severity").into_iter();
    let worst = severities
        .filter_map(|value| from_code::<Severity>(value.as_str()?))
        .max();
    let as_it_stands = Allergy {
        id,
        substance: fields.words("substance"),
        substance_key: fields.text("substance_key"),
        reaction: fields.words("reaction"),
        severity: worst.unwrap_or(Severity::Unknown),
        verification: fields
            .code("verification")
            .unwrap_or(AllergyVerification::PatientReported),
        recorded_at: fields.instant("recorded_at").unwrap_or_else(unknown_time),
        recorded_by: fields.parsed("recorded_by").unwrap_or(StaffId::from_bytes([0; 16])),
    };
    let sides = disputes::sides(fields, Field::Substance);
    if sides.len() < 2 {
        return vec![as_it_stands];
    }
    let substances = sides.into_iter().map(|side| fields.as_of(side)).enumerate();
    substances
        .map(|(place, side)| {
            let substance = side.words("substance");
            Allergy {
                id: if place == 0 { id } else { id_of_another(id, &substance) },
                substance_key: side.text("substance_key"),
                substance,
                ..as_it_stands.clone()
            }
        })
        .collect()
}

/// The other substance of one entry, for lists that want an id for each row; nothing is filed under it.
fn id_of_another(id: AllergyId, substance: &str) -> AllergyId {
    let mut hash = blake3::Hasher::new_derive_key("medieco 2026 the other substance of an entry");
    hash.update(id.as_bytes()).update(substance.as_bytes());
    let mut bytes = [0; 16];
    hash.finalize_xof().fill(&mut bytes);
    AllergyId::from_bytes(bytes)
}

fn unknown_time() -> Instant {
    Instant::from_millisecond(0).expect("1970 is within jiff's years")
}
