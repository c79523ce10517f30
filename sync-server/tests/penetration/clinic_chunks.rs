//! A registered clinic that wants another's changes and sound, or to spoil them.

use minicbor::data::Type;
use seal::{AttachmentId, ChangeId, ChunkName};
use sync_protocol::{
    AttachmentAnswer, AttachmentAsk, ChunkId, ChunkRefusal, DeviceMessage, OutId, Refusal, RefusedCode,
};

use crate::attempt::{End, attempts};
use crate::line::Line;
use crate::relay::{Relay, Side};

attempts!(
    another_clinics_change_as_its_own,
    a_change_whose_signature_is_not_its_writers,
    a_change_under_a_false_name,
    a_change_of_its_own_in_another_clinics_document,
    another_clinics_change_erased,
    another_clinics_changes_by_their_names,
    another_clinics_chunk_asked_for,
    chunk_names_guessed_in_another_clinics_attachment,
    another_clinics_attachment_erased,
    a_chunk_under_a_false_name,
    a_path_for_an_attachments_id,
    a_path_as_long_as_an_attachments_id,
    an_erased_attachment_filled_again,
);

const SOUND: AttachmentId = AttachmentId::from_bytes([5; 16]);

async fn another_clinics_change_as_its_own() -> End {
    let mut relay = Relay::start(60).await;
    let of_a = relay.a.device.seal(40, &mut relay.rng);
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(line.push(of_a.id, of_a.bytes).await, Some(Refusal::WrongTenant));
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_change_whose_signature_is_not_its_writers() -> End {
    let mut relay = Relay::start(61).await;
    let own = relay.c.device.seal(40, &mut relay.rng);
    let signature = seal_signature(&own.bytes);
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    let mut forged = own.bytes.clone();
    forged[signature] ^= 1;
    assert_eq!(line.push(own.id, forged).await, Some(Refusal::BadSignature));
    relay.is_as_before(&before, &[]);
    End::Refused
}

/// Where the signature of a change begins: 64 bytes after their CBOR head.
fn seal_signature(bytes: &[u8]) -> usize {
    bytes.windows(2).position(|head| head == [0x58, 64]).unwrap() + 2
}

async fn a_change_under_a_false_name() -> End {
    let mut relay = Relay::start(62).await;
    let own = relay.c.device.seal(40, &mut relay.rng);
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    let name = OutId::Change(ChangeId::from_bytes([7; 32]));
    assert_eq!(line.push(name, own.bytes).await, Some(Refusal::Malformed));
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn a_change_of_its_own_in_another_clinics_document() -> End {
    let mut relay = Relay::start(63).await;
    // Devices of a simulation write all into the document of one id.
    relay.a.device.write(&mut relay.rng);
    relay.send(&relay.a.device).await;
    let before = relay.rows();
    relay.c.device.write(&mut relay.rng);
    relay.send(&relay.c.device).await;
    let after = relay.rows();
    assert!(before["change"].iter().all(|row| after["change"].contains(row)));
    // A's other device hears what A wrote, and nothing else; so does C's.
    for side in [&relay.a, &relay.c] {
        let store = side.second.store.clone();
        let heard = relay
            .speak(store.clone(), &side.second.keys, |session| session.position() > 0)
            .await;
        assert_eq!(heard, Ok(()));
        let held: Vec<_> = store.held().changes.into_keys().collect();
        let own: Vec<_> = side.device.store.held().changes.into_keys().collect();
        assert_eq!(held, own);
    }
    End::Refused
}

async fn another_clinics_change_erased() -> End {
    let mut relay = Relay::start(64).await;
    relay.a.device.write(&mut relay.rng);
    relay.send(&relay.a.device).await;
    let [id] = relay.a.device.store.held().changes.into_keys().collect::<Vec<_>>()[..] else {
        panic!("one change")
    };
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    // It may say so of changes of its own that there are not.
    assert_eq!(line.push(OutId::Erased(id), vec![]).await, None);
    assert_eq!(line.push(OutId::Covered(id), vec![]).await, None);
    relay.is_as_before(&before, &["tombstone", "head"]);
    let store = relay.a.second.store.clone();
    let heard = relay
        .speak(store.clone(), &relay.a.second.keys, |session| session.position() > 0)
        .await;
    assert_eq!(heard, Ok(()));
    assert_eq!(store.held().changes, relay.a.device.store.held().changes);
    End::Refused
}

async fn another_clinics_changes_by_their_names() -> End {
    let mut relay = Relay::start(73).await;
    (0..3).for_each(|_| relay.a.device.write(&mut relay.rng));
    relay.send(&relay.a.device).await;
    relay.c.device.write(&mut relay.rng);
    relay.send(&relay.c.device).await;
    let ids = |side: &Side| side.device.store.held().changes.into_keys().collect::<Vec<_>>();
    let (of_a, own) = (ids(&relay.a), ids(&relay.c)[0]);
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    let there_are_none: Vec<_> = (1..=3).map(|n| ChangeId::from_bytes([n; 32])).collect();
    for foreign in [of_a, there_are_none] {
        let asked = [foreign[0], foreign[1], own, foreign[2]];
        // Those that another has are as those that nobody has.
        let which: Vec<_> = line.named(&asked).await.iter().map(Option::is_some).collect();
        assert_eq!(which, [false, false, true, false]);
    }
    relay.is_as_before(&before, &[]);
    End::Refused
}

/// A has a chunk at the relay.
async fn with_sound(relay: &Relay) -> ChunkId {
    let bytes = vec![3; 700];
    let chunk = ChunkId {
        attachment: SOUND,
        name: seal::chunk_name(&bytes),
    };
    let mut line = Line::member(relay, &relay.a).await;
    let answer = line.ask(AttachmentAsk::Put(chunk, bytes.into())).await;
    assert_eq!(answer, AttachmentAnswer::Stored(chunk.name, None));
    chunk
}

async fn still_has_it(relay: &Relay, chunk: ChunkId) {
    let mut line = Line::member(relay, &relay.a).await;
    let answer = line.ask(AttachmentAsk::Get(chunk)).await;
    assert_eq!(answer, AttachmentAnswer::Chunk(vec![3; 700].into()));
}

async fn another_clinics_chunk_asked_for() -> End {
    let relay = Relay::start(65).await;
    let chunk = with_sound(&relay).await;
    let (before, files) = (relay.rows(), relay.files());
    let mut line = Line::member(&relay, &relay.c).await;
    assert_eq!(
        line.ask(AttachmentAsk::Get(chunk)).await,
        AttachmentAnswer::NotHere(chunk.name)
    );
    let offer = AttachmentAsk::Offer(SOUND, vec![chunk.name].into());
    let lacking = AttachmentAnswer::Lacking(SOUND, vec![chunk.name].into());
    assert_eq!(line.ask(offer).await, lacking, "nor is it told that somebody has it");
    relay.is_as_before(&before, &[]);
    assert_eq!(relay.files(), files);
    still_has_it(&relay, chunk).await;
    End::Refused
}

async fn chunk_names_guessed_in_another_clinics_attachment() -> End {
    let relay = Relay::start(66).await;
    with_sound(&relay).await;
    let before = relay.rows();
    let mut line = Line::member(&relay, &relay.c).await;
    for n in 0..100 {
        let name = ChunkName::from_bytes([n; 32]);
        let guess = ChunkId {
            attachment: SOUND,
            name,
        };
        assert_eq!(
            line.ask(AttachmentAsk::Get(guess)).await,
            AttachmentAnswer::NotHere(name)
        );
    }
    relay.is_as_before(&before, &[]);
    End::Refused
}

async fn another_clinics_attachment_erased() -> End {
    let relay = Relay::start(67).await;
    let chunk = with_sound(&relay).await;
    let (before, files) = (relay.rows(), relay.files());
    let mut line = Line::member(&relay, &relay.c).await;
    // Of its own attachment of that id there is nothing, and never will be.
    assert_eq!(
        line.ask(AttachmentAsk::Forget(SOUND)).await,
        AttachmentAnswer::Forgotten(SOUND)
    );
    relay.is_as_before(&before, &["forgotten", "held"]);
    assert_eq!(relay.files(), files);
    still_has_it(&relay, chunk).await;
    End::Refused
}

async fn a_chunk_under_a_false_name() -> End {
    let relay = Relay::start(68).await;
    let before = relay.rows();
    let name = ChunkName::from_bytes([1; 32]);
    let chunk = ChunkId {
        attachment: SOUND,
        name,
    };
    let mut line = Line::member(&relay, &relay.c).await;
    let answer = line.ask(AttachmentAsk::Put(chunk, vec![3; 700].into())).await;
    assert_eq!(answer, AttachmentAnswer::Stored(name, Some(ChunkRefusal::WrongName)));
    let large = vec![3; seal::MAX_SEALED_CHUNK_BYTES + 1];
    let name = seal::chunk_name(&large);
    let chunk = ChunkId {
        attachment: SOUND,
        name,
    };
    let answer = line.ask(AttachmentAsk::Put(chunk, large.into())).await;
    assert_eq!(answer, AttachmentAnswer::Stored(name, Some(ChunkRefusal::TooLarge)));
    relay.is_as_before(&before, &[]);
    assert_eq!(relay.files(), Vec::<std::path::PathBuf>::new());
    End::Refused
}

/// A message that puts a chunk, with these bytes for the attachment's id.
fn put_by_hand(id: &[u8], bytes: &[u8]) -> Vec<u8> {
    let chunk = ChunkId {
        attachment: SOUND,
        name: seal::chunk_name(bytes),
    };
    let put = DeviceMessage::Attachments(AttachmentAsk::Put(chunk, bytes.to_vec().into())).encode();
    let at = put.windows(16).position(|sixteen| sixteen == SOUND.as_bytes()).unwrap();
    // The head of a string of sixteen bytes; other lengths have other heads.
    assert_eq!(put[at - 1], 0x50);
    assert_eq!(minicbor::Decoder::new(&put[at - 1..]).datatype().unwrap(), Type::Bytes);
    let mut head = minicbor::Encoder::new(Vec::new());
    head.bytes(id).unwrap();
    [&put[..at - 1], head.writer(), &put[at + 16..]].concat()
}

async fn a_path_for_an_attachments_id() -> End {
    let relay = Relay::start(69).await;
    let before = relay.rows();
    for path in [&b"../../relay.key"[..], b"../../../../tmp/attack", b"", b"/etc/passwd"] {
        let mut line = Line::member(&relay, &relay.c).await;
        line.say_bytes(put_by_hand(path, b"attack")).await;
        assert_eq!(line.refused().await.0, RefusedCode::BadMessage);
    }
    relay.is_as_before(&before, &[]);
    assert_eq!(relay.files(), Vec::<std::path::PathBuf>::new());
    relay.tells("refusals_total{code=\"bad_message\"}", 4.0);
    End::Refused
}

async fn a_path_as_long_as_an_attachments_id() -> End {
    let relay = Relay::start(70).await;
    let key = std::fs::read(relay.data().join("relay.key")).unwrap();
    let path = *b"/../../relay.key";
    let bytes = b"attack".to_vec();
    let chunk = ChunkId {
        attachment: AttachmentId::from_bytes(path),
        name: seal::chunk_name(&bytes),
    };
    let mut line = Line::member(&relay, &relay.c).await;
    let answer = line.ask(AttachmentAsk::Put(chunk, bytes.into())).await;
    assert_eq!(
        answer,
        AttachmentAnswer::Stored(chunk.name, None),
        "it is an id like any other"
    );
    let folder = relay
        .data()
        .join(sync_server::ATTACHMENTS)
        .join(relay.c.clinic.tenant.to_string());
    let file = folder.join(hex::encode(path)).join(chunk.name.to_string());
    assert_eq!(relay.files(), [file]);
    assert_eq!(std::fs::read(relay.data().join("relay.key")).unwrap(), key);
    End::Refused
}

async fn an_erased_attachment_filled_again() -> End {
    let relay = Relay::start(71).await;
    let chunk = with_sound(&relay).await;
    let mut line = Line::member(&relay, &relay.a).await;
    assert_eq!(
        line.ask(AttachmentAsk::Forget(SOUND)).await,
        AttachmentAnswer::Forgotten(SOUND)
    );
    let before = relay.rows();
    // A device of the clinic itself that would not have it forgotten.
    let mut other = Line::as_device(&relay, relay.a.clinic.tenant, &relay.a.second.keys).await;
    let answer = other.ask(AttachmentAsk::Put(chunk, vec![3; 700].into())).await;
    assert_eq!(
        answer,
        AttachmentAnswer::Stored(chunk.name, Some(ChunkRefusal::Forgotten))
    );
    relay.is_as_before(&before, &["forgotten"]);
    End::Refused
}
