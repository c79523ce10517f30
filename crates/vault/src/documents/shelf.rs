//! The few documents that are kept loaded; all others are made from the set when somebody needs them.

use std::collections::HashMap;

use automerge::{AutoCommit, ReadDoc};
use rusqlite::Connection;
use seal::{ChangeId, DocumentId, SealedChange};

use super::genesis;
use super::path::DocPath;
use crate::applying::Batch;
use crate::belonging::Belonging;
use crate::payload::Payload;
use crate::writing::document_id;
use crate::{VaultError, snapshots};

/// As many loaded documents as are kept: the work of one batch of the relay, and of the next on the same patients.
const CAPACITY: usize = 384;

/// As many operations as they may have together. Each takes some hundred bytes, as does a change.
const MAX_OPERATIONS: u64 = 150_000;

/// A loaded document.
pub(crate) struct OpenDoc {
    pub id: DocumentId,
    pub path: DocPath,
    /// Some kilobytes, which are moved about with each use.
    pub doc: Box<AutoCommit>,
}

impl OpenDoc {
    /// One in which nothing was written yet.
    pub(crate) fn fresh(id: DocumentId, path: DocPath) -> Self {
        let doc = Box::new(genesis::fresh(path.kind()));
        Self { id, path, doc }
    }
}

struct Kept {
    used: u64,
    n_operations: u64,
    open: OpenDoc,
}

/// Loaded documents that agree with the last commit, the least recently used given up first.
#[derive(Default)]
pub(crate) struct Shelf {
    documents: HashMap<DocPath, Kept>,
    clock: u64,
    n_operations: u64,
    n_made_anew: u64,
    has_erased: bool,
}

impl Shelf {
    /// Takes the document off the shelf, if it is there.
    pub(crate) fn take(&mut self, path: &DocPath) -> Option<OpenDoc> {
        self.give_up(path)
    }

    /// Takes the document off the shelf, or makes it from the set.
    pub(crate) fn take_or_load(
        &mut self,
        conn: &Connection,
        belonging: &Belonging,
        path: DocPath,
    ) -> Result<OpenDoc, VaultError> {
        match self.give_up(&path) {
            Some(open) => Ok(open),
            None => load(conn, belonging, path),
        }
    }

    /// Puts a document back whose changes are committed.
    pub(crate) fn put(&mut self, open: OpenDoc) {
        self.give_up(&open.path);
        self.clock += 1;
        let n_operations = open.doc.stats().num_ops;
        self.n_operations += n_operations;
        let kept = Kept {
            used: self.clock,
            n_operations,
            open,
        };
        self.documents.insert(kept.open.path, kept);
        while self.documents.len() > CAPACITY || (self.n_operations > MAX_OPERATIONS && self.documents.len() > 1) {
            let oldest = self.documents.iter().min_by_key(|(_, kept)| kept.used);
            let Some(oldest) = oldest.map(|(path, _)| *path) else {
                break;
            };
            self.give_up(&oldest);
        }
    }

    fn give_up(&mut self, path: &DocPath) -> Option<OpenDoc> {
        let kept = self.documents.remove(path)?;
        self.n_operations -= kept.n_operations;
        Some(kept.open)
    }

    /// Forgets one document, which is made anew without something that it had.
    pub(crate) fn forget(&mut self, path: &DocPath) {
        self.give_up(path);
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

    /// Whether something was erased in this transaction so far.
    pub(crate) fn has_erased(&self) -> bool {
        self.has_erased
    }

    /// Whether [`Self::note_erased`] was called since this was asked.
    pub(crate) fn take_has_erased(&mut self) -> bool {
        std::mem::take(&mut self.has_erased)
    }

    /// Forgets all of them: what they hold was not committed.
    pub(crate) fn clear(&mut self) {
        self.documents.clear();
        self.n_operations = 0;
        self.has_erased = false;
    }
}

/// Makes a document from its snapshots in force, and from its changes on top that were applied.
fn load(conn: &Connection, belonging: &Belonging, path: DocPath) -> Result<OpenDoc, VaultError> {
    let id = document_id(belonging, &path.to_string());
    let changes = opened(
        conn,
        belonging,
        &id,
        "SELECT sealed, id FROM changes WHERE document = ?1 AND am_hash IS NOT NULL AND verdict = 0
         AND covered_by IS NULL ORDER BY arrival",
    )?;
    // The first snapshot is the document: merged into an empty one, each of its changes would be applied again.
    let mut snapshots = snapshots::in_force(conn, belonging, &id)?.into_iter();
    let fresh = genesis::fresh(path.kind());
    let (mut doc, rest) = match snapshots.next() {
        Some(first) => (first, Some(fresh)),
        None => (fresh, None),
    };
    for mut other in rest.into_iter().chain(snapshots) {
        doc.merge(&mut other)?;
    }
    if !changes.is_empty() {
        doc.apply_changes(changes.into_iter().map(|(_, change)| change))?;
    }
    let doc = Box::new(doc);
    Ok(OpenDoc { id, path, doc })
}

/// What waits for a parent of a document.
pub(crate) fn waiting(conn: &Connection, belonging: &Belonging, document: &DocumentId) -> Result<Batch, VaultError> {
    opened(
        conn,
        belonging,
        document,
        // 1 is `Waiting`: as a word of the text it lets the index of those answer.
        "SELECT sealed, id FROM changes INDEXED BY changes_waiting_of
         WHERE document = ?1 AND verdict = 1 AND am_hash IS NOT NULL AND covered_by IS NULL ORDER BY arrival",
    )
}

fn opened(conn: &Connection, belonging: &Belonging, document: &DocumentId, sql: &str) -> Result<Batch, VaultError> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([document.as_bytes()])?;
    let mut changes = Batch::new();
    while let Some(row) = rows.next()? {
        let sealed = SealedChange::decode(row.get_ref(0)?.as_blob().map_err(|_| VaultError::Damaged)?)?;
        let plain = sealed.open(&belonging.epochs)?;
        let payload = Payload::unpack(&plain, sealed.header()).map_err(VaultError::Malformed)?;
        let change = payload.automerge().map_err(VaultError::Malformed)?;
        changes.push((ChangeId::from_bytes(row.get(1)?), change));
    }
    Ok(changes)
}
