//! Who a patient is: `patient/<id>/identity`.

use domain::{Identifier, MyKad, Patient, PatientId, Sex};
use rusqlite::{Connection, params};

use super::profile::{read_address, write_address};
use super::{DocPath, Edit, View, search};
use crate::reading::{count, noun};
use crate::{Reading, VaultError, Writing};

impl Reading<'_> {
    /// One patient.
    pub fn patient(&self, id: PatientId) -> Result<Option<Patient>, VaultError> {
        self.one("SELECT json FROM p_patients WHERE id = ?1", [id.as_bytes()], |row| {
            noun(row, 0)
        })
    }

    /// How many patients there are.
    pub fn n_patients(&self) -> Result<u64, VaultError> {
        Ok(self
            .one("SELECT count(*) FROM p_patients", [], |row| Ok(count(row, 0)?))?
            .unwrap_or(0))
    }

    /// The patients that were registered last, newest first.
    pub fn recent_patients(&self, limit: u32) -> Result<Vec<Patient>, VaultError> {
        // Ids begin with the time at which they were made.
        self.many(
            "SELECT json FROM p_patients ORDER BY id DESC LIMIT ?1",
            [limit],
            |row| noun(row, 0),
        )
    }

    /// Patients with this very document. More than one is possible: two counters may have registered her apart.
    pub fn find_by_identifier(&self, identifier: &Identifier) -> Result<Vec<Patient>, VaultError> {
        let key = identifier_key(identifier);
        if key.is_empty() {
            return Ok(Vec::new());
        }
        self.many(
            "SELECT json FROM p_patients WHERE identifier = ?1 AND identifier <> '' ORDER BY id",
            [key],
            |row| noun(row, 0),
        )
    }
}

impl Writing<'_> {
    /// Registers a patient, or saves the fields that are not as they were shown. What a newer build made of a field is
    /// shown as something that this build knows: as long as nobody writes something else there, it stays.
    pub fn put_patient(&mut self, patient: &Patient) -> Result<(), VaultError> {
        let path = DocPath::Identity(patient.id);
        self.begin(path)?;
        let shown = self.patient(patient.id)?;
        let differs = |same: fn(&Patient, &Patient) -> bool| shown.as_ref().is_none_or(|shown| !same(shown, patient));
        self.edit(path, |root| {
            if differs(|a, b| a.name == b.name) {
                root.put("name", patient.name.as_str())?;
            }
            if differs(|a, b| a.identifier == b.identifier) {
                write_identifier(&mut root.map("identifier")?, &patient.identifier)?;
            }
            if differs(|a, b| a.birth_date == b.birth_date) {
                root.put_or_remove("birth_date", patient.birth_date.map(|day| day.to_string()))?;
            }
            if differs(|a, b| a.sex == b.sex) {
                root.put_code_shown_as("sex", &patient.sex, &Sex::Unknown)?;
            }
            if differs(|a, b| a.phone == b.phone) {
                root.put("phone", patient.phone.as_str())?;
            }
            if differs(|a, b| a.address == b.address) {
                write_address(&mut root.map("address")?, &patient.address)?;
            }
            Ok(())
        })
    }
}

/// The kinds of paper that this build knows.
const KNOWN_KINDS: [&str; 5] = ["my_kad", "passport", "other", "none", ""];

fn write_identifier(fields: &mut Edit<'_>, identifier: &Identifier) -> Result<(), VaultError> {
    let (kind, number, issuer) = match identifier {
        Identifier::MyKad { number } => ("my_kad", number.digits(), None),
        Identifier::Passport { country, number } => ("passport", number.as_str(), Some(("country", country))),
        Identifier::Other { paper, number } => ("other", number.as_str(), Some(("paper", paper))),
        Identifier::None => ("none", "", None),
    };
    // The kind of a newer build is shown as the paper's name: nobody chose another.
    let stands = fields.view().words("kind");
    if issuer.is_some_and(|(_, paper)| *paper == stands) && kind == "other" && !KNOWN_KINDS.contains(&stands.as_str()) {
        return fields.put("number", number);
    }
    fields.put("kind", kind)?;
    fields.put("number", number)?;
    match issuer {
        Some((key, value)) => fields.put(key, value.as_str()),
        None => Ok(()),
    }
}

