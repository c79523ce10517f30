//! What crosses to another clinic, as FHIR R4 (4.0.1), and back.
//!
//! A release is one document Bundle in the shape of the International Patient Summary: a Composition whose sections
//! say of each category whether it is given, withheld or unknown, and the entries that are given. What one noun becomes
//! and how it is read again stand in one file (`visit`, `medicine`, `allergy`, `recording`, `people`). Nothing here has
//! a clock or a random source: the same input is the same output, ids included. What was read comes from outside: it is
//! bounded, an entry that cannot be understood is counted and left out, and nothing panics.
//!
//! It does not decide what may be shared: the caller hands in what consent covers.

mod allergy;
mod audit;
mod consent;
mod document;
mod error;
mod json;
mod medicine;
mod merge;
mod names;
mod narrative;
mod people;
mod read;
mod reading;
mod record;
mod recording;
mod section;
mod visit;

pub use audit::{AccessLine, audit_pair};
pub use consent::{ConsentContent, consent};
pub use document::{bundle_of, release_bundle};
pub use error::FhirError;
pub use merge::{merge_bundles, merge_records};
pub use read::{MAX_BYTES, MAX_ENTRIES, read_bundle, read_bundle_bytes};
pub use record::{
    Author, IdentityCard, ReleaseContent, Shared, SharedDispensing, SharedMedicine, SharedNote, SharedReason,
    SharedRecord, SharedRecording, SharedVisit, SourceClinic,
};
