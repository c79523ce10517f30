//! Documents that are made before the writer is taken, of edits that are the first of theirs.
//!
//! Whoever reads on makes them on the thread that looks ahead. Whoever has the writer then asks whether really nothing of the
//! document is here; if something is, it applies the edits to that, and what was made ahead is thrown away.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use automerge::Change;
use seal::{ChangeId, DocumentId};

use crate::documents::{DocPath, OpenDoc};
use crate::landing::{applies, change_of, fit};
use crate::looked::{Looked, Placed};

/// Documents with their first edits, and those that have been stored.
#[derive(Default)]
pub(crate) struct Begun {
    ready: HashMap<DocumentId, (OpenDoc, Vec<ChangeId>)>,
    finished: Vec<OpenDoc>,
}

impl Begun {
    /// The documents of these edits, as far as they could be the first.
    pub(crate) fn of(looked: &[Looked]) -> Self {
        let mut edits = HashMap::<DocumentId, (DocPath, Vec<&Looked>)>::new();
        for edit in looked {
            if let (Ok(Placed::Change(path, _)), Some(sealed)) = (&edit.found, &edit.sealed) {
                let of_document = edits.entry(sealed.header().document);
                of_document.or_insert_with(|| (*path, Vec::new())).1.push(edit);
            }
        }
        let ready = edits.into_iter().filter_map(|(document, (path, edits))| {
            let mut open = OpenDoc::fresh(document, path);
            let changes = || edits.iter().filter_map(|edit| change_of(edit));
            let is_made =
                fit(&mut open.doc, changes()) && applies(&mut open.doc, changes().map(Change::clone).collect());
            is_made.then(|| (document, (open, edits.iter().map(|edit| edit.id).collect())))
        });
        Self {
            ready: ready.collect(),
            finished: Vec::new(),
        }
    }

    /// The document that has these edits and no others.
    pub(crate) fn take(&mut self, document: &DocumentId, edits: &[Looked]) -> Option<OpenDoc> {
        let Entry::Occupied(ready) = self.ready.entry(*document) else {
            return None;
        };
        let (open, ids) = ready.remove();
        ids.iter().eq(edits.iter().map(|edit| &edit.id)).then_some(open)
    }

    /// It is stored. Taking it apart takes as long as making it: that is left to whoever drops this.
    pub(crate) fn finish(&mut self, open: OpenDoc) {
        self.finished.push(open);
    }
}
