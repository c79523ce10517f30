//! The folder of backups: what a backup is called, while it is written and after; which of the older ones go.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use domain::{Day, Instant};
use seal::{DeviceId, TenantId};

use super::BackupError;
use crate::files;

/// How many of the latest days, weeks and months that have a backup keep one.
const DAYS: usize = 7;
const WEEKS: usize = 4;
const MONTHS: usize = 12;

const ENDING: &str = ".backup";
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// A backup that is being written. It goes when it is dropped before it was kept.
pub(super) struct Part {
    path: PathBuf,
    folder: PathBuf,
    tenant: TenantId,
    made_at: Instant,
    kept: bool,
}

impl Part {
    /// Begins a file in `folder`, and takes away what a kill left of this device's last try.
    pub fn begin(
        folder: &Path,
        tenant: TenantId,
        device: DeviceId,
        made_at: Instant,
    ) -> Result<(Self, File), BackupError> {
        let ending = format!("{ENDING}.{}.part", short(device.as_bytes()));
        for name in names(folder)? {
            if name.starts_with(&prefix(&tenant)) && name.ends_with(&ending) {
                fs::remove_file(folder.join(name)).map_err(|error| BackupError::in_folder(&error))?;
            }
        }
        let stamp = made_at.0.strftime(STAMP);
        let path = folder.join(format!("{}{stamp}{ending}", prefix(&tenant)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| BackupError::in_folder(&error))?;
        let part = Self {
            path,
            folder: folder.to_owned(),
            tenant,
            made_at,
            kept: false,
        };
        Ok((part, file))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name: from now on it is a backup.
    pub fn keep(mut self) -> Result<PathBuf, BackupError> {
        let path = self.free_name();
        let named = fs::rename(&self.path, &path).and_then(|()| files::sync_folder(&self.folder));
        named.map_err(|error| BackupError::in_folder(&error))?;
        self.kept = true;
        Ok(path)
    }

    /// Its time, or the first second after it that no other backup has.
    fn free_name(&self) -> PathBuf {
        let mut made_at = self.made_at;
        loop {
            let path = self.folder.join(name_of(&self.tenant, made_at));
            let next = Instant::from_millisecond(made_at.as_millisecond().saturating_add(1_000));
            match next {
                Some(next) if path.exists() => made_at = next,
                _ => return path,
            }
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path); // the stick may be gone
        }
    }
}

/// Takes away the backups of this clinic that no day, week or month needs; never `newest`, which has just stood its test.
/// Gives how many went.
pub(super) fn prune(folder: &Path, tenant: &TenantId, newest: &Path) -> Result<usize, BackupError> {
    let stamped = names(folder)?;
    let mut stamped: Vec<(&str, &String)> = stamped
        .iter()
        .filter_map(|name| Some((stamp_of(tenant, name)?, name)))
        .collect();
    stamped.sort();
    let needed = needed(stamped.iter().rev().map(|(stamp, _)| *stamp));
    let mut n_gone = 0;
    for (stamp, name) in stamped {
        let path = folder.join(name);
        if !needed.contains(stamp) && path != newest {
            fs::remove_file(path).map_err(|error| BackupError::in_folder(&error))?;
            n_gone += 1;
        }
    }
    if n_gone > 0 {
        files::sync_folder(folder).map_err(|error| BackupError::in_folder(&error))?;
    }
    Ok(n_gone)
}

/// Of stamps from the newest to the oldest, those to keep: the newest of each of the latest days, weeks and months that
/// have one. Days without a backup are not counted, so that a clock that jumps takes none away.
fn needed<'s>(newest_first: impl Iterator<Item = &'s str>) -> BTreeSet<&'s str> {
    let (mut days, mut weeks, mut months) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut needed = BTreeSet::new();
    for stamp in newest_first {
        let Some(day) = day_of(stamp) else { continue };
        let week = day.0.iso_week_date();
        let of_day = days.len() < DAYS && days.insert(day);
        let of_week = weeks.len() < WEEKS && weeks.insert((week.year(), week.week()));
        let of_month = months.len() < MONTHS && months.insert((day.0.year(), day.0.month()));
        if of_day || of_week || of_month {
            needed.insert(stamp);
        }
    }
    needed
}

fn names(folder: &Path) -> Result<Vec<String>, BackupError> {
    let entries = fs::read_dir(folder).map_err(|error| BackupError::in_folder(&error))?;
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default()));
    names
        .collect::<io::Result<_>>()
        .map_err(|error| BackupError::in_folder(&error))
}

