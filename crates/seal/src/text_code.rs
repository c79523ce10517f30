//! Bytes as text that people scan, paste or, at the worst, type: `PREFIX-XXXXX-XXXXX-...` in Crockford's base 32.
//!
//! Forgiving on the way in: case, spaces and hyphens don't matter, `O` is `0`, and `I` and `L` are `1`. Four bytes of a
//! hash at the end tell a misspelt code. Source of the alphabet: <https://www.crockford.com/base32.html>.

use zeroize::Zeroizing;

use crate::{SealError, context};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECK_BYTES: usize = 4;
const GROUP: usize = 5;
/// Longer than any code of ours, so that no one hashes a book.
const MAX_TEXT: usize = 8 * 1024;

/// The code of `payload`; the prefix says what it is and is part of the check.
pub(crate) fn encode(prefix: &str, payload: &[u8]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(payload.len() + CHECK_BYTES));
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&check(prefix, payload));

    let n_symbols = (bytes.len() * 8).div_ceil(5);
    let mut text = Zeroizing::new(String::with_capacity(
        prefix.len() + n_symbols + n_symbols.div_ceil(GROUP),
    ));
    text.push_str(prefix);
    for n in 0..n_symbols {
        if n % GROUP == 0 {
            text.push('-');
        }
        text.push(symbol(five_bits(&bytes, n * 5)));
    }
    text
}

/// The payload of a code with this prefix; [`SealError::WrongCode`] when it is misspelt or of another kind.
pub(crate) fn decode(prefix: &str, text: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
    if text.len() > MAX_TEXT {
        return Err(SealError::TooLarge);
    }
    let symbols = normal(text);
    let symbols = symbols
        .strip_prefix(normal(prefix).as_str())
        .ok_or(SealError::WrongCode)?;

    let mut bytes = Zeroizing::new(Vec::with_capacity(symbols.len() * 5 / 8));
    let (mut bits, mut n_bits) = (0u32, 0);
    for symbol in symbols.bytes() {
        bits = bits << 5 | u32::from(value(symbol).ok_or(SealError::WrongCode)?);
        n_bits += 5;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
            bits &= (1 << n_bits) - 1;
        }
    }
    if n_bits >= 5 || bits != 0 {
        return Err(SealError::WrongCode);
    }
    let (payload, found) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(SealError::WrongCode)?;
    if *found != check(prefix, payload) {
        return Err(SealError::WrongCode);
    }
    Ok(Zeroizing::new(payload.to_vec()))
}

/// The symbol of a value below 32.
pub(crate) fn symbol(value: u8) -> char {
    char::from(ALPHABET[usize::from(value & 31)])
}

/// Upper case, without spaces and hyphens, with the letters that look like digits as digits.
pub(crate) fn normal(text: &str) -> Zeroizing<String> {
    let mut normal = Zeroizing::new(String::with_capacity(text.len()));
    normal.extend(
        text.chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-')
            .map(|letter| match letter.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            }),
    );
    normal
}

/// Is this one of the thirty-two?
pub(crate) fn is_symbol(symbol: u8) -> bool {
    value(symbol).is_some()
}

fn value(symbol: u8) -> Option<u8> {
    ALPHABET
        .iter()
        .position(|known| *known == symbol)
        .and_then(|value| u8::try_from(value).ok())
}

/// The five bits from bit `start` on; zeros beyond the end.
fn five_bits(bytes: &[u8], start: usize) -> u8 {
    let at = |n: usize| u16::from(bytes.get(n).copied().unwrap_or(0));
    let pair = at(start / 8) << 8 | at(start / 8 + 1);
    (pair >> (11 - start % 8) & 31) as u8
}

fn check(prefix: &str, payload: &[u8]) -> [u8; CHECK_BYTES] {
    let hash = context::hash(context::TEXT_CODE_CHECK, &context::bind(prefix, &[payload]));
    *hash.first_chunk().expect("a hash of 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_code_survives_being_read_aloud_and_typed() {
        let code = encode("MEDIECO1", b"a relay, a token and a day");
        let typed = code
            .to_lowercase()
            .replace('-', " ")
            .replace('0', "o")
            .replace('1', "l");
        assert_eq!(
            decode("MEDIECO1", &typed).expect("forgiving").as_slice(),
            b"a relay, a token and a day"
        );
    }

    #[test]
    fn a_code_of_another_kind_is_refused() {
        let code = encode("MEDIECO1", b"payload");
        assert_eq!(decode("CLINIC1", &code), Err(SealError::WrongCode));
        assert_eq!(
            decode("CLINIC1", &code.replace("MEDIECO1", "CLINIC1")),
            Err(SealError::WrongCode)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let decoded = decode("X1", &encode("X1", &payload)).expect("own code");
            prop_assert_eq!(decoded.as_slice(), payload.as_slice());
        }

        #[test]
        fn a_misspelt_symbol_is_found(payload in proptest::collection::vec(any::<u8>(), 1..50), at: prop::sample::Index) {
            let code = encode("X1", &payload);
            let places: Vec<usize> = (3..code.len()).filter(|n| code.as_bytes()[*n] != b'-').collect();
            let place = places[at.index(places.len())];
            let other = if code.as_bytes()[place] == b'7' { "8" } else { "7" };
            let mut misspelt = code.to_string();
            misspelt.replace_range(place..=place, other);
            prop_assert!(decode("X1", &misspelt).is_err());
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,200}") {
            let _ = decode("X1", &text);
            let _ = decode("X1", &format!("X1{text}"));
        }
    }
}
