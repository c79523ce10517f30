//! The clinic's verbs.
