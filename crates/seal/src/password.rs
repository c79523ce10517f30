//! A container that a PIN or a passphrase opens: Argon2id, then HKDF with a secret of the machine where there is one.
//!
//! A checksum over the whole, without any key, tells damage from a wrong password: the person at the screen is told
//! to type again, or that the file is broken, and not the wrong one of the two.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{FORMAT_VERSION, SealError, body, context, wire};

/// Memory of one Argon2id run, in KiB: 19 MiB.
///
/// Source for all three: OWASP Password Storage Cheat Sheet, Argon2id, "m=19456 (19 MiB), t=2, p=1", which is also the
/// default of the `argon2` crate. It is about 50 ms on a clinic's tablet.
const MEMORY_KIB: u32 = 19_456;
/// Passes of one Argon2id run.
const PASSES: u32 = 2;
/// Lanes of one Argon2id run.
const LANES: u32 = 1;

/// The most that a container made elsewhere may ask for, so that opening one cannot exhaust the machine.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 8;

const SALT_BYTES: usize = 16;
const CHECK_BYTES: usize = 32;

#[derive(Encode, Decode)]
#[cbor(map)]
struct Container {
    #[n(0)]
    version: u16,
    #[n(1)]
    memory_kib: u32,
    #[n(2)]
    passes: u32,
    #[n(3)]
    lanes: u32,
    #[cbor(n(4), with = "minicbor::bytes")]
    salt: [u8; SALT_BYTES],
    #[cbor(n(5), with = "minicbor::bytes")]
    body: Vec<u8>,
}

/// What is known besides the container: the purpose, what the person typed, and the machine's own secret.
pub(crate) struct Unlock<'a> {
    pub(crate) context: &'static str,
    pub(crate) password: &'a str,
    pub(crate) machine_secret: Option<&'a [u8; 32]>,
}

impl Unlock<'_> {
    fn key(&self, salt: &[u8; SALT_BYTES], params: Params) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let mut stretched = Zeroizing::new([0; 32]);
        // The crate's own memory would be given back as it is, full of what the password became.
        let mut memory = Zeroizing::new(vec![Block::new(); params.block_count()]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                self.password.as_bytes(),
                salt,
                stretched.as_mut(),
                memory.as_mut_slice(),
            )
            .map_err(|_| SealError::Malformed)?;
        Ok(body::derive_key(
            stretched.as_ref(),
            self.machine_secret.map(|secret| secret.as_slice()),
            self.context.as_bytes(),
        ))
    }
}

/// Seals `plain`, to be opened by the same [`Unlock`] only.
pub(crate) fn seal(unlock: &Unlock<'_>, plain: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>, SealError> {
    let mut salt = [0; SALT_BYTES];
    rng.fill_bytes(&mut salt);
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).expect("OWASP's parameters are valid");
    let key = unlock.key(&salt, params)?;
    let mut bytes = wire::encode(&Container {
        version: FORMAT_VERSION,
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        lanes: LANES,
        salt,
        body: body::seal(&key, unlock.context, b"", plain, rng)?,
    });
    let check = context::hash(context::PASSWORD_CHECK, &bytes);
    bytes.extend_from_slice(&check);
    Ok(bytes)
}

/// Opens what [`seal`] made: [`SealError::Damaged`], [`SealError::NewerVersion`], or [`SealError::WrongCommitment`],
/// which here means the wrong password or another machine's secret.
pub(crate) fn open(unlock: &Unlock<'_>, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (container, check) = bytes.split_last_chunk::<CHECK_BYTES>().ok_or(SealError::Damaged)?;
    if context::hash(context::PASSWORD_CHECK, container) != *check {
        return Err(SealError::Damaged);
    }
    let container: Container = wire::decode_versioned(container, container.len())?;
    if container.memory_kib > MOST_MEMORY_KIB || container.passes > MOST_PASSES || container.lanes > MOST_LANES {
        return Err(SealError::TooLarge);
    }
    let params = Params::new(container.memory_kib, container.passes, container.lanes, Some(32))
        .map_err(|_| SealError::Malformed)?;
    let key = unlock.key(&container.salt, params)?;
    body::open(&key, unlock.context, b"", &container.body)
}
