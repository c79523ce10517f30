//! A device that was stolen, with all its keys, and then removed by its clinic.

use seal::SealedChange;
use sync_protocol::{
    AttachmentAsk, ChunkId, DeviceMessage, Greeting, Hello, MemberProof, OutId, Refusal, RefusedCode, RelayMessage,
    SyncStore, Want,
};

use crate::attempt::{End, attempts};
use crate::line::{Line, hello, join, push};
use crate::relay::{Relay, Rows, b, rng};

attempts!(
    it_says_hello,
    it_brings_a_statement_of_its_own,
    it_stays_on_the_connection_that_it_had,
    it_pulls_what_its_clinic_was_given,
    it_asks_for_sound,
    it_asks_for_changes_by_their_names,
    it_hosts_a_pairing,
    its_late_change_by_an_accomplice,
    its_clinic_joins_again_by_another_invitation,
);

/// The clinic has removed it, and the relay knows.
async fn remove(relay: &mut Relay) -> Rows {
    relay.a.remove_second(relay.now, &mut rng(190));
    let n = relay.a.clinic.statements.len();
    relay.a.device.write(&mut relay.rng);
    relay.send(&relay.a.device).await;
    let rows = relay.rows();
    let tenant = rusqlite::types::Value::Blob(relay.a.clinic.tenant.as_bytes().to_vec());
    assert_eq!(rows["statement"].iter().filter(|row| row[0] == tenant).count(), n);
    rows
}

/// It says hello, brings these statements when asked, and is refused; what it heard.
async fn turned_away(
    relay: &Relay,
    statements: Vec<Vec<u8>>,
    said: DeviceMessage,
    mut line: Line,
) -> Vec<RelayMessage> {
    line.say(&said).await;
    assert_eq!(line.hear().await, Some(RelayMessage::StatementsWanted));
    let statements = statements.into_iter().map(Into::into).collect();
    line.say(&DeviceMessage::Statements(statements)).await;
    let (code, heard) = line.refused().await;
    assert_eq!(code, RefusedCode::Removed);
    relay.tells_of("removed");
    heard
}

fn its_hello(relay: &Relay, greeting: &Greeting) -> DeviceMessage {
    hello(greeting, relay.a.clinic.tenant, &relay.a.second.keys)
}

/// The statement that removed it, and nothing else.
fn is_told_only_so(relay: &Relay, heard: &[RelayMessage]) {
    let [RelayMessage::Statements(tenant, statements)] = heard else {
        panic!("{heard:?}")
    };
    assert_eq!(
        (*tenant, statements.len()),
        (relay.a.clinic.tenant, relay.a.clinic.statements.len())
    );
}