/// `medieco-1a2b3c4d-20261121T180000Z.backup`
fn name_of(tenant: &TenantId, made_at: Instant) -> String {
    format!("{}{}{ENDING}", prefix(tenant), made_at.0.strftime(STAMP))
}

fn prefix(tenant: &TenantId) -> String {
    format!("medieco-{}-", short(tenant.as_bytes()))
}

fn short(id: &[u8; 32]) -> String {
    hex::encode(&id[..4])
}

/// The time in the name of a backup of this clinic; `None` for any other file.
fn stamp_of<'n>(tenant: &TenantId, name: &'n str) -> Option<&'n str> {
    let stamp = name.strip_prefix(&prefix(tenant))?.strip_suffix(ENDING)?;
    let rest: String = stamp
        .chars()
        .map(|letter| if letter.is_ascii_digit() { '0' } else { letter })
        .collect();
    (rest == "00000000T000000Z" && day_of(stamp).is_some()).then_some(stamp)
}

fn day_of(stamp: &str) -> Option<Day> {
    let (year, month, day) = (stamp.get(..4)?, stamp.get(4..6)?, stamp.get(6..8)?);
    format!("{year}-{month}-{day}").parse().ok().map(Day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TENANT: TenantId = TenantId::from_bytes([0xab; 32]);

    fn noon(day: i64) -> Instant {
        Instant::from_millisecond((20_000 + day) * 86_400_000 + 43_200_000).unwrap()
    }

    /// The days, counted from the first, whose backups are kept of those made on `days`.
    fn kept(days: &[i64]) -> Vec<i64> {
        let names: Vec<String> = days.iter().map(|day| name_of(&TENANT, noon(*day))).collect();
        let mut stamps: Vec<&str> = names.iter().map(|name| stamp_of(&TENANT, name).unwrap()).collect();
        stamps.sort();
        let needed = needed(stamps.iter().rev().copied());
        let is_kept = |day: &&i64| needed.contains(stamp_of(&TENANT, &name_of(&TENANT, noon(**day))).unwrap());
        days.iter().filter(is_kept).copied().collect()
    }

    #[test]
    fn of_two_years_seven_days_four_weeks_and_twelve_months_are_kept() {
        let kept = kept(&(0..730).collect::<Vec<_>>());
        assert_eq!(kept[kept.len() - 7..], (723..730).collect::<Vec<_>>());
        assert!((19..=23).contains(&kept.len()), "{kept:?}");
        let span = kept.last().unwrap() - kept[0];
        assert!((300..=366).contains(&span), "a year back: {kept:?}");
    }

    #[test]
    fn a_clock_that_jumped_takes_no_backup_away() {
        let kept = kept(&[1, 2, 3, 4, 5, 6, 20_000]);
        assert_eq!(kept, [1, 2, 3, 4, 5, 6, 20_000]);
    }

    #[test]
    fn what_is_no_backup_of_this_clinic_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = TenantId::from_bytes([0xcd; 32]);
        let foreign = [
            name_of(&other, noon(1)),
            "medieco-abababab-mine.backup".to_owned(),
            "medieco-abababab-20261321T180000Z.backup".to_owned(),
            "medieco-abababab-20260101T000000Z.backup.old".to_owned(),
            "holiday.jpg".to_owned(),
        ];
        for day in 0..40 {
            fs::write(folder.path().join(name_of(&TENANT, noon(day))), b"x").unwrap();
        }
        for name in &foreign {
            fs::write(folder.path().join(name), b"x").unwrap();
        }
        let newest = folder.path().join(name_of(&TENANT, noon(0)));
        let n_gone = prune(folder.path(), &TENANT, &newest).unwrap();
        assert!(newest.exists(), "the one that was just made, whatever the clock said");
        assert!(foreign.iter().all(|name| folder.path().join(name).exists()));
        assert_eq!(names(folder.path()).unwrap().len(), 40 - n_gone + foreign.len());
        assert_eq!(prune(folder.path(), &TENANT, &newest).unwrap(), 0);
    }

    #[test]
    fn a_second_backup_in_the_same_second_gets_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let device = DeviceId::from_bytes([7; 32]);
        let keep = || {
            let (part, _) = Part::begin(folder.path(), TENANT, device, noon(1)).unwrap();
            part.keep().unwrap()
        };
        assert_ne!(keep(), keep());
        let (dropped, _) = Part::begin(folder.path(), TENANT, device, noon(1)).unwrap();
        drop(dropped);
        assert_eq!(names(folder.path()).unwrap().len(), 2, "what was not kept is gone");
    }
}
