//! A member shows a code, a new device types it.

use minicbor::{Decode, Encode};
use seal::{
    DeviceKeys, DevicePublic, EpochSecrets, FirstChanges, MAX_PAIRING_MESSAGE_BYTES, Membership, PairingCode,
    PairingJoin, PairingOffer, SealError, Statement, Welcome, add_device,
};

use crate::world::{Clinic, NOW_MS, rng};

fn code() -> PairingCode {
    PairingCode::make(&mut rng(20))
}

/// Same mailbox, another password.
fn wrong_code() -> PairingCode {
    let shown = code().shown().to_string();
    let last = if shown.ends_with('7') { "8" } else { "7" };
    format!("{}{last}", &shown[..8]).parse().unwrap()
}

/// Admits `new` to the clinic and says what it needs to know.
pub fn welcome(clinic: &Clinic, new: &DevicePublic) -> Welcome {
    let added = add_device(
        &clinic.membership,
        &clinic.secrets,
        clinic.device(),
        new,
        false,
        NOW_MS,
        &mut rng(21),
    )
    .unwrap();
    Welcome {
        tenant: clinic.tenant(),
        statements: clinic.statements.iter().chain([&added]).map(Statement::bytes).collect(),
        relay_url: Some("ws://127.0.0.1:7000/sync".to_owned()),
        relay_key_sha256: Some([1; 32]),
        first: FirstChanges::default(),
    }
}

#[test]
fn with_the_same_code_the_new_device_becomes_a_member() {
    let clinic = Clinic::make(1);
    let new = DeviceKeys::make(&mut rng(30));
    let typed: PairingCode = code().shown().to_lowercase().replace('-', " ").parse().unwrap();
    assert_eq!(typed.rendezvous(), code().rendezvous());

    let (offer, first) = PairingOffer::start(&code(), &mut rng(31));
    let (join, second) = PairingJoin::answer(&typed, &first, &new, &mut rng(32)).unwrap();
    let (heard, ready) = offer.hear(&second).unwrap();
    assert_eq!(heard, new.public());
    let sent = welcome(&clinic, &heard);
    let third = ready.send(&sent, &mut rng(33)).unwrap();
    let received = join.hear(&third).unwrap();
    assert_eq!(received, sent);

    let statements: Vec<_> = received
        .statements
        .iter()
        .map(|bytes| Statement::decode(bytes).unwrap())
        .collect();
    let membership = Membership::from_statements(received.tenant, &statements).unwrap();
    let secrets = EpochSecrets::unwrap(&membership, &new).unwrap();
    assert_eq!(clinic.change(b"hello").open(&secrets).unwrap().as_slice(), b"hello");
}

#[test]
fn with_another_code_neither_side_learns_anything() {
    let new = DeviceKeys::make(&mut rng(30));
    let (offer, first) = PairingOffer::start(&code(), &mut rng(31));
    let (_, second) = PairingJoin::answer(&wrong_code(), &first, &new, &mut rng(32)).unwrap();
    assert_eq!(offer.hear(&second).unwrap_err(), SealError::WrongCode);
    assert!(!second.windows(32).any(|window| window == new.public().sign));
}

#[test]
fn whoever_stands_between_with_a_guess_is_found_out_by_the_new_device_too() {
    let clinic = Clinic::make(1);
    let (new, attacker) = (DeviceKeys::make(&mut rng(30)), DeviceKeys::make(&mut rng(34)));
    // The attacker plays the member towards the new device.
    let (_, first) = PairingOffer::start(&wrong_code(), &mut rng(31));
    let (join, _) = PairingJoin::answer(&code(), &first, &new, &mut rng(32)).unwrap();
    // The best that it has is a welcome under a key of its own.
    let (offer, first) = PairingOffer::start(&wrong_code(), &mut rng(31));
    let (_, second) = PairingJoin::answer(&wrong_code(), &first, &attacker, &mut rng(32)).unwrap();
    let (_, ready) = offer.hear(&second).unwrap();
    let third = ready.send(&welcome(&clinic, &new.public()), &mut rng(33)).unwrap();
    assert_eq!(join.hear(&third).unwrap_err(), SealError::WrongCode);
}

