//! The short way of what is plain: edits of one document that were found in order, whose parents are here, of a document of
//! which nothing waits, is erased, or is held by a snapshot.
//!
//! Nearly everything that comes is so. It is applied at once and stored with its verdict: one write for each change. What
//! turns out not to be plain is stored unjudged, as if it had come the long way (`judge`). Both ways end alike, since the
//! outcome is a function of the set: the short way is as if these edits had come a moment earlier than the rest.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{AutoCommit, Change, ChangeHash};
use rusqlite::params;
use seal::{ChangeId, DocumentId};

use crate::VaultError;
use crate::documents::{self, DocPath};
use crate::judge::Judge;
use crate::set::{self, Verdict};

/// What became of edits of one document.
pub(crate) enum Landing {
    /// They are not plain; nothing was done.
    NotTried,
    /// They are in the tables, and stored as applied.
    Landed,
    /// Not after all: those that were stored are unjudged. For each, whether it was stored.
    Failed(Vec<bool>),
}

impl Judge<'_> {
    /// Applies plain edits of one document. `keep` stores one of them as applied; it says whether that one was to be judged at
    /// all, and not here, or judged, before.
    pub(crate) fn land(
        &mut self,
        path: DocPath,
        document: &DocumentId,
        edits: &[(ChangeId, &Change)],
        keep: impl Fn(usize) -> Result<bool, VaultError>,
    ) -> Result<Landing, VaultError> {
        if !self.is_plain(document)? {
            return Ok(Landing::NotTried);
        }
        let mut open = self.shelf.take_or_load(self.conn, self.belonging, path)?;
        if !fit(&mut open.doc, edits) {
            self.shelf.put(open);
            return Ok(Landing::NotTried);
        }
        let kept = (0..edits.len()).map(keep).collect::<Result<Vec<_>, _>>()?;
        let changes = edits.iter().map(|(_, change)| (*change).clone());
        let applied = kept.iter().all(|kept| *kept)
            && matches!(
                catch_unwind(AssertUnwindSafe(|| open.doc.apply_changes(changes))),
                Ok(Ok(()))
            );
        if !(applied && edits.iter().all(|(_, change)| is_in(&mut open.doc, &change.hash()))) {
            // What a refused batch leaves of a document nobody promises: it is not put back, and made again.
            for ((id, _), _) in edits.iter().zip(&kept).filter(|(_, kept)| **kept) {
                set::rule(self.conn, id, Verdict::Unjudged, None)?;
            }
            return Ok(Landing::Failed(kept));
        }
        documents::project(self.conn, document, &path, &open.doc)?;
        self.tags.extend(path.tags());
        self.landed.extend(edits.iter().map(|(id, _)| *id));
        self.shelf.put(open);
        Ok(Landing::Landed)
    }

    /// Whether nothing is known of a document that asks for more than applying what comes.
    fn is_plain(&self, document: &DocumentId) -> Result<bool, VaultError> {
        let sql = "SELECT NOT (EXISTS (SELECT 1 FROM snapshots WHERE document = ?1)
                            OR EXISTS (SELECT 1 FROM changes INDEXED BY changes_waiting_of WHERE document = ?1 AND verdict = 1)
                            OR EXISTS (SELECT 1 FROM headers WHERE document = ?1)
                            OR EXISTS (SELECT 1 FROM p_erasures WHERE of = 0 AND id = ?1))";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row(params![document.as_bytes()], |row| row.get(0))?)
    }
}

/// Whether none of these is in the document already, no two claim one place in a writer's history, and the parents of each
/// are in the document or stand before it. That nothing in the document has their places Automerge sees when they are applied.
fn fit(doc: &mut AutoCommit, edits: &[(ChangeId, &Change)]) -> bool {
    let (mut places, mut before) = (BTreeSet::new(), BTreeSet::new());
    edits.iter().all(|(_, change)| {
        let has_parents = change.deps().iter().all(|dep| before.contains(dep) || is_in(doc, dep));
        let hash = change.hash();
        has_parents && !is_in(doc, &hash) && before.insert(hash) && places.insert((change.actor_id(), change.seq()))
    })
}

fn is_in(doc: &mut AutoCommit, hash: &ChangeHash) -> bool {
    doc.get_change_meta_by_hash(hash).is_some()
}
