//! What people type, paste or scan, and what two devices say while they pair by a typed code or a ticket.

use domain::MyKad;
use seal::{
    ChangeId, ClinicCard, FirstChanges, GrantId, Invitation, InvitationToken, PairingBy, PairingCode, PairingJoin,
    PairingOffer, PairingTicket, RecoveryKit, Statement, Welcome,
};
use sync_client::{LanAddress, RelayAddress};

use crate::world::{NOW_MS, WORLD, rng};

/// The payload as a code with the right check, since anybody can make one.
fn as_code(prefix: &str, payload: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let context = "MediEco seal v1 text code check";
    let named = [prefix.as_bytes(), &[0], payload].concat();
    let check = blake3::derive_key(context, &named);
    let mut text = format!("{prefix}-");
    let (mut bits, mut n_bits) = (0u32, 0);
    for byte in payload.iter().chain(&check[..4]) {
        bits = bits << 8 | u32::from(*byte);
        n_bits += 8;
        while n_bits >= 5 {
            n_bits -= 5;
            text.push(char::from(ALPHABET[(bits >> n_bits) as usize & 31]));
        }
    }
    if n_bits > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - n_bits)) as usize & 31]));
    }
    text
}

pub(crate) fn invitation(bytes: &[u8]) {
    for text in [String::from_utf8_lossy(bytes).into_owned(), as_code("MEDIECO1", bytes)] {
        if let Ok(invitation) = Invitation::from_text(&text) {
            assert_eq!(Invitation::from_text(&invitation.to_text()), Ok(invitation));
        }
    }
}

pub(crate) fn invitations() -> Vec<Vec<u8>> {
    let invitation = Invitation {
        relay_url: "wss://relay.example/sync".into(),
        relay_key_sha256: Some([8; 32]),
        token: InvitationToken::from_bytes([9; 32]),
        expires_ms: NOW_MS,
        clinic_hint: Some("Sentosa".into()),
    };
    let text = invitation.to_text().as_bytes().to_vec();
    let payload = payload_of(&text);
    vec![text, payload]
}

pub(crate) fn clinic_card(bytes: &[u8]) {
    for text in [String::from_utf8_lossy(bytes).into_owned(), as_code("CLINIC1", bytes)] {
        if let Ok(card) = ClinicCard::from_text(&text) {
            assert_eq!(ClinicCard::from_text(&card.to_text()), Ok(card));
        }
    }
}

pub(crate) fn clinic_cards() -> Vec<Vec<u8>> {
    let card = ClinicCard {
        tenant: WORLD.there.membership.tenant(),
        relay_url: "wss://relay.example/sync".into(),
        name: "Klinik Sentosa".into(),
    };
    let text = card.to_text().into_bytes();
    let payload = payload_of(&text);
    vec![text, payload]
}

/// The bytes behind a code of ours, without its check.
fn payload_of(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut bits, mut n_bits) = (Vec::new(), 0u32, 0);
    let symbols = text
        .iter()
        .skip_while(|symbol| **symbol != b'-')
        .filter(|symbol| **symbol != b'-');
    for symbol in symbols {
        let value = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
            .iter()
            .position(|known| known == symbol);
        bits = bits << 5 | value.expect("a code of ours") as u32;
        n_bits += 5;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits) as u8);
        }
    }
    bytes.truncate(bytes.len() - 4);
    bytes
}

/// Words, codes, ids, numbers and addresses.
pub(crate) fn typed(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = RecoveryKit::from_words(&text);
    let _ = MyKad::parse(&text);
    if let Ok(code) = text.parse::<PairingCode>() {
        assert_eq!(code.shown().parse(), Ok(code));
    }
    if let Ok(id) = text.parse::<GrantId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(address) = text.parse::<LanAddress>() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    let _ = RelayAddress::new(&text, None);
    let _ = text.parse::<RelayAddress>();
    for text in [text.into_owned(), as_code("MEDIECOPAIR1", bytes)] {
        if let Ok(ticket) = PairingTicket::from_text(&text) {
            assert_eq!(PairingTicket::from_text(&ticket.to_text()), Ok(ticket));
        }
    }
}

