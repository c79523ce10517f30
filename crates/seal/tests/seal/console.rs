//! The key of a relay's console.

use seal::{MAX_CONSOLE_PASSWORD_BYTES, RelayKey, SealError};

use crate::world::rng;

#[test]
fn a_password_is_known_again_under_its_own_key_alone() {
    let (key, other) = (
        RelayKey::make(&mut rng(1)).console_key(),
        RelayKey::make(&mut rng(2)).console_key(),
    );
    let stored = key.store_password("correct horse battery", &mut rng(3)).unwrap();
    assert!(key.is_password("correct horse battery", &stored));
    assert!(!key.is_password("correct horse batterz", &stored));
    assert!(!key.is_password("", &stored));
    assert!(
        !other.is_password("correct horse battery", &stored),
        "the database alone is not enough"
    );
    let again = key.store_password("correct horse battery", &mut rng(4)).unwrap();
    assert_ne!(stored, again, "each has a salt of its own");
    let long = "x".repeat(MAX_CONSOLE_PASSWORD_BYTES + 1);
    assert_eq!(key.store_password(&long, &mut rng(5)), Err(SealError::TooLarge));
    assert!(!key.is_password(&long, &stored));
}

#[test]
fn a_secret_opens_for_whom_it_was_sealed_and_under_no_other_key() {
    let (key, other) = (
        RelayKey::make(&mut rng(1)).console_key(),
        RelayKey::make(&mut rng(2)).console_key(),
    );
    let sealed = key.seal(b"first", &[7; 20], &mut rng(3)).unwrap();
    assert_eq!(key.open(b"first", &sealed).unwrap().as_slice(), [7; 20]);
    assert!(key.open(b"second", &sealed).is_err());
    assert!(other.open(b"first", &sealed).is_err());
    assert_eq!(*key.derive(b"link"), *key.derive(b"link"));
    assert_ne!(*key.derive(b"link"), *key.derive(b"knil"));
    assert_ne!(*key.derive(b"link"), *other.derive(b"link"));
    assert_eq!(format!("{key:?}"), "ConsoleKey(…)");
}
