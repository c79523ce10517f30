//! A change in its parts: what of its bytes does not follow from the rest, for whoever has to send it over a thin line.
//!
//! The parts say no more than the bytes. Put together they give the same change again, with the id that follows from
//! its bytes; whether it holds is [`SealedChange::verify`]'s to say, as of any other that came.

use super::{Header, SealedChange, Wire, body_hash, id_of};
use crate::{FORMAT_VERSION, SealError, body, wire};

/// A change without what follows: the form of its header, and the hash of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeParts<'a> {
    /// What can be read without a key.
    pub header: Header,
    /// The writer's signature.
    pub signature: [u8; 64],
    /// The sealed body.
    pub body: &'a [u8],
}

impl SealedChange {
    /// Its parts, if they give this change again to the byte.
    ///
    /// `None` when something would be lost: the body was erased, or the header has keys or a form that this build does
    /// not write.
    pub fn parts(&self) -> Option<ChangeParts<'_>> {
        let body = self.wire.body.as_deref()?;
        (self.wire.header == wire::encode(&self.header)).then_some(ChangeParts {
            header: self.header,
            signature: self.wire.signature,
            body,
        })
    }

    /// The change that these parts make: what [`SealedChange::decode`] gives of its bytes, and the same errors.
    pub fn from_parts(parts: &ChangeParts<'_>) -> Result<Self, SealError> {
        let header = parts.header;
        match header.version {
            0 => return Err(SealError::Malformed),
            1..=FORMAT_VERSION => {}
            _ => return Err(SealError::NewerVersion),
        }
        if parts.body.len() > body::body_len(header.kind.max_plain()) {
            return Err(SealError::TooLarge);
        }
        let wire = Wire {
            header: wire::encode(&header),
            body_hash: body_hash(parts.body),
            signature: parts.signature,
            body: Some(parts.body.to_vec()),
        };
        Ok(Self {
            id: id_of(&wire.signed_part()),
            header,
            wire,
        })
    }
}
