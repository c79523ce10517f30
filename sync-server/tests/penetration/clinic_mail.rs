//! A registered clinic that wants another's letters, writes in another's name, or speaks for it in the directory.

use seal::{DirectoryCard, DirectoryEntry, MAX_SEALED_MAIL_BYTES, Mail, MailContent, MailId, MailKind, TenantId};
use sync_protocol::{
    DeviceMessage, DirectoryAnswer, DirectoryAsk, DirectoryRefusal, Hello, MAX_MAIL_AN_HOUR, MailAnswer, MailAsk,
    MailRefusal, MailState, MemberProof, PROTOCOL_VERSION, RefusedCode, RelayMessage, Want,
};

use crate::attempt::{End, attempts};
use crate::line::{Line, cursors};
use crate::relay::{Relay, Side, nobody, rng};

attempts!(
    a_letter_in_another_clinics_name,
    a_letter_on_its_way_sent_on_as_its_own,
    a_letter_signed_by_another_clinics_device,
    a_letter_that_a_removed_device_signed,
    another_clinics_letters_fetched,
    another_clinics_letters_acknowledged,
    a_guessed_letter_said_to_be_read,
    a_letter_larger_than_any,
    a_flood_of_letters,
    who_is_here_asked_by_letters,
    another_clinics_card_published,
    an_older_card_put_back,
    a_card_that_no_admin_signed,
);

fn sealed(from: TenantId, by: &Side, to: &Side, id: u8) -> Mail {
    let content = MailContent {
        kind: MailKind::ReferralLetter,
        written_ms: 0,
        bytes: b"Please see her.".to_vec().into(),
    };
    let to = to.clinic.membership();
    Mail::seal(
        MailId::from_bytes([id; 16]),
        from,
        &content,
        &to,
        &by.device.keys,
        &mut rng(id),
    )
    .unwrap()
}

/// A proven member that speaks the newest version.
async fn member(relay: &Relay, side: &Side) -> Line {
    let (mut line, greeting) = Line::greeted(relay).await;
    let proof = MemberProof::make(&greeting, side.clinic.tenant, &side.device.keys);
    let want = Want::Sync(proof, cursors(&greeting));
    let version = PROTOCOL_VERSION;
    line.say(&DeviceMessage::Hello(Hello { version, want })).await;
    line.until(|heard| matches!(heard, RelayMessage::Welcome(_)).then_some(()))
        .await;
    line
}

async fn ask(line: &mut Line, ask: MailAsk) -> MailAnswer {
    line.say(&DeviceMessage::Mail(ask)).await;
    let answered = line.until(|heard| match heard {
        RelayMessage::Mail(MailAnswer::Heads(_)) => None,
        RelayMessage::Mail(answer) => Some(answer.clone()),
        _ => None,
    });
    answered.await
}

