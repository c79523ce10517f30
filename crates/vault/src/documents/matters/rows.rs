//! Where something may have to be judged, in tables: made from the documents and the facts alone.

use domain::VisitId;
use rusqlite::{Connection, OptionalExtension, params};
use seal::DocumentId;

use super::super::visit::{LateEdit, Visit};
use super::super::{DocPath, View, disputes};
use crate::VaultError;
use crate::facts::{FactBody, NoteSigned, kind};

/// Writes down where a document is in dispute, from nothing but the document.
pub(in crate::documents) fn project(
    conn: &Connection,
    id: &DocumentId,
    path: &DocPath,
    root: &View<'_>,
) -> Result<(), VaultError> {
    conn.prepare_cached("DELETE FROM p_conflicts WHERE document = ?1")?
        .execute([id.as_bytes()])?;
    let visit = path.visit();
    for spot in disputes::spots(path, root) {
        conn.prepare_cached("INSERT OR IGNORE INTO p_conflicts (document, field, visit) VALUES (?1, ?2, ?3)")?
            .execute(params![id.as_bytes(), spot, visit.map(|visit| *visit.as_bytes())])?;
    }
    match visit {
        Some(visit) => settle_visit(conn, visit),
        None => Ok(()),
    }
}

/// Writes down whether a visit is worth a look, from its draft and its facts alone. Which reversal holds can change
/// without a new fact, so that reversals are left to whoever looks.
pub(crate) fn settle_visit(conn: &Connection, visit: VisitId) -> Result<(), VaultError> {
    let mut statement = conn.prepare_cached("SELECT kind, body FROM p_facts WHERE visit = ?1 AND kind IN (?2, ?3)")?;
    let rows = statement.query_map(params![visit.as_bytes(), kind::NOTE_SIGNED, kind::DISPENSED], |row| {
        Ok((row.get::<_, u16>(0)?, row.get::<_, String>(1)?))
    })?;
    let (mut signed, mut lines, mut patient) = (Vec::new(), Vec::new(), None);
    for row in rows {
        let (kind, body) = row?;
        let body = FactBody::from_json(kind, &body);
        patient = patient.or(body.patient());
        match body {
            FactBody::NoteSigned(note) => signed.push(note),
            FactBody::Dispensed(one) => lines.extend(one.items.into_iter().map(|item| item.line.id)),
            _ => {}
        }
    }
    let n_lines = lines.len();
    lines.sort_unstable();
    lines.dedup();
    let is_doubtful = signed.len() > 1 || lines.len() < n_lines || differs(conn, visit, &signed)?;
    match patient.filter(|_| is_doubtful) {
        Some(patient) => conn
            .prepare_cached("INSERT OR REPLACE INTO p_doubts (visit, patient) VALUES (?1, ?2)")?
            .execute(params![visit.as_bytes(), patient.as_bytes()])?,
        None => conn
            .prepare_cached("DELETE FROM p_doubts WHERE visit = ?1")?
            .execute([visit.as_bytes()])?,
    };
    Ok(())
}

/// Whether the draft is not what was signed.
fn differs(conn: &Connection, visit: VisitId, signed: &[NoteSigned]) -> Result<bool, VaultError> {
    let [signed] = signed else { return Ok(false) };
    let draft: Option<String> = conn
        .prepare_cached("SELECT json FROM p_visits WHERE id = ?1")?
        .query_row([visit.as_bytes()], |row| row.get(0))
        .optional()?;
    let draft: Option<Visit> = draft.and_then(|json| serde_json::from_str(&json).ok());
    Ok(draft.is_some_and(|draft| LateEdit::of(&draft, signed).is_some()))
}
