//! The few documents that are kept loaded; all others are made from the set when somebody needs them.

use std::collections::HashMap;

use automerge::{AutoCommit, Change};
use rusqlite::Connection;
use seal::{ChangeId, DocumentId, SealedChange};

use super::genesis;
use super::path::DocPath;
use crate::belonging::Belonging;
use crate::payload::Payload;
use crate::writing::document_id;
use crate::{VaultError, set, snapshots};

/// As many loaded documents as are kept.
const CAPACITY: usize = 64;

/// A loaded document.
pub(crate) struct OpenDoc {
    pub id: DocumentId,
    pub path: DocPath,
    pub doc: AutoCommit,
}

/// Loaded documents that agree with the last commit, the least recently used given up first.
#[derive(Default)]
pub(crate) struct Shelf {
    documents: HashMap<DocPath, (u64, OpenDoc)>,
    clock: u64,
    n_made_anew: u64,
    has_erased: bool,
}

impl Shelf {
    /// Takes the document off the shelf, or makes it from the set.
    pub(crate) fn take_or_load(
        &mut self,
        conn: &Connection,
        belonging: &Belonging,
        path: DocPath,
    ) -> Result<OpenDoc, VaultError> {
        match self.documents.remove(&path) {
            Some((_, open)) => Ok(open),
            None => load(conn, belonging, path),
        }
    }

    /// Makes the document from what was applied alone. What waits for a parent comes beside it.
    pub(crate) fn load_apart(
        conn: &Connection,
        belonging: &Belonging,
        path: DocPath,
    ) -> Result<(OpenDoc, Vec<(ChangeId, Change)>), VaultError> {
        load_apart(conn, belonging, path)
    }

    /// Puts a document back whose changes are committed.
    pub(crate) fn put(&mut self, open: OpenDoc) {
        self.clock += 1;
        self.documents.insert(open.path, (self.clock, open));
        if self.documents.len() > CAPACITY {
            let oldest = self
                .documents
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(path, _)| *path);
            oldest.map(|path| self.documents.remove(&path));
        }
    }

    /// Forgets one document, which is made anew without something that it had.
    pub(crate) fn forget(&mut self, path: &DocPath) {
        self.documents.remove(path);
        self.n_made_anew += 1;
    }

    /// How often a document was made anew without something that it had.
    pub(crate) fn n_made_anew(&self) -> u64 {
        self.n_made_anew
    }

    /// Something is erased in this transaction: once it is committed, traces are to be taken away.
    pub(crate) fn note_erased(&mut self) {
        self.has_erased = true;
    }

    /// Whether [`Self::note_erased`] was called since this was asked.
    pub(crate) fn take_has_erased(&mut self) -> bool {
        std::mem::take(&mut self.has_erased)
    }

    /// Forgets all of them: what they hold was not committed.
    pub(crate) fn clear(&mut self) {
        self.documents.clear();
        self.has_erased = false;
    }
}

/// Makes a document from its snapshots in force, and from its changes on top that were applied, or wait for a parent.
fn load(conn: &Connection, belonging: &Belonging, path: DocPath) -> Result<OpenDoc, VaultError> {
    let (mut open, waiting) = load_apart(conn, belonging, path)?;
    open.doc.apply_changes(waiting.into_iter().map(|(_, change)| change))?;
    Ok(open)
}

fn load_apart(
    conn: &Connection,
    belonging: &Belonging,
    path: DocPath,
) -> Result<(OpenDoc, Vec<(ChangeId, Change)>), VaultError> {
    let id = document_id(belonging, &path.to_string());
    let mut statement = conn.prepare_cached(
        "SELECT sealed, id, verdict FROM changes WHERE document = ?1 AND am_hash IS NOT NULL AND verdict IN (?2, ?3)
         AND covered_by IS NULL ORDER BY arrival",
    )?;
    let mut rows = statement.query((
        id.as_bytes(),
        set::Verdict::Applied as i64,
        set::Verdict::Waiting as i64,
    ))?;
    let (mut changes, mut waiting) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let sealed = SealedChange::decode(row.get_ref(0)?.as_blob().map_err(|_| VaultError::Damaged)?)?;
        let plain = sealed.open(&belonging.epochs)?;
        let payload = Payload::unpack(&plain, sealed.header()).map_err(VaultError::Malformed)?;
        let change = payload.automerge().map_err(VaultError::Malformed)?;
        if row.get::<_, i64>(2)? == set::Verdict::Waiting as i64 {
            waiting.push((ChangeId::from_bytes(row.get(1)?), change));
        } else {
            changes.push(change);
        }
    }
    let mut doc = genesis::fresh(path.kind());
    for mut snapshot in snapshots::in_force(conn, belonging, &id)? {
        doc.merge(&mut snapshot)?;
    }
    doc.apply_changes(changes)?;
    Ok((OpenDoc { id, path, doc }, waiting))
}
