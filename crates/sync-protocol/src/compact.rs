//! A connection does not repeat what both of its ends know.
//!
//! Of a small sealed change most is header and hashes, and most of that stood in the change before it. Each direction of a
//! connection has a dictionary: a writer or an id that comes for the first time takes a place in it, and from then on its
//! place stands for it. The body's hash is left out, since it follows from the body. Whoever hears that has the very bytes
//! again, and stores and passes them on whole. What would not be these bytes again travels whole.
//!
//! ```text
//! short    head | 4 bytes of the change's id | 64 of signature | body
//! head     [writer, document, step of the number, kind]
//! writer   its place, or [tenant, epoch, device, opening]
//! tenant, epoch, device, document    a place, or 32 bytes
//! whole    null | the bytes
//! ```
//!
//! Heads are CBOR. A place that nobody took is no message, and neither is a change that has not the id with which it came:
//! then the two dictionaries are no longer the same (a frame was lost or came twice), and nothing may be made of it.
//! No short change is longer than [`EXPANSION`] times itself when it is whole.

mod dictionary;
mod head;
#[cfg(test)]
mod tests;

use minicbor::Decoder;
use minicbor::bytes::ByteVec;
use seal::{ChangeId, ChangeParts, DeviceId, SealedChange, TenantId};

use self::dictionary::{Dictionary, HEADER_VERSION};
use self::head::Head;
use crate::limits::MAX_SHORTENED_BYTES;
use crate::relay_push::Arrived;
use crate::{ChangeItem, OutId, OutItem, PushItem, ShortItem, WireError, wire};

/// A whole change has at most so many times the bytes of its short form.
pub const EXPANSION: usize = 4;

/// As many bytes of a change's id go with it.
const CHECK_BYTES: usize = 4;
/// CBOR's null.
const WHOLE: u8 = 0xf6;

/// One direction of a connection, at the end that speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said(Dictionary);

/// One direction of a connection, at the end that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard(Dictionary);

impl Said {
    /// A connection of these devices of a clinic begins; the other end names them in the same order.
    pub fn between(tenant: &TenantId, devices: &[DeviceId]) -> Self {
        Self(Dictionary::new(tenant, devices))
    }

    /// Forgets what was said, for there is nothing to say for a while; the other end need not know.
    pub(crate) fn rest(&mut self) {
        self.0.forget();
    }

    /// A change, short where it can be.
    pub fn change(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.shorten(bytes, None).unwrap_or_else(|| [&[WHOLE], bytes].concat())
    }

    /// What is pushed. A short change has no name beside it: that follows.
    pub fn push(&mut self, items: Vec<OutItem>) -> Vec<ShortItem> {
        let items = items.into_iter().map(|item| {
            let short = match item.id {
                OutId::Change(id) => self.shorten(&item.bytes, Some(id)),
                _ => None,
            };
            match short {
                Some(short) => ShortItem {
                    id: None,
                    bytes: short.into(),
                },
                None => item.into(),
            }
        });
        items.collect()
    }

    /// `name`: under which it is known, where that is said beside it.
    fn shorten(&mut self, bytes: &[u8], name: Option<ChangeId>) -> Option<Vec<u8>> {
        if bytes.len() > MAX_SHORTENED_BYTES {
            return None;
        }
        let change = SealedChange::decode(bytes).ok()?;
        let parts = change.parts()?;
        let is_named_so = name.is_none_or(|name| name == change.id());
        if parts.header.version != HEADER_VERSION || !is_named_so || change.encode() != bytes {
            return None;
        }
        let mut short = wire::encode(&self.0.say(&parts.header));
        short.extend_from_slice(&change.id().as_bytes()[..CHECK_BYTES]);
        short.extend_from_slice(&parts.signature);
        short.extend_from_slice(parts.body);
        Some(short)
    }
}

impl Heard {
    /// As [`Said::between`] at the other end.
    pub fn between(tenant: &TenantId, devices: &[DeviceId]) -> Self {
        Self(Dictionary::new(tenant, devices))
    }

    /// Nothing is heard for a while: what must be known takes no more memory than it must.
    pub(crate) fn rest(&mut self) {
        self.0.shrink();
    }

    /// The bytes of what [`Said::change`] made.
    ///
    /// # Errors
    /// [`WireError::Malformed`]; the connection is then to be ended, for the dictionaries may differ.
    pub fn change(&mut self, item: &[u8]) -> Result<Vec<u8>, WireError> {
        match item.split_first() {
            Some((&WHOLE, whole)) => Ok(whole.to_vec()),
            _ => self.lengthen(item).map(|change| change.encode()),
        }
    }

    /// What was pushed, with its names; all of it at most `max_bytes`.
    pub(crate) fn pushed(&mut self, items: Vec<ShortItem>, max_bytes: usize) -> Result<Vec<Arrived>, WireError> {
        let mut room = Room(max_bytes);
        let items = items.into_iter().map(|item| {
            let item = match item.id {
                Some(id) => Arrived::Whole(PushItem { id, bytes: item.bytes }),
                None => {
                    let change = self.lengthen(&item.bytes)?;
                    let bytes = change.encode();
                    Arrived::Made(Box::new(change), bytes)
                }
            };
            room.take(item.bytes())?;
            Ok(item)
        });
        items.collect()
    }

    /// The bodies of a batch of positions; all of them at most `max_bytes`.
    pub(crate) fn batch(&mut self, items: Vec<ChangeItem>, max_bytes: usize) -> Result<Vec<ChangeItem>, WireError> {
        let mut room = Room(max_bytes);
        let items = items.into_iter().map(|item| {
            let bytes = self.whole(item.bytes, &mut room)?;
            Ok(ChangeItem { bytes, ..item })
        });
        items.collect()
    }

    /// What was asked for by name; all of it at most `max_bytes`.
    pub(crate) fn items(
        &mut self,
        items: Vec<Option<ByteVec>>,
        max_bytes: usize,
    ) -> Result<Vec<Option<ByteVec>>, WireError> {
        let mut room = Room(max_bytes);
        items.into_iter().map(|item| self.whole(item, &mut room)).collect()
    }

    fn whole(&mut self, item: Option<ByteVec>, room: &mut Room) -> Result<Option<ByteVec>, WireError> {
        let Some(item) = item else { return Ok(None) };
        let bytes = self.change(&item)?;
        room.take(&bytes)?;
        Ok(Some(bytes.into()))
    }

    fn lengthen(&mut self, short: &[u8]) -> Result<SealedChange, WireError> {
        let mut decoder = Decoder::new(short);
        let head: Head = decoder.decode().map_err(|_| WireError::Malformed)?;
        let rest = &short[decoder.position()..];
        let (check, rest) = rest.split_first_chunk::<CHECK_BYTES>().ok_or(WireError::Malformed)?;
        let (signature, body) = rest.split_first_chunk().ok_or(WireError::Malformed)?;
        let parts = ChangeParts {
            header: self.0.hear(head).ok_or(WireError::Malformed)?,
            signature: *signature,
            body,
        };
        let change = SealedChange::from_parts(&parts).map_err(|_| WireError::Malformed)?;
        if !change.id().as_bytes().starts_with(check) {
            return Err(WireError::Malformed);
        }
        Ok(change)
    }
}

/// What may still come out of one frame.
struct Room(usize);

impl Room {
    fn take(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(WireError::TooLarge)?;
        Ok(())
    }
}