#[test]
fn a_code_of_another_mailbox_does_not_fit_even_with_the_same_password() {
    let shown = code().shown().to_string();
    let first_symbol = if shown.starts_with('7') { "8" } else { "7" };
    let elsewhere: PairingCode = format!("{first_symbol}{}", &shown[1..]).parse().unwrap();
    let (offer, first) = PairingOffer::start(&code(), &mut rng(31));
    let new = DeviceKeys::make(&mut rng(30));
    let (_, second) = PairingJoin::answer(&elsewhere, &first, &new, &mut rng(32)).unwrap();
    assert_eq!(offer.hear(&second).unwrap_err(), SealError::WrongCode);
}

#[test]
fn no_flipped_bit_of_a_message_gets_through() {
    let clinic = Clinic::make(1);
    let new = DeviceKeys::make(&mut rng(30));
    let (_, first) = PairingOffer::start(&code(), &mut rng(31));
    let (_, second) = PairingJoin::answer(&code(), &first, &new, &mut rng(32)).unwrap();
    let hear = |second: &[u8]| PairingOffer::start(&code(), &mut rng(31)).0.hear(second);
    for at in 0..second.len() {
        let mut flipped = second.clone();
        flipped[at] ^= 1;
        assert!(hear(&flipped).is_err(), "second message, byte {at}");
    }
    let third = hear(&second)
        .unwrap()
        .1
        .send(&welcome(&clinic, &new.public()), &mut rng(33))
        .unwrap();
    let join = || PairingJoin::answer(&code(), &first, &new, &mut rng(32)).unwrap().0;
    join().hear(&third).unwrap();
    for at in (0..third.len()).step_by(7) {
        let mut flipped = third.clone();
        flipped[at] ^= 1;
        assert!(join().hear(&flipped).is_err(), "third message, byte {at}");
    }
}

#[test]
fn a_welcome_that_does_not_admit_this_device_is_refused() {
    let clinic = Clinic::make(1);
    let (new, other) = (DeviceKeys::make(&mut rng(30)), DeviceKeys::make(&mut rng(34)));
    let (offer, first) = PairingOffer::start(&code(), &mut rng(31));
    let (join, second) = PairingJoin::answer(&code(), &first, &new, &mut rng(32)).unwrap();
    let (_, ready) = offer.hear(&second).unwrap();
    let third = ready.send(&welcome(&clinic, &other.public()), &mut rng(33)).unwrap();
    assert_eq!(join.hear(&third).unwrap_err(), SealError::UnknownDevice);
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct RawMessage {
    #[n(0)]
    version: u16,
    #[cbor(n(1), with = "minicbor::bytes")]
    pake: Option<Vec<u8>>,
    #[cbor(n(2), with = "minicbor::bytes")]
    sealed: Option<Vec<u8>>,
}

#[derive(Encode)]
#[cbor(map)]
struct RawHello {
    #[n(0)]
    device: DevicePublic,
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
}

fn hkdf<const N: usize>(secret: &[u8], salt: Option<&[u8]>, info: &str) -> [u8; N] {
    let mut okm = [0; N];
    hkdf::Hkdf::<sha2::Sha256>::new(salt, secret)
        .expand(info.as_bytes(), &mut okm)
        .unwrap();
    okm
}

/// The second message of someone who knows the code and says what it likes: `hello` gets what the pairing must sign for.
fn a_free_answer(first: &[u8], hello: impl FnOnce([u8; 32]) -> RawHello) -> Vec<u8> {
    use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce, aead::Aead};
    let first: RawMessage = minicbor::decode(first).unwrap();
    let shown = code().shown().replace('-', "");
    let role =
        |role: &str| spake2::Identity::new(format!("MediEco seal v1 pairing {role}\0{}", &shown[..3]).as_bytes());
    let password = spake2::Password::new(&shown[3..]);
    let (pake, ours) = spake2::Spake2::<spake2::Ed25519Group>::start_b(&password, &role("member"), &role("new device"));
    let secret = pake.finish(&first.pake.unwrap()).unwrap();

    let hello = minicbor::to_vec(hello(hkdf(&secret, None, "MediEco seal v1 pairing signature"))).unwrap();
    let mut padded = (hello.len() as u32).to_le_bytes().to_vec();
    padded.extend_from_slice(&hello);
    let purpose = "MediEco seal v1 pairing, to the member";
    let okm: [u8; 64] = hkdf(&hkdf::<32>(&secret, None, purpose), Some(&[0; 24]), purpose);
    let cipher = XChaCha20Poly1305::new_from_slice(&okm[..32]).unwrap();
    let ciphertext = cipher.encrypt(&XNonce::from([0; 24]), padded.as_slice()).unwrap();
    let sealed = [&[0; 24], &okm[32..], &ciphertext].concat();
    minicbor::to_vec(RawMessage {
        version: 1,
        pake: Some(ours),
        sealed: Some(sealed),
    })
    .unwrap()
}

