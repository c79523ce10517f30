//! The short way of what is plain: edits of one document that were found in order, whose parents are here, of a document of
//! which nothing waits, was put aside, is erased, or is held by a snapshot.
//!
//! Nearly everything that comes is so. It is applied at once and stored with its verdict: one write for each change. What
//! turns out not to be plain is stored unjudged, as if it had come the long way (`judge`). Both ways end alike, since the
//! outcome is a function of the set: the short way is as if these edits had come a moment earlier than the rest.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{AutoCommit, Change, ReadDoc};
use rusqlite::params;
use seal::DocumentId;

use crate::VaultError;
use crate::documents::{self, DocPath, OpenDoc};
use crate::grounds::{Grounds, Standing};
use crate::judge::Judge;
use crate::looked::{Looked, Placed};
use crate::set::{self, Verdict};

/// What became of edits of one document.
pub(crate) enum Landing {
    /// They are not plain; nothing was done.
    NotTried,
    /// They are in the tables, and stored as applied.
    Landed,
    /// Not after all: those that were stored are unjudged, and to be looked at again. For each, whether it was stored.
    Failed(Vec<bool>),
}

impl Judge<'_> {
    /// Applies plain edits of one document. `keep` stores one of them as applied; it says whether that one was to be judged at
    /// all, and not here, or judged, before.
    pub(crate) fn land(
        &mut self,
        path: DocPath,
        edits: &mut [Looked],
        keep: impl Fn(&Looked, ([u8; 32], i64)) -> Result<bool, VaultError>,
    ) -> Result<Landing, VaultError> {
        let Some(document) = edits
            .first()
            .and_then(|edit| Some(edit.sealed.as_ref()?.header().document))
        else {
            return Ok(Landing::NotTried);
        };
        if !self.is_plain(&document)? {
            return Ok(Landing::NotTried);
        }
        let (mut open, is_done) = self.open_to_land(path, document, edits)?;
        if !is_done && !fit(&mut open.doc, edits.iter().filter_map(change_of)) {
            self.shelf.put(open);
            return Ok(Landing::NotTried);
        }
        let kept = edits
            .iter()
            .map(|edit| change_of(edit).map_or(Ok(false), |change| keep(edit, set::automerge_names(change))))
            .collect::<Result<Vec<_>, _>>()?;
        let changes: Vec<Change> = edits.iter_mut().filter_map(take_change).collect();
        let applied = kept.iter().all(|kept| *kept) && (is_done || applies(&mut open.doc, changes));
        if !applied {
            // What a refused batch leaves of a document nobody promises: it is not put back, and made again.
            for (edit, _) in edits.iter().zip(&kept).filter(|(_, kept)| **kept) {
                set::rule(self.conn, &edit.id, Verdict::Unjudged, None)?;
            }
            return Ok(Landing::Failed(kept));
        }
        documents::project(self.conn, &document, &path, &open.doc)?;
        self.tags.extend(path.tags());
        self.landed.extend(edits.iter().map(|edit| edit.id));
        match is_done {
            true => self.begun.finish(open),
            false => self.shelf.put(open),
        }
        Ok(Landing::Landed)
    }

    /// A document of which no snapshot is here, and nothing waits; and whether these edits are applied to it already.
    fn open_to_land(
        &mut self,
        path: DocPath,
        document: DocumentId,
        edits: &[Looked],
    ) -> Result<(OpenDoc, bool), VaultError> {
        if let Some(open) = self.shelf.take(&path) {
            return Ok((open, false));
        }
        // Most that come for the first time come to an empty document.
        let sql = "SELECT EXISTS (SELECT 1 FROM changes WHERE document = ?1 AND am_seq IS NOT NULL)";
        let any: bool = self
            .conn
            .prepare_cached(sql)?
            .query_row([document.as_bytes()], |row| row.get(0))?;
        if any {
            return Ok((self.shelf.take_or_load(self.conn, self.belonging, path)?, false));
        }
        Ok(match self.begun.take(&document, edits) {
            Some(open) => (open, true),
            None => (OpenDoc::fresh(document, path), false),
        })
    }

    /// Whether nothing is known of a document that asks for more than applying what comes.
    fn is_plain(&self, document: &DocumentId) -> Result<bool, VaultError> {
        let sql = "SELECT NOT (EXISTS (SELECT 1 FROM snapshots WHERE document = ?1)
                            OR EXISTS (SELECT 1 FROM changes INDEXED BY changes_waiting_of WHERE document = ?1 AND verdict = 1)
                            OR EXISTS (SELECT 1 FROM changes INDEXED BY changes_put_aside_of WHERE document = ?1 AND verdict = 2)
                            OR EXISTS (SELECT 1 FROM headers WHERE document = ?1)
                            OR EXISTS (SELECT 1 FROM p_erasures WHERE of = 0 AND id = ?1))";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row(params![document.as_bytes()], |row| row.get(0))?)
    }
}

pub(crate) fn change_of(edit: &Looked) -> Option<&Change> {
    match &edit.found {
        Ok(Placed::Change(_, change)) => Some(change),
        _ => None,
    }
}

fn take_change(edit: &mut Looked) -> Option<Change> {
    match std::mem::replace(&mut edit.found, Err("taken")) {
        Ok(Placed::Change(_, change)) => Some(*change),
        _ => None,
    }
}

/// Applies edits that [`fit`] a document. If it says no, nobody promises what is left of the document.
pub(crate) fn applies(doc: &mut AutoCommit, changes: Vec<Change>) -> bool {
    // None of them was in it, and nothing waited: so many more are all of them.
    let n_changes = doc.stats().num_changes + changes.len() as u64;
    matches!(
        catch_unwind(AssertUnwindSafe(|| doc.apply_changes(changes))),
        Ok(Ok(()))
    ) && doc.stats().num_changes == n_changes
}

/// Whether none of these is in the document already, no two claim one place in a writer's history, the parents of each are in
/// the document or stand before it, and it follows from them. That nothing in the document has their places Automerge
/// sees when they are applied.
pub(crate) fn fit<'c>(doc: &mut AutoCommit, mut edits: impl Iterator<Item = &'c Change>) -> bool {
    // Most follow upon the last ones: of those nothing has to be looked up.
    let (mut places, mut grounds) = (BTreeSet::new(), Grounds::of(doc));
    edits.all(|change| {
        let fits = grounds.standing_of(change) == Standing::Follows && !grounds.hold(&change.hash());
        grounds.add(change);
        fits && places.insert((change.actor_id(), change.seq()))
    })
}
