//! Where a row comes from.

use serde::{Deserialize, Serialize};
use specta::Type;

/// What stands behind a row. None of the four is ever empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Source {
    /// The work, with section where it has any.
    pub work: String,
    /// Its edition, date or commit; says so where it is not pinned.
    pub edition: String,
    /// Under which licence the fact is used.
    pub licence: String,
    /// The clinician who signed the row off, or the words that nobody has yet.
    pub reviewer: String,
}
