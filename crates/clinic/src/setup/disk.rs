//! `desk.json`: which clinics are on this device, and where a set-up stands. No secret and no patient is in it.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Mutex,
};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorCode};

/// What is kept outside every store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    /// Clinics that this device is a member of.
    pub clinics: Vec<KeptClinic>,
    /// The clinic that was open last.
    pub last_open: Option<String>,
    /// A clinic that was founded here and whose invitation was not redeemed for certain.
    pub founding: Option<String>,
    /// A clinic whose backup is being restored here; what is here of it may be half.
    pub restoring: Option<String>,
    /// Clinics that were left; what is here of them has to go.
    pub leaving: Vec<Leaving>,
    /// Nobody wants to import a model now.
    pub model_skipped: bool,
    /// Language of the screens: `ms` or `en`.
    pub language: Option<String>,
}

/// A clinic that is being left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leaving {
    pub tenant: String,
    /// Its keys lie under a passphrase and not in the system's keyring.
    pub under_passphrase: bool,
}

/// One clinic on this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptClinic {
    pub tenant: String,
    pub name: String,
}

/// The file, and what it says.
pub(crate) struct DeskFile {
    path: PathBuf,
    kept: Mutex<Kept>,
}

impl DeskFile {
    /// Reads `desk.json` in `data_dir`; a device without one is new.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(data_dir).map_err(|_| ErrorCode::FileFailed)?;
        let path = data_dir.join("desk.json");
        let kept = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| ErrorCode::FileFailed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Kept::default(),
            Err(_) => return Err(ErrorCode::FileFailed.into()),
        };
        Ok(Self {
            path,
            kept: Mutex::new(kept),
        })
    }

    pub(crate) fn kept(&self) -> Kept {
        self.kept.lock().expect("nobody panics under this lock").clone()
    }

    pub(crate) fn last_open(&self) -> Option<String> {
        self.kept().last_open
    }

    /// Changes what is kept, and is on disk when it returns.
    pub(crate) fn change(&self, f: impl FnOnce(&mut Kept)) -> Result<(), Error> {
        let mut kept = self.kept.lock().expect("nobody panics under this lock");
        let mut next = kept.clone();
        f(&mut next);
        if next == *kept {
            return Ok(()); // opening the same clinic again needs no room on the disk
        }
        let text = serde_json::to_vec_pretty(&next).expect("plain text and lists");
        replace_file(&self.path, &text).map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull => ErrorCode::DiskFull,
            _ => ErrorCode::FileFailed,
        })?;
        *kept = next;
        Ok(())
    }

    /// Remembers a clinic, with its newest name, as the one that is open.
    pub(crate) fn remember(&self, tenant: &str, name: &str) -> Result<(), Error> {
        self.change(|kept| {
            kept.clinics.retain(|clinic| clinic.tenant != tenant);
            kept.clinics.push(KeptClinic {
                tenant: tenant.to_owned(),
                name: name.to_owned(),
            });
            kept.last_open = Some(tenant.to_owned());
            if kept.founding.as_deref() == Some(tenant) {
                kept.founding = None;
            }
            if kept.restoring.as_deref() == Some(tenant) {
                kept.restoring = None;
            }
        })
    }
}

/// The old text or the new, never half of one. On a full disk nothing of the new one stays.
fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("json.new");
    let write = || {
        let mut file = fs::File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside)))?;
    fs::rename(&beside, path)?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_there_after_a_restart() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = DeskFile::open(dir.path()).expect("a new file");
        file.change(|kept| kept.founding = Some("aa".to_owned()))
            .expect("written");
        file.remember("aa", "Klinik Seri Mawar").expect("written");
        file.remember("aa", "Klinik Seri Mawar Baru").expect("written");

        let kept = DeskFile::open(dir.path()).expect("read").kept();
        assert_eq!(
            kept.clinics,
            [KeptClinic {
                tenant: "aa".to_owned(),
                name: "Klinik Seri Mawar Baru".to_owned()
            }]
        );
        assert_eq!(kept.last_open.as_deref(), Some("aa"));
        assert_eq!(kept.founding, None);
    }

    #[test]
    fn a_damaged_file_is_told_and_left_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("desk.json"), b"{").expect("written");
        assert!(DeskFile::open(dir.path()).is_err());
        assert_eq!(fs::read(dir.path().join("desk.json")).expect("still there"), b"{");
    }
}
