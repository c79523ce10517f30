//! The frames about attachments as they travel, frozen.

use seal::{AttachmentId, ChunkName};
use sync_protocol::{
    AttachmentAnswer, AttachmentAsk, ChunkId, ChunkRefusal, DeviceMessage, MAX_PEER_FRAME_BYTES, PeerChunks,
    PeerMessage, RelayMessage,
};

const SOUND: AttachmentId = AttachmentId::from_bytes([0x55; 16]);
const NAME: ChunkName = ChunkName::from_bytes([0xcc; 32]);
const CHUNK: ChunkId = ChunkId {
    attachment: SOUND,
    name: NAME,
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn frames_about_attachments_stay_as_they_are() {
    let asks = [
        ("offer", AttachmentAsk::Offer(SOUND, vec![NAME].into())),
        ("put", AttachmentAsk::Put(CHUNK, vec![1, 2].into())),
        ("get", AttachmentAsk::Get(CHUNK)),
        ("forget", AttachmentAsk::Forget(SOUND)),
    ];
    let refusals = [
        ChunkRefusal::WrongName,
        ChunkRefusal::TooLarge,
        ChunkRefusal::TooMany,
        ChunkRefusal::Forgotten,
        ChunkRefusal::Later,
    ];
    let mut answers = vec![
        ("lacking", AttachmentAnswer::Lacking(SOUND, vec![NAME].into())),
        ("stored", AttachmentAnswer::Stored(NAME, None)),
        ("chunk", AttachmentAnswer::Chunk(vec![1, 2].into())),
        ("not here", AttachmentAnswer::NotHere(NAME)),
        ("here", AttachmentAnswer::Here(SOUND, vec![NAME].into())),
        ("forgotten", AttachmentAnswer::Forgotten(SOUND)),
        ("lost", AttachmentAnswer::Lost(SOUND, vec![NAME].into())),
    ];
    answers.extend(refusals.map(|refusal| (refusal.name(), AttachmentAnswer::Stored(NAME, Some(refusal)))));
    let between = [
        ("get", PeerChunks::Get(CHUNK)),
        ("chunk", PeerChunks::Chunk(vec![1, 2].into())),
        ("not here", PeerChunks::NotHere(NAME)),
        ("here", PeerChunks::Here(SOUND, vec![NAME].into())),
    ];
    let mut lines = Vec::new();
    for (name, ask) in asks {
        let message = DeviceMessage::Attachments(ask);
        let frame = message.encode();
        assert_eq!(DeviceMessage::decode(&frame).as_ref(), Ok(&message), "{name}");
        lines.push(format!("device: {name}\n  {}", hex(&frame)));
    }
    for (name, answer) in answers {
        let message = RelayMessage::Attachments(answer);
        let frame = message.encode();
        assert_eq!(RelayMessage::decode(&frame).as_ref(), Ok(&message), "{name}");
        lines.push(format!("relay: {name}\n  {}", hex(&frame)));
    }
    for (name, chunks) in between {
        let message = PeerMessage::Chunks(chunks);
        let frame = message.encode();
        let decoded = PeerMessage::decode(&frame, MAX_PEER_FRAME_BYTES);
        assert_eq!(decoded.as_ref(), Ok(&message), "{name}");
        lines.push(format!("peer: {name}\n  {}", hex(&frame)));
    }
    insta::assert_snapshot!(lines.join("\n"));
}
