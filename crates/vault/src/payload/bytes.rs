//! Numbers and pieces of bytes, one after the other: LEB128 as Automerge writes it, so that its text can be taken as it is.

/// What is left to be read.
pub(super) struct Rest<'b>(pub &'b [u8]);

impl<'b> Rest<'b> {
    pub(super) fn take(&mut self, n_bytes: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(n_bytes)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Small ones are short, whatever their sign.
    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A length, and so many bytes.
    pub(super) fn sized(&mut self) -> Option<&'b [u8]> {
        let n_bytes = usize::try_from(self.number()?).ok()?;
        self.take(n_bytes)
    }

    /// The bytes that `read` reads.
    pub(super) fn taken_by(&mut self, read: impl FnOnce(&mut Self) -> Option<()>) -> Option<&'b [u8]> {
        let before = self.0;
        read(self)?;
        before.get(..before.len() - self.0.len())
    }
}

pub(super) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

pub(super) fn push_signed(bytes: &mut Vec<u8>, number: i64) {
    push_number(bytes, (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned());
}

pub(super) fn push_sized(bytes: &mut Vec<u8>, piece: &[u8]) {
    push_number(bytes, piece.len() as u64);
    bytes.extend_from_slice(piece);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_read_back() {
        for number in [0, 1, 127, 128, 300, 1_795_000_000_000, u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            push_number(&mut bytes, number);
            push_signed(&mut bytes, number.cast_signed());
            push_signed(&mut bytes, -(number >> 1).cast_signed());
            let mut rest = Rest(&bytes);
            assert_eq!(rest.number(), Some(number));
            assert_eq!(rest.signed(), Some(number.cast_signed()));
            assert_eq!(rest.signed(), Some(-(number >> 1).cast_signed()));
            assert!(rest.0.is_empty());
        }
    }

    #[test]
    fn a_number_beyond_the_largest_is_none() {
        assert_eq!(Rest(&[0xff; 20]).number(), None);
        assert_eq!(
            Rest(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]).number(),
            None
        );
        assert_eq!(Rest(&[0x80]).number(), None);
        assert_eq!(Rest(&[5, 1, 2]).sized(), None);
    }
}
