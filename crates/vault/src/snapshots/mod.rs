//! Snapshots: whole states of documents, so that a clinic's history may grow old without growing without end.
//!
//! A device makes one when a document has many changes, or is closed. Another device compares it with its own changes and
//! confirms it; from then on it is *in force*: the document is made from it, and what is in its history is *covered*,
//! leaves the live set, and goes thirty days later. Nothing is covered that is not in the history to which the snapshot's
//! heads commit, so that a snapshot can never make anybody forget what it does not hold.
//!
//! | what | where |
//! |---|---|
//! | what is sealed | `payload`, `numbers` |
//! | reading what others wrote | `chunk`, `reading` |
//! | which ones a document is made from | `base`, `words` |
//! | what it means for its document | `judging`, `rows`, `covering` |
//! | when one is made, and how | `due`, `making` |
//! | comparing others' | `confirming` |
//! | when its document is erased | `forgetting` |
//! | all of it in the background, and what is thrown away | `housekeeping` |

mod base;
mod chunk;
mod confirming;
mod covering;
mod due;
mod forgetting;
mod housekeeping;
mod judging;
mod making;
mod numbers;
mod payload;
mod reading;
mod rows;
mod words;

use automerge::AutoCommit;
use rusqlite::Connection;
use seal::DocumentId;

pub(crate) use forgetting::{forget_document, held_of_document, look_at_words_for};
pub use housekeeping::Housekept;
pub(crate) use judging::SETTLED;
pub(crate) use payload::path_in;
pub(crate) use rows::{any, forget_all, path_of};

use crate::VaultError;
use crate::belonging::Belonging;

/// The snapshots from which a document is made.
pub(crate) fn in_force(
    conn: &Connection,
    belonging: &Belonging,
    document: &DocumentId,
) -> Result<Vec<AutoCommit>, VaultError> {
    let mut documents = Vec::new();
    for snapshot in rows::of_document(conn, document)? {
        if snapshot.is_used() && snapshot.covered_by.is_none() {
            documents.extend(reading::document_of(conn, belonging, &snapshot.id)?);
        }
    }
    Ok(documents)
}

/// The door for the fuzz target: everything that is looked at before a snapshot's bytes are believed.
pub(crate) fn try_out(plain: &[u8]) -> bool {
    reading::try_out(plain)
}

/// As [`try_out`], of the document inside.
pub(crate) fn try_out_document(bytes: &[u8]) -> bool {
    chunk::load(bytes).is_ok()
}
