//! Codes that people scan, paste and type; ids as text.

use seal::{ClinicCard, DeviceId, Invitation, InvitationToken, SealError, TenantId};

use crate::world::rng;

fn invitation() -> Invitation {
    Invitation {
        relay_url: "wss://relay.example.my/sync".to_owned(),
        relay_key_sha256: Some([7; 32]),
        token: InvitationToken::make(&mut rng(1)),
        expires_ms: 1_795_478_400_000,
        clinic_hint: Some("Klinik Aman".to_owned()),
    }
}

#[test]
fn an_invitation_survives_being_written_down() {
    let text = invitation().to_text();
    assert!(text.starts_with("MEDIECO1-"));
    assert_eq!(Invitation::from_text(&text).unwrap(), invitation());
    assert_eq!(
        Invitation::from_text(&text.to_lowercase().replace('-', "\n")).unwrap(),
        invitation()
    );
    let bare = Invitation {
        relay_key_sha256: None,
        clinic_hint: None,
        ..invitation()
    };
    assert_eq!(Invitation::from_text(&bare.to_text()).unwrap(), bare);
}

#[test]
fn an_invitation_that_is_cut_misspelt_or_a_card_is_refused() {
    let text = invitation().to_text();
    let card = ClinicCard {
        tenant: TenantId::from_bytes([1; 32]),
        relay_url: String::new(),
        name: String::new(),
    };
    let refused = |text: &str| assert_eq!(Invitation::from_text(text).unwrap_err(), SealError::WrongCode);
    refused("");
    refused("MEDIECO1");
    refused(&text[..text.len() - 3]);
    refused(&text[9..]);
    refused(&card.to_text());
    let mut misspelt = text.to_string();
    let other = if misspelt.ends_with('7') { '8' } else { '7' };
    misspelt.pop();
    misspelt.push(other);
    refused(&misspelt);
}

#[test]
fn a_token_is_known_by_its_hash_only() {
    let token = InvitationToken::make(&mut rng(1));
    assert_eq!(token.hash(), InvitationToken::from_bytes(*token.as_bytes()).hash());
    assert_ne!(&token.hash(), token.as_bytes());
    assert_ne!(token.hash(), InvitationToken::make(&mut rng(2)).hash());
}

#[test]
fn a_clinics_card_pins_its_tenant() {
    let card = ClinicCard {
        tenant: TenantId::from_bytes([9; 32]),
        relay_url: "wss://relay.example.my/sync".to_owned(),
        name: "Klinik Sejahtera 家庭诊所".to_owned(),
    };
    assert_eq!(ClinicCard::from_text(&card.to_text()).unwrap(), card);
    assert_eq!(
        ClinicCard::from_text(&invitation().to_text()).unwrap_err(),
        SealError::WrongCode
    );
}

#[test]
fn an_id_is_hexadecimal_to_people_and_bytes_to_machines() {
    let id = DeviceId::from_bytes([0xab; 32]);
    assert_eq!(id.to_string(), "ab".repeat(32));
    assert_eq!(id.to_string().parse::<DeviceId>().unwrap(), id);
    for text in ["", "ab", "zz", &"ab".repeat(33), &"AG".repeat(32)] {
        assert_eq!(text.parse::<DeviceId>().unwrap_err(), SealError::Malformed);
    }
    let bytes = minicbor::to_vec(id).unwrap();
    assert_eq!(bytes.len(), 34, "two bytes of CBOR before them");
    assert_eq!(minicbor::decode::<DeviceId>(&bytes).unwrap(), id);
    assert!(
        minicbor::decode::<seal::GrantId>(&bytes).is_err(),
        "an id of another length"
    );
}
