//! Looking through what Automerge is about to read, without it: how many entries columns promise.
//!
//! A run in a column is a count and one value, so that a few bytes can promise 2⁶³ operations; Automerge goes through them one
//! by one before it finds anything wrong. So whatever others wrote is counted here first, in time and memory that grow with
//! its bytes alone. What the entries say is not looked at.

/// A chunk begins with these; a checksum of four bytes follows, then its type.
pub(crate) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const TYPE_AT: usize = 8;

/// The type of a chunk that holds one change.
const CHANGE: u8 = 1;

/// As many operations as one change may have, and as many entries as each of its columns. The largest thing that a person does
/// at once, a transcript of an hour, has a few thousand.
pub(crate) const MAX_OPERATIONS: u64 = 1 << 16;
/// As many bytes as the names in a change may have when each is written out for each operation.
const MAX_TEXT: u64 = 8 * 1024 * 1024;
/// As many columns, actors and heads as there may be.
const MAX_LISTED: u64 = 1 << 14;

const DEFLATED: u64 = 0b1000;
const TYPE: u64 = 0b0111;

const TOO_MANY: Word = "too_many_operations";

/// Why something is refused.
type Word = &'static str;

/// A chunk's type and what is inside; `None` when there is anything before it or behind it.
pub(crate) fn chunk(bytes: &[u8]) -> Option<(u8, &[u8])> {
    if bytes.get(..MAGIC.len())? != MAGIC {
        return None;
    }
    let of_type = *bytes.get(TYPE_AT)?;
    let mut rest = bytes.get(TYPE_AT + 1..)?;
    let length = number(&mut rest)?;
    (length == rest.len() as u64).then_some((of_type, rest))
}

/// Whether one change, as its writer packed it, has no more operations than a change may have.
pub(crate) fn check_change(bytes: &[u8]) -> Result<(), Word> {
    let malformed = "malformed_change";
    let (of_type, body) = chunk(bytes).ok_or(malformed)?;
    if of_type != CHANGE {
        return Err("compressed_chunk");
    }
    let most = Most {
        entries: MAX_OPERATIONS,
        text: MAX_TEXT,
        malformed,
    };
    most.look_through_change(body)
}

/// How much a chunk may promise.
pub(crate) struct Most {
    /// Entries of each column.
    pub entries: u64,
    /// Bytes of each column of texts, repetitions written out.
    pub text: u64,
    /// The word for what cannot be read.
    pub malformed: Word,
}

impl Most {
    /// Parents, writer, number, first operation, time, message, other writers, columns.
    fn look_through_change(&self, mut rest: &[u8]) -> Result<(), Word> {
        let n_parents = self.list(&mut rest)?;
        self.take(&mut rest, 32 * n_parents)?;
        self.text(&mut rest)?;
        for _ in 0..3 {
            // A number of either kind ends with its first byte below 128.
            self.number(&mut rest)?;
        }
        self.text(&mut rest)?;
        for _ in 0..self.list(&mut rest)? {
            self.text(&mut rest)?;
        }
        let columns = self.columns(&mut rest)?;
        self.look_through(rest, columns)
    }

    /// Writers, heads, two lists of columns, and the columns.
    pub(crate) fn look_through_document(&self, mut rest: &[u8]) -> Result<(), Word> {
        for _ in 0..self.list(&mut rest)? {
            self.text(&mut rest)?;
        }
        let n_heads = self.list(&mut rest)?;
        self.take(&mut rest, 32 * n_heads)?;
        let mut columns = self.columns(&mut rest)?;
        columns.extend(self.columns(&mut rest)?);
        self.look_through(rest, columns)
    }

    /// Columns as they are announced: what each is, and how long.
    fn columns(&self, rest: &mut &[u8]) -> Result<Vec<(u64, u64)>, Word> {
        let mut columns = Vec::new();
        for _ in 0..self.list(rest)? {
            let (spec, n_bytes) = (self.number(rest)?, self.number(rest)?);
            if spec & DEFLATED != 0 {
                return Err("compressed_chunk");
            }
            columns.push((spec & TYPE, n_bytes));
        }
        Ok(columns)
    }

