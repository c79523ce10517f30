//! The second form of a payload: nothing that the header says already, ids and times as bytes, and deflated only where that
//! makes it smaller.
//!
//! ```text
//! 2 | flags | staff (16) | path | time | more | change to the end
//!                                              or a fact: kind | time | signature (64) | JSON to the end
//! ```
//!
//! What a flag says is not there is left out. All behind the flags may be deflated. A newer build puts what this one need not
//! know into *more*; a flag that this build does not know says that it cannot read it.

use super::bytes::{Rest, push_number, push_signed};
use super::{FactPayload, MAX_INFLATED, Payload, SHORT, chunk, deflate, inflate, path};
use crate::documents::{DocPath, first_writer};

const DEFLATED: u8 = 1;
const STAFF: u8 = 2;
const TIME: u8 = 4;
const FACT: u8 = 8;
const SIGNATURE: u8 = 16;
const MORE: u8 = 32;
const KNOWN: u8 = DEFLATED | STAFF | TIME | FACT | SIGNATURE | MORE;

/// An edit of less than this is ids for the most part, and is not tried to be deflated.
const TOO_LITTLE: usize = 160;

/// The writer of the fixed first change of this document, if it is of a kind that this build knows.
fn first_writer_of(path: Option<&DocPath>) -> Option<&'static [u8]> {
    path.map(|path| first_writer(path.kind()).to_bytes())
}

/// The bytes to seal, or `None` where there is no short form.
pub(super) fn pack(payload: &Payload, writer: &[u8]) -> Option<Vec<u8>> {
    let mut flags = 0;
    let mut plain = Vec::new();
    if let Some(staff) = payload.staff {
        flags |= STAFF;
        plain.extend(staff);
    }
    path::push(&mut plain, &payload.path);
    if let Some(at_ms) = payload.at_ms {
        flags |= TIME;
        push_signed(&mut plain, at_ms);
    }
    match (&payload.change, &payload.fact) {
        (Some(change), None) => {
            let first_writer = first_writer_of(payload.path.parse::<DocPath>().ok().as_ref());
            plain.extend(chunk::shorten(change, writer, first_writer)?);
        }
        (None, Some(fact)) => {
            flags |= FACT;
            push_number(&mut plain, fact.kind.into());
            push_signed(&mut plain, fact.at_ms);
            if let Some(signature) = fact.signature {
                flags |= SIGNATURE;
                plain.extend(signature);
            }
            plain.extend_from_slice(fact.body.as_bytes());
        }
        _ => return None,
    }
    if plain.len() as u64 > MAX_INFLATED {
        return None;
    }
    if payload.fact.is_some() || plain.len() > TOO_LITTLE {
        let deflated = deflate(&plain, vec![SHORT, flags | DEFLATED]).ok()?;
        if deflated.len() < plain.len() + 2 {
            return Some(deflated);
        }
    }
    Some([&[SHORT, flags], plain.as_slice()].concat())
}

/// What [`pack`] was given, and which document it names; `bytes` come behind the number of the form.
pub(super) fn unpack(bytes: &[u8], writer: &[u8]) -> Result<(Payload, Option<DocPath>), &'static str> {
    let (&flags, plain) = bytes.split_first().ok_or("malformed_payload")?;
    if flags & !KNOWN != 0 {
        return Err("newer_payload");
    }
    if flags & DEFLATED == 0 {
        return read(flags, plain, writer).ok_or("malformed_payload");
    }
    read(flags, &inflate(plain)?, writer).ok_or("malformed_payload")
}

fn read(flags: u8, plain: &[u8], writer: &[u8]) -> Option<(Payload, Option<DocPath>)> {
    let has = |flag| flags & flag != 0;
    let mut rest = Rest(plain);
    let staff = if has(STAFF) { Some(rest.array()?) } else { None };
    let (path, document) = path::take(&mut rest)?;
    let at_ms = if has(TIME) { Some(rest.signed()?) } else { None };
    if has(MORE) {
        rest.sized()?;
    }
    let (mut change, mut fact) = (None, None);
    if has(FACT) {
        fact = Some(FactPayload {
            kind: rest.number()?.try_into().ok()?,
            at_ms: rest.signed()?,
            signature: if has(SIGNATURE) { Some(rest.array()?) } else { None },
            body: std::str::from_utf8(rest.0).ok()?.to_owned(),
        });
    } else {
        let first_writer = first_writer_of(document.as_ref());
        change = Some(chunk::lengthen(rest.0, writer, first_writer)?);
    }
    let payload = Payload {
        staff,
        path,
        change,
        fact,
        at_ms,
    };
    Some((payload, document))
}
