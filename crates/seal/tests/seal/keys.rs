//! Keys of devices, persons and kits, and what opens them.

use seal::{
    AttachmentKey, DeviceKeys, InvitationToken, PairingCode, PersonKeys, RecoveryKit, SealError, WrappedPersonKey,
    open_with_passphrase, seal_with_passphrase, verify,
};

use crate::world::{Clinic, rng};

const MACHINE: [u8; 32] = [3; 32];

#[test]
fn a_device_kept_in_a_keyring_is_the_same_device() {
    let device = DeviceKeys::make(&mut rng(1));
    let kept = DeviceKeys::from_secret_bytes(&device.to_secret_bytes()).unwrap();
    assert_eq!(kept.public(), device.public());
    assert_eq!(kept.sign("purpose", b"x"), device.sign("purpose", b"x"));
}

#[test]
fn secret_bytes_that_are_cut_or_newer_are_refused() {
    let bytes = DeviceKeys::make(&mut rng(1)).to_secret_bytes();
    let read = |bytes: &[u8]| DeviceKeys::from_secret_bytes(bytes).map(|_| ()).unwrap_err();
    assert_eq!(read(&[]), SealError::Malformed);
    assert_eq!(read(&bytes[..64]), SealError::Malformed);
    assert_eq!(read(&[bytes.as_slice(), &[0]].concat()), SealError::Malformed);
    let newer = [&[2], &bytes[1..]].concat();
    assert_eq!(read(&newer), SealError::NewerVersion);
}

#[test]
fn a_signature_holds_for_its_bytes_its_key_and_its_purpose_only() {
    let (device, other) = (DeviceKeys::make(&mut rng(1)), DeviceKeys::make(&mut rng(2)));
    let signature = device.sign("purpose", b"x");
    let check = |key: &DeviceKeys, purpose, bytes: &[u8]| verify(&key.public().sign, purpose, bytes, &signature);
    assert_eq!(check(&device, "purpose", b"x"), Ok(()));
    assert_eq!(check(&device, "purpose", b"y"), Err(SealError::BadSignature));
    assert_eq!(check(&device, "another", b"x"), Err(SealError::BadSignature));
    assert_eq!(check(&other, "purpose", b"x"), Err(SealError::BadSignature));
}

#[test]
fn a_key_of_low_order_verifies_nothing() {
    // The neutral element as key and as the signature's point, and zero as its scalar: the plain equation of Ed25519
    // holds for every message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut signature = [0; 64];
    signature[0] = 1;
    assert_eq!(
        verify(&neutral, "purpose", b"anything", &signature),
        Err(SealError::BadSignature)
    );
}

#[test]
fn twenty_four_words_bring_the_kit_back() {
    let kit = RecoveryKit::make(&mut rng(1));
    let words = kit.words();
    assert_eq!(words.split(' ').count(), 24);
    assert_eq!(RecoveryKit::from_words(&words).unwrap().root(), kit.root());
    let typed = format!("  {}\n", words.to_uppercase().replace(' ', "\n "));
    assert_eq!(RecoveryKit::from_words(&typed).unwrap().root(), kit.root());
}

#[test]
fn words_that_are_misspelt_missing_or_exchanged_are_refused() {
    let words = RecoveryKit::make(&mut rng(1)).words();
    let mut list: Vec<&str> = words.split(' ').collect();
    let refused = |words: &str| assert_eq!(RecoveryKit::from_words(words).unwrap_err(), SealError::WrongWords);
    refused("");
    refused(&list[..23].join(" "));
    refused(&list[..12].join(" "));
    refused(&words.replacen(list[0], "medieco", 1));
    list.swap(0, 1);
    refused(&list.join(" "));
    // Twelve good words are a good BIP-39 phrase, and no kit of ours.
    refused("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about");
}

#[test]
fn a_person_signs_once_the_pin_is_right() {
    let mut rng = rng(1);
    let person = PersonKeys::make(&mut rng);
    let wrapped = WrappedPersonKey::from_bytes(person.wrap("482915", &MACHINE, &mut rng).as_bytes().to_vec());
    let unlocked = wrapped.unwrap("482915", &MACHINE).unwrap();
    assert_eq!(unlocked.public(), person.public());
    let signature = unlocked.sign("purpose", b"note");
    assert_eq!(verify(&person.public(), "purpose", b"note", &signature), Ok(()));
}

