//! Taking an entry of a document away, so that an edit which somebody made apart from it is not lost.
//!
//! A removed entry stays where it is, with a mark that says what its remover saw. When it says something else now,
//! somebody who had not heard of the removal has edited it: a person decides whether it comes back.

use automerge::{ChangeHash, ScalarValue};

use super::{Edit, View};
use crate::VaultError;

const MARK: &str = "removed";

/// Marks the entry under `name` as removed, as it stands now.
pub(super) fn remove(entries: &mut Edit<'_>, name: &str) -> Result<(), VaultError> {
    let Some(entry) = entries.view().map(name) else {
        return Ok(());
    };
    let seen = seen(&entry);
    let mut entry = entries.map(name)?;
    entry.overrule(MARK, Some(seen.into()))
}

/// The entry counts (again).
pub(super) fn put_back(entry: &mut Edit<'_>) -> Result<(), VaultError> {
    entry.remove(MARK)
}

pub(super) fn is_removed(entry: &View<'_>) -> bool {
    entry.text(MARK).is_some()
}

/// Nobody who removed it saw what it says now.
pub(super) fn is_edited_apart(entry: &View<'_>) -> bool {
    let now = ScalarValue::from(seen(entry));
    is_removed(entry) && !entry.scalars(MARK).contains(&now)
}

/// The changes that removed it, and those that wrote what it says.
pub(super) fn hands(entry: &View<'_>) -> (Vec<ChangeHash>, Vec<ChangeHash>) {
    let removers = entry.writers_of(MARK);
    // A remover had heard of everything that was written before: what she could not know was written apart.
    let known: Vec<_> = removers.iter().map(|remover| entry.as_of(*remover)).collect();
    let mut editors = Vec::new();
    for key in entry.keys().iter().filter(|key| *key != MARK) {
        let now = entry.scalar(key);
        if known.iter().all(|seen| seen.scalar(key) != now) {
            editors.extend(entry.writers_of(key));
        }
    }
    editors.sort_unstable();
    editors.dedup();
    (removers, editors)
}

/// All that an entry says, hashed. Frozen: it is compared with what other builds wrote.
fn seen(entry: &View<'_>) -> String {
    let mut hash = blake3::Hasher::new_derive_key("medieco 2026 what a removed entry said");
    add(entry, &mut hash);
    hash.finalize().to_hex()[..32].to_owned()
}

fn add(map: &View<'_>, hash: &mut blake3::Hasher) {
    for key in map.keys().iter().filter(|key| *key != MARK) {
        hash.update(format!("{key}\u{1}").as_bytes());
        let mut values: Vec<Vec<u8>> = map.scalars(key).iter().map(bytes).collect();
        values.sort();
        for value in values {
            hash.update(&value);
            hash.update(b"\x02");
        }
        if let Some(child) = map.map(key) {
            add(&child, hash);
        }
        hash.update(b"\x03");
    }
}

fn bytes(value: &ScalarValue) -> Vec<u8> {
    match value {
        ScalarValue::Str(text) => [b"s", text.as_bytes()].concat(),
        ScalarValue::Int(number) => [b"i".as_slice(), &number.to_be_bytes()].concat(),
        ScalarValue::F64(number) => [b"f".as_slice(), &number.to_bits().to_be_bytes()].concat(),
        ScalarValue::Boolean(flag) => vec![b'b', u8::from(*flag)],
        ScalarValue::Bytes(bytes) => [b"x", bytes.as_slice()].concat(),
        // Nothing that this clinic writes.
        _ => vec![b'?'],
    }
}
