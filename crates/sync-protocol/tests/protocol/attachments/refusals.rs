//! What a relay does not take, has lost, forgets for ever or has no room for.

use super::*;

/// What the relay says to this message of a member's.
fn answer(ask: AttachmentAsk, fill: impl FnOnce(&mut MemoryRelay)) -> (Vec<RelayMessage>, Option<RefusedCode>) {
    let rng = &mut rng(6);
    let (_, [one, _], mut relay, objects) = two(rng);
    fill(&mut relay);
    let mut link = sync(&one, &mut relay, &objects, rng);
    link.inject_up(DeviceMessage::Attachments(ask).encode());
    link.deliver_up(&mut relay, NOW, rng);
    let said = link.frames_down().map(|frame| RelayMessage::decode(frame).unwrap());
    let said = said.filter(|said| !matches!(said, RelayMessage::Refused(_))).collect();
    (said, link.refused)
}

fn check_refused(chunk: Vec<u8>, named: Option<&[u8]>, refusal: ChunkRefusal, fill: impl FnOnce(&mut MemoryRelay)) {
    let name = seal::chunk_name(named.unwrap_or(&chunk));
    let chunk_id = ChunkId {
        attachment: SOUND,
        name,
    };
    let (said, refused) = answer(AttachmentAsk::Put(chunk_id, chunk.into()), fill);
    let stored = RelayMessage::Attachments(AttachmentAnswer::Stored(name, Some(refusal)));
    assert_eq!((said, refused), (vec![stored], None));
}

#[test]
fn the_relay_takes_nothing_that_it_should_not() {
    check_refused(b"sound".to_vec(), Some(b"silence"), ChunkRefusal::WrongName, |_| ());
    check_refused(
        vec![1; MAX_SEALED_CHUNK_BYTES + 1],
        None,
        ChunkRefusal::TooLarge,
        |_| (),
    );
    check_refused(b"sound".to_vec(), None, ChunkRefusal::TooMany, |relay| {
        let tenant = SimClinic::found(NOW, &mut rng(6)).0.tenant;
        for n in 0..MAX_CHUNKS_OF_ATTACHMENT {
            let name = seal::chunk_name(&n.to_le_bytes());
            relay.chunks.insert(ObjectKey {
                tenant,
                chunk: ChunkId {
                    attachment: SOUND,
                    name,
                },
            });
        }
    });
    check_refused(b"sound".to_vec(), None, ChunkRefusal::Forgotten, |relay| {
        relay
            .forgotten
            .insert((SimClinic::found(NOW, &mut rng(6)).0.tenant, SOUND));
    });
    let (said, refused) = answer(AttachmentAsk::Offer(SOUND, Vec::new().into()), |_| ());
    assert_eq!((said, refused), (Vec::new(), Some(RefusedCode::BadMessage)));
    // More names than one message may hold are not even read.
    let names = vec![seal::chunk_name(b"x"); 513];
    let (_, refused) = answer(AttachmentAsk::Offer(SOUND, names.into()), |_| ());
    assert_eq!(refused, Some(RefusedCode::BadMessage));
}

#[test]
fn what_was_erased_is_forgotten_for_ever() {
    let rng = &mut rng(7);
    let (_, [one, two], mut relay, objects) = two(rng);
    let chunks = record(&one, 3, rng);
    drop(sync(&one, &mut relay, &objects, rng));
    two.store.want_chunks(chunks.iter().copied());
    drop(sync(&two, &mut relay, &objects, rng));
    one.store.erase_attachment(SOUND);
    drop(sync(&one, &mut relay, &objects, rng));
    assert_eq!((relay.chunks.len(), objects.lock().unwrap().held.len()), (0, 0));
    assert!(one.store.held().chunks.to_forget.is_empty());
    // The other one has not heard of it, and has more to offer.
    record(&two, 1, rng);
    let link = sync(&two, &mut relay, &objects, rng);
    assert!(link.is_open());
    assert_eq!((relay.chunks.len(), objects.lock().unwrap().held.len()), (0, 0));
    assert_eq!(two.store.held().chunks.refused.len(), 1);
}

#[test]
fn a_relay_that_was_put_back_is_offered_everything_again() {
    let rng = &mut rng(8);
    let (_, [one, _], mut relay, objects) = two(rng);
    let gone = AttachmentId::from_bytes([9; 16]);
    record(&one, 3, rng);
    one.store.erase_attachment(gone);
    drop(sync(&one, &mut relay, &objects, rng));
    relay.chunks.clear();
    relay.forgotten.clear();
    objects.lock().unwrap().held.clear();
    drop(sync(&one, &mut relay, &objects, rng));
    assert_eq!(relay.chunks.len(), 0, "in one life of its data it is taken at its word");
    relay.become_another([2; 16]);
    drop(sync(&one, &mut relay, &objects, rng));
    assert_eq!((relay.chunks.len(), relay.forgotten.len()), (3, 1));
}