#[test]
fn a_wrong_pin_another_machine_and_a_broken_file_are_told_apart() {
    let mut rng = rng(1);
    let wrapped = PersonKeys::make(&mut rng).wrap("482915", &MACHINE, &mut rng);
    assert_eq!(wrapped.unwrap("482916", &MACHINE).unwrap_err(), SealError::WrongPin);
    assert_eq!(wrapped.unwrap("", &MACHINE).unwrap_err(), SealError::WrongPin);
    assert_eq!(wrapped.unwrap("482915", &[4; 32]).unwrap_err(), SealError::WrongPin);
    for at in [0, 10, wrapped.as_bytes().len() - 1] {
        let mut broken = wrapped.as_bytes().to_vec();
        broken[at] ^= 1;
        assert_eq!(
            WrappedPersonKey::from_bytes(broken)
                .unwrap("482915", &MACHINE)
                .unwrap_err(),
            SealError::Damaged
        );
    }
    assert_eq!(
        WrappedPersonKey::from_bytes(Vec::new())
            .unwrap("1", &MACHINE)
            .unwrap_err(),
        SealError::Damaged
    );
}

#[test]
fn a_passphrase_opens_what_it_sealed() {
    let sealed = seal_with_passphrase("betul kuda bateri", b"keys", &mut rng(1));
    assert_eq!(
        open_with_passphrase("betul kuda bateri", &sealed).unwrap().as_slice(),
        b"keys"
    );
    assert_eq!(
        open_with_passphrase("betul kuda batteri", &sealed).unwrap_err(),
        SealError::WrongPassphrase
    );
}

#[test]
fn a_passphrase_file_is_damaged_wherever_it_is_cut_or_flipped() {
    let sealed = seal_with_passphrase("betul kuda bateri", b"keys", &mut rng(1));
    for len in 0..sealed.len() {
        assert_eq!(
            open_with_passphrase("betul kuda bateri", &sealed[..len]).unwrap_err(),
            SealError::Damaged
        );
    }
    for at in 0..sealed.len() {
        let mut flipped = sealed.clone();
        flipped[at] ^= 0x10;
        assert_eq!(
            open_with_passphrase("betul kuda bateri", &flipped).unwrap_err(),
            SealError::Damaged
        );
    }
}

/// Puts a right checksum under altered parameters, as a file from elsewhere would have it.
fn altered(sealed: &[u8], alter: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut container = sealed[..sealed.len() - 32].to_vec();
    alter(&mut container);
    let check = blake3::derive_key("MediEco seal v1 password container check", &container);
    [container, check.to_vec()].concat()
}

#[test]
fn a_container_of_a_newer_build_or_with_absurd_parameters_is_not_tried() {
    let sealed = seal_with_passphrase("x", b"keys", &mut rng(1));
    assert_eq!(
        &sealed[..5],
        [0xa6, 0x00, 0x01, 0x01, 0x19],
        "a map: version 1, memory in two bytes"
    );
    let newer = altered(&sealed, |container| container[2] = 2);
    assert_eq!(open_with_passphrase("x", &newer).unwrap_err(), SealError::NewerVersion);
    assert_eq!(sealed[7..9], [0x02, 0x02], "two passes");
    let slow = altered(&sealed, |container| container[8] = 0x17);
    assert_eq!(open_with_passphrase("x", &slow).unwrap_err(), SealError::TooLarge);
}

#[test]
fn nothing_secret_is_in_what_debug_prints() {
    let mut rng = rng(1);
    let clinic = Clinic::make(1);
    let device = DeviceKeys::make(&mut rng);
    let code = PairingCode::make(&mut rng);
    assert_eq!(format!("{device:?}"), format!("DeviceKeys({})", device.id()));
    assert_eq!(format!("{:?}", clinic.founded.kit), "RecoveryKit(..)");
    assert_eq!(format!("{code:?}"), "PairingCode(..)");
    assert_eq!(format!("{:?}", AttachmentKey::make(&mut rng)), "AttachmentKey(..)");
    assert_eq!(format!("{:?}", InvitationToken::make(&mut rng)), "InvitationToken(..)");
    let secrets = format!("{:?} {:?}", clinic.secrets, clinic.founded);
    assert!(!secrets.contains(&hex::encode(clinic.secrets.naming_key())));
    assert!(!secrets.contains(&format!("{:?}", clinic.secrets.naming_key())));
    let person = PersonKeys::make(&mut rng);
    assert_eq!(
        format!("{person:?}"),
        format!("PersonKeys({})", hex::encode(person.public()))
    );
}
