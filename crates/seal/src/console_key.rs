//! What the operator's console at a relay keeps secret: a key of its own, derived from the relay's.
//!
//! Passwords and second factors are in the relay's database; this key is in none. Whoever has only the database, or a
//! backup of it, can try no password and make no code. Whoever has the relay's folder too can.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::password::{self, Unlock};
use crate::{RelayKey, SealError, body, context};

/// The longest password that is taken, in bytes: longer ones would only cost time.
pub const MAX_CONSOLE_PASSWORD_BYTES: usize = 512;

/// The key of a relay's console.
#[derive(Clone)]
pub struct ConsoleKey(Zeroizing<[u8; 32]>);

impl RelayKey {
    /// The key of this relay's console.
    pub fn console_key(&self) -> ConsoleKey {
        let secret = self.to_secret_bytes();
        ConsoleKey(body::derive_key(&secret, None, context::CONSOLE_KEY.as_bytes()))
    }
}

impl ConsoleKey {
    /// Seals a secret; `of` (whose it is) must be the same when it is opened.
    ///
    /// # Errors
    /// [`SealError::TooLarge`].
    pub fn seal(&self, of: &[u8], plain: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, SealError> {
        body::seal(&self.0, context::CONSOLE_SECRET, of, plain, rng)
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`SealError`] when it is another key's, or somebody else's secret.
    pub fn open(&self, of: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        body::open(&self.0, context::CONSOLE_SECRET, of, sealed)
    }

    /// A secret that belongs to `link`, and that nobody can make who has not this key.
    pub fn derive(&self, link: &[u8]) -> Zeroizing<[u8; 32]> {
        body::derive_key(&*self.0, Some(link), context::CONSOLE_DERIVED.as_bytes())
    }

    /// What is stored of a password: Argon2id, with this key mixed in. Takes tens of milliseconds and 19 MiB.
    ///
    /// # Errors
    /// [`SealError::TooLarge`] over [`MAX_CONSOLE_PASSWORD_BYTES`].
    pub fn store_password(&self, password: &str, rng: &mut impl CryptoRng) -> Result<Vec<u8>, SealError> {
        if password.len() > MAX_CONSOLE_PASSWORD_BYTES {
            return Err(SealError::TooLarge);
        }
        password::seal(&self.unlock(password), b"", rng)
    }

    /// Whether this is the password. Takes as long as [`Self::store_password`], right or wrong.
    pub fn is_password(&self, password: &str, stored: &[u8]) -> bool {
        password.len() <= MAX_CONSOLE_PASSWORD_BYTES && password::open(&self.unlock(password), stored).is_ok()
    }

    fn unlock<'a>(&'a self, password: &'a str) -> Unlock<'a> {
        Unlock {
            context: context::CONSOLE_PASSWORD,
            password,
            machine_secret: Some(&self.0),
        }
    }
}

impl fmt::Debug for ConsoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleKey(…)")
    }
}
