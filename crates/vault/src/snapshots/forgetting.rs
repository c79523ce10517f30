//! What becomes of a document's snapshots when the document is erased: nothing of it is in force or covered any more, and
//! what was thrown away under them is no hole.

use rusqlite::Connection;
use seal::{ChangeId, DocumentId};

use super::numbers::{self, Held};
use super::{covering, rows, words};
use crate::VaultError;

/// The numbers of all that a document's snapshots hold: whoever gets them without their bodies must not miss what was
/// thrown away under them.
pub(crate) fn held_of_document(conn: &Connection, document: &DocumentId) -> Result<Held, VaultError> {
    let mut held = Held::new();
    for snapshot in rows::of_document(conn, document)? {
        numbers::add(&mut held, &rows::held_by(conn, &snapshot.id)?);
    }
    Ok(held)
}

/// Forgets what was read of a document's snapshots. All that is here of it is live again, and so are the words for its
/// snapshots.
pub(crate) fn forget_document(conn: &Connection, document: &DocumentId) -> Result<(), VaultError> {
    let sql = "SELECT id, covered_by FROM changes WHERE document = ?1 AND covered_by IS NOT NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let covered = statement.query_map([document.as_bytes()], |row| {
        Ok((ChangeId::from_bytes(row.get(0)?), ChangeId::from_bytes(row.get(1)?)))
    })?;
    let covered: Vec<(ChangeId, ChangeId)> = covered.collect::<Result<_, _>>()?;
    for (id, by) in covered {
        covering::cover(conn, &id, Some(by), None, false)?;
    }
    let words = words_about(conn, document)?;
    for table in ["snapshot_numbers WHERE snapshot", "snapshots_relied_on WHERE id"] {
        let sql = format!("DELETE FROM {table} IN (SELECT id FROM snapshots WHERE document = ?1)");
        conn.prepare_cached(&sql)?.execute([document.as_bytes()])?;
    }
    conn.prepare_cached("DELETE FROM snapshots WHERE document = ?1")?
        .execute([document.as_bytes()])?;
    words.iter().try_for_each(|word| look_at(conn, word))
}

/// The confirmations that name a snapshot of a document, or go by one.
fn words_about(conn: &Connection, document: &DocumentId) -> Result<Vec<ChangeId>, VaultError> {
    let mut statement = conn.prepare_cached(
        "SELECT change FROM confirmations WHERE snapshot IN (SELECT id FROM snapshots WHERE document = ?1)
         UNION SELECT id FROM changes WHERE covered_by IN (SELECT id FROM snapshots WHERE document = ?1)",
    )?;
    let words = statement.query_map([document.as_bytes()], |row| row.get(0).map(ChangeId::from_bytes))?;
    Ok(words.collect::<Result<_, _>>()?)
}

/// A snapshot without its body has come, or has left: the words for it are live with it, whatever lists them.
pub(crate) fn look_at_words_for(conn: &Connection, snapshot: &ChangeId) -> Result<(), VaultError> {
    let words = words::that_name(conn, snapshot)?;
    words.iter().try_for_each(|word| look_at(conn, word))
}

fn look_at(conn: &Connection, word: &ChangeId) -> Result<(), VaultError> {
    let before = covering::covered_by(conn, word)?;
    let by = words::confirmation_goes_by(conn, word)?;
    covering::cover(conn, word, before, by, false)
}
