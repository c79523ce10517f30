//! The code that a member's screen shows and a person types on the new device.

use std::{fmt, str::FromStr};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{SealError, text_code};

const SYMBOLS: usize = 8;
const RENDEZVOUS_SYMBOLS: usize = 3;

/// Eight symbols of Crockford's base 32, shown as `XXXX-XXXX`.
///
/// The first three name the mailbox at the relay and are no secret. The other five (25 bits) are the password of the
/// PAKE: whoever does not know them has one guess in 33 million, and each guess is seen as a failed pairing.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode(Zeroizing<String>);

impl PairingCode {
    /// A new random code.
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new([0; SYMBOLS]);
        rng.fill_bytes(bytes.as_mut());
        let mut symbols = Zeroizing::new(String::with_capacity(SYMBOLS));
        symbols.extend(bytes.iter().map(|byte| text_code::symbol(byte & 31)));
        Self(symbols)
    }

    /// The code for the screen: `XXXX-XXXX`.
    pub fn shown(&self) -> Zeroizing<String> {
        let (left, right) = self.0.split_at(SYMBOLS / 2);
        Zeroizing::new([left, "-", right].concat())
    }

    /// The name of the mailbox; not a secret.
    pub fn rendezvous(&self) -> &str {
        &self.0[..RENDEZVOUS_SYMBOLS]
    }

    /// Could this name a mailbox?
    pub(super) fn is_rendezvous(text: &str) -> bool {
        text.len() == RENDEZVOUS_SYMBOLS && text.bytes().all(text_code::is_symbol)
    }

    pub(super) fn password(&self) -> &str {
        &self.0[RENDEZVOUS_SYMBOLS..]
    }
}

impl FromStr for PairingCode {
    type Err = SealError;

    /// Reads a typed code: case, spaces and hyphens don't matter, `O` is `0`, `I` and `L` are `1`.
    fn from_str(text: &str) -> Result<Self, SealError> {
        let symbols = text_code::normal(text);
        let known = symbols.len() == SYMBOLS && symbols.bytes().all(text_code::is_symbol);
        if known {
            Ok(Self(symbols))
        } else {
            Err(SealError::WrongCode)
        }
    }
}

impl fmt::Debug for PairingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PairingCode(..)")
    }
}
