//! The frames about messages between clinics and about the directory as they travel, frozen.

use seal::{MailId, TenantId};
use sync_protocol::{
    CardsPage, DeviceMessage, DirectoryAnswer, DirectoryAsk, DirectoryRefusal, MailAnswer, MailAsk, MailHeads,
    MailPage, MailRefusal, MailState, MailTold, PostHeads, RelayMessage, StatesPage,
};

const LETTER: MailId = MailId::from_bytes([0x3a; 16]);
const FROM: TenantId = TenantId::from_bytes([0xaa; 32]);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn told(state: MailState) -> MailTold {
    MailTold {
        id: LETTER,
        state,
        at_ms: 1_795_000_000_000,
    }
}

#[test]
fn frames_about_letters_and_the_directory_stay_as_they_are() {
    let mail = MailHeads { inbox: 300, states: 4 };
    let here = PostHeads { mail, directory: 5 };
    let asks = [
        ("post", DeviceMessage::Mail(MailAsk::Post(vec![1, 2].into()))),
        ("fetch", DeviceMessage::Mail(MailAsk::Fetch(300))),
        ("stored", DeviceMessage::Mail(MailAsk::Stored(300))),
        ("states", DeviceMessage::Mail(MailAsk::States(4))),
        ("read", DeviceMessage::Mail(MailAsk::Read(FROM, LETTER))),
        ("here", DeviceMessage::Mail(MailAsk::Here(here))),
        (
            "publish",
            DeviceMessage::Directory(DirectoryAsk::Publish(vec![3].into())),
        ),
        ("fetch cards", DeviceMessage::Directory(DirectoryAsk::Fetch(5))),
    ];
    let states = [
        MailState::Stored,
        MailState::Delivered,
        MailState::Read,
        MailState::Expired,
        MailState::Other(99),
    ];
    let came = MailPage {
        items: vec![vec![1, 2].into()].into(),
        up_to: 7,
        more: true,
    };
    let of_states = StatesPage {
        items: states.map(told).to_vec().into(),
        up_to: 7,
        more: false,
    };
    let cards = CardsPage {
        items: vec![vec![3].into()].into(),
        up_to: 7,
        more: false,
    };
    let mut answers = vec![
        ("heads", RelayMessage::Mail(MailAnswer::Heads(mail))),
        ("posted", RelayMessage::Mail(MailAnswer::Posted(LETTER, None))),
        ("came", RelayMessage::Mail(MailAnswer::Came(came))),
        ("states", RelayMessage::Mail(MailAnswer::States(of_states))),
        ("read noted", RelayMessage::Mail(MailAnswer::ReadNoted(FROM, LETTER))),
        ("head", RelayMessage::Directory(DirectoryAnswer::Head(5))),
        (
            "published",
            RelayMessage::Directory(DirectoryAnswer::Published(6, None)),
        ),
        ("cards", RelayMessage::Directory(DirectoryAnswer::Cards(cards))),
    ];
    let refusals = [
        MailRefusal::Malformed,
        MailRefusal::WrongTenant,
        MailRefusal::BadSignature,
        MailRefusal::UnknownDevice,
        MailRefusal::Later,
    ];
    let refused = |refusal| RelayMessage::Mail(MailAnswer::Posted(LETTER, Some(refusal)));
    answers.extend(refusals.map(|refusal| (refusal.name(), refused(refusal))));
    let of_cards = [
        DirectoryRefusal::Malformed,
        DirectoryRefusal::WrongTenant,
        DirectoryRefusal::BadSignature,
        DirectoryRefusal::NotAdmin,
        DirectoryRefusal::Older,
        DirectoryRefusal::Later,
    ];
    let refused = |refusal| RelayMessage::Directory(DirectoryAnswer::Published(6, Some(refusal)));
    answers.extend(of_cards.map(|refusal| (refusal.name(), refused(refusal))));
    let mut lines = Vec::new();
    for (name, message) in asks {
        let frame = message.encode();
        assert_eq!(DeviceMessage::decode(&frame).as_ref(), Ok(&message), "{name}");
        lines.push(format!("device: {name}\n  {}", hex(&frame)));
    }
    for (name, message) in answers {
        let frame = message.encode();
        assert_eq!(RelayMessage::decode(&frame).as_ref(), Ok(&message), "{name}");
        lines.push(format!("relay: {name}\n  {}", hex(&frame)));
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_page_of_more_than_its_bound_is_no_frame() {
    let many = MailPage {
        items: vec![vec![0].into(); 17].into(),
        up_to: 17,
        more: false,
    };
    let frame = RelayMessage::Mail(MailAnswer::Came(many)).encode();
    assert!(RelayMessage::decode(&frame).is_err());
}
