//! Every way in which a device goes down, and what it then finds on its disk.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};
use testkit::SeededRng;
use vault::{OpenError, Vault};

use super::{Device, Kept, Own, STORE, disk, ports};
use crate::simulate::chance::{below, percent};

/// Copies of one device that are kept at a time.
const COPIES: usize = 3;

impl Device {
    /// Closes in order, and opens again.
    pub(in crate::simulate) fn restart(&mut self, rng: &mut SeededRng) -> Result<()> {
        self.vault = None;
        self.open(rng)
    }

    /// The power goes, and comes back.
    pub(in crate::simulate) fn power_cut(&mut self, rng: &mut SeededRng) -> Result<()> {
        let left = self.next_folder();
        disk::copy(&self.dir, &left)?;
        if percent(rng, 60) {
            disk::litter(&left, STORE, rng)?;
        }
        self.lose_the_mark(&left, rng)?;
        self.go_on_in(left, rng)
    }

    /// The folder as it is now, for [`Device::die_in_the_commit`].
    pub(in crate::simulate) fn before_a_commit(&mut self) -> Result<PathBuf> {
        let before = self.next_folder();
        disk::copy(&self.dir, &before)?;
        Ok(before)
    }

    /// The power went in the middle of the one commit since `before`.
    pub(in crate::simulate) fn die_in_the_commit(&mut self, before: &Path, rng: &mut SeededRng) -> Result<()> {
        let left = self.next_folder();
        disk::tear(before, &self.dir, &left, STORE, rng)?;
        fs::remove_dir_all(before)?;
        self.go_on_in(left, rng)
    }

    /// Copies the folder aside.
    pub(in crate::simulate) fn keep_copy(&mut self) -> Result<()> {
        let dir = self.next_folder();
        disk::copy(&self.dir, &dir)?;
        if self.copies.len() == COPIES {
            fs::remove_dir_all(self.copies.remove(0).dir)?;
        }
        self.copies.push(Kept {
            dir,
            held: self.held.clone(),
            own: self.own.clone(),
            lineage: self.lineage,
            opening: self.opening(),
        });
        Ok(())
    }

    /// Puts an older copy in place of the store; `false` when there is none. Without `its_mark` the present mark stays
    /// beside it, and the store must be found behind it.
    pub(in crate::simulate) fn put_back(&mut self, which: usize, its_mark: bool, rng: &mut SeededRng) -> Result<bool> {
        if self.copies.is_empty() {
            return Ok(false);
        }
        let at = which % self.copies.len();
        let left = self.next_folder();
        disk::copy(&self.copies[at].dir, &left)?;
        if !its_mark {
            fs::copy(self.dir.join("mark"), left.join("mark"))?;
        }
        let kept = &self.copies[at];
        let is_older = kept.lineage == self.lineage && kept.held != self.held;
        let within_one_opening = kept.opening == Some(self.n_openings);
        self.held = kept.held.clone();
        self.own = kept.own.clone();
        self.lineage += 1;
        self.move_to(left)?;
        if !its_mark {
            let opened = Vault::open(&self.dir, &self.secrets, ports(&self.clock, rng));
            ensure!(
                !is_older || matches!(opened, Err(OpenError::Behind { .. })),
                "{}: nobody noticed that the store was put back",
                self.name
            );
            drop(opened);
            vault::forget_mark(&self.dir)?;
        }
        self.open(rng)?;
        ensure!(
            within_one_opening || self.vault().is_a_copy(),
            "{}: it gives numbers again that it gave in a later opening",
            self.name
        );
        Ok(true)
    }

    /// The power goes, at a disk that had lied about syncing: the end of the log never came to it, nor, with `mark_too`,
    /// did the mark. Where the mark stayed, a store that has lost a commit must be found behind it.
    ///
    /// Returns whether anything was lost.
    pub(in crate::simulate) fn lose_what_was_synced(&mut self, mark_too: bool, rng: &mut SeededRng) -> Result<bool> {
        let left = self.next_folder();
        disk::copy(&self.dir, &left)?;
        disk::lose_the_end(&left, STORE, rng)?;
        if mark_too {
            fs::write(left.join("mark"), &self.first_mark)?;
        }
        self.lineage += 1;
        self.move_to(left)?;
        let before = std::mem::take(&mut self.held);
        let own = std::mem::take(&mut self.own);
        let behind = match Vault::open(&self.dir, &self.secrets, ports(&self.clock, rng)) {
            Ok(_) => false,
            Err(OpenError::Behind { .. }) => true,
            Err(error) => bail!("{} does not open: {error}", self.name),
        };
        if behind {
            vault::forget_mark(&self.dir)?;
        }
        self.open(rng)?;
        let lost = before.beyond(&self.held).is_some();
        ensure!(
            self.held.beyond(&before).is_none(),
            "{} holds what it never wrote",
            self.name
        );
        ensure!(
            mark_too || behind || !lost,
            "{}: nobody noticed that the disk had lied",
            self.name
        );
        self.keep_of(own)?;
        Ok(lost)
    }

    /// Of what it had acknowledged for itself alone, whatever is still there.
    fn keep_of(&mut self, own: Own) -> Result<()> {
        for (release, patient) in own.releases {
            let rows = self.vault().read(|r| r.releases_made(patient))?;
            if rows.iter().any(|row| row.id == release) {
                self.own.releases.insert(release, patient);
            }
        }
        for (recording, n_chunks) in own.recordings {
            if let Some(here) = self.vault().read(|r| r.recording(recording))? {
                self.own.recordings.insert(recording, n_chunks.min(here.n_chunks));
            }
        }
        Ok(())
    }

    /// A mark is not synced at every commit: the disk may still have an older one, or half of it.
    fn lose_the_mark(&mut self, folder: &Path, rng: &mut SeededRng) -> Result<()> {
        let path = folder.join("mark");
        self.lineage += 1;
        match below(rng, 4) {
            0 if !self.first_mark.is_empty() => fs::write(path, &self.first_mark)?,
            1 => {
                let mut mark = fs::read(&path)?;
                let slot = 64 * below(rng, 2);
                mark[slot..slot + 64].fill(0);
                fs::write(path, mark)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn go_on_in(&mut self, folder: PathBuf, rng: &mut SeededRng) -> Result<()> {
        self.move_to(folder)?;
        self.open(rng)
    }

    fn move_to(&mut self, folder: PathBuf) -> Result<()> {
        self.vault = None;
        Ok(fs::remove_dir_all(std::mem::replace(&mut self.dir, folder))?)
    }
}
