//! A member shows a QR code, a new device reads it.

use seal::{
    DeviceKeys, MAX_DEVICE_NAME_BYTES, Membership, PairingBy, PairingCode, PairingJoin, PairingOffer, PairingTicket,
    SealError, Statement,
};

use crate::pairing::welcome;
use crate::world::{Clinic, rng};

fn code() -> PairingCode {
    PairingCode::make(&mut rng(20))
}

fn ticket(clinic: &Clinic, seed: u8) -> PairingTicket {
    let (tenant, member) = (clinic.tenant(), clinic.device().public());
    let relay = "wss://relay.example.my:7447";
    PairingTicket::make(tenant, member, relay, Some([7; 32]), &code(), &mut rng(seed))
}

/// The member's side, and its first message.
fn offer(clinic: &Clinic) -> (PairingOffer, Vec<u8>) {
    PairingOffer::start_with_ticket(&code(), &ticket(clinic, 25), clinic.device(), &mut rng(31))
}

fn join(ticket: &PairingTicket, first: &[u8], new: &DeviceKeys) -> Result<(PairingJoin, Vec<u8>), SealError> {
    let name = Some("Tablet di kaunter");
    PairingJoin::answer_as(PairingBy::Ticket(ticket), first, new, name, &mut rng(32))
}

#[test]
fn with_the_ticket_the_new_device_becomes_a_member_and_says_what_it_is_called() {
    let clinic = Clinic::make(1);
    let new = DeviceKeys::make(&mut rng(30));
    let scanned = PairingTicket::from_text(&ticket(&clinic, 25).to_text()).unwrap();
    assert_eq!(scanned.rendezvous(), code().rendezvous());
    let (offer, first) = offer(&clinic);
    let (join, second) = join(&scanned, &first, &new).unwrap();
    let (heard, ready) = offer.hear(&second).unwrap();
    assert_eq!((heard, ready.device_name()), (new.public(), Some("Tablet di kaunter")));
    let sent = welcome(&clinic, &heard);
    let received = join.hear(&ready.send(&sent, &mut rng(33)).unwrap()).unwrap();
    assert_eq!(received, sent);
    let statements: Vec<_> = received
        .statements
        .iter()
        .map(|bytes| Statement::decode(bytes).unwrap())
        .collect();
    let membership = Membership::from_statements(received.tenant, &statements).unwrap();
    assert!(membership.device(&new.id()).is_some());
}

#[test]
fn while_a_ticket_is_shown_the_typed_code_works_too() {
    let clinic = Clinic::make(1);
    let new = DeviceKeys::make(&mut rng(30));
    let (offer, first) = offer(&clinic);
    let (join, second) = PairingJoin::answer(&code(), &first, &new, &mut rng(32)).unwrap();
    let (heard, ready) = offer.hear(&second).unwrap();
    assert_eq!(ready.device_name(), None);
    let third = ready.send(&welcome(&clinic, &heard), &mut rng(33)).unwrap();
    join.hear(&third).unwrap();
}

/// A photograph of the screen, and the relay's help: everything but the member's keys.
#[test]
fn whoever_has_the_ticket_and_not_the_members_keys_is_found_out() {
    let clinic = Clinic::make(1);
    let (new, thief) = (DeviceKeys::make(&mut rng(30)), DeviceKeys::make(&mut rng(34)));
    let ticket = ticket(&clinic, 25);
    let (_, first) = PairingOffer::start_with_ticket(&code(), &ticket, &thief, &mut rng(31));
    assert_eq!(join(&ticket, &first, &new).unwrap_err(), SealError::BadSignature);

    // The member's own first message, and then the thief's welcome.
    let (_, first) = offer(&clinic);
    let (join, second) = join(&ticket, &first, &new).unwrap();
    let (thiefs, _) = PairingOffer::start_with_ticket(&code(), &ticket, &thief, &mut rng(31));
    let (heard, ready) = thiefs.hear(&second).unwrap();
    let third = ready.send(&welcome(&clinic, &heard), &mut rng(33)).unwrap();
    assert_eq!(join.hear(&third).unwrap_err(), SealError::BadSignature);
}

