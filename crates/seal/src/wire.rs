//! CBOR in and out: bounded before it is read, whole, and with the version looked at first.
//!
//! Unknown keys of a newer build are skipped; they survive because whoever signs or stores keeps the bytes as they came.

use minicbor::{Decode, Encode};

use crate::{FORMAT_VERSION, SealError};

/// The bytes of `value`; the same for the same value in every build.
pub(crate) fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing into memory cannot fail")
}

/// [`encode`] of what takes some `n_bytes`.
pub(crate) fn encode_sized<T: Encode<()>>(value: &T, n_bytes: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(n_bytes);
    minicbor::encode(value, &mut bytes).expect("writing into memory cannot fail");
    bytes
}

/// Reads all of `bytes` as one `T`, which may not be longer than `max` bytes.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8], max: usize) -> Result<T, SealError> {
    if bytes.len() > max {
        return Err(SealError::TooLarge);
    }
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().map_err(|_| SealError::Malformed)?;
    if decoder.position() != bytes.len() {
        return Err(SealError::Malformed);
    }
    Ok(value)
}

/// [`decode`] for a map whose key 0 is its version: a newer one is told apart from a broken one.
pub(crate) fn decode_versioned<'b, T: Decode<'b, ()>>(bytes: &'b [u8], max: usize) -> Result<T, SealError> {
    #[derive(Decode)]
    #[cbor(map)]
    struct Version {
        #[n(0)]
        version: u16,
    }

    match decode::<Version>(bytes, max)?.version {
        0 => Err(SealError::Malformed),
        1..=FORMAT_VERSION => decode(bytes, max),
        _ => Err(SealError::NewerVersion),
    }
}
