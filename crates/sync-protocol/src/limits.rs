//! Every bound of the protocol, in one place. Sizes in bytes, times in milliseconds.

/// The version of the protocol that this build speaks best.
pub const PROTOCOL_VERSION: u16 = 1;
/// The oldest version that this build still speaks.
pub const OLDEST_VERSION: u16 = 1;

/// The largest frame that either side sends or takes; larger ones end the connection before they are decoded.
///
/// Room for one sealed release (1 MiB and its envelopes) with its wrapping.
pub const MAX_FRAME_BYTES: usize = 2 * 1024 * 1024;

/// Bodies in one batch or one push: a batch is closed when the next item would pass this (one item always fits).
pub const BATCH_BYTES: usize = 256 * 1024;
/// Items in one batch or one push.
pub const BATCH_ITEMS: usize = 512;
/// Batches of one feed that may be on their way without an acknowledgement.
pub const BATCHES_IN_FLIGHT: u32 = 2;

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
/// Mailboxes that are open at one time on one relay.
pub(crate) const MAX_MAILBOXES: usize = 256;
/// Messages that each side may post into one mailbox.
pub(crate) const MAX_POSTS: u32 = 8;
/// Pairings, hosted or joined, that one relay takes in any one minute.
pub(crate) const MAX_PAIRINGS_A_MINUTE: usize = 60;
/// Characters of a rendezvous id.
pub(crate) const MAX_RENDEZVOUS_CHARS: usize = 8;

/// Positions of a device's own pushes that a relay session remembers, so that it need not send the bytes back.
pub(crate) const MAX_OWN_POSITIONS: usize = 10_000;
