//! Whether a change follows from what it is based on: its numbers (`numbering`), and what its operations refer to
//! (`references`). Both are functions of the change and of what its hashes name, whatever else is here and whenever it came.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{AutoCommit, Change, ChangeHash};

use crate::ancestry::Ancestry;
use crate::looked::Reason;
use crate::numbering::{self, WRONG_NUMBERS};
use crate::references::{FOREIGN, References};

/// What can be said of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Follows,
    /// It does not, nor will it ever.
    Wrong(Reason),
    /// This that it is based on is not here.
    Unknown(ChangeHash),
}

/// What changes may be based on: those of a document, and those that are about to be applied to it.
pub(crate) struct Grounds<'d> {
    doc: &'d mut AutoCommit,
    ancestry: Ancestry,
    references: References,
}

impl<'d> Grounds<'d> {
    pub(crate) fn of(doc: &'d mut AutoCommit) -> Self {
        Self {
            ancestry: Ancestry::of(doc),
            references: References::default(),
            doc,
        }
    }

    /// Whether it is in the document, or was [`Self::add`]ed.
    pub(crate) fn hold(&mut self, hash: &ChangeHash) -> bool {
        self.ancestry.mark(self.doc, hash).is_some()
    }

    pub(crate) fn standing_of(&mut self, change: &Change) -> Standing {
        self.ancestry.turn();
        for dep in change.deps() {
            if self.ancestry.mark(self.doc, dep).is_none() {
                return Standing::Unknown(*dep);
            }
        }
        let parents = change.deps().iter().filter_map(|dep| self.ancestry.known(dep));
        if !numbering::follow(change, parents) {
            return Standing::Wrong(WRONG_NUMBERS);
        }
        match self.references.hold(change, self.doc, &mut self.ancestry) {
            true => Standing::Follows,
            false => Standing::Wrong(FOREIGN),
        }
    }

    /// From now on others may be based on the change of which [`Self::standing_of`] was asked last.
    pub(crate) fn add(&mut self, change: &Change) {
        self.references.add(change, &mut self.ancestry);
        self.ancestry.add(change);
    }
}

/// Whether all that a document holds follows: a snapshot, which others made. The word is the reason why not.
pub(crate) fn follow_throughout(doc: &mut AutoCommit) -> Result<(), Reason> {
    if !numbering::follow_throughout(&doc.get_changes_meta(&[])) {
        return Err(WRONG_NUMBERS);
    }
    let changes = catch_unwind(AssertUnwindSafe(|| doc.get_changes(&[]))).map_err(|_| "malformed_document")?;
    let mut nothing = AutoCommit::new();
    let mut grounds = Grounds::of(&mut nothing);
    // What a change is based on stands before it.
    for change in &changes {
        if let Standing::Wrong(reason) = grounds.standing_of(change) {
            return Err(reason);
        }
        grounds.add(change);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