    fn look_through(&self, mut rest: &[u8], columns: Vec<(u64, u64)>) -> Result<(), Word> {
        for (of_type, n_bytes) in columns {
            let column = self.take(&mut rest, n_bytes)?;
            match of_type {
                4 => self.entries_of_flags(column)?,
                7 => {} // values, raw
                of_type => self.entries(column, of_type == 5)?,
            }
        }
        Ok(())
    }

    /// Runs: a count and one value; minus a count and so many values; zero and a count of nothings.
    fn entries(&self, mut column: &[u8], are_texts: bool) -> Result<(), Word> {
        let (mut n, mut n_text) = (0_u64, 0_u64);
        while !column.is_empty() {
            let count = signed(&mut column).ok_or(self.malformed)?;
            let (n_entries, n_values) = match count {
                0 => (self.number(&mut column)?, 0),
                1.. => (count.unsigned_abs(), 1),
                _ => (count.unsigned_abs(), count.unsigned_abs()),
            };
            n = n.saturating_add(n_entries);
            if n > self.entries {
                return Err(TOO_MANY);
            }
            for _ in 0..n_values {
                // A text has its length before it.
                let value = self.number(&mut column)?;
                if are_texts {
                    self.take(&mut column, value)?;
                    let times = if count > 0 { n_entries } else { 1 };
                    n_text = n_text.saturating_add(value.saturating_mul(times));
                }
            }
            if n_text > self.text {
                return Err(TOO_MANY);
            }
        }
        Ok(())
    }

    /// Counts of noes and yeses in turn.
    fn entries_of_flags(&self, mut column: &[u8]) -> Result<(), Word> {
        let mut n = 0_u64;
        while !column.is_empty() {
            n = n.saturating_add(self.number(&mut column)?);
            if n > self.entries {
                return Err(TOO_MANY);
            }
        }
        Ok(())
    }

    fn list(&self, rest: &mut &[u8]) -> Result<u64, Word> {
        let n = self.number(rest)?;
        if n <= MAX_LISTED { Ok(n) } else { Err(TOO_MANY) }
    }

    fn text(&self, rest: &mut &[u8]) -> Result<(), Word> {
        let n_bytes = self.number(rest)?;
        self.take(rest, n_bytes).map(drop)
    }

    fn take<'b>(&self, rest: &mut &'b [u8], n_bytes: u64) -> Result<&'b [u8], Word> {
        let n_bytes = usize::try_from(n_bytes).map_err(|_| self.malformed)?;
        let (taken, left) = rest.split_at_checked(n_bytes).ok_or(self.malformed)?;
        *rest = left;
        Ok(taken)
    }

    fn number(&self, rest: &mut &[u8]) -> Result<u64, Word> {
        number(rest).ok_or(self.malformed)
    }
}

pub(crate) fn number(rest: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0_u32);
    loop {
        let (byte, left) = rest.split_first()?;
        *rest = left;
        // Of a signed number's tenth byte only the sign is left.
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        if shift > 63 {
            return None;
        }
    }
}

