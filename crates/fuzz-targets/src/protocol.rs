//! Frames: between a device and a relay, and between two devices.

use minicbor::bytes::ByteArray;
use seal::{AttachmentId, ChangeId, ChunkName, DeviceId, GrantId, MailId, ReleaseId, TenantId};
use sync_protocol::{
    AttachmentAnswer, AttachmentAsk, AuditLine, AuditOutcome, BATCH_ITEMS, Bucket, ChangeItem, ChunkId, ChunkRefusal,
    Consent, ConsentItem, Cursors, DeviceMessage, DirectoryAnswer, DirectoryAsk, DirectoryRefusal, Feed, Few,
    FormerLife, Greeting, Hello, IdsAsk, IdsPage, Incarnation, ItemId, MAX_PEER_FRAME_BYTES, MailAnswer, MailAsk,
    MailHeads, MailPage, MailRefusal, MemberProof, OutId, PeerChunks, PeerHello, PeerMessage, PeerSet, PeerStream,
    PostHeads, Prefix, PushItem, PushResult, Refusal, RefusedCode, RelayMessage, ReleaseHead, ReleaseItem, Releases,
    ShortItem, SignedReceipt, Standing, Want, Welcome,
};

use crate::world::{NOW_MS, WORLD};

const TENANT: TenantId = TenantId::from_bytes([0xaa; 32]);
const DEVICE: DeviceId = DeviceId::from_bytes([0xdd; 32]);
const GRANT: GrantId = GrantId::from_bytes([0x66; 16]);
const LETTER: MailId = MailId::from_bytes([0x3a; 16]);
const SOUND: AttachmentId = AttachmentId::from_bytes([0x55; 16]);
const CHUNK: ChunkId = ChunkId {
    attachment: SOUND,
    name: ChunkName::from_bytes([0xcc; 32]),
};
/// What `sync-client` reads from a socket at once.
const PIECE_BYTES: usize = 16 * 1024;

pub(crate) fn device_message(bytes: &[u8]) {
    if let Ok(message) = DeviceMessage::decode(bytes) {
        assert_eq!(DeviceMessage::decode(&message.encode()), Ok(message));
    }
}

fn receipt() -> SignedReceipt {
    SignedReceipt {
        changes: 1000,
        changes_chain: [6; 32],
        consents: 2,
        consents_chain: [7; 32],
        at_ms: NOW_MS,
        signature: [8; 64],
    }
}

fn short_push() -> Few<ShortItem, BATCH_ITEMS> {
    let ids = [None, Some(OutId::Grant(GRANT))].into_iter();
    let items = ids.map(|id| ShortItem {
        id,
        bytes: vec![9; 5].into(),
    });
    items.collect::<Vec<_>>().into()
}

pub(crate) fn device_messages() -> Vec<Vec<u8>> {
    let proof = MemberProof {
        tenant: TENANT,
        device: DEVICE,
        signature: [0x51; 64],
    };
    let cursors = Cursors {
        incarnation: Incarnation([1; 16]),
        changes: 1000,
        consents: 2,
        audit: 3,
        statements: [4; 32],
        releases: [5; 32],
        sum: None,
        staff: None,
    };
    let hello = |want| DeviceMessage::Hello(Hello { version: 1, want });
    let ids = [
        OutId::Change(ChangeId::from_bytes([0xc0; 32])),
        OutId::Grant(GRANT),
        OutId::Revocation(GRANT),
        OutId::Release(ReleaseId::from_bytes([0x77; 16])),
        OutId::Covered(ChangeId::from_bytes([0xc0; 32])),
        OutId::Erased(ChangeId::from_bytes([0xc0; 32])),
    ];
    let push = ids.map(|id| PushItem {
        id,
        bytes: vec![9; 5].into(),
    });
    [
        hello(Want::Sync(proof.clone(), cursors)),
        hello(Want::Join(ByteArray::from([7; 32]), vec![vec![1, 2].into()])),
        hello(Want::HostPairing(proof, "7KD".into())),
        hello(Want::JoinPairing("7KD".into())),
        DeviceMessage::Statements(vec![vec![1].into(), vec![2].into()]),
        DeviceMessage::Push(push.into()),
        DeviceMessage::Ack(Feed::Consents, 300),
        DeviceMessage::PullReleases(GRANT, 5),
        DeviceMessage::FetchStatements(TENANT),
        DeviceMessage::Pairing(vec![1, 2, 3].into()),
        DeviceMessage::ShowReceipt(Some(receipt())),
        DeviceMessage::ConsentsComplete(vec![FormerLife {
            incarnation: Incarnation([2; 16]),
            changes: 900,
            consents: 1,
        }]),
        DeviceMessage::Attachments(AttachmentAsk::Offer(SOUND, vec![CHUNK.name; 2].into())),
        DeviceMessage::Attachments(AttachmentAsk::Put(CHUNK, vec![9; 5].into())),
        DeviceMessage::Attachments(AttachmentAsk::Get(CHUNK)),
        DeviceMessage::Attachments(AttachmentAsk::Forget(SOUND)),
        DeviceMessage::Mail(MailAsk::Post(vec![9; 5].into())),
        DeviceMessage::Mail(MailAsk::Here(PostHeads::default())),
        DeviceMessage::Mail(MailAsk::Read(TENANT, LETTER)),
        DeviceMessage::Directory(DirectoryAsk::Publish(vec![9; 5].into())),
        DeviceMessage::ShortPush(short_push()),
        DeviceMessage::AskChanges(vec![ChangeId::from_bytes([0xc0; 32]), ChangeId::from_bytes([0xc1; 32])].into()),
    ]
    .iter()
    .map(DeviceMessage::encode)
    .collect()
}

