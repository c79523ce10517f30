#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

const CONTEXT: &str = "MediEco seal v1 a test of signatures";

const LOW_FIRST_HALF: [u8; 64] = [
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x8c, 0x52, 0x70, 0x0d, 0x31, 0xce,
    0x9c, 0x4d, 0xce, 0xcf, 0x3e, 0x0b, 0x22, 0xc1, 0xaf, 0xb0, 0xf8, 0x3e, 0x9f, 0xe2, 0xf5, 0xbd, 0xb2, 0xc5, 0x0d,
    0x5b, 0xf1, 0x06, 0x2c, 0x5c, 0xa0, 0x09,
];

/// The key of the secret `[7; 32]`, moved by a point of order eight.
const MOVED_KEY: &str = "1f4f580e73ac208f06760190e9edc6f5916775dabd9c1cdca393175c2d6d1083";

/// What its owner can make for it: the message, the first half (each point of low order once), the second.
const OF_MOVED_KEY: [(u8, &str, &str); 8] = [
    (
        6,
        "0100000000000000000000000000000000000000000000000000000000000000",
        "67c750feac2a337d283c97be1b32c819a05313aacc4dd51333158074a29c2f0a",
    ),
    (
        3,
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "f72a7db4c55a7a96f058077dec25acf4bafd19edbc7afd30ee659f7372dd0e0a",
    ),
    (
        4,
        "0000000000000000000000000000000000000000000000000000000000000080",
        "45f3b6322d53bb9d5231f846f559411c70f519e36cf856fc297d546a34740b0c",
    ),
    (
        4,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "acb9ea40bc761c1df9860a2ea03fa51c3ea0500d89a748f612bba08bef9bff0a",
    ),
    (
        0,
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "3d19bc72cddae1a03197eb3c09b4f3f7097ad59994f1c7eced450cbacd09e601",
    ),
    (
        1,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "42b782c4ef52aa58cd575743be6ba9ccfd99fa1eb45a2ca2f8e2a2b410806a03",
    ),
    (
        0,
        "0000000000000000000000000000000000000000000000000000000000000000",
        "4a46a72d27e7f8837cb8971f3053e846803b6beb81b7837116269257d4d50b03",
    ),
    (
        4,
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "3e71beba2e6d98aa9bfc4715dd14feb1fed6964a0db50a282bc03e57ea3e9a0f",
    ),
];

fn loose(public: &[u8; 32], bytes: &[u8], signature: &[u8; 64]) -> bool {
    let key = VerifyingKey::from_bytes(public).unwrap();
    key.verify(&context::hash(CONTEXT, bytes), &Signature::from_bytes(signature))
        .is_ok()
}

/// The library's own word.
fn strict(public: &[u8; 32], bytes: &[u8], signature: &[u8; 64]) -> bool {
    let key = VerifyingKey::from_bytes(public).unwrap();
    key.verify_strict(&context::hash(CONTEXT, bytes), &Signature::from_bytes(signature))
        .is_ok()
}

/// A signer who knows her own key can make one whose first half is the point of order one: loose takes it, strict does
/// not. Its second half is the hash of all, times her key.
#[test]
fn a_signature_whose_first_half_is_of_low_order_is_refused() {
    let public = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
    assert!(loose(&public, b"low", &LOW_FIRST_HALF));
    assert_eq!(
        verify(&public, CONTEXT, b"low", &LOW_FIRST_HALF),
        Err(SealError::BadSignature)
    );
}

#[test]
fn each_of_the_eight_is_refused_though_the_loose_check_takes_it() {
    let public: [u8; 32] = hex::decode(MOVED_KEY).unwrap().try_into().unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for (message, first, second) in OF_MOVED_KEY {
        let signature: [u8; 64] = hex::decode([first, second].concat()).unwrap().try_into().unwrap();
        assert!(loose(&public, &[message], &signature), "{first}");
        assert!(!strict(&public, &[message], &signature), "{first}");
        let verdict = verify(&public, CONTEXT, &[message], &signature);
        assert_eq!(verdict, Err(SealError::BadSignature), "{first}");
        seen.insert(*signature.first_chunk::<32>().unwrap());
    }
    assert_eq!(seen, std::collections::BTreeSet::from(*LOW_ORDER));
}

/// As keys they fit nothing: with the point of order one as the key and as the first half, and zero, loose takes anything.
#[test]
fn a_key_of_low_order_fits_nothing() {
    let mut anything = [0; 64];
    anything[..32].copy_from_slice(&LOW_ORDER[0]);
    assert!(loose(&LOW_ORDER[0], b"whatever", &anything));
    for low in *LOW_ORDER {
        assert!(VerifyingKey::from_bytes(&low).unwrap().is_weak());
        assert_eq!(ReadyKey::of(&low), ReadyKey(None));
    }
}

proptest! {
    /// Whatever becomes of a signature, ours and the library's strict check say the same.
    #[test]
    fn the_verdict_is_that_of_the_librarys_strict_check(
        secret: [u8; 32],
        bytes: Vec<u8>,
        at in 0..64_usize,
        with: u8,
        low in 0..16_usize,
    ) {
        let key = SigningKey::from_bytes(&secret);
        let public = key.verifying_key().to_bytes();
        let mut signature = sign(&key, CONTEXT, &bytes);
        let agree = |signature: &[u8; 64]| {
            let ours = verify(&public, CONTEXT, &bytes, signature).is_ok();
            (ours == strict(&public, &bytes, signature)).then_some(ours)
        };
        prop_assert_eq!(agree(&signature), Some(true));
        let before = std::mem::replace(&mut signature[at], with);
        prop_assert_eq!(agree(&signature), Some(before == with));
        if let Some(low) = LOW_ORDER.get(low) {
            signature[..32].copy_from_slice(low);
            prop_assert_eq!(agree(&signature), Some(false));
        }
    }
}
