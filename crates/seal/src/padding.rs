//! Hides the exact length of what is sealed: at most twelve per cent more, in steps that grow with the length.
//!
//! Source: Padmé, in Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs"
//! (PETS 2019), section 4. Below 64 bytes everything looks alike.

use zeroize::Zeroizing;

use crate::SealError;

const LENGTH_BYTES: usize = 4;
const SMALLEST: usize = 64;

/// How many bytes `len` bytes take once they are padded.
pub(crate) const fn padded_len(len: usize) -> usize {
    let len = len + LENGTH_BYTES;
    if len <= SMALLEST {
        return SMALLEST;
    }
    let exponent = len.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1 << (exponent - kept_bits)) - 1;
    (len + mask) & !mask
}

/// The length (4 bytes, little endian), the bytes, and zeros.
pub(crate) fn pad(plain: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let len = u32::try_from(plain.len()).map_err(|_| SealError::TooLarge)?;
    let mut padded = Zeroizing::new(vec![0; padded_len(plain.len())]);
    padded[..LENGTH_BYTES].copy_from_slice(&len.to_le_bytes());
    padded[LENGTH_BYTES..][..plain.len()].copy_from_slice(plain);
    Ok(padded)
}

/// What [`pad`] was given.
pub(crate) fn unpad(padded: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (len, rest) = padded.split_first_chunk::<LENGTH_BYTES>().ok_or(SealError::Malformed)?;
    let len = usize::try_from(u32::from_le_bytes(*len)).map_err(|_| SealError::Malformed)?;
    let (plain, zeros) = rest.split_at_checked(len).ok_or(SealError::Malformed)?;
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(SealError::Malformed);
    }
    Ok(Zeroizing::new(plain.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(len: usize, expected: usize) {
        assert_eq!(padded_len(len), expected, "of {len} bytes");
    }

    #[test]
    fn lengths_step_up_and_cost_little() {
        check(0, 64);
        check(60, 64);
        check(61, 72);
        check(1_000, 1_024);
        check(100_000, 100_352);
        check(262_144, 270_336);
    }

    #[test]
    fn padding_never_costs_more_than_twelve_per_cent_above_the_smallest_size() {
        for len in 60..20_000 {
            assert!(padded_len(len) >= len + LENGTH_BYTES);
            assert!(padded_len(len) * 100 <= (len + LENGTH_BYTES) * 112 + 100, "{len}");
        }
    }

    #[test]
    fn a_padding_with_anything_in_it_is_refused() {
        let mut padded = pad(b"abc").expect("short");
        *padded.last_mut().expect("not empty") = 1;
        assert_eq!(unpad(&padded).map(|_| ()), Err(SealError::Malformed));
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        assert_eq!(unpad(&[255, 255, 255, 255, 0]).map(|_| ()), Err(SealError::Malformed));
        assert_eq!(unpad(&[0, 0]).map(|_| ()), Err(SealError::Malformed));
    }
}
