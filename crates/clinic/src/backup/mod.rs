//! Backups: `backup_state`, `set_backup_folder`, `backup_now`, and the one that is made every day by itself.
//!
//! What a backup is, and its test, are the vault's. Here is when one is made, and what became of it.

mod schedule;
mod told;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vault::{BackupError, BackupOptions, BackupReport, FactBody, FactDraft, Reading};

use crate::{
    Desk, Error, ErrorCode,
    audit::{BACKUP_MADE, DEVICE_SET, Line},
    open::OpenClinic,
    roles::Verb,
    session::Acting,
    syncing::RELAY,
    views::backup::{BackupMade, BackupView},
};

pub(crate) use schedule::Backups;
pub(crate) use told::teller;

const FOLDER: &str = "backup/folder";
const WITH_SOUND: &str = "backup/with_sound";
const LAST: &str = "backup/last";
const PROBLEM: &str = "backup/problem";

/// What is kept of backups in this device's store.
#[derive(Debug, Clone, Default)]
struct Kept {
    folder: Option<PathBuf>,
    with_sound: bool,
    last: Option<BackupMade>,
    problem: Option<ErrorCode>,
}

/// What happened, as it is kept.
#[derive(Serialize, Deserialize)]
struct Problem(ErrorCode);

impl Kept {
    fn read(r: &Reading<'_>) -> Result<Self, Error> {
        let json = |key: &str| Ok::<_, Error>(r.setting(key)?.filter(|text| !text.is_empty()));
        Ok(Self {
            folder: json(FOLDER)?.map(PathBuf::from),
            with_sound: json(WITH_SOUND)?.is_some(),
            last: json(LAST)?.and_then(|text| serde_json::from_str(&text).ok()),
            problem: json(PROBLEM)?
                .and_then(|text| serde_json::from_str(&text).ok())
                .map(|Problem(code)| code),
        })
    }
}

impl Desk {
    /// Where this device's backups stand.
    pub fn backup_state(&self) -> Result<BackupView, Error> {
        let (clinic, _) = self.acting(Verb::SeeDevice)?;
        clinic.backup_view()
    }

    /// From now on a backup goes to `folder` every day, the first one soon; with an empty `folder` none does.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a folder that is not there, or that lies within the app's own data.
    pub fn set_backup_folder(&self, folder: String, with_sound: bool) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ChangeDevice)?;
        let folder = folder.trim();
        if !folder.is_empty() && !is_outside(Path::new(folder), &self.inner.config.data_dir) {
            return Err(Error::invalid("backup_folder"));
        }
        clinic.write(&acting, |w| {
            w.put_setting(FOLDER, folder)?;
            w.put_setting(WITH_SOUND, if with_sound { "yes" } else { "" })?;
            w.remove_setting(PROBLEM)?;
            acting.audit(w, Line::new(DEVICE_SET))?;
            Ok::<_, Error>(())
        })?;
        clinic.backups.look_now();
        clinic.status_changed();
        Ok(())
    }

    /// Makes a backup now, into the folder that is set. It blocks its own thread and nothing else.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `backup` while one is being made, `backup_folder` when none is set,
    /// `on_battery`; [`ErrorCode::BackupFolderMissing`], [`ErrorCode::BackupFolderFull`], [`ErrorCode::BackupNotKept`],
    /// [`ErrorCode::DiskFull`], [`ErrorCode::FileFailed`]. Each leaves the store and older backups as they were.
    pub fn backup_now(&self) -> Result<BackupView, Error> {
        let (clinic, acting) = self.acting(Verb::SeeDevice)?;
        clinic.back_up(Some(&acting))?;
        clinic.backup_view()
    }
}

impl OpenClinic {
    fn backup_view(&self) -> Result<BackupView, Error> {
        let kept = self.read(Kept::read)?;
        Ok(BackupView {
            folder: kept
                .folder
                .map(|folder| folder.to_string_lossy().into_owned())
                .unwrap_or_default(),
            with_sound: kept.with_sound,
            last: kept.last,
            problem: self.backups.problem().or(kept.problem),
            running: self.backups.is_running(),
        })
    }

    /// What the status bar says of backups: when the last one was made, and why a later try made none.
    pub(crate) fn backup_health(&self) -> Result<(Option<domain::Instant>, Option<ErrorCode>), Error> {
        let kept = self.read(Kept::read)?;
        Ok((kept.last.map(|made| made.at), self.backups.problem().or(kept.problem)))
    }