fn read_identifier(fields: &View<'_>) -> Identifier {
    let number = fields.words("number");
    match fields.words("kind").as_str() {
        "my_kad" => match MyKad::parse(&number) {
            Ok(number) => Identifier::MyKad { number },
            Err(_) => Identifier::Other {
                paper: "MyKad".into(),
                number,
            },
        },
        "passport" => Identifier::Passport {
            country: fields.words("country"),
            number,
        },
        "none" | "" => Identifier::None,
        "other" => Identifier::Other {
            paper: fields.words("paper"),
            number,
        },
        newer => Identifier::Other {
            paper: newer.to_owned(),
            number,
        },
    }
}

/// The number of a document without spaces and dashes, with its kind; empty when there is none.
pub(crate) fn identifier_key(identifier: &Identifier) -> String {
    match identifier {
        Identifier::MyKad { number } => format!("my_kad:{}", number.digits()),
        Identifier::Passport { country, number } => format!("passport:{}:{}", plain(country), plain(number)),
        Identifier::Other { paper, number } => format!("other:{}:{}", plain(paper), plain(number)),
        Identifier::None => String::new(),
    }
}

/// Letters and digits only, in lower case.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

pub(super) fn project(conn: &Connection, id: PatientId, root: &View<'_>) -> Result<(), VaultError> {
    let Some(name) = root.text("name") else {
        return unproject(conn, id);
    };
    let patient = Patient {
        id,
        name,
        identifier: root
            .map("identifier")
            .map_or(Identifier::None, |fields| read_identifier(&fields)),
        birth_date: root.day("birth_date"),
        sex: root.code("sex").unwrap_or(Sex::Unknown),
        phone: root.words("phone"),
        address: root
            .map("address")
            .map(|fields| read_address(&fields))
            .unwrap_or_default(),
    };
    write_row(conn, &patient, search::row_of(id))
}

/// Writes the rows of a patient, where they say something else than what stands there.
pub(super) fn write_row(conn: &Connection, patient: &Patient, search_row: i64) -> Result<(), VaultError> {
    let (id, json) = (patient.id.as_bytes(), super::to_json(patient)?);
    let stands = standing(conn, patient.id)?;
    if stands.as_ref() == Some(patient) {
        return Ok(());
    }
    let identifier = identifier_key(&patient.identifier);
    // What is in an index hardly ever changes: then only the row is written.
    if stands
        .as_ref()
        .map(|stands| identifier_key(&stands.identifier))
        .as_ref()
        == Some(&identifier)
    {
        conn.prepare_cached("UPDATE p_patients SET json = ?2 WHERE id = ?1")?
            .execute(params![id, json])?;
    } else {
        let sql = "INSERT OR REPLACE INTO p_patients (id, search_row, identifier, json) VALUES (?1, ?2, ?3, ?4)";
        conn.prepare_cached(sql)?
            .execute(params![id, search_row, identifier, json])?;
    }
    search::index(conn, search_row, stands.as_ref(), patient)
}

/// Takes the rows of a patient away.
pub(super) fn unproject(conn: &Connection, id: PatientId) -> Result<(), VaultError> {
    if let Some(stands) = standing(conn, id)? {
        let row = conn
            .prepare_cached("DELETE FROM p_patients WHERE id = ?1 RETURNING search_row")?
            .query_row([id.as_bytes()], |row| row.get(0))?;
        search::forget(conn, row, &stands)?;
    }
    Ok(())
}

/// What the row of a patient says.
fn standing(conn: &Connection, id: PatientId) -> Result<Option<Patient>, VaultError> {
    let mut statement = conn.prepare_cached("SELECT json FROM p_patients WHERE id = ?1")?;
    let mut rows = statement.query([id.as_bytes()])?;
    rows.next()?.map(|row| noun(row, 0)).transpose()
}
