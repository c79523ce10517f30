//! The language that a device and a relay speak, as two state machines without a socket, a clock or a disk.
//!
//! - [`DeviceSession`] and [`RelaySession`] are one connection each, seen from its two ends: frames, the time and news
//!   go in, frames and news come out. What they keep goes through [`SyncStore`] and [`RelayStore`].
//! - [`PeerSession`] is one connection between two devices of one clinic, the same at both ends; what it compares goes
//!   through [`PeerStore`], and [`tree`] is how.
//! - [`DeviceMessage`] and [`RelayMessage`] are the frames: CBOR, one message each, bounded before they are decoded;
//!   [`compact`] is how they leave out of a change what both ends know.
//!
//! Bodies stay opaque: nothing here opens a change, a grant's terms or a release. `docs/sync.md` tells the whole story.

pub mod again_after;
mod attachment_message;
mod audit;
mod audit_head;
mod chain;
mod chunk_store;
mod codes;
pub mod compact;
mod device_session;
mod digest;
mod from_device;
mod from_relay;
mod limits;
mod mail_message;
mod mail_store;
pub mod memory;
mod pairing;
mod peer_message;
mod peer_session;
mod peer_store;
mod peer_stream;
mod proof;
mod receipt;
mod refused;
mod relay_chunks;
mod relay_mail;
mod relay_push;
mod relay_session;
mod relay_store;
mod roster;
pub mod sim;
mod store;
pub mod tree;
mod usage;
mod wanted_first;
mod wire;

pub use attachment_message::{AttachmentAnswer, AttachmentAsk, ChunkId, ChunkNames, ChunkRefusal, PeerChunks};
pub use audit::{AuditLine, AuditOutcome};
pub use audit_head::{AuditStore, RelayAudit, SignedHead, day_of};
pub use chain::{NO_CHAIN, follow, sum_of_chains};
pub use chunk_store::{ChunkSource, ChunkStore, Claim, Claims};
pub use device_session::{DeviceError, DeviceEvent, DeviceSession, DeviceStep};
pub use digest::{digest_of_releases, digest_of_statements};
pub use from_device::{Cursors, DeviceMessage, Hello, MemberProof, PushItem, ShortItem, Want};
pub use from_relay::{
    ChangeItem, ConsentItem, Greeting, PushResult, RelayMessage, ReleaseHead, ReleaseItem, Releases, Welcome,
};
pub use limits::{
    BATCH_BYTES, BATCH_ITEMS, BATCHES_IN_FLIGHT, MAIL_KEPT_MS, MAX_ASKS, MAX_CHUNKS_OF_ATTACHMENT, MAX_FRAME_BYTES,
    MAX_MAIL_AN_HOUR, MAX_PEER_FRAME_BYTES, MAX_RELAYED_SNAPSHOT_BYTES, MAX_STATEMENTS, MAX_STATEMENTS_BYTES,
    MAX_WAITING_OF_CLINIC, MAX_WAITING_OF_PAIR, OLDEST_PEER_VERSION, OLDEST_VERSION, PAIRING_LIFETIME_MS,
    PEER_BYTES_AHEAD, PEER_VERSION, PROTOCOL_VERSION,
};
pub use mail_message::{
    CardsPage, DirectoryAnswer, DirectoryAsk, DirectoryRefusal, MailAnswer, MailAsk, MailHeads, MailPage, MailRefusal,
    MailState, MailTold, PostHeads, StatesPage,
};
pub use mail_store::{MailCursors, MailStore, MailToSay};
pub use pairing::{ConnectionId, PairingAsk};
pub use peer_message::{Few, IdsAsk, IdsPage, PeerHello, PeerMessage, Standing};
pub use peer_session::{PeerError, PeerEvent, PeerRole, PeerSession, PeerStep};
pub use peer_store::{ItemId, PeerSet, PeerStore, name_of_change};
pub use peer_stream::{FrameTooLarge, PeerStream};
pub use receipt::{FormerLife, RelayLie, RelayStanding, SignedReceipt};
pub use refused::RefusedCode;
pub use relay_chunks::{ChunkPlace, ObjectDone, ObjectKey, ObjectRead, ObjectWork, RelayChunks};
pub use relay_mail::{Part, RelayMail};
pub use relay_session::{Outgoing, RelaySession, RelayStep, Tally};
pub use relay_store::{
    ChangesPage, Checked, Heads, Page, Pushed, Redeemed, RelayStore, RelayStoreFailed, ReleaseAnswer, ReleaseAsk,
    Shown, Wake,
};
pub use roster::Roster;
pub use store::{Consent, Cursor, Incarnation, OutId, OutItem, Refusal, Scope, StoreError, SyncStore};
pub use tree::{Bucket, Prefix};
pub use usage::{RelayUsage, Usage, UsageLevel, UsageStore, Used};
pub use wanted_first::WantedFirst;
pub use wire::{Feed, WireError};