#[test]
fn what_the_relay_lost_is_asked_for_again() {
    let rng = &mut rng(9);
    let (_, [one, two], mut relay, objects) = two(rng);
    let chunks = record(&one, 3, rng);
    drop(sync(&one, &mut relay, &objects, rng));
    objects.lock().unwrap().held.clear();
    two.store.want_chunks([chunks[1]]);
    drop(sync(&two, &mut relay, &objects, rng));
    assert!(!holds_all(&two, &chunks[1..2]));
    assert_eq!(relay.lost.len(), 1, "it found out when it was asked");
    drop(sync(&one, &mut relay, &objects, rng));
    drop(sync(&two, &mut relay, &objects, rng));
    assert!(holds_all(&two, &chunks[1..2]));
    assert!(relay.lost.is_empty());
}

#[test]
fn who_asked_in_vain_hears_when_it_has_come() {
    let rng = &mut rng(10);
    let (_, [one, two], mut relay, objects) = two(rng);
    let chunks = record(&one, 3, rng);
    two.store.want_chunks(chunks.iter().copied());
    let mut reader = sync(&two, &mut relay, &objects, rng);
    assert!(!holds_all(&two, &chunks));
    let mut writer = connect(&one, &relay, &objects, rng);
    settle(&mut [&mut reader, &mut writer], &mut relay, NOW, rng);
    assert!(holds_all(&two, &chunks));
}

#[test]
fn a_full_disk_on_either_side_stops_chunks_and_nothing_else() {
    let rng = &mut rng(11);
    let (_, [mut one, two], mut relay, objects) = two(rng);
    let chunks = record(&one, 3, rng);
    objects.lock().unwrap().fail = true;
    let mut writer = sync(&one, &mut relay, &objects, rng);
    one.write(rng);
    writer.nudge();
    settle(&mut [&mut writer], &mut relay, NOW, rng);
    assert_eq!(
        (relay.changes.len(), relay.chunks.len(), writer.is_open()),
        (1, 0, true)
    );
    // A minute later the same connection tries again, and a minute later once more.
    let again = Wake::Clinic(one.store.tenant());
    for (n_minutes, fail) in [(1, true), (2, false)] {
        objects.lock().unwrap().fail = fail;
        let now_ms = NOW + n_minutes * 60_000;
        writer.wake(&again, &mut relay, now_ms);
        settle(&mut [&mut writer], &mut relay, now_ms, rng);
        assert_eq!(relay.chunks.len(), if fail { 0 } else { 3 });
    }

    // A folder that does not answer is asked again too.
    two.store.want_chunks(chunks[..1].iter().copied());
    objects.lock().unwrap().fail = true;
    let mut reader = sync(&two, &mut relay, &objects, rng);
    assert!(!holds_all(&two, &chunks[..1]));
    objects.lock().unwrap().fail = false;
    reader.wake(&again, &mut relay, NOW + 60_000);
    settle(&mut [&mut reader], &mut relay, NOW + 60_000, rng);
    assert!(holds_all(&two, &chunks[..1]));

    two.store.fill(true);
    two.store.want_chunks(chunks.iter().copied());
    let mut reader = sync(&two, &mut relay, &objects, rng);
    assert_eq!((two.store.held().changes.len(), reader.is_open()), (1, true));
    assert_eq!(two.store.held().chunks.wanted.len(), 2);
    two.store.fill(false);
    two.store.want_chunks([]);
    reader.nudge();
    settle(&mut [&mut reader], &mut relay, NOW, rng);
    assert!(holds_all(&two, &chunks));
}

#[test]
fn a_removed_device_gets_nothing_more() {
    let rng = &mut rng(12);
    let (mut clinic, [one, two], mut relay, objects) = two(rng);
    let chunks = record(&one, 2, rng);
    drop(sync(&one, &mut relay, &objects, rng));
    let mut link = sync(&two, &mut relay, &objects, rng);
    two.store.want_chunks(chunks.iter().copied());
    link.nudge();
    clinic.remove(&two, NOW, rng);
    relay.know(crate::roster(&clinic));
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!(link.refused, Some(RefusedCode::Removed));
    assert!(two.store.held().chunks.here.is_empty());
}

#[test]
fn an_older_relay_hears_nothing_of_attachments() {
    let rng = &mut rng(13);
    let (_, [mut one, _], mut relay, objects) = two(rng);
    let chunks = record(&one, 2, rng);
    one.write(rng);
    one.store.want_chunks([ChunkId {
        attachment: SOUND,
        name: seal::chunk_name(b"elsewhere"),
    }]);
    let mut link = connect(&one, &relay, &objects, rng);
    link.as_an_older_relay();
    settle(&mut [&mut link], &mut relay, NOW, rng);
    assert_eq!((link.refused, relay.changes.len(), relay.chunks.len()), (None, 1, 0));
    assert_eq!(one.store.pending().unwrap(), 0);
    assert!(PROTOCOL_VERSION >= 3 && holds_all(&one, &chunks));
    // A device that claims an older version and asks all the same is refused.
    link.inject_up(DeviceMessage::Attachments(AttachmentAsk::Get(chunks[0])).encode());
    link.deliver_up(&mut relay, NOW, rng);
    assert_eq!(link.refused, Some(RefusedCode::BadMessage));
}
