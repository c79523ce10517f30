//! Where things lie in a vault's folder, and how a file gets there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The SQLCipher file.
pub(crate) fn store(dir: &Path) -> PathBuf {
    dir.join("vault.db")
}

/// Is there while damage was found in the store.
pub(crate) fn doubt(dir: &Path) -> PathBuf {
    dir.join("vault.db.doubt")
}

/// The SQLCipher file while it is being made for the first time.
pub(crate) fn store_in_making(dir: &Path) -> PathBuf {
    dir.join("vault.db.making")
}

/// How the names of copies begin that are kept before a migration.
pub(crate) const BEFORE_MIGRATION: &str = "vault.db.before-";

/// The copy of the store as it was with `version` as its newest migration.
pub(crate) fn before_migration(dir: &Path, version: u32) -> PathBuf {
    dir.join(format!("{BEFORE_MIGRATION}{version}"))
}

/// The mark outside the store.
pub(crate) fn mark(dir: &Path) -> PathBuf {
    dir.join("mark")
}

/// Wrong PINs that the store had no room for.
pub(crate) fn tries(dir: &Path) -> PathBuf {
    dir.join("tries")
}

/// Room that is kept for a full disk.
pub(crate) fn ballast(dir: &Path) -> PathBuf {
    dir.join("ballast")
}

/// The store in which a backup is tried out.
pub(crate) fn trial(dir: &Path) -> PathBuf {
    dir.join("backup-trial.db")
}

/// The lock that makes one process per vault.
pub(crate) fn lock(dir: &Path) -> PathBuf {
    dir.join("lock")
}

/// The machine's secrets, where they are kept under a passphrase.
pub(crate) fn sealed_secrets(dir: &Path) -> PathBuf {
    dir.join("secrets.sealed")
}

/// The folder of one attachment's chunks.
pub(crate) fn attachment(dir: &Path, attachment: &str) -> PathBuf {
    dir.join("attachments").join(attachment)
}

/// The file of one chunk, named by the hash of its ciphertext, under the folder of its attachment.
pub(crate) fn chunk(dir: &Path, attachment: &str, hash: &[u8]) -> PathBuf {
    self::attachment(dir, attachment).join(hex::encode(hash))
}

/// Writes `bytes` so that after any crash the file is either absent (or as before) or whole; synced before it returns.
pub(crate) fn write_whole(path: &Path, bytes: &[u8], between: impl FnOnce()) -> io::Result<()> {
    let folder = path.parent().expect("every file of a vault lies in a folder");
    let half = path.with_extension("half");
    let written = private_file(&half).and_then(|mut file| {
        file.write_all(bytes)?;
        between();
        file.sync_all()
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&half); // what fills a full disk even more
        return Err(error);
    }
    fs::rename(&half, path)?;
    sync_folder(folder)
}

/// Makes the folder's entries durable. Windows has no such call, and needs none for a rename.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Whether `dir` takes a file of `n_bytes`. It is gone afterwards; what a kill leaves of it the next trial overwrites.
pub(crate) fn takes(dir: &Path, n_bytes: usize) -> bool {
    let trial = dir.join("room.trial");
    let taken = private_file(&trial).and_then(|mut file| {
        file.write_all(&vec![1; n_bytes])?;
        file.sync_all()
    });
    let gone = fs::remove_file(&trial);
    taken.is_ok() && gone.is_ok()
}

/// A new, empty file that only this user may read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
