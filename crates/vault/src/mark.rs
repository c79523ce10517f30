//! The mark outside the store: how many commits were made, in a small file beside it.
//!
//! A flipped bit in a write-ahead log silently drops the commits after it, and SQLite's own check then finds nothing
//! wrong. The mark follows each commit; opening fails when the store has fewer commits than the mark. The file has two
//! slots that are written in turn, so that a torn write leaves the older one; it never grows, so that a full disk does
//! not stop it. It also tells a wrong key from a damaged file, by a hash of the key that reveals nothing of it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use seal::OpeningId;

use crate::files;

/// commit 8 ‖ number 8 ‖ opening 16 ‖ key check 16 ‖ first bytes of BLAKE3 of all that 16
const SLOT: usize = 64;

/// After how many commits the mark is synced even when nobody asks.
const COMMITS_A_GROUP: u64 = 32;

/// What the mark says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// How many commits the store had.
    pub commit: u64,
    /// The opening that made the last one.
    pub opening: OpeningId,
    /// The number of that opening's last sealed change.
    pub number: u64,
    /// From [`key_check`].
    pub key_check: [u8; 16],
}

/// A hash of the store's key that tells whether a key is the right one.
pub(crate) fn key_check(db_key: &[u8; 32]) -> [u8; 16] {
    let whole = blake3::derive_key("medieco 2026 vault key check", db_key);
    *whole.first_chunk().expect("16 of 32 bytes")
}

impl Mark {
    /// The newer whole slot of the file in `dir`; `None` when there is no file or no whole slot.
    pub(crate) fn read(dir: &Path) -> io::Result<Option<Self>> {
        let mut bytes = Vec::with_capacity(2 * SLOT);
        match File::open(files::mark(dir)) {
            Ok(file) => file.take(2 * SLOT as u64).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(bytes
            .as_chunks::<SLOT>()
            .0
            .iter()
            .filter_map(Self::decode)
            .max_by_key(|mark| mark.commit))
    }

    fn encode(&self) -> [u8; SLOT] {
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&self.commit.to_le_bytes());
        slot[8..16].copy_from_slice(&self.number.to_le_bytes());
        slot[16..32].copy_from_slice(self.opening.as_bytes());
        slot[32..48].copy_from_slice(&self.key_check);
        let sum = blake3::hash(&slot[..48]);
        slot[48..].copy_from_slice(&sum.as_bytes()[..16]);
        slot
    }

    fn decode(slot: &[u8; SLOT]) -> Option<Self> {
        if blake3::hash(&slot[..48]).as_bytes()[..16] != slot[48..] {
            return None;
        }
        Some(Self {
            commit: u64::from_le_bytes(*slot[..8].first_chunk()?),
            number: u64::from_le_bytes(*slot[8..16].first_chunk()?),
            opening: OpeningId::from_bytes(*slot[16..32].first_chunk()?),
            key_check: *slot[32..48].first_chunk()?,
        })
    }
}

/// The open file of the mark, behind the writer's lock.
pub(crate) struct MarkFile {
    file: File,
    /// Commits that the file names but that may not be on the disk yet.
    unsynced: u64,
}

impl MarkFile {
    /// Opens the file, or makes it with both slots filled, so that it never needs room again.
    pub(crate) fn open(dir: &Path, first: &Mark) -> io::Result<Self> {
        let path = files::mark(dir);
        if Mark::read(dir)?.is_none() {
            files::write_whole(&path, &[first.encode(), first.encode()].concat(), || ())?;
        }
        Ok(Self {
            file: OpenOptions::new().write(true).open(path)?,
            unsynced: 0,
        })
    }

    /// Follows a commit. Every 32nd waits for the disk; the others leave that to [`Self::sync`].
    pub(crate) fn follow(&mut self, mark: &Mark) -> io::Result<()> {
        self.file.seek(SeekFrom::Start((mark.commit % 2) * SLOT as u64))?;
        self.file.write_all(&mark.encode())?;
        self.unsynced += 1;
        if self.unsynced >= COMMITS_A_GROUP {
            self.sync()
        } else {
            Ok(())
        }
    }

    /// Waits until the mark is on the disk: before anything is sent or printed.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if self.unsynced > 0 {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }
}

/// Accepts the store in `dir` as it is, although it is behind its mark: a person's decision, never a program's.
///
/// What is missing is missing; the relay and the clinic's other devices bring back what they have. The next opening
/// writes under a fresh opening id, so that nothing that was numbered before is numbered again.
pub fn forget_mark(dir: &Path) -> io::Result<()> {
    match fs::remove_file(files::mark(dir)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => files::sync_folder(dir),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mark(commit: u64) -> Mark {
        Mark {
            commit,
            opening: OpeningId::from_bytes([7; 16]),
            number: commit * 2,
            key_check: key_check(&[1; 32]),
        }
    }

    #[test]
    fn a_torn_slot_leaves_the_commit_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = MarkFile::open(dir.path(), &mark(1)).unwrap();
        file.follow(&mark(2)).unwrap();
        file.follow(&mark(3)).unwrap();
        assert_eq!(Mark::read(dir.path()).unwrap(), Some(mark(3)));

        let mut bytes = fs::read(files::mark(dir.path())).unwrap();
        bytes[SLOT + 10] ^= 1; // the third commit stands in the second slot
        fs::write(files::mark(dir.path()), bytes).unwrap();
        assert_eq!(Mark::read(dir.path()).unwrap(), Some(mark(2)));
    }

    #[test]
    fn a_forgotten_mark_says_nothing() {
        let dir = tempfile::tempdir().unwrap();
        MarkFile::open(dir.path(), &mark(9)).unwrap();
        forget_mark(dir.path()).unwrap();
        forget_mark(dir.path()).unwrap();
        assert_eq!(Mark::read(dir.path()).unwrap(), None);
    }
}
