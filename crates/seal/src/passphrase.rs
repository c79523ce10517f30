//! Secrets of a machine that has no keyring, under a passphrase.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    SealError, context,
    password::{self, Unlock},
};

/// Seals `plain` so that only `passphrase` opens it. Takes some 50 ms, on purpose.
pub fn seal_with_passphrase(passphrase: &str, plain: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
    password::seal(&unlock(passphrase), plain, rng).expect("a machine's secrets are far below 4 GiB")
}

/// Opens what [`seal_with_passphrase`] made.
///
/// [`SealError::WrongPassphrase`] when the file is whole and the passphrase is not its own; [`SealError::Damaged`] when
/// the file was cut or altered; [`SealError::NewerVersion`] when a newer build wrote it.
pub fn open_with_passphrase(passphrase: &str, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    password::open(&unlock(passphrase), bytes).map_err(|error| match error {
        SealError::WrongCommitment => SealError::WrongPassphrase,
        other => other,
    })
}

fn unlock(passphrase: &str) -> Unlock<'_> {
    Unlock {
        context: context::PASSPHRASE,
        password: passphrase,
        machine_secret: None,
    }
}
