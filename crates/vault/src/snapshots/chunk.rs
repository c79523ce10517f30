//! Reading Automerge's form of a whole document, which others wrote.
//!
//! Before Automerge sees a byte of it: it is one chunk, a document, and nothing after it; no column is deflated (Automerge
//! inflates without a bound); and no column promises more entries than a document may have (a few bytes can promise 2⁶³).

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::AutoCommit;

use crate::columns;

/// The type of a chunk that holds a whole document.
const DOCUMENT: u8 = 0;

/// As many entries as one column may have: ten times the largest document that was ever measured …
const MAX_ENTRIES: u64 = 1 << 20;
/// … and so many for each byte of the document. What people write takes more than a byte for each.
const ENTRIES_PER_BYTE: u64 = 16;
const FREE_ENTRIES: u64 = 4096;

/// Loads a document from bytes that anybody may have written; the word in an error becomes the reason of a quarantine.
pub(crate) fn load(bytes: &[u8]) -> Result<AutoCommit, &'static str> {
    check(bytes)?;
    // It verifies that the heads are those of the changes inside.
    catch_unwind(AssertUnwindSafe(|| AutoCommit::load(bytes)))
        .map_err(|_| "malformed_document")?
        .map_err(|_| "malformed_document")
}

fn check(bytes: &[u8]) -> Result<(), &'static str> {
    let malformed = "malformed_document";
    let (of_type, body) = columns::chunk(bytes).ok_or(malformed)?;
    if of_type != DOCUMENT {
        return Err("no_document_chunk");
    }
    let most = columns::Most {
        entries: MAX_ENTRIES.min(FREE_ENTRIES + ENTRIES_PER_BYTE * body.len() as u64),
        text: u64::MAX,
        malformed,
    };
    most.look_through_document(body)
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
        let bomb = [&columns::MAGIC[..], &[0; 4], &[DOCUMENT, body.len() as u8], &body].concat();
        assert_eq!(load(&bomb).unwrap_err(), "too_many_operations");
        // 2³⁹ nothings, and as many noes.
        for (spec, column) in [
            (0x42, &[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10][..]),
            (0x44, &column[..6]),
        ] {
            let body = [&[0, 0, 0, 1, spec, column.len() as u8][..], column].concat();
            let bomb = [&columns::MAGIC[..], &[0; 4], &[DOCUMENT, body.len() as u8], &body].concat();
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
