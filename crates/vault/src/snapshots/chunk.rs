//! Reading Automerge's form of a whole document, which others wrote.
//!
//! Before Automerge sees a byte of it: it is one chunk, a document, and nothing after it; no column is deflated (Automerge
//! inflates without a bound); and no column promises more entries than a document may have (a few bytes can promise 2⁶³).

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::AutoCommit;

use super::numbers::read;

/// Four magic bytes, a checksum of four, the chunk's type.
const TYPE_AT: usize = 8;
const DOCUMENT: u8 = 0;
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];

/// As many entries as one column may have: ten times the largest document that was ever measured …
const MAX_ENTRIES: u64 = 1 << 20;
/// … and so many for each byte of the document. What people write takes more than a byte for each.
const ENTRIES_PER_BYTE: u64 = 16;
const FREE_ENTRIES: u64 = 4096;
/// As many columns, actors and heads as a document may have.
const MAX_LISTED: u64 = 1 << 14;

const DEFLATED: u64 = 0b1000;
const TYPE: u64 = 0b0111;

/// Loads a document from bytes that anybody may have written; the word in an error becomes the reason of a quarantine.
pub(crate) fn load(bytes: &[u8]) -> Result<AutoCommit, &'static str> {
    check(bytes)?;
    // It verifies that the heads are those of the changes inside.
    catch_unwind(AssertUnwindSafe(|| AutoCommit::load(bytes)))
        .map_err(|_| "malformed_document")?
        .map_err(|_| "malformed_document")
}

fn check(bytes: &[u8]) -> Result<(), &'static str> {
    if bytes.get(..MAGIC.len()) != Some(&MAGIC) {
        return Err("malformed_document");
    }
    if bytes.get(TYPE_AT) != Some(&DOCUMENT) {
        return Err("no_document_chunk");
    }
    let mut rest = &bytes[TYPE_AT + 1..];
    let length = read(&mut rest);
    if length != Some(rest.len() as u64) {
        return Err("malformed_document");
    }
    let max_entries = MAX_ENTRIES.min(FREE_ENTRIES + ENTRIES_PER_BYTE * rest.len() as u64);
    look_through(rest, max_entries)
}

/// Actors, heads, two lists of columns, and the columns.
fn look_through(mut rest: &[u8], max_entries: u64) -> Result<(), &'static str> {
    for _ in 0..list(&mut rest)? {
        let n_bytes = number(&mut rest)?;
        take(&mut rest, n_bytes)?;
    }
    let n_heads = list(&mut rest)?;
    take(&mut rest, 32 * n_heads)?;
    let mut columns = Vec::new();
    for _ in 0..2 {
        for _ in 0..list(&mut rest)? {
            let (spec, n_bytes) = (number(&mut rest)?, number(&mut rest)?);
            if spec & DEFLATED != 0 {
                return Err("compressed_chunk");
            }
            columns.push((spec & TYPE, n_bytes));
        }
    }
    for (of_type, n_bytes) in columns {
        let column = take(&mut rest, n_bytes)?;
        match of_type {
            4 => entries_of_flags(column, max_entries)?,
            7 => {} // values, raw
            of_type => entries(column, of_type, max_entries)?,
        }
    }
    Ok(())
}

/// Runs: a count and one value; minus a count and so many values; zero and a count of nothings.
fn entries(mut column: &[u8], of_type: u64, max_entries: u64) -> Result<(), &'static str> {
    let mut n = 0_u64;
    while !column.is_empty() {
        let count = signed(&mut column)?;
        let (n_entries, n_values) = match count {
            0 => (number(&mut column)?, 0),
            1.. => (count.unsigned_abs(), 1),
            _ => (count.unsigned_abs(), count.unsigned_abs()),
        };
        n = n.saturating_add(n_entries);
        if n > max_entries {
            return Err("too_many_operations");
        }
        for _ in 0..n_values {
            // A number of either kind ends with its first byte below 128; a text has its length before it.
            let value = number(&mut column)?;
            if of_type == 5 {
                take(&mut column, value)?;
            }
        }
    }
    Ok(())
}

/// Counts of noes and yeses in turn.
fn entries_of_flags(mut column: &[u8], max_entries: u64) -> Result<(), &'static str> {
    let mut n = 0_u64;
    while !column.is_empty() {
        n = n.saturating_add(number(&mut column)?);
        if n > max_entries {
            return Err("too_many_operations");
        }
    }
    Ok(())
}

fn list(rest: &mut &[u8]) -> Result<u64, &'static str> {
    number(rest).and_then(|n| {
        if n <= MAX_LISTED {
            Ok(n)
        } else {
            Err("too_many_operations")
        }
    })
}

