//! A plain Automerge change without what follows from elsewhere: its head and checksum, its writer (who is the sealed
//! change's), its time and message (which we leave empty), and the writer of its document's fixed first change.
//!
//! What is left is the chunk's own text: parents, number, first operation, other writers, columns. Which columns there are
//! is two bytes of flags instead of a list.

use sha2::{Digest, Sha256};

use super::bytes::{Rest, push_number};

/// A chunk begins with these; four bytes of its hash follow, its type, and the length of the rest.
const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHECKSUM_BYTES: usize = 4;
/// The type of a plain change.
const CHANGE: u8 = 1;
const HASH_BYTES: usize = 32;
/// Before parents and writer come the time and the message: zero, and no bytes.
const NO_TIME_NO_MESSAGE: [u8; 2] = [0, 0];
/// Stands for the writer of the first change, where the length of another writer's name stands else.
const FIRST_WRITER: u8 = 0;

/// The columns that Automerge's operations have, in its order.
const COLUMNS: [u64; 14] = [
    0x01, 0x02, // container
    0x11, 0x13, 0x15, // place in it
    0x34, 0x42, // insertion, action
    0x56, 0x57, // value
    0x70, 0x71, 0x73, // what it replaces
    0x94, 0xa5, // marks
];
/// Instead of flags: the list of columns follows as it is.
const AS_IT_IS: u16 = 0;

/// The change without it all; `None` where it is not as we write it.
pub(super) fn shorten(chunk: &[u8], writer: &[u8], first_writer: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut rest = Rest(chunk);
    if rest.array()? != MAGIC || rest.array::<CHECKSUM_BYTES>().is_none() || rest.byte()? != CHANGE {
        return None;
    }
    if rest.number()? != rest.0.len() as u64 {
        return None;
    }
    let mut short = Vec::with_capacity(chunk.len());
    short.extend_from_slice(rest.taken_by(parents)?);
    if rest.sized()? != writer {
        return None;
    }
    short.extend_from_slice(rest.taken_by(numbers)?);
    if rest.take(NO_TIME_NO_MESSAGE.len())? != NO_TIME_NO_MESSAGE {
        return None;
    }
    let n_others = rest.number()?;
    push_number(&mut short, n_others);
    for _ in 0..n_others {
        let other = rest.sized()?;
        if Some(other) == first_writer {
            short.push(FIRST_WRITER);
        } else if other.is_empty() {
            return None;
        } else {
            push_number(&mut short, other.len() as u64);
            short.extend_from_slice(other);
        }
    }
    match columns(rest.0) {
        Some((flags, lengths, data)) => {
            short.extend(flags.to_be_bytes());
            lengths.into_iter().for_each(|length| push_number(&mut short, length));
            short.extend_from_slice(data);
        }
        None => {
            short.extend(AS_IT_IS.to_be_bytes());
            short.extend_from_slice(rest.0);
        }
    }
    Some(short)
}

/// Which of [`COLUMNS`] there are, how long each is, and what is in them. `None` for others, and for none at all.
fn columns(listed: &[u8]) -> Option<(u16, Vec<u64>, &[u8])> {
    let mut rest = Rest(listed);
    let (mut flags, mut lengths) = (0_u16, Vec::new());
    for _ in 0..rest.number()? {
        let column = rest.number()?;
        let place = COLUMNS.iter().position(|known| *known == column)?;
        if flags >> place != 0 {
            return None; // not in their order
        }
        flags |= 1 << place;
        lengths.push(rest.number()?);
    }
    (flags != AS_IT_IS).then_some((flags, lengths, rest.0))
}

/// The chunk that [`shorten`] was given.
pub(super) fn lengthen(short: &[u8], writer: &[u8], first_writer: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut rest = Rest(short);
    let mut body = Vec::with_capacity(short.len() + 64);
    body.extend_from_slice(rest.taken_by(parents)?);
    push_number(&mut body, writer.len() as u64);
    body.extend_from_slice(writer);
    body.extend_from_slice(rest.taken_by(numbers)?);
    body.extend_from_slice(&NO_TIME_NO_MESSAGE);
    let n_others = rest.number()?;
    push_number(&mut body, n_others);
    let mut first_writer = first_writer;
    for _ in 0..n_others {
        let other = match rest.sized()? {
            // Once only: a byte each would grow into a name each.
            [] => first_writer.take()?,
            other => other,
        };
        push_number(&mut body, other.len() as u64);
        body.extend_from_slice(other);
    }
    let flags = u16::from_be_bytes(rest.array()?);
    if flags != AS_IT_IS {
        push_number(&mut body, flags.count_ones().into());
        for place in (0..u16::BITS as usize).filter(|place| flags >> place & 1 == 1) {
            push_number(&mut body, *COLUMNS.get(place)?);
            push_number(&mut body, rest.number()?);
        }
    }
    body.extend_from_slice(rest.0);

    let mut typed = vec![CHANGE];
    push_number(&mut typed, body.len() as u64);
    let hash = Sha256::new().chain_update(&typed).chain_update(&body).finalize();
    Some([&MAGIC[..], &hash[..CHECKSUM_BYTES], &typed, &body].concat())
}

