//! Doors to what the clinic reads of bytes from outside, for the fuzz targets (`docs/fuzz.md`). The product calls none of
//! them: it comes by the same functions another way.

/// What another clinic sealed into its grant, read and taken as the policy takes it. Whether it could be read.
pub fn terms(bytes: &[u8]) -> bool {
    crate::sharing::try_terms(bytes)
}

/// What another clinic sealed into a referral letter. Whether it could be read.
pub fn letter(bytes: &[u8]) -> bool {
    crate::network::try_letter(bytes)
}

/// What another clinic sealed into a request for a record, or into its answer. Whether it could be read as either.
pub fn record_mail(bytes: &[u8]) -> bool {
    crate::network::try_record_mail(bytes)
}
