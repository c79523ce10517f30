//! Folders as they stand on a disk: copied while they are in use, and torn as by a power cut in the middle of a write.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use testkit::SeededRng;

use super::chance::{below, bytes, percent};

/// What a disk writes in one go, in bytes.
const SECTOR: usize = 512;

/// Copies a folder as it stands. Locks are of the running process, and the index of a log lies in memory.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).context("a folder of the simulation")? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(&*name))?;
        } else if !name.ends_with("lock") && !name.ends_with("-shm") && name != "ballast" {
            fs::copy(entry.path(), to.join(&*name))?;
        }
    }
    Ok(())
}

/// Makes `to` what a power cut leaves when it comes in the middle of the one commit that led from `before` to `live`.
///
/// Everything up to `before` was synced; of what the commit wrote to its log any sectors may have come to the disk.
/// `store` is the file's name. Returns whether the commit was whole all the same.
pub(super) fn tear(before: &Path, live: &Path, to: &Path, store: &str, rng: &mut SeededRng) -> Result<()> {
    let log = format!("{store}-wal");
    let same_file = fs::read(before.join(store))? == fs::read(live.join(store))?;
    if !same_file {
        // The log went into the file: that begins only after the commit is on the disk.
        return copy(live, to);
    }
    copy(before, to)?;
    let old = fs::read(before.join(&log)).unwrap_or_default();
    let new = fs::read(live.join(&log)).unwrap_or_default();
    fs::write(to.join(&log), torn(&old, &new, rng))?;
    Ok(())
}

/// Cuts the log of the store `name` off somewhere, as if what was synced there had never come to the disk.
pub(super) fn lose_the_end(folder: &Path, name: &str, rng: &mut SeededRng) -> Result<()> {
    let log = folder.join(format!("{name}-wal"));
    let mut bytes = fs::read(&log).unwrap_or_default();
    bytes.truncate(below(rng, bytes.len() + 1));
    Ok(fs::write(log, bytes)?)
}

/// A file of which some sectors are the new ones and some are still the old ones.
fn torn(old: &[u8], new: &[u8], rng: &mut SeededRng) -> Vec<u8> {
    let n_sectors = old.len().max(new.len()).div_ceil(SECTOR);
    let in_order = percent(rng, 50);
    let first_lost = below(rng, n_sectors + 1);
    let mut file = Vec::with_capacity(new.len());
    for sector in 0..n_sectors {
        let at = |file: &[u8]| {
            let from = (sector * SECTOR).min(file.len());
            file[from..(from + SECTOR).min(file.len())].to_vec()
        };
        let (old, new) = (at(old), at(new));
        let arrived = if in_order {
            sector < first_lost
        } else {
            percent(rng, 50)
        };
        match (arrived, old.is_empty()) {
            (true, _) => file.extend(new),
            (false, false) => file.extend(old),
            // The file had grown already, and nothing was written there.
            (false, true) if percent(rng, 70) => file.extend(vec![0; new.len()]),
            (false, true) => break,
        }
    }
    file
}

/// What else a power cut may leave: garbage behind the end of the log.
pub(super) fn litter(folder: &Path, store: &str, rng: &mut SeededRng) -> Result<()> {
    let log = folder.join(format!("{store}-wal"));
    let mut file = fs::read(&log).unwrap_or_default();
    let n = below(rng, 9_000);
    match below(rng, 3) {
        0 => file.extend((0..n.div_ceil(32)).flat_map(|_| bytes::<32>(rng))),
        1 => file.resize(file.len() + n, 0),
        // The end of the log once more: half a frame with all the right marks in it.
        _ => file.extend_from_within(file.len().saturating_sub(n)..),
    }
    Ok(fs::write(&log, file)?)
}
