//! Doors to what the clinic reads of bytes from outside, for the fuzz targets (`docs/fuzz.md`). The product calls none of
//! them: it comes by the same functions another way.

/// What another clinic sealed into its grant, read and taken as the policy takes it. Whether it could be read.
pub fn terms(bytes: &[u8]) -> bool {
    crate::sharing::try_terms(bytes)
}