/// A relay's frame; and, since it brings them, a line of its audit.
pub(crate) fn relay_message(bytes: &[u8]) {
    if let Ok(message) = RelayMessage::decode(bytes) {
        assert_eq!(RelayMessage::decode(&message.encode()).as_ref(), Ok(&message));
        if let RelayMessage::Audit(lines) = message {
            let lines: Vec<_> = lines.iter().filter_map(|line| AuditLine::decode(line).ok()).collect();
            let first = lines.first().map(|line| line.follows(None));
            let _ = (first, lines.windows(2).all(|pair| pair[1].follows(Some(&pair[0]))));
        }
    }
    if let Ok(line) = AuditLine::decode(bytes) {
        assert!(!line.follows(Some(&line)));
        assert_eq!(AuditLine::decode(&line.encode()).ok(), Some(line));
    }
}

pub(crate) fn relay_messages() -> Vec<Vec<u8>> {
    let greeting = Greeting {
        oldest: 1,
        newest: 1,
        incarnation: Incarnation([1; 16]),
        nonce: ByteArray::from([2; 32]),
    };
    let welcome = Welcome {
        changes: 1000,
        consents: 2,
        audit: 3,
        statements: [4; 32],
        now_ms: NOW_MS,
        key: None,
        receipt: None,
        closed: None,
    };
    let change = |position, bytes: Option<Vec<u8>>| ChangeItem {
        position,
        bytes: bytes.map(Into::into),
        skipped: None,
    };
    let consent = |position, consent| ConsentItem { position, consent };
    let result = |refusal| PushResult {
        id: OutId::Grant(GRANT),
        refusal,
        position: None,
    };
    let line = |number, previous| AuditLine {
        number,
        previous,
        request: [1; 16],
        at_ms: NOW_MS,
        requester: TENANT,
        device: DEVICE,
        source: None,
        grant: GRANT,
        purpose: None,
        outcome: AuditOutcome::DeniedNoGrant,
        count: 0,
    };
    let first = line(1, [0; 32]);
    let second = line(2, first.hash());
    let releases = Releases {
        grant: GRANT,
        source: TENANT,
        source_statements: [4; 32],
        items: vec![ReleaseItem {
            position: 4,
            bytes: vec![3].into(),
        }],
        up_to: 4,
        more: true,
    };
    let head = ReleaseHead {
        grant: GRANT,
        position: 4,
    };
    let skipped = ChangeItem {
        position: 900,
        bytes: None,
        skipped: Some(ByteArray::from([6; 32])),
    };
    let mut frames: Vec<_> = [
        RelayMessage::Greeting(greeting),
        RelayMessage::Welcome(welcome),
        RelayMessage::StatementsWanted,
        RelayMessage::Statements(TENANT, vec![vec![1].into()]),
        RelayMessage::Pushed(vec![result(None), result(Some(Refusal::NoGrant))]),
        RelayMessage::Changes(vec![change(1, Some(vec![6])), change(2, None)]),
        RelayMessage::Consents(vec![
            consent(1, Consent::Grant(vec![8])),
            consent(2, Consent::Revocation(vec![9])),
        ]),
        RelayMessage::Audit(vec![first.encode().into(), second.encode().into()]),
        RelayMessage::ReleasesWaiting(vec![head]),
        RelayMessage::Releases(releases),
        RelayMessage::ReleasesDenied(GRANT, AuditOutcome::DeniedRevoked),
        RelayMessage::Joined(TENANT),
        RelayMessage::PairingOpen,
        RelayMessage::Pairing(vec![1].into()),
        RelayMessage::PairingClosed,
        RelayMessage::Refused(RefusedCode::InvitationUsed),
        RelayMessage::ReceiptWanted,
        RelayMessage::Receipt(receipt()),
        RelayMessage::Changes(vec![skipped]),
        RelayMessage::Attachments(AttachmentAnswer::Lacking(SOUND, vec![CHUNK.name].into())),
        RelayMessage::Attachments(AttachmentAnswer::Stored(CHUNK.name, Some(ChunkRefusal::Later))),
        RelayMessage::Attachments(AttachmentAnswer::Chunk(vec![9; 5].into())),
        RelayMessage::Attachments(AttachmentAnswer::NotHere(CHUNK.name)),
        RelayMessage::Attachments(AttachmentAnswer::Here(SOUND, vec![CHUNK.name].into())),
        RelayMessage::Attachments(AttachmentAnswer::Forgotten(SOUND)),
        RelayMessage::Attachments(AttachmentAnswer::Lost(SOUND, vec![CHUNK.name].into())),
        RelayMessage::Mail(MailAnswer::Heads(MailHeads::default())),
        RelayMessage::Mail(MailAnswer::Posted(LETTER, Some(MailRefusal::Later))),
        RelayMessage::Mail(MailAnswer::Came(MailPage {
            items: vec![vec![9; 5].into()].into(),
            up_to: 3,
            more: true,
        })),
        RelayMessage::Directory(DirectoryAnswer::Published(4, Some(DirectoryRefusal::Older))),
        RelayMessage::ShortChanges(vec![change(3, Some(vec![6]))].into()),
        RelayMessage::NamedChanges(vec![Some(vec![6, 7].into()), None].into()),
    ]
    .iter()
    .map(RelayMessage::encode)
    .collect();
    let last = line(u64::MAX, [0; 32]);
    frames.extend([
        second.encode(),
        RelayMessage::Audit(vec![last.encode().into(), first.encode().into()]).encode(),
    ]);
    frames
}

