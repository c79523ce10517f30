//! Frames to bytes and back, and the small shapes that both directions share.

use minicbor::{Decode, Encode};
use seal::{ChangeId, GrantId, ReleaseId};

use crate::limits::MAX_FRAME_BYTES;
use crate::{Incarnation, OutId};

/// Why bytes from the other side are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Larger than the bound (mostly [`MAX_FRAME_BYTES`]); it was not looked into.
    #[error("a frame is too large")]
    TooLarge,
    /// Not a message of this protocol.
    #[error("a frame is malformed")]
    Malformed,
}

/// The three streams of a clinic that a relay sends by itself, each with positions of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Feed {
    /// Sealed changes.
    #[n(0)]
    Changes,
    /// Grants and revocations.
    #[n(1)]
    Consents,
    /// Audit lines.
    #[n(2)]
    Audit,
}

pub(crate) fn encode(message: &impl Encode<()>) -> Vec<u8> {
    minicbor::to_vec(message).expect("writing to a Vec cannot fail")
}

/// The message in `frame`: all of it, and nothing after it.
pub(crate) fn decode<'b, T: Decode<'b, ()>>(frame: &'b [u8]) -> Result<T, WireError> {
    decode_within(frame, MAX_FRAME_BYTES)
}

/// [`decode`] with another bound.
pub(crate) fn decode_within<'b, T: Decode<'b, ()>>(frame: &'b [u8], max_bytes: usize) -> Result<T, WireError> {
    if frame.len() > max_bytes {
        return Err(WireError::TooLarge);
    }
    let mut decoder = minicbor::Decoder::new(frame);
    let message = decoder.decode().map_err(|_| WireError::Malformed)?;
    if decoder.position() == frame.len() {
        Ok(message)
    } else {
        Err(WireError::Malformed)
    }
}

/// [`OutId`] on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) enum WireId {
    #[n(0)]
    Change(#[n(0)] ChangeId),
    #[n(1)]
    Grant(#[n(0)] GrantId),
    #[n(2)]
    Revocation(#[n(0)] GrantId),
    #[n(3)]
    Release(#[n(0)] ReleaseId),
    #[n(4)]
    Covered(#[n(0)] ChangeId),
    #[n(5)]
    Erased(#[n(0)] ChangeId),
}

macro_rules! cbor_as {
    ($outer:ty, $inner:ty) => {
        impl<C> Encode<C> for $outer {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                ctx: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                <$inner>::from(*self).encode(e, ctx)
            }
        }

        impl<'b, C> Decode<'b, C> for $outer {
            fn decode(d: &mut minicbor::Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
                <$inner>::decode(d, ctx).map(Into::into)
            }
        }
    };
}

cbor_as!(OutId, WireId);
cbor_as!(Incarnation, minicbor::bytes::ByteArray<16>);

impl From<Incarnation> for minicbor::bytes::ByteArray<16> {
    fn from(Incarnation(bytes): Incarnation) -> Self {
        bytes.into()
    }
}

impl From<minicbor::bytes::ByteArray<16>> for Incarnation {
    fn from(bytes: minicbor::bytes::ByteArray<16>) -> Self {
        Self(bytes.into())
    }
}

impl From<OutId> for WireId {
    fn from(id: OutId) -> Self {
        match id {
            OutId::Change(id) => Self::Change(id),
            OutId::Grant(id) => Self::Grant(id),
            OutId::Revocation(id) => Self::Revocation(id),
            OutId::Release(id) => Self::Release(id),
            OutId::Covered(id) => Self::Covered(id),
            OutId::Erased(id) => Self::Erased(id),
        }
    }
}

impl From<WireId> for OutId {
    fn from(id: WireId) -> Self {
        match id {
            WireId::Change(id) => Self::Change(id),
            WireId::Grant(id) => Self::Grant(id),
            WireId::Revocation(id) => Self::Revocation(id),
            WireId::Release(id) => Self::Release(id),
            WireId::Covered(id) => Self::Covered(id),
            WireId::Erased(id) => Self::Erased(id),
        }
    }
}