/// What the device here shows beside `code`.
fn ticket(code: &PairingCode) -> PairingTicket {
    let (tenant, member) = (WORLD.here.membership.tenant(), WORLD.here.device.public());
    PairingTicket::make(tenant, member, "wss://relay.example", Some([8; 32]), code, &mut rng(5))
}

pub(crate) fn typed_texts() -> Vec<Vec<u8>> {
    let ticket = ticket(&PairingCode::make(&mut rng(1))).to_text().as_bytes().to_vec();
    let payload = payload_of(&ticket);
    let mut texts: Vec<Vec<u8>> = [
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
         abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
        "7KD2-9QXF",
        "66666666666666666666666666666666",
        "980317-14-5002",
        "192.168.1.20:5000",
        "[fe80::1]:47800",
        "wss://relay.example:4443/sync",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    texts.extend([ticket, payload]);
    texts
}

/// The bytes as each message of a pairing, and as what the last one holds.
pub(crate) fn pairing(bytes: &[u8]) {
    let code = PairingCode::make(&mut rng(1));
    let (offer, first) = PairingOffer::start(&code, &mut rng(2));
    let _ = offer.hear(bytes);
    let device = &WORLD.here.device;
    let _ = PairingJoin::answer(&code, bytes, device, &mut rng(3));
    let (join, _) = PairingJoin::answer(&code, &first, device, &mut rng(3)).expect("an honest first message");
    let _ = join.hear(bytes);
    let ticket = ticket(&code);
    let by = PairingBy::Ticket(&ticket);
    let (offer, first) = PairingOffer::start_with_ticket(&code, &ticket, device, &mut rng(2));
    let _ = offer.hear(bytes);
    let _ = PairingJoin::answer_as(by, bytes, device, None, &mut rng(3));
    let (join, _) = PairingJoin::answer_as(by, &first, device, None, &mut rng(3)).expect("an honest first message");
    let _ = join.hear(bytes);
    if let Ok(welcome) = minicbor::decode::<Welcome>(bytes) {
        let again = minicbor::to_vec(&welcome).expect("memory");
        assert_eq!(minicbor::decode::<Welcome>(&again).ok(), Some(welcome));
    }
}

pub(crate) fn pairing_messages() -> Vec<Vec<u8>> {
    let code = PairingCode::make(&mut rng(1));
    let here = &WORLD.here;
    let (offer, first) = PairingOffer::start(&code, &mut rng(2));
    let (_, second) = PairingJoin::answer(&code, &first, &here.device, &mut rng(3)).expect("honest");
    let (_, welcome) = offer.hear(&second).expect("honest");
    let content = Welcome {
        tenant: here.membership.tenant(),
        statements: here.statements.iter().map(Statement::bytes).collect(),
        relay_url: Some("wss://relay.example".into()),
        relay_key_sha256: None,
        first: FirstChanges::of(vec![ChangeId::from_bytes([5; 32]), ChangeId::from_bytes([6; 32])]),
    };
    let inside = minicbor::to_vec(&content).expect("memory");
    let third = welcome.send(&content, &mut rng(4)).expect("few statements");
    let ticket = ticket(&code);
    let by = PairingBy::Ticket(&ticket);
    let (offer, shown) = PairingOffer::start_with_ticket(&code, &ticket, &here.device, &mut rng(2));
    let (_, answer) = PairingJoin::answer_as(by, &shown, &here.device, Some("Kaunter"), &mut rng(3)).expect("honest");
    let (_, welcome) = offer.hear(&answer).expect("honest");
    let signed = welcome.send(&content, &mut rng(4)).expect("few statements");
    vec![first, second, third, inside, shown, answer, signed]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_made_here_are_codes() {
        for (prefix, samples) in [("MEDIECO1", invitations()), ("CLINIC1", clinic_cards())] {
            let text = String::from_utf8(samples[0].clone()).expect("text");
            assert_eq!(as_code(prefix, &samples[1]).replace('-', ""), text.replace('-', ""));
        }
    }
}