fn parents(rest: &mut Rest<'_>) -> Option<()> {
    let n_bytes = usize::try_from(rest.number()?).ok()?.checked_mul(HASH_BYTES)?;
    rest.take(n_bytes).map(drop)
}

/// Its number in this document by this writer, and its first operation's.
fn numbers(rest: &mut Rest<'_>) -> Option<()> {
    rest.number()?;
    rest.number().map(drop)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use automerge::transaction::{CommitOptions, Transactable};
    use automerge::{ActorId, AutoCommit, ROOT};

    use super::*;

    const WRITER: [u8; 16] = [1; 16];
    const OTHER: [u8; 16] = [2; 16];
    const FIRST: [u8; 16] = [3; 16];

    /// A change on top of what two others wrote.
    fn change(options: CommitOptions) -> Vec<u8> {
        let mut doc = AutoCommit::new().with_actor(ActorId::from(FIRST));
        doc.put(ROOT, "name", "first").unwrap();
        doc.commit();
        doc.set_actor(ActorId::from(OTHER));
        doc.put(ROOT, "phone", "other").unwrap();
        doc.commit();
        doc.set_actor(ActorId::from(WRITER));
        doc.put(ROOT, "name", "Siti").unwrap();
        doc.put(ROOT, "phone", "012-345 9998").unwrap();
        let hash = doc.commit_with(options).unwrap();
        doc.get_change_by_hash(&hash).unwrap().raw_bytes().to_vec()
    }

    #[test]
    fn a_change_is_the_same_bytes_again() {
        let chunk = change(CommitOptions::default().with_time(0));
        for first in [Some(&FIRST[..]), Some(&OTHER[..]), None] {
            let short = shorten(&chunk, &WRITER, first).unwrap();
            assert_eq!(lengthen(&short, &WRITER, first).as_ref(), Some(&chunk));
            // Head 10, writer 17, time and message 2, 8 of the list of columns, and 16 of the first change's writer.
            let saved = if first.is_some() { 53 } else { 37 };
            assert_eq!(short.len(), chunk.len() - saved);
        }
    }

    #[test]
    fn what_we_do_not_write_so_stays_as_it_is() {
        let options = CommitOptions::default;
        let others = [
            change(options().with_time(1)),
            change(options().with_time(0).with_message("words")),
            change(options().with_time(0))[1..].to_vec(),
        ];
        for chunk in others {
            assert_eq!(shorten(&chunk, &WRITER, None), None);
        }
        let chunk = change(options().with_time(0));
        assert_eq!(shorten(&chunk, &OTHER, None), None, "somebody else's");
    }

    #[test]
    fn columns_that_nobody_knows_stay_a_list() {
        let listed = |columns: &[u8]| [&[columns.len() as u8 / 2], columns, &[9, 9, 9]].concat();
        assert_eq!(
            columns(&listed(&[0x15, 1, 0x34, 2])),
            Some((0b11_0000, vec![1, 2], &[9, 9, 9][..]))
        );
        assert_eq!(columns(&listed(&[0x34, 1, 0x15, 2])), None, "another order");
        assert_eq!(columns(&listed(&[0x15, 1, 0x15, 2])), None, "one twice");
        assert_eq!(columns(&listed(&[0x16, 1])), None, "an unknown one");
        assert_eq!(columns(&listed(&[])), None);
        let flags = |flags: u16| [&[0, 1, 1, 0][..], &flags.to_be_bytes(), &[1, 1, 1, 1]].concat();
        assert!(lengthen(&flags(0b11), &WRITER, None).is_some());
        assert_eq!(lengthen(&flags(1 << 14), &WRITER, None), None);
        assert_eq!(lengthen(&flags(0b1_1111), &WRITER, None), None, "lengths are missing");
    }

    #[test]
    fn a_first_writer_is_named_once() {
        // No parents, numbers 1 and 1, others; an empty list of columns.
        let short = |others: &[u8]| [&[0, 1, 1][..], others, &[0, 0, 0]].concat();
        assert!(lengthen(&short(&[1, 0]), &WRITER, Some(&FIRST)).is_some());
        assert_eq!(lengthen(&short(&[1, 0]), &WRITER, None), None);
        assert_eq!(lengthen(&short(&[2, 0, 0]), &WRITER, Some(&FIRST)), None);
        assert_eq!(lengthen(&short(&[9, 0]), &WRITER, Some(&FIRST)), None);
    }
}