    /// Makes one backup, and remembers what became of it; `by` is who asked for it.
    fn back_up(&self, by: Option<&Acting>) -> Result<(), Error> {
        let kept = self.read(Kept::read)?;
        let folder = kept.folder.ok_or_else(|| Error::not_now("backup_folder"))?;
        if self.power.heavy_work_paused() {
            return Err(Error::not_now("on_battery"));
        }
        let begun = self.backups.begin().ok_or_else(|| Error::not_now("backup"))?;
        self.status_changed();
        let options = BackupOptions {
            folder: folder.clone(),
            with_sound: kept.with_sound,
            relay: self.read(|r| Ok(r.setting(RELAY)?))?,
        };
        let go_on = || !begun.is_stopped() && !self.power.heavy_work_paused();
        let outcome = self
            .vault
            .back_up(&options, &mut teller(&self.config.events, go_on))
            .map_err(Error::from);
        drop(begun);
        let outcome = match outcome {
            Ok(report) => {
                self.backups.set_problem(None);
                self.remember_backup(&folder, &report, by);
                Ok(())
            }
            Err(error) if error.code == ErrorCode::Cancelled && self.power.heavy_work_paused() => {
                Err(Error::not_now("on_battery"))
            }
            Err(error) if error.code == ErrorCode::Cancelled => Err(error),
            Err(error) => {
                tracing::warn!(code = ?error.code, "no backup was made");
                self.backups.set_problem(Some(error.code));
                self.remember_problem(error.code);
                Err(error)
            }
        };
        self.status_changed();
        outcome
    }

    /// The backup is made, whether this finds room or not.
    fn remember_backup(&self, folder: &Path, report: &BackupReport, by: Option<&Acting>) {
        let name = |path: Option<&std::ffi::OsStr>| path.unwrap_or_default().to_string_lossy().into_owned();
        let made = BackupMade {
            at: self.vault.now(),
            folder: folder.to_string_lossy().into_owned(),
            file: name(report.file.file_name()),
            bytes: report.n_bytes,
            sound_missing: u32::try_from(report.n_chunks_missing).unwrap_or(u32::MAX),
        };
        let text = serde_json::to_string(&made).expect("plain text and numbers");
        let kept = self.vault.write(None, |w| {
            w.put_setting(LAST, &text)?;
            Ok::<_, Error>(w.remove_setting(PROBLEM)?)
        });
        if let Err(error) = kept {
            tracing::warn!(code = ?error.code, "that a backup was made was not remembered");
        }
        // Apart from it: a device that was removed from its clinic keeps settings, and writes no facts.
        let line = Line::new(BACKUP_MADE).about(&made.file);
        let audited = self.vault.write(by.map(Acting::id), |w| match by {
            Some(acting) => acting.audit(w, line).map(drop),
            None => {
                let draft = FactDraft {
                    at: w.now(),
                    by: None,
                    body: FactBody::Audit(line.into()),
                };
                Ok::<_, Error>(w.record_fact(&draft, None).map(drop)?)
            }
        });
        if let Err(error) = audited {
            tracing::warn!(code = ?error.code, "that a backup was made was not audited");
        }
    }

    fn remember_problem(&self, code: ErrorCode) {
        let text = serde_json::to_string(&Problem(code)).expect("a word");
        let kept = self
            .vault
            .write(None, |w| Ok::<_, Error>(w.put_setting(PROBLEM, &text)?));
        if let Err(error) = kept {
            tracing::warn!(code = ?error.code, "that no backup was made was not remembered");
        }
    }
}

/// Whether `folder` is a folder, and none within the app's own: what is beside the store goes with it.
pub(crate) fn is_outside(folder: &Path, data_dir: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    match (real(folder), real(data_dir)) {
        (Some(folder), Some(data)) => folder.is_dir() && !folder.starts_with(data),
        _ => false,
    }
}

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::FolderMissing => ErrorCode::BackupFolderMissing.into(),
            BackupError::FolderFull => ErrorCode::BackupFolderFull.into(),
            BackupError::Folder(_) => ErrorCode::FileFailed.into(),
            BackupError::Differs(what) => {
                tracing::error!(what, "a backup did not stand its test");
                ErrorCode::BackupNotKept.into()
            }
            BackupError::Cancelled => ErrorCode::Cancelled.into(),
            BackupError::NotABackup | BackupError::Damaged => ErrorCode::BackupUnreadable.into(),
            BackupError::Newer => ErrorCode::BackupNewer.into(),
            BackupError::WrongKeys => ErrorCode::KitForeign.into(),
            BackupError::AlreadyHere => ErrorCode::AlreadyMember.into(),
            BackupError::Vault(error) => error.into(),
            BackupError::Open(error) => error.into(),
            BackupError::Key(error) => error.into(),
        }
    }
}
