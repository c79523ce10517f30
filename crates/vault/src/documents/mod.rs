//! The clinic's documents: one file per noun, with its mapping to Automerge, its rows and its questions together.

mod allergies;
mod choices;
mod claims;
mod device_name;
mod disputes;
mod genesis;
mod matters;
mod newer;
mod path;
mod patient;
mod phones;
mod prescription;
mod profile;
mod queue;
mod recording;
mod removal;
mod search;
mod shelf;
mod staff;
mod tree;
mod tried;
mod view;
mod visit;
mod visit_note;
mod whole;

use automerge::AutoCommit;
use rusqlite::{Connection, ToSql, params};
use seal::DocumentId;

pub(crate) use genesis::{fresh as fresh_document, writer as first_writer};
pub(crate) use matters::settle_visit;
pub use matters::{Choice, Disputed, Hand, Matter, Removed, Written};
pub(crate) use path::DocPath;
pub(crate) use patient::identifier_key;
pub use profile::ClinicProfile;
pub use queue::NewQueueEntry;
pub use recording::{NewRecording, Recording};
pub use search::{Matched, PatientHit};
pub(crate) use shelf::{OpenDoc, Shelf, waiting};
pub(crate) use tree::{Edit, from_code, to_code};
pub(crate) use tried::{prepare, try_out};
pub(crate) use view::View;
use view::id_of;
pub use visit::{LateEdit, NewVisit, SignedNote, Visit};

use whole::Whole;

use crate::VaultError;

/// Writes the rows of one document anew, from nothing but the document.
///
/// Where the tables refuse what it holds, which no build of ours writes, it has no rows: no document stops the others.
pub(crate) fn project(conn: &Connection, id: &DocumentId, path: &DocPath, doc: &AutoCommit) -> Result<(), VaultError> {
    match write_rows(conn, id, path, doc) {
        Err(VaultError::Store(code)) if code & 0xff == SQLITE_CONSTRAINT => {
            tracing::warn!(
                kind = path.kind().word(),
                code,
                "the tables refuse what a document holds"
            );
            unproject(conn, id, path)
        }
        written => written,
    }
}

/// A rule of a table, in SQLite's primary codes.
const SQLITE_CONSTRAINT: i32 = 19;

fn write_rows(conn: &Connection, id: &DocumentId, path: &DocPath, doc: &AutoCommit) -> Result<(), VaultError> {
    conn.prepare_cached("INSERT OR IGNORE INTO p_documents (id, path) VALUES (?1, ?2)")?
        .execute(params![id.as_bytes(), path.to_string()])?;
    let whole = Whole::read(doc);
    let root = View::whole(&whole);
    match *path {
        DocPath::Clinic => {
            profile::project(conn, &root)?;
            staff::project(conn, &root)?;
            device_name::project(conn, &root)?;
            choices::project(conn, &root)?;
        }
        DocPath::Day(day) => queue::project(conn, day, &root)?,
        DocPath::Identity(patient) => patient::project(conn, patient, &root)?,
        DocPath::Allergies(patient) => allergies::project(conn, patient, &root)?,
        DocPath::Visit(patient, visit) => visit::project(conn, patient, visit, &root)?,
        DocPath::Recording(patient, recording) => recording::project(conn, patient, recording, &root)?,
        DocPath::Consents(_) => {}
    }
    matters::project(conn, id, path, &root)
}

/// Takes the rows of one document away: nothing of it is left, or it is made anew.
pub(crate) fn unproject(conn: &Connection, id: &DocumentId, path: &DocPath) -> Result<(), VaultError> {
    let clear = |table: &str, row: &dyn ToSql, key: &str| -> Result<(), VaultError> {
        conn.prepare_cached(&format!("DELETE FROM {table} WHERE {key} = ?1"))?
            .execute([row])?;
        Ok(())
    };
    match path {
        DocPath::Clinic => {
            for table in ["p_clinic", "p_staff", "p_devices", "p_choices"] {
                conn.execute(&format!("DELETE FROM {table}"), [])?;
            }
        }
        DocPath::Day(day) => queue::unproject(conn, *day)?,
        DocPath::Identity(patient) => patient::unproject(conn, *patient)?,
        DocPath::Allergies(patient) => clear("p_allergies", patient.as_bytes(), "patient")?,
        DocPath::Visit(patient, visit) => claims::VISITS.withdraw(conn, visit.as_bytes(), patient.as_bytes())?,
        DocPath::Recording(patient, recording) => {
            claims::RECORDINGS.withdraw(conn, recording.as_bytes(), patient.as_bytes())?;
        }
        DocPath::Consents(_) => {}
    }
    clear("p_conflicts", id.as_bytes(), "document")?;
    if let DocPath::Visit(_, visit) = path {
        matters::settle_visit(conn, *visit)?;
    }
    clear("p_documents", id.as_bytes(), "id")
}

/// The JSON column of a row.
fn to_json(noun: &impl serde::Serialize) -> Result<String, VaultError> {
    serde_json::to_string(noun).map_err(|_| VaultError::Malformed("row"))
}