#[test]
fn a_device_proves_in_this_very_pairing_that_it_holds_the_keys_that_it_names() {
    let (new, other) = (DeviceKeys::make(&mut rng(30)), DeviceKeys::make(&mut rng(34)));
    let sign = |keys: &DeviceKeys, pairing: [u8; 32], device: &DevicePublic| {
        let proof = [pairing.as_slice(), device.id().as_bytes()].concat();
        RawHello {
            device: *device,
            signature: keys.sign("MediEco seal v1 pairing signature", &proof),
        }
    };
    let heard = |hello: &dyn Fn([u8; 32]) -> RawHello| {
        let (offer, first) = PairingOffer::start(&code(), &mut rng(31));
        offer.hear(&a_free_answer(&first, hello)).map(|(device, _)| device)
    };
    assert_eq!(
        heard(&|pairing| sign(&new, pairing, &new.public())).unwrap(),
        new.public()
    );
    let stolen = heard(&|pairing| sign(&new, pairing, &other.public()));
    assert_eq!(stolen.unwrap_err(), SealError::BadSignature, "another device's keys");
    let replayed = heard(&|_| sign(&new, [7; 32], &new.public()));
    assert_eq!(
        replayed.unwrap_err(),
        SealError::BadSignature,
        "another pairing's proof"
    );
}

#[test]
fn messages_out_of_turn_newer_or_too_large_are_refused() {
    let new = DeviceKeys::make(&mut rng(30));
    let answer = |first: &[u8]| {
        PairingJoin::answer(&code(), first, &new, &mut rng(32))
            .map(|_| ())
            .unwrap_err()
    };
    let (offer, first) = PairingOffer::start(&code(), &mut rng(31));
    let (join, second) = PairingJoin::answer(&code(), &first, &new, &mut rng(32)).unwrap();
    assert_eq!(answer(&second), SealError::Malformed, "the other side's");
    assert_eq!(offer.hear(&first).unwrap_err(), SealError::Malformed);
    assert_eq!(join.hear(&first).unwrap_err(), SealError::Malformed);
    assert_eq!(answer(&[]), SealError::Malformed);
    assert_eq!(answer(&vec![0; MAX_PAIRING_MESSAGE_BYTES + 1]), SealError::TooLarge);
    let mut raw: RawMessage = minicbor::decode(&first).unwrap();
    raw.version = 2;
    assert_eq!(answer(&minicbor::to_vec(&raw).unwrap()), SealError::NewerVersion);
}

#[test]
fn a_code_that_is_no_code_is_refused() {
    for text in [
        "",
        "ABC",
        "ABCD-EFG",
        "ABCD-EFGHJ",
        "ABCD-EFGU",
        "ABCD-EFG*",
        "ÄBCD-EFG",
    ] {
        assert_eq!(text.parse::<PairingCode>().unwrap_err(), SealError::WrongCode, "{text}");
    }
    assert_eq!(
        "abcd-efgo".parse::<PairingCode>().unwrap().shown().as_str(),
        "ABCD-EFG0"
    );
}