/// Signed LEB128.
pub(crate) fn signed(rest: &mut &[u8]) -> Option<i64> {
    let before = rest.len();
    let number = number(rest)?;
    let n_bits = 7 * (before - rest.len());
    if n_bits >= 64 {
        return Some(number as i64);
    }
    let shift = 64 - n_bits;
    Some(((number << shift) as i64) >> shift)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::transaction::Transactable;
    use automerge::{ActorId, AutoCommit, ObjType, ROOT, ScalarValue};

    use super::*;

    /// A change of so many operations, as Automerge writes it: keys of their own, some written over and over, and a list for
    /// the rest. Automerge looks for each key's place, and through what it was before; entries it takes all at once.
    fn change(n_operations: u64) -> Vec<u8> {
        let mut doc = AutoCommit::new().with_actor(ActorId::from([1; 16]));
        let list = doc.put_object(ROOT, "list", ObjType::List).unwrap();
        let rest = n_operations - 1;
        let (n_over, n_keys) = (300.min(rest / 4), 2_000.min(rest / 4));
        for n in 0..n_over {
            // Another one each time: what is there already is not written again.
            doc.put(ROOT, format!("words {}", n % 4), n as i64).unwrap();
        }
        for n in 0..n_keys {
            doc.put(ROOT, format!("key {n}"), n.to_string()).unwrap();
        }
        let entries = (0..rest - n_over - n_keys).map(|n| match n % 3 {
            0 => ScalarValue::Int(n as i64),
            1 => ScalarValue::Str(n.to_string().into()),
            _ => ScalarValue::Boolean(n % 2 == 0),
        });
        doc.splice(&list, 0, 0, entries).unwrap();
        let hash = doc.commit().unwrap();
        let change = doc.get_change_by_hash(&hash).unwrap();
        assert_eq!(change.len() as u64, n_operations);
        change.raw_bytes().to_vec()
    }

    /// A change by hand: this column of actions, and nothing else.
    fn promising(columns: &[(u8, &[u8])]) -> Vec<u8> {
        // No parents; a writer of one byte; the first change, from operation 1 on, at no time, without words or others.
        let mut body = vec![0, 1, 7, 1, 1, 0, 0, 0, columns.len() as u8];
        for (spec, column) in columns {
            body.extend([*spec, column.len() as u8]);
        }
        columns.iter().for_each(|(_, column)| body.extend(*column));
        let mut chunk = [&MAGIC[..], &[0; 4], &[CHANGE]].concat();
        assert!(body.len() < 128);
        chunk.push(body.len() as u8);
        chunk.extend(body);
        chunk
    }

    #[test]
    fn what_automerge_writes_passes_up_to_the_bound_and_not_beyond_it() {
        for n in [1, 2, 500, MAX_OPERATIONS] {
            assert_eq!(check_change(&change(n)), Ok(()), "{n} operations");
        }
        assert_eq!(check_change(&change(MAX_OPERATIONS + 1)), Err(TOO_MANY));
    }

    #[test]
    fn a_few_bytes_that_promise_more_are_refused_before_automerge_reads_them() {
        const FOR_EVER: [u8; 7] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1]; // 2⁴⁰ times the action 1
        let bombs: [&[(u8, &[u8])]; 4] = [
            &[(0x42, &FOR_EVER)],
            // 2³⁹ nothings, and as many noes.
            &[(0x42, &[0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10])],
            &[(0x34, &FOR_EVER[..6])],
            // 2³⁹ parents of one operation.
            &[(0x42, &[1, 1]), (0x71, &FOR_EVER)],
        ];
        for bomb in bombs {
            assert_eq!(check_change(&promising(bomb)), Err(TOO_MANY), "{bomb:?}");
        }
        assert_eq!(
            check_change(&promising(&[(0x42, &[1, 1])])),
            Ok(()),
            "one operation is few"
        );
        // A name of two thousand bytes, 65 000 times.
        let name = [&[0xe8, 0xfb, 0x03, 0xd0, 0x0f][..], &[b'x'; 2000]].concat();
        let most = Most {
            entries: MAX_OPERATIONS,
            text: MAX_TEXT,
            malformed: "malformed_change",
        };
        assert_eq!(most.entries(&name, true), Err(TOO_MANY));
    }

    #[test]
    fn whatever_byte_is_another_it_is_refused_or_counted_and_never_a_panic() {
        let whole = change(300);
        for place in 0..whole.len() {
            let mut harmed = whole.clone();
            harmed[place] ^= 0x55;
            let _ = check_change(&harmed);
            let _ = check_change(&whole[..place]);
        }
    }
}
