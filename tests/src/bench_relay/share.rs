//! A part of one core for a process, as the kernel gives it to a container: cgroups, in either of their versions.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

const V1: &str = "/sys/fs/cgroup/cpu";
const V2: &str = "/sys/fs/cgroup";

/// A process that may run so long in each period, until this is dropped.
pub struct Share {
    group: PathBuf,
    parent: PathBuf,
    pid: u32,
}

impl Share {
    /// Lets this process and its threads together run `micros` microseconds in each period of `period` microseconds.
    ///
    /// # Errors
    /// Where the kernel has no cgroups, or they belong to somebody else.
    pub fn give(pid: u32, micros: u32, period: u32) -> Result<Self> {
        let parent = parent()?;
        let group = parent.join(format!("medieco-bench-{pid}"));
        fs::create_dir(&group).with_context(|| format!("{} cannot be made", group.display()))?;
        let share = Self { group, parent, pid };
        if share.parent == Path::new(V1) {
            put(&share.group.join("cpu.cfs_period_us"), &period.to_string())?;
            put(&share.group.join("cpu.cfs_quota_us"), &micros.to_string())?;
        } else {
            put(&share.group.join("cpu.max"), &format!("{micros} {period}"))?;
        }
        put(&share.group.join("cgroup.procs"), &pid.to_string())?;
        Ok(share)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // A process that has ended has left.
        let back = put(&self.parent.join("cgroup.procs"), &self.pid.to_string());
        if fs::remove_dir(&self.group).is_err() && back.is_err() {
            eprintln!("bench: {} is left behind", self.group.display());
        }
    }
}

fn parent() -> Result<PathBuf> {
    if Path::new(V1).join("cgroup.procs").exists() {
        return Ok(V1.into());
    }
    let v2 = PathBuf::from(V2);
    let known = fs::read_to_string(v2.join("cgroup.controllers")).unwrap_or_default();
    if !known.split_whitespace().any(|name| name == "cpu") {
        bail!("this kernel shares its processors out to no group of processes (cgroups)");
    }
    put(&v2.join("cgroup.subtree_control"), "+cpu")?;
    Ok(v2)
}

fn put(file: &Path, word: &str) -> Result<()> {
    fs::write(file, word).with_context(|| format!("{} takes no {word}", file.display()))
}