#[test]
fn whoever_has_another_ticket_or_none_gets_nothing() {
    let clinic = Clinic::make(1);
    let new = DeviceKeys::make(&mut rng(30));
    let (right, wrong) = (ticket(&clinic, 25), ticket(&clinic, 26));
    let (_, first) = offer(&clinic);
    assert_eq!(join(&wrong, &first, &new).unwrap_err(), SealError::BadSignature);
    let (_, other_first) = PairingOffer::start_with_ticket(&code(), &wrong, clinic.device(), &mut rng(31));
    let (_, second) = join(&wrong, &other_first, &new).unwrap();
    assert_eq!(offer(&clinic).0.hear(&second).unwrap_err(), SealError::WrongCode);
    // A member that showed no ticket.
    let (plain, first) = PairingOffer::start(&code(), &mut rng(31));
    assert_eq!(join(&right, &first, &new).unwrap_err(), SealError::Malformed);
    assert_eq!(plain.hear(&second).unwrap_err(), SealError::Malformed);
    // An answer of another time, under the same ticket.
    let (later, _) = PairingOffer::start_with_ticket(&code(), &right, clinic.device(), &mut rng(40));
    let (_, second) = join(&right, &offer(&clinic).1, &new).unwrap();
    assert_eq!(later.hear(&second).unwrap_err(), SealError::WrongCode);
}

#[test]
fn a_ticket_leads_into_its_own_clinic_only() {
    let (clinic, other) = (Clinic::make(1), Clinic::make(2));
    let new = DeviceKeys::make(&mut rng(30));
    let (offer, first) = offer(&clinic);
    let (join, second) = join(&ticket(&clinic, 25), &first, &new).unwrap();
    let (heard, ready) = offer.hear(&second).unwrap();
    let third = ready.send(&welcome(&other, &heard), &mut rng(33)).unwrap();
    assert_eq!(join.hear(&third).unwrap_err(), SealError::UnknownDevice);
}

#[test]
fn no_flipped_bit_gets_through() {
    let clinic = Clinic::make(1);
    let new = DeviceKeys::make(&mut rng(30));
    let ticket = ticket(&clinic, 25);
    let (_, first) = offer(&clinic);
    let (_, second) = join(&ticket, &first, &new).unwrap();
    let ready = || offer(&clinic).0.hear(&second).unwrap();
    let (heard, welcomes) = ready();
    let third = welcomes.send(&welcome(&clinic, &heard), &mut rng(33)).unwrap();
    let flipped = |message: &[u8], at: usize| {
        let mut flipped = message.to_vec();
        flipped[at] ^= 1;
        flipped
    };
    for at in 0..second.len() {
        assert!(
            offer(&clinic).0.hear(&flipped(&second, at)).is_err(),
            "second message, byte {at}"
        );
    }
    for at in (0..third.len()).step_by(7).chain(third.len() - 70..third.len()) {
        let (join, _) = join(&ticket, &first, &new).unwrap();
        assert!(join.hear(&flipped(&third, at)).is_err(), "third message, byte {at}");
    }
}

#[test]
fn a_name_has_a_bound() {
    let clinic = Clinic::make(1);
    let new = DeviceKeys::make(&mut rng(30));
    let ticket = ticket(&clinic, 25);
    for (length, refused) in [(MAX_DEVICE_NAME_BYTES, false), (MAX_DEVICE_NAME_BYTES + 1, true)] {
        let (offer, first) = offer(&clinic);
        let name = "x".repeat(length);
        let by = PairingBy::Ticket(&ticket);
        let (_, second) = PairingJoin::answer_as(by, &first, &new, Some(&name), &mut rng(32)).unwrap();
        assert_eq!(offer.hear(&second).err(), refused.then_some(SealError::TooLarge));
    }
}

#[test]
fn a_ticket_is_read_however_a_scanner_types_it_and_nothing_else_is() {
    let clinic = Clinic::make(1);
    let ticket = ticket(&clinic, 25);
    let text = ticket.to_text();
    let typed = format!(" {}\r\n", text.to_lowercase().replace('-', ""));
    assert_eq!(PairingTicket::from_text(&typed).unwrap(), ticket);
    assert!(
        text.len() < 450,
        "{} characters are too many for a small QR code",
        text.len()
    );
    for wrong in [
        "",
        "MEDIECOPAIR1",
        "MEDIECO1-AAAAA",
        &text[..text.len() - 1],
        &text.replace("PAIR1", "1"),
    ] {
        assert_eq!(
            PairingTicket::from_text(wrong).unwrap_err(),
            SealError::WrongCode,
            "{wrong}"
        );
    }
    assert_eq!(
        PairingTicket::from_text(&"A".repeat(9_000)).unwrap_err(),
        SealError::TooLarge
    );
    assert_eq!(format!("{ticket:?}"), "PairingTicket(..)");
}
