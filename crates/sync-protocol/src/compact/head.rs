//! The head of a short change as it travels: CBOR, in which a number stands for the place of what was named before.

use minicbor::data::Type;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use seal::{ChangeKind, OpeningId};

/// What of a change's header a connection says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Head {
    /// Who wrote it.
    #[n(0)]
    pub writer: Named<NewWriter>,
    /// In which document.
    #[n(1)]
    pub document: Named<NewId>,
    /// Its number, less the one that came from this writer before.
    #[n(2)]
    pub step: i64,
    /// What it is.
    #[n(3)]
    pub kind: ChangeKind,
}

/// Something that takes a place now, or the place that it took before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named<T> {
    /// Its place.
    At(u64),
    /// For the first time.
    New(T),
}

/// 32 bytes, whatever they name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NewId(pub [u8; 32]);

/// One opening of one device's store, under one epoch of its clinic.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct NewWriter {
    #[n(0)]
    pub tenant: Named<NewId>,
    #[n(1)]
    pub epoch: Named<NewId>,
    #[n(2)]
    pub device: Named<NewId>,
    #[n(3)]
    pub opening: OpeningId,
}

impl<C, T: Encode<C>> Encode<C> for Named<T> {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, ctx: &mut C) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::At(place) => e.u64(*place)?.ok(),
            Self::New(new) => new.encode(e, ctx),
        }
    }
}

impl<'b, C, T: Decode<'b, C>> Decode<'b, C> for Named<T> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, decode::Error> {
        match d.datatype()? {
            Type::U8 | Type::U16 | Type::U32 | Type::U64 => d.u64().map(Self::At),
            _ => T::decode(d, ctx).map(Self::New),
        }
    }
}

impl<C> Encode<C> for NewId {
    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for NewId {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let id = d.bytes()?.try_into();
        id.map(Self)
            .map_err(|_| decode::Error::message("an id of another length"))
    }
}