async fn it_says_hello() -> End {
    let mut relay = Relay::start(110).await;
    let before = remove(&mut relay).await;
    let (line, greeting) = Line::greeted(&relay).await;
    let own = relay.a.second.store.statements().unwrap();
    let heard = turned_away(&relay, own, its_hello(&relay, &greeting), line).await;
    is_told_only_so(&relay, &heard);
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn it_brings_a_statement_of_its_own() -> End {
    let mut relay = Relay::start(111).await;
    let membership = relay.a.clinic.membership();
    let before = remove(&mut relay).await;
    // Signed apart from its removal, as if it had not heard of it.
    let own = seal::new_epoch(&membership, &*relay.a.second.keys, relay.now, &mut rng(191)).unwrap();
    let (line, greeting) = Line::greeted(&relay).await;
    let mut statements = relay.a.second.store.statements().unwrap();
    statements.push(own.bytes());
    let heard = turned_away(&relay, statements, its_hello(&relay, &greeting), line).await;
    is_told_only_so(&relay, &heard);
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn it_stays_on_the_connection_that_it_had() -> End {
    let mut relay = Relay::start(112).await;
    let mut line = Line::as_device(&relay, relay.a.clinic.tenant, &relay.a.second.keys).await;
    let before = remove(&mut relay).await;
    let late = relay.a.second.seal(40, &mut relay.rng);
    line.say(&push(late.id, late.bytes)).await;
    let (code, heard) = line.refused().await;
    assert_eq!(code, RefusedCode::Removed);
    let changes = |message: &RelayMessage| matches!(message, RelayMessage::ShortChanges(_) | RelayMessage::Changes(_));
    assert!(
        !heard.iter().any(changes),
        "nothing that was written after it was removed"
    );
    relay.is_as_before(&before, &[]);
    relay.tells_of("removed");
    End::Refused
}

async fn it_pulls_what_its_clinic_was_given() -> End {
    let mut relay = Relay::start(113).await;
    let mut line = Line::as_device(&relay, relay.a.clinic.tenant, &relay.a.second.keys).await;
    let recipient = relay.a.clinic.membership();
    let (from, until) = (relay.now - 1_000, relay.now + 1_000_000);
    let grant = relay.b.device.grant(&recipient, from, until, &mut relay.rng);
    relay.b.device.release(&grant, &recipient, None, 500, &mut relay.rng);
    relay.send(&relay.b.device).await;
    let before = remove(&mut relay).await;
    line.say(&DeviceMessage::PullReleases(grant.clear().id, 0)).await;
    let (code, heard) = line.refused().await;
    assert_eq!(code, RefusedCode::Removed);
    assert!(!heard.iter().any(|message| matches!(message, RelayMessage::Releases(_))));
    let thief = relay.a.second.keys.id();
    assert!(
        relay.audit(b).iter().all(|line| line.device != thief),
        "it was not even looked at"
    );
    relay.is_as_before(&before, &[]);
    relay.tells_of("removed");
    End::Refused
}

async fn it_asks_for_sound() -> End {
    let mut relay = Relay::start(114).await;
    let bytes = vec![3; 700];
    let (attachment, name) = (seal::AttachmentId::from_bytes([5; 16]), seal::chunk_name(&bytes));
    let chunk = ChunkId { attachment, name };
    Line::member(&relay, &relay.a)
        .await
        .ask(AttachmentAsk::Put(chunk, bytes.into()))
        .await;
    let mut line = Line::as_device(&relay, relay.a.clinic.tenant, &relay.a.second.keys).await;
    let before = remove(&mut relay).await;
    line.say(&DeviceMessage::Attachments(AttachmentAsk::Get(chunk))).await;
    let (code, heard) = line.refused().await;
    assert_eq!(code, RefusedCode::Removed);
    assert!(
        !heard
            .iter()
            .any(|message| matches!(message, RelayMessage::Attachments(_)))
    );
    relay.is_as_before(&before, &[]);
    assert_eq!(relay.files().len(), 1);
    relay.tells_of("removed");
    End::Refused
}

async fn it_asks_for_changes_by_their_names() -> End {
    let mut relay = Relay::start(118).await;
    let mut line = Line::as_device(&relay, relay.a.clinic.tenant, &relay.a.second.keys).await;
    let before = remove(&mut relay).await;
    let ids: Vec<_> = relay.a.device.store.held().changes.into_keys().collect();
    assert!(!ids.is_empty());
    line.say(&DeviceMessage::AskChanges(ids.into())).await;
    let (code, heard) = line.refused().await;
    assert_eq!(code, RefusedCode::Removed);
    let gives = |message: &RelayMessage| {
        matches!(
            message,
            RelayMessage::NamedChanges(_) | RelayMessage::ShortChanges(_) | RelayMessage::Changes(_)
        )
    };
    assert!(!heard.iter().any(gives));
    relay.is_as_before(&before, &[]);
    relay.tells_of("removed");
    End::Refused
}

async fn it_hosts_a_pairing() -> End {
    let mut relay = Relay::start(115).await;
    let before = remove(&mut relay).await;
    let (line, greeting) = Line::greeted(&relay).await;
    let proof = MemberProof::make(&greeting, relay.a.clinic.tenant, &relay.a.second.keys);
    let want = Want::HostPairing(proof, "ABC".to_owned());
    let own = relay.a.second.store.statements().unwrap();
    let heard = turned_away(&relay, own, DeviceMessage::Hello(Hello { version: 3, want }), line).await;
    assert_eq!(heard, []);
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn its_late_change_by_an_accomplice() -> End {
    let mut relay = Relay::start(116).await;
    let before = remove(&mut relay).await;
    let late = relay.a.second.seal(40, &mut relay.rng);
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(line.push(late.id, late.bytes.clone()).await, Some(Refusal::WrongTenant));
    relay.is_as_before(&before, &[]);
    // A member that was handed it hands it on: it reaches the clinic, which puts it aside for a person.
    let mut member = Line::member(&relay, &relay.a).await;
    assert_eq!(member.push(late.id, late.bytes.clone()).await, None);
    let change = SealedChange::decode(&late.bytes).unwrap();
    assert_eq!(OutId::Change(change.id()), late.id);
    assert_eq!(
        change.verify(&relay.a.clinic.membership()),
        Err(seal::SealError::BeyondRemoval)
    );
    End::Refused
}

async fn its_clinic_joins_again_by_another_invitation() -> End {
    let mut relay = Relay::start(117).await;
    let invite = |relay: &Relay, name: &'static str, seed| {
        let now = relay.now;
        let add = move |store: &mut sync_server::Store| store.add_clinic(name, now, &mut rng(seed));
        let writer = relay.running().writer.clone();
        async move { *writer.run(add).await.unwrap().unwrap().0.as_bytes() }
    };
    let stolen = relay.a.clinic.encoded_statements();
    let (own, other) = (
        invite(&relay, "Klinik A", 192).await,
        invite(&relay, "Klinik D", 193).await,
    );
    let (mut line, _) = Line::greeted(&relay).await;
    line.say(&join(own, stolen.clone())).await;
    assert_eq!(line.hear().await, Some(RelayMessage::Joined(relay.a.clinic.tenant)));
    let before = remove(&mut relay).await;
    // As the clinic was before it was removed.
    let (mut line, _) = Line::greeted(&relay).await;
    line.say(&join(other, stolen)).await;
    assert_eq!(line.refused().await, (RefusedCode::AlreadyJoined, vec![]));
    relay.is_as_before(&before, &[]);
    relay.tells_of("already_joined");
    End::Refused
}
