//! Names of documents: the same on every device of a tenant, opaque outside.

use crate::DocumentId;

/// The id of the document at `path`, such as `clinic`, `day/2026-11-21` or `patient/<uuid>/identity`.
///
/// A keyed hash (BLAKE3): two devices that are apart come to the same id, and the relay, which does not have
/// [`crate::EpochSecrets::naming_key`], can neither guess a path from an id nor test a guess.
pub fn derive_document_id(naming_key: &[u8; 32], path: &str) -> DocumentId {
    DocumentId::from_bytes(*blake3::keyed_hash(naming_key, path.as_bytes()).as_bytes())
}
