//! A disk that is soon full.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::left_out;

/// A mounted tmpfs of a few kilobytes; unmounted and gone when dropped.
#[derive(Debug)]
pub struct SmallTmpfs(TempDir);

impl SmallTmpfs {
    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallTmpfs {
    fn drop(&mut self) {
        // Lazily: a file that a failed test still holds open must not keep the mount for ever.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).output();
    }
}

/// Mounts a tmpfs of `kib` KiB. Needs root; without it the test is [`left_out`] and this is `None`.
pub fn small_tmpfs(kib: u32) -> Option<SmallTmpfs> {
    let folder = TempDir::new().expect("the temporary folder takes one more");
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={kib}k,mode=0700"), "medieco-test"])
        .arg(folder.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if mounted {
        return Some(SmallTmpfs(folder));
    }
    left_out("a small tmpfs can't be mounted here (it needs root): no test with a full disk");
    None
}
