//! Room that is kept for a full disk: a file beside the store that holds nothing, and is given up for opening it.
//!
//! Reading wants a little room too: SQLite makes an index of its log (32 KiB) and the head of the log itself, and both go
//! at every clean closing. A disk that filled up over night would keep the store shut in the morning.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files;

/// Four times what opening takes.
const BYTES: usize = 192 * 1024;

/// Gives the room back to the disk, if there is none otherwise.
pub(crate) fn give_up(dir: &Path) {
    let ballast = files::ballast(dir);
    if ballast.exists()
        && !files::takes(dir, BYTES)
        && let Err(error) = fs::remove_file(ballast)
    {
        tracing::warn!(kind = ?error.kind(), "the room that was kept for opening could not be given up");
    }
}

/// Keeps the room for the next time: at once, and again when it is dropped, after everything else was closed.
pub(crate) struct Ballast(PathBuf);

impl Ballast {
    pub(crate) fn keep(dir: &Path) -> Self {
        let kept = Self(files::ballast(dir));
        kept.fill();
        kept
    }

    /// On a full disk there is none until a later opening or closing finds room for it.
    fn fill(&self) {
        if !self.0.exists() {
            let _ = files::write_whole(&self.0, &vec![1; BYTES], || ());
        }
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        self.fill();
    }
}
