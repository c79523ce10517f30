//! Containers that a passphrase or a PIN opens, and what stands in them.

use minicbor::{Decode, Encode};
use seal::{DeviceKeys, WrappedPersonKey, open_with_passphrase};

use crate::world::WORLD;

const CHECK: &str = "MediEco seal v1 password container check";
/// Above this the stretching takes long, as it is meant to; nothing new is read then.
const QUICK_KIB: u32 = 64;

/// As `seal` writes it, as far as it costs.
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
    salt: [u8; 16],
    #[cbor(n(5), with = "minicbor::bytes")]
    body: Vec<u8>,
}

/// A container with its check put right, since anybody can: everything behind it must bear anything.
pub(crate) fn file(bytes: &[u8]) {
    vault::decoders::machine_secrets(bytes);
    let _ = DeviceKeys::from_secret_bytes(bytes);
    if is_quick(bytes) {
        let whole = checked(bytes);
        let _ = open_with_passphrase("passphrase", &whole);
        let _ = WrappedPersonKey::from_bytes(whole).unwrap("1234", &[3; 32]);
    }
}

fn checked(container: &[u8]) -> Vec<u8> {
    [container, &blake3::derive_key(CHECK, container)].concat()
}

/// Whether it is no container, or refused for its cost, or soon opened.
fn is_quick(container: &[u8]) -> bool {
    minicbor::decode::<Container>(container).map_or(true, |it| {
        let refused = it.memory_kib > 1 << 20 || it.passes > 1 << 10 || it.lanes > 1 << 10;
        refused || (it.memory_kib <= QUICK_KIB && it.passes <= 2)
    })
}

pub(crate) fn files() -> Vec<Vec<u8>> {
    let device = WORLD.here.device.to_secret_bytes().to_vec();
    let container = Container {
        version: 1,
        memory_kib: 8,
        passes: 1,
        lanes: 1,
        salt: [2; 16],
        body: vec![9; 120],
    };
    let mut greedy = minicbor::to_vec(&container).expect("memory");
    greedy.truncate(greedy.len() - 4);
    let kept = {
        let mut e = minicbor::Encoder::new(Vec::new());
        let written = e.map(3).and_then(|e| {
            e.u8(0)?
                .bytes(&[1; 32])?
                .u8(1)?
                .bytes(&device)?
                .u8(2)?
                .bytes(&[2; 32])?;
            Ok(())
        });
        written.expect("memory");
        e.into_writer()
    };
    vec![minicbor::to_vec(&container).expect("memory"), greedy, kept, device]
}

#[cfg(test)]
mod tests {
    use super::*;
    use seal::SealError;

    #[test]
    fn the_container_is_read_up_to_its_commitment() {
        let sample = checked(&files()[0]);
        assert_eq!(
            open_with_passphrase("passphrase", &sample).map(|_| ()),
            Err(SealError::WrongPassphrase)
        );
        assert_eq!(sample.len(), files()[0].len() + 32);
    }

    #[test]
    fn a_container_that_asks_for_the_whole_machine_is_refused() {
        let mut greedy: Container = minicbor::decode(&files()[0]).expect("ours");
        greedy.memory_kib = u32::MAX;
        let greedy = minicbor::to_vec(&greedy).expect("memory");
        assert!(is_quick(&greedy));
        let opened = open_with_passphrase("passphrase", &checked(&greedy));
        assert_eq!(opened.map(|_| ()), Err(SealError::TooLarge));
    }
}
