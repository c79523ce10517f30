//! Why a document could not be read. No text here ever quotes the document.

/// What is wrong with a document as a whole. A single entry that cannot be read is counted instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FhirError {
    /// No JSON, or none that fits into the bounds of a parser.
    #[error("not JSON")]
    NotJson,
    /// More bytes or more entries than a release may have.
    #[error("larger than a release may be")]
    TooLarge,
    /// JSON, but no document Bundle with a Composition, a patient and a source.
    #[error("not a FHIR document")]
    NotADocument,
    /// Another version of FHIR than 4.0.1, or another version of the release's own shape.
    #[error("another version of FHIR or of the release")]
    OtherVersion,
    /// Nothing to merge.
    #[error("there is nothing to merge")]
    Empty,
    /// Releases of different clinics can't be one document.
    #[error("the releases come from different clinics")]
    DifferentSources,
    /// Releases of different people can't be one document.
    #[error("the releases are of different people")]
    DifferentPeople,
}
