//! The changes that a new device is to take first, in a welcome: their ids, one behind the other.

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::ChangeId;

/// As many are named in a welcome at most: 768 KiB, which leaves room for all statements of a clinic that has very many.
pub const MAX_FIRST_CHANGES: usize = 24 * 1024;

/// Ids of changes, the most wanted first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirstChanges(Vec<ChangeId>);

impl FirstChanges {
    /// The first of these, as many as go into a welcome.
    pub fn of(mut ids: Vec<ChangeId>) -> Self {
        ids.truncate(MAX_FIRST_CHANGES);
        Self(ids)
    }

    /// The ids.
    pub fn ids(&self) -> &[ChangeId] {
        &self.0
    }
}

impl<C> Encode<C> for FirstChanges {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|id| *id.as_bytes()).collect();
        e.bytes(&bytes)?.ok()
    }

    /// A welcome without any is what an older build makes.
    fn is_nil(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'b, C> Decode<'b, C> for FirstChanges {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let (ids, rest) = d.bytes()?.as_chunks();
        if !rest.is_empty() || ids.len() > MAX_FIRST_CHANGES {
            return Err(decode::Error::message("not a list of changes"));
        }
        Ok(Self(ids.iter().copied().map(ChangeId::from_bytes).collect()))
    }

    fn nil() -> Option<Self> {
        Some(Self::default())
    }
}
