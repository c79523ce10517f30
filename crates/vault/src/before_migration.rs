//! The copy of a store that is kept before a migration: byte for byte as it was, under its own key.
//!
//! It is for the one day on which an update turns out wrong; no program reads it. It goes when the next migration makes
//! another, thirty days after it was made, and as soon as something is erased, since it would still hold that.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use domain::Instant;

use crate::files;

/// How long a copy is kept.
const KEPT: Duration = Duration::from_hours(30 * 24);

/// Copies the store in `dir`, whose newest migration is `version`, with its log. Nobody may have it open.
///
/// After any crash there is a whole copy or none under its name. Older copies go once this one is on the disk.
pub(crate) fn keep(dir: &Path, version: u32) -> io::Result<()> {
    let store = files::store(dir);
    let copy = files::before_migration(dir, version);
    let older: Vec<_> = copies(dir)?.into_iter().filter(|path| !is_of(path, &copy)).collect();
    // The log first: where the copy stands under its name, its log does too.
    for ending in ["-wal", ""] {
        let (from, to) = (with_ending(&store, ending), with_ending(&copy, ending));
        if from.exists() {
            copy_whole(&from, &to)?;
        } else {
            remove(&to)?;
        }
    }
    files::sync_folder(dir)?;
    older.iter().try_for_each(|path| remove(path))
}

/// Takes away every copy.
pub(crate) fn forget(dir: &Path) -> io::Result<()> {
    let copies = copies(dir)?;
    copies.iter().try_for_each(|path| remove(path))?;
    if copies.is_empty() {
        Ok(())
    } else {
        files::sync_folder(dir)
    }
}

/// Takes away copies that are older than thirty days at `now`.
pub(crate) fn forget_old(dir: &Path, now: Instant) -> io::Result<()> {
    let now = SystemTime::from(now.0);
    for path in copies(dir)? {
        let made = fs::metadata(&path)?.modified()?;
        if now.duration_since(made).is_ok_and(|age| age > KEPT) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn copies(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut copies = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(files::BEFORE_MIGRATION) {
            copies.push(entry.path());
        }
    }
    Ok(copies)
}

/// Whether `path` is this copy, or its log.
fn is_of(path: &Path, copy: &Path) -> bool {
    path == copy || path == with_ending(copy, "-wal")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn copy_whole(from: &Path, to: &Path) -> io::Result<()> {
    let half = with_ending(to, ".half");
    let copied = fs::copy(from, &half).and_then(|_| File::open(&half)?.sync_all());
    if let Err(error) = copied {
        let _ = fs::remove_file(&half); // what fills a full disk even more
        return Err(error);
    }
    fs::rename(&half, to)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
