//! Why a set of tables is not usable.

/// A fault in a table, with the place where a person can mend it. `row` counts from 1 below the heading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KnowledgeError {
    /// The file is no CSV with the columns that the table wants.
    #[error("{table}: not a table: {detail}")]
    NotATable {
        /// File name without its ending.
        table: &'static str,
        /// What the CSV reader says.
        detail: String,
    },
    /// A cell is empty, or holds what its column does not allow.
    #[error("{table}, row {row}: column {column} can't hold {value:?}")]
    BadCell {
        /// File name without its ending.
        table: &'static str,
        /// Row.
        row: usize,
        /// Column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// Two rows have the same key.
    #[error("{table}, row {row}: the key {key:?} is taken")]
    DuplicateKey {
        /// File name without its ending.
        table: &'static str,
        /// The later row.
        row: usize,
        /// The key.
        key: String,
    },
    /// A row speaks of an ingredient or class that no table has.
    #[error("{table}, row {row}: there is no substance {key:?}")]
    UnknownKey {
        /// File name without its ending.
        table: &'static str,
        /// Row.
        row: usize,
        /// The key.
        key: String,
    },
    /// A class contains itself, directly or through others.
    #[error("class_members: the class {class:?} contains itself")]
    CircularClass {
        /// The class.
        class: String,
    },
}