async fn post(line: &mut Line, bytes: Vec<u8>) -> Option<MailRefusal> {
    match ask(line, MailAsk::Post(bytes.into())).await {
        MailAnswer::Posted(_, refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn publish(line: &mut Line, card: &DirectoryCard) -> Option<DirectoryRefusal> {
    let publish = DirectoryAsk::Publish(card.encode().into());
    line.say(&DeviceMessage::Directory(publish)).await;
    let answered = line.until(|heard| match heard {
        RelayMessage::Directory(DirectoryAnswer::Published(_, refusal)) => Some(*refusal),
        _ => None,
    });
    answered.await
}

fn card(of: TenantId, number: u64, by: &Side) -> DirectoryCard {
    let entry = DirectoryEntry {
        name: "Klinik Lain".to_owned(),
        telephone: "03-0000".to_owned(),
        address: String::new(),
        specialties: Vec::new(),
        accepts_referrals: true,
    };
    DirectoryCard::make(of, number, 0, Some(entry), &by.device.keys).unwrap()
}

/// A letter of A's waits for B.
async fn with_a_letter(seed: u8) -> (Relay, Mail) {
    let relay = Relay::start(seed).await;
    let mail = sealed(relay.a.clinic.tenant, &relay.a, &relay.b, 1);
    let mut line = member(&relay, &relay.a).await;
    assert_eq!(post(&mut line, mail.encode()).await, None);
    line.end().await;
    (relay, mail)
}

async fn a_letter_in_another_clinics_name() -> End {
    let relay = Relay::start(150).await;
    let forged = sealed(relay.a.clinic.tenant, &relay.c, &relay.b, 1);
    let mut line = member(&relay, &relay.c).await;
    let before = relay.rows();
    assert_eq!(post(&mut line, forged.encode()).await, Some(MailRefusal::WrongTenant));
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_letter_on_its_way_sent_on_as_its_own() -> End {
    let (relay, mail) = with_a_letter(151).await;
    let mut line = member(&relay, &relay.c).await;
    let before = relay.rows();
    assert_eq!(post(&mut line, mail.encode()).await, Some(MailRefusal::WrongTenant));
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_letter_signed_by_another_clinics_device() -> End {
    let relay = Relay::start(152).await;
    let forged = sealed(relay.c.clinic.tenant, &relay.a, &relay.b, 1);
    let mut line = member(&relay, &relay.c).await;
    let before = relay.rows();
    assert_eq!(post(&mut line, forged.encode()).await, Some(MailRefusal::UnknownDevice));
    let mut altered = sealed(relay.c.clinic.tenant, &relay.c, &relay.b, 1).encode();
    let at = altered.windows(2).position(|head| head == [0x58, 64]).unwrap() + 2;
    altered[at] ^= 1;
    assert_eq!(post(&mut line, altered).await, Some(MailRefusal::BadSignature));
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_letter_that_a_removed_device_signed() -> End {
    let mut relay = Relay::start(153).await;
    // Signed while it belonged, kept, and brought by a device that still does.
    let second = &relay.a.second;
    let content = MailContent {
        kind: MailKind::ReferralLetter,
        written_ms: 0,
        bytes: b"kept".to_vec().into(),
    };
    let (from, to) = (relay.a.clinic.tenant, relay.b.clinic.membership());
    let id = MailId::from_bytes([9; 16]);
    let kept = Mail::seal(id, from, &content, &to, &second.keys, &mut rng(9)).unwrap();
    let mut removing = rng(10);
    relay.a.remove_second(0, &mut removing);
    let mut line = member(&relay, &relay.a).await;
    let statements = relay
        .a
        .clinic
        .encoded_statements()
        .into_iter()
        .map(Into::into)
        .collect();
    line.say(&DeviceMessage::Statements(statements)).await;
    assert_eq!(post(&mut line, kept.encode()).await, Some(MailRefusal::UnknownDevice));
    assert!(relay.rows()["mail"].is_empty());
    End::Refused
}

async fn another_clinics_letters_fetched() -> End {
    let (relay, _) = with_a_letter(154).await;
    for side in [&relay.c, &relay.a] {
        let mut line = member(&relay, side).await;
        match ask(&mut line, MailAsk::Fetch(0)).await {
            MailAnswer::Came(page) => assert!(page.items.0.is_empty() && !page.more),
            other => panic!("{other:?}"),
        }
        line.end().await;
    }
    let mut line = member(&relay, &relay.c).await;
    match ask(&mut line, MailAsk::States(0)).await {
        MailAnswer::States(page) => assert!(page.items.0.is_empty()),
        other => panic!("{other:?}"),
    }
    End::Refused
}

async fn another_clinics_letters_acknowledged() -> End {
    let (relay, _) = with_a_letter(155).await;
    let mut line = member(&relay, &relay.c).await;
    let before = relay.rows();
    line.say(&DeviceMessage::Mail(MailAsk::Stored(1))).await;
    assert_eq!(line.refused().await.0, RefusedCode::BadMessage);
    relay.tells_of("bad_message");
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_guessed_letter_said_to_be_read() -> End {
    let (relay, mail) = with_a_letter(156).await;
    let mut line = member(&relay, &relay.c).await;
    let before = relay.rows();
    let of_a = relay.a.clinic.tenant;
    for id in [mail.header().id, MailId::from_bytes([7; 16])] {
        // What is there and what is not are answered alike.
        let noted = ask(&mut line, MailAsk::Read(of_a, id)).await;
        assert_eq!(noted, MailAnswer::ReadNoted(of_a, id));
    }
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_letter_larger_than_any() -> End {
    let relay = Relay::start(157).await;
    let mut line = member(&relay, &relay.c).await;
    let before = relay.rows();
    for n in [MAX_SEALED_MAIL_BYTES + 1, 2 * 1024 * 1024 - 64] {
        assert_eq!(post(&mut line, vec![0; n]).await, Some(MailRefusal::Malformed));
    }
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_flood_of_letters() -> End {
    let relay = Relay::start(158).await;
    let mut line = member(&relay, &relay.c).await;
    let mut n_taken = 0;
    for id in 0..u8::try_from(MAX_MAIL_AN_HOUR).unwrap() + 5 {
        let mail = sealed(relay.c.clinic.tenant, &relay.c, &relay.b, id);
        match post(&mut line, mail.encode()).await {
            None => n_taken += 1,
            Some(refusal) => assert_eq!(refusal, MailRefusal::Later),
        }
    }
    assert_eq!(n_taken, MAX_MAIL_AN_HOUR);
    // Others are not held back by it.
    let of_a = sealed(relay.a.clinic.tenant, &relay.a, &relay.b, 1);
    let mut line = member(&relay, &relay.a).await;
    assert_eq!(post(&mut line, of_a.encode()).await, None);
    End::Refused
}

async fn who_is_here_asked_by_letters() -> End {
    let relay = Relay::start(159).await;
    let (unknown, _) = sync_protocol::sim::SimClinic::found(0, &mut rng(160));
    assert_ne!(unknown.tenant, nobody());
    let content = MailContent {
        kind: MailKind::RecordRequest,
        written_ms: 0,
        bytes: b"?".to_vec().into(),
    };
    let (from, keys) = (relay.c.clinic.tenant, &relay.c.device.keys);
    let mut line = member(&relay, &relay.c).await;
    for (id, to) in [(1, unknown.membership()), (2, relay.b.clinic.membership())] {
        let id = MailId::from_bytes([id; 16]);
        let mail = Mail::seal(id, from, &content, &to, keys, &mut rng(3)).unwrap();
        assert_eq!(post(&mut line, mail.encode()).await, None);
    }
    match ask(&mut line, MailAsk::States(0)).await {
        MailAnswer::States(page) => {
            let states: Vec<MailState> = page.items.0.iter().map(|told| told.state).collect();
            assert_eq!(states, [MailState::Stored, MailState::Stored]);
        }
        other => panic!("{other:?}"),
    }
    End::Refused
}

async fn another_clinics_card_published() -> End {
    let relay = Relay::start(161).await;
    let mut line = member(&relay, &relay.c).await;
    let before = relay.rows();
    let theirs = card(relay.a.clinic.tenant, 1, &relay.a);
    assert_eq!(publish(&mut line, &theirs).await, Some(DirectoryRefusal::WrongTenant));
    let forged = card(relay.a.clinic.tenant, 2, &relay.c);
    assert_eq!(publish(&mut line, &forged).await, Some(DirectoryRefusal::WrongTenant));
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn an_older_card_put_back() -> End {
    let relay = Relay::start(162).await;
    let of_a = relay.a.clinic.tenant;
    let mut line = member(&relay, &relay.a).await;
    let withdrawn = DirectoryCard::make(of_a, 5, 0, None, &relay.a.device.keys).unwrap();
    assert_eq!(publish(&mut line, &withdrawn).await, None);
    let before = relay.rows();
    for number in [4, 5] {
        let older = card(of_a, number, &relay.a);
        assert_eq!(publish(&mut line, &older).await, Some(DirectoryRefusal::Older));
    }
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_card_that_no_admin_signed() -> End {
    let relay = Relay::start(163).await;
    let of_a = relay.a.clinic.tenant;
    let second = &relay.a.second.keys;
    let card = DirectoryCard::make(of_a, 1, 0, None, second).unwrap();
    let mut line = member(&relay, &relay.a).await;
    let before = relay.rows();
    assert_eq!(publish(&mut line, &card).await, Some(DirectoryRefusal::NotAdmin));
    relay.is_as_before(&before, &[]);
    End::Refused
}
