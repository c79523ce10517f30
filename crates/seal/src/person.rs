//! A person's signing key on one device, under a PIN.
//!
//! Facts carry the person's signature beside the device's. A PIN of six digits alone could be guessed from a stolen
//! file in hours; the machine's secret, which stays in its keyring, is mixed in, so the file alone says nothing. At the
//! screen, [`pin_delay_ms`] makes guessing slow.

use std::fmt;

use ed25519_dalek::SigningKey;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    SealError, context,
    keys::{self, make_signing_key},
    password::{self, Unlock},
};

/// A person's Ed25519 key, unlocked.
pub struct PersonKeys {
    sign: SigningKey,
}

impl PersonKeys {
    /// A new key.
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        Self {
            sign: make_signing_key(rng),
        }
    }

    /// The key that verifies what this person signs; an admin's fact enrols it.
    pub fn public(&self) -> [u8; 32] {
        self.sign.verifying_key().to_bytes()
    }

    /// Signs `bytes` for the purpose `context`; [`crate::verify`] with the same purpose accepts it.
    pub fn sign(&self, context: &'static str, bytes: &[u8]) -> [u8; 64] {
        keys::sign(&self.sign, context, bytes)
    }

    /// Locks the key under `pin` and this machine's secret. Takes some 50 ms, on purpose.
    pub fn wrap(&self, pin: &str, machine_secret: &[u8; 32], rng: &mut impl CryptoRng) -> WrappedPersonKey {
        let bytes = password::seal(&unlock(pin, machine_secret), self.sign.as_bytes(), rng);
        WrappedPersonKey(bytes.expect("a key of 32 bytes is not too large"))
    }
}

impl fmt::Debug for PersonKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonKeys({})", hex::encode(self.public()))
    }
}

/// A person's key as it is stored: worthless without both the PIN and the machine's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedPersonKey(Vec<u8>);

impl WrappedPersonKey {
    /// What [`Self::as_bytes`] gave; looked at only when it is unwrapped.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key; [`SealError::WrongPin`] when the PIN (or the machine) is not the one that it was wrapped with.
    pub fn unwrap(&self, pin: &str, machine_secret: &[u8; 32]) -> Result<PersonKeys, SealError> {
        let secret = password::open(&unlock(pin, machine_secret), &self.0).map_err(|error| match error {
            SealError::WrongCommitment => SealError::WrongPin,
            other => other,
        })?;
        let secret = Zeroizing::new(<[u8; 32]>::try_from(secret.as_slice()).map_err(|_| SealError::Malformed)?);
        Ok(PersonKeys {
            sign: SigningKey::from_bytes(&secret),
        })
    }
}

fn unlock<'a>(pin: &'a str, machine_secret: &'a [u8; 32]) -> Unlock<'a> {
    Unlock {
        context: context::PERSON_PIN,
        password: pin,
        machine_secret: Some(machine_secret),
    }
}

/// How long the next try must wait after `n_wrong` wrong PINs in a row, in milliseconds.
///
/// Two slips cost nothing; the third costs 5 s, each further one twice as much, up to 15 minutes: at that pace a PIN of
/// six digits lasts some fourteen years on average.
pub const fn pin_delay_ms(n_wrong: u32) -> u64 {
    const FREE: u32 = 3;
    const FIRST_MS: u64 = 5_000;
    const LONGEST_MS: u64 = 15 * 60 * 1_000;

    if n_wrong < FREE {
        return 0;
    }
    let doublings = n_wrong - FREE;
    if doublings >= 8 {
        return LONGEST_MS;
    }
    let delay = FIRST_MS << doublings;
    if delay < LONGEST_MS { delay } else { LONGEST_MS }
}

#[cfg(test)]
mod tests {
    use super::pin_delay_ms;

    #[test]
    fn the_delay_grows_with_each_wrong_pin_and_then_stays() {
        let delays = [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 1_000, u32::MAX].map(pin_delay_ms);
        let minute = 60_000;
        assert_eq!(
            delays,
            [
                0,
                0,
                0,
                5_000,
                10_000,
                20_000,
                320_000,
                640_000,
                15 * minute,
                15 * minute,
                15 * minute,
                15 * minute
            ]
        );
    }
}
