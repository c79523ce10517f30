//! Every bound of the protocol, in one place. Sizes in bytes, times in milliseconds.

/// The version of the protocol that this build speaks best.
pub const PROTOCOL_VERSION: u16 = 5;
/// The oldest version that this build still speaks.
pub const OLDEST_VERSION: u16 = 1;
/// Since this version: receipts, covered and erased changes, clinics that are closed until they confirm.
pub(crate) const WITH_RECEIPTS: u16 = 2;
/// Since this version: a connection does not repeat what both ends know of a change.
pub(crate) const WITH_SHORT_CHANGES: u16 = 3;

/// Since this version: attachments.
pub(crate) const WITH_ATTACHMENTS: u16 = 3;
/// Since this version: a signed head of the clinic's audit.
pub(crate) const WITH_HEADS: u16 = 4;
/// Since this version: mailboxes between clinics, and the directory.
pub(crate) const WITH_MAIL: u16 = 4;
/// Since this version: how much of its plan a clinic has used.
pub(crate) const WITH_USAGE: u16 = 4;
/// Since this version: changes may be asked for by name.
pub(crate) const WITH_NAMED_CHANGES: u16 = 5;

/// The largest frame that either side sends or takes; larger ones end the connection before they are decoded.
///
/// Room for one sealed release (1 MiB and its envelopes) with its wrapping.
pub const MAX_FRAME_BYTES: usize = 2 * 1024 * 1024;

/// The largest sealed snapshot that a relay takes: with its wrapping it fits one frame, which it has for itself. Devices
/// make none that is larger; between peers one of seal's own limit goes through.
pub const MAX_RELAYED_SNAPSHOT_BYTES: usize = MAX_FRAME_BYTES - 64 * 1024;

/// Bodies in one batch or one push: a batch is closed when the next item would pass this (one item always fits).
pub const BATCH_BYTES: usize = 256 * 1024;
/// Items in one batch or one push.
pub const BATCH_ITEMS: usize = 512;
/// Batches of one feed, or of a peer, that may be on their way without an acknowledgement.
pub const BATCHES_IN_FLIGHT: u32 = 2;
/// As many batches of one feed may be while acknowledgements come within [`PROMPT_MS`].
pub(crate) const MOST_BATCHES_IN_FLIGHT: u32 = 8;
/// What a feed has on its way is acknowledged in about so long, or it has less on its way: other things wait behind it.
pub(crate) const PROMPT_MS: i64 = 500;

/// Ids that one direction of a connection remembers; 16 KiB.
pub(crate) const MAX_NAMED_IDS: usize = 512;
/// Openings of devices' stores that it remembers; 8 KiB.
pub(crate) const MAX_NAMED_WRITERS: usize = 64;
/// What is larger goes whole: of that the header is a small part.
pub(crate) const MAX_SHORTENED_BYTES: usize = 64 * 1024;

/// Statements of one clinic that a relay keeps.
pub const MAX_STATEMENTS: usize = 2_048;
/// Bytes of all the statements of one clinic; they always fit one frame.
pub const MAX_STATEMENTS_BYTES: usize = 1024 * 1024;

/// Grants named in one `ReleasesWaiting`.
pub(crate) const MAX_RELEASE_HEADS: usize = 4_096;

/// Requests for releases that one connection may have denied before it is ended.
pub(crate) const MAX_DENIALS: u32 = 64;

/// How long a pairing mailbox lives.
pub const PAIRING_LIFETIME_MS: i64 = 10 * 60 * 1000;

/// Changes that one connection may ask for by name without knowing that they are there: more than are ever wanted first.
pub(crate) const MAX_NAMED_CHANGES: u64 = 1 << 17;
/// Requests for changes by name that may be on their way.
pub(crate) const NAMED_IN_FLIGHT: usize = 4;

/// Positions of a device's own pushes that a relay session remembers, so that it need not send the bytes back.
pub(crate) const MAX_OWN_POSITIONS: usize = 10_000;

/// The version of the protocol between peers that this build speaks best.
pub const PEER_VERSION: u16 = 4;
/// The oldest version of it that this build still speaks.
pub const OLDEST_PEER_VERSION: u16 = 1;
/// Since this version of it: the relay's receipts.
pub(crate) const PEER_WITH_RECEIPTS: u16 = 2;
/// Since this version of it: short changes.
pub(crate) const PEER_WITH_SHORT_CHANGES: u16 = 3;
/// Since this version of it: attachments.
pub(crate) const PEER_WITH_ATTACHMENTS: u16 = 3;
/// Since this version of it: what nobody claimed may be wanted.
pub(crate) const PEER_WITH_WANTED_FIRST: u16 = 4;
/// A peer hears of the relay's receipts no more often than this, by the relay's clock.
pub(crate) const RECEIPT_EVERY_MS: i64 = 10 * 60 * 1000;
/// A peer's first frame, and so all that a stranger can make us hold.
pub(crate) const MAX_PEER_HELLO_BYTES: usize = 1024;
/// The largest frame between proven peers: one sealed snapshot with its wrapping, or one full batch.
pub const MAX_PEER_FRAME_BYTES: usize = seal::MAX_SEALED_SNAPSHOT_BYTES + 16 * 1024;
/// Bytes that an honest peer may have on their way at once: two batches, and small things. Whoever reads so many ahead
/// while writing never blocks it.
pub const PEER_BYTES_AHEAD: usize = 3 * MAX_PEER_FRAME_BYTES;
/// Prefixes or pages asked for in one message.
pub const MAX_ASKS: usize = 64;
/// Prefixes whose buckets one connection may ask for: each has its turn once in each of the two sets, and room.
pub(crate) const MAX_TREE_ASKS: u64 = 4 * (1 + 16 + 256 + 4_096);
/// Pages of ids that one connection gives: each leaf of both sets once, and as much again for large ones.
pub(crate) const MAX_PAGES: u64 = 1 << 19;
/// Ids that a peer may claim in one connection and then not give.
pub(crate) const MAX_BROKEN_CLAIMS: u64 = 2_048;
/// A bucket that holds no more ids than this is not descended into: its ids are as short as its buckets.
pub(crate) const SMALL_BUCKET: u64 = 16;
/// Ids of which a session remembers that the peer has them.
pub(crate) const MAX_REMEMBERED: usize = 4_096;

/// Messages of one clinic for others that a relay takes in any one hour.
pub const MAX_MAIL_AN_HOUR: u64 = 120;
/// Messages of one clinic that may wait for one other.
pub const MAX_WAITING_OF_PAIR: u64 = 200;
/// Messages that may wait for one clinic in all.
pub const MAX_WAITING_OF_CLINIC: u64 = 2_000;
/// A relay keeps a message so long: 90 days.
pub const MAIL_KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1000;
/// Messages in one page of what came.
pub(crate) const MAX_MAIL_OF_PAGE: usize = 16;
/// Words of what became of messages in one page.
pub(crate) const MAX_STATES_OF_PAGE: usize = 512;
/// Cards in one page of the directory.
pub(crate) const MAX_CARDS_OF_PAGE: usize = 64;

/// Names of chunks in one message.
pub(crate) const MAX_CHUNK_NAMES: usize = 512;
/// Chunks of one attachment that a relay keeps: 34 hours of sound.
pub const MAX_CHUNKS_OF_ATTACHMENT: usize = 4_096;
/// Chunks that were asked for in vain, of which one connection is told when they come.
pub(crate) const MAX_MISSED_CHUNKS: usize = 1_024;
/// Chunks for which one connection may ask.
pub(crate) const MAX_CHUNK_ASKS: u32 = 1 << 16;
