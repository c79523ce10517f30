//! Pure checks on a prescription. Returns findings, never an error.
