//! Typed read-only tables; each row knows its source.