fn take<'b>(rest: &mut &'b [u8], n_bytes: u64) -> Result<&'b [u8], &'static str> {
    let n_bytes = usize::try_from(n_bytes).map_err(|_| "malformed_document")?;
    let (taken, left) = rest.split_at_checked(n_bytes).ok_or("malformed_document")?;
    *rest = left;
    Ok(taken)
}

fn number(rest: &mut &[u8]) -> Result<u64, &'static str> {
    let (mut number, mut shift) = (0_u64, 0_u32);
    loop {
        let (byte, left) = rest.split_first().ok_or("malformed_document")?;
        *rest = left;
        // Of a signed number's tenth byte only the sign is left.
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
        if shift > 63 {
            return Err("malformed_document");
        }
    }
}

/// Signed LEB128.
fn signed(rest: &mut &[u8]) -> Result<i64, &'static str> {
    let before = rest.len();
    let number = number(rest)?;
    let n_bits = 7 * (before - rest.len());
    if n_bits >= 64 {
        return Ok(number as i64);
    }
    let shift = 64 - n_bits;
    Ok(((number << shift) as i64) >> shift)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::transaction::Transactable;
    use automerge::{ActorId, ObjType, ROOT, ReadDoc};

    use super::*;

    /// A document with every kind of value, runs and gaps in its columns, and two writers.
    fn document() -> AutoCommit {
        let mut doc = AutoCommit::new().with_actor(ActorId::from([1; 16]));
        let list = doc.put_object(ROOT, "list", ObjType::List).unwrap();
        for n in 0..300_i64 {
            doc.put(ROOT, format!("key {}", n % 40), n - 150).unwrap();
            doc.put(ROOT, "flag", n % 3 == 0).unwrap();
            doc.put(ROOT, "bytes", vec![7; 20]).unwrap();
            doc.insert(&list, 0, f64::from(n as i32)).unwrap();
            if n % 7 == 0 {
                doc.delete(&list, 0).unwrap();
                doc.put(ROOT, "words", "a sentence that is long enough to be squeezed")
                    .unwrap();
                doc.commit();
            }
        }
        let mut other = doc.fork().with_actor(ActorId::from([2; 16]));
        other.put(ROOT, "flag", "apart").unwrap();
        doc.put(ROOT, "flag", "together").unwrap();
        doc.merge(&mut other).unwrap();
        doc
    }

    #[test]
    fn what_automerge_writes_is_read() {
        let mut doc = document();
        let mut loaded = load(&doc.save_nocompress()).unwrap();
        assert_eq!(loaded.get_heads(), doc.get_heads());
        assert_eq!(loaded.get_all(ROOT, "flag").unwrap().len(), 2);
    }

    #[test]
    fn automerges_own_compression_other_chunks_and_what_follows_are_refused() {
        let mut doc = document();
        assert_eq!(load(&doc.save()).unwrap_err(), "compressed_chunk");
        let change = doc.get_last_local_change().unwrap().raw_bytes().to_vec();
        assert_eq!(load(&change).unwrap_err(), "no_document_chunk");
        let mut two = doc.save_nocompress();
        two.extend(change);
        assert_eq!(load(&two).unwrap_err(), "malformed_document");
        assert_eq!(load(&[]).unwrap_err(), "malformed_document");
    }

    #[test]
    fn a_few_bytes_that_promise_more_than_a_document_may_have_are_refused() {
        // No actors, no heads, no columns of changes; one of operations: 2⁴⁰ times the action 1.
        let column = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1];
        let body = [&[0, 0, 0, 1, 0x42, column.len() as u8][..], &column].concat();
        let bomb = [&MAGIC[..], &[0; 4], &[DOCUMENT, body.len() as u8], &body].concat();
        assert_eq!(load(&bomb).unwrap_err(), "too_many_operations");
        // 2³⁹ nothings, and as many noes.
        for (spec, column) in [
            (0x42, &[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10][..]),
            (0x44, &column[..6]),
        ] {
            let body = [&[0, 0, 0, 1, spec, column.len() as u8][..], column].concat();
            let bomb = [&MAGIC[..], &[0; 4], &[DOCUMENT, body.len() as u8], &body].concat();
            assert_eq!(load(&bomb).unwrap_err(), "too_many_operations");
        }
    }

    #[test]
    fn whatever_byte_is_another_it_is_refused_or_read_and_never_a_panic() {
        let whole = document().save_nocompress();
        for place in (0..whole.len()).step_by(7) {
            let mut harmed = whole.clone();
            harmed[place] ^= 0x55;
            let _ = load(&harmed);
        }
    }
}
