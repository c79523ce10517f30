//! Releases as FHIR: whole documents and back, hostile documents, and the shapes of Consent and AuditEvent.
//!
//! The snapshots are also what the screens' tests run through the npm validator `fhir` 4.12: below the second `---`
//! each of them is one JSON resource.
#![allow(clippy::unwrap_used, missing_docs)]

mod consent_and_audit;
mod hostile;
mod merge;
mod release;
mod sample;

/// Compares with the committed JSON; keys are sorted, whatever order the build keeps them in.
macro_rules! assert_json {
    ($name:literal, $value:expr) => {
        insta::with_settings!({ sort_maps => true, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_json_snapshot!($name, $value);
        });
    };
}
pub(crate) use assert_json;