pub(crate) fn peer_message(bytes: &[u8]) {
    if let Ok(message) = PeerMessage::decode(bytes, MAX_PEER_FRAME_BYTES) {
        assert_eq!(
            PeerMessage::decode(&message.encode(), MAX_PEER_FRAME_BYTES),
            Ok(message)
        );
    }
}

pub(crate) fn peer_messages() -> Vec<Vec<u8>> {
    let id = |byte| ItemId::from_bytes([byte; 32]);
    let bucket = Bucket {
        n: 1_000,
        sum: [0xab; 32],
    };
    let hello = PeerHello {
        oldest: 1,
        newest: 1,
        clinic: [0xcc; 32],
        device: [0xdd; 32],
        statements: [4; 32],
        signature: [0x51; 64],
    };
    let standing = Standing {
        consents: Bucket::default(),
        changes: bucket,
    };
    let child = Prefix::of(&id(0x7f), 3);
    let asks = [(Prefix::ROOT, None), (child, Some(id(0x7f)))].map(|(prefix, after)| IdsAsk { prefix, after });
    let pages = [(vec![], false), (vec![id(1)], true)].map(|(ids, more)| IdsPage { ids: ids.into(), more });
    let statement = WORLD.here.statements[0].bytes();
    [
        PeerMessage::Hello(hello),
        PeerMessage::Statements(vec![vec![1].into(), statement.into()].into()),
        PeerMessage::Standing(standing),
        PeerMessage::AskTree(PeerSet::Changes, vec![Prefix::ROOT, child].into()),
        PeerMessage::Tree(vec![[bucket; 16]].into()),
        PeerMessage::AskIds(PeerSet::Consents, asks.to_vec().into()),
        PeerMessage::Ids(pages.to_vec().into()),
        PeerMessage::Compared,
        PeerMessage::Have(PeerSet::Changes, vec![id(1)].into()),
        PeerMessage::Heard,
        PeerMessage::Want(PeerSet::Consents, vec![id(1), id(2)].into()),
        PeerMessage::Items(vec![Some(vec![9].into()), None].into()),
        PeerMessage::Refused(RefusedCode::Removed),
        PeerMessage::Receipt(Incarnation([1; 16]), receipt()),
        PeerMessage::Chunks(PeerChunks::Get(CHUNK)),
        PeerMessage::Chunks(PeerChunks::Chunk(vec![9; 5].into())),
        PeerMessage::Chunks(PeerChunks::NotHere(CHUNK.name)),
        PeerMessage::Chunks(PeerChunks::Here(SOUND, vec![CHUNK.name].into())),
        PeerMessage::ShortItems(vec![Some(vec![9].into()), None].into()),
    ]
    .iter()
    .map(PeerMessage::encode)
    .collect()
}

/// A stream, read as a socket gives it: the frames are the bytes that came, and nothing is copied again and again.
pub(crate) fn peer_stream(bytes: &[u8]) {
    let mut stream = PeerStream::default();
    let mut read = 0;
    for piece in bytes.chunks(PIECE_BYTES) {
        stream.push(piece);
        loop {
            match stream.next(PIECE_BYTES / 4) {
                Ok(Some(frame)) => {
                    let wrapped = PeerStream::wrap(&frame);
                    assert_eq!(bytes.get(read..read + wrapped.len()), Some(wrapped.as_slice()));
                    read += wrapped.len();
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

pub(crate) fn peer_streams() -> Vec<Vec<u8>> {
    let frames = peer_messages();
    let all = frames.iter().flat_map(|frame| PeerStream::wrap(frame)).collect();
    // Signs of life and nothing else, as many as one piece can hold.
    vec![all, PeerStream::wrap(&frames[0]), vec![0; PIECE_BYTES]]
}
