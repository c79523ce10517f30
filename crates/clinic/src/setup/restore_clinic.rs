//! `restore_clinic`: a new device of a clinic, from a backup and the recovery kit.
//!
//! Which clinic is being restored stands in `desk.json`, so that what a power cut left of it is known as that: it is taken
//! away, and the same input is simply given again.

use std::{
    fs,
    path::{Path, PathBuf},
};

use seal::RecoveryKit;
use sync_client::RelayAddress;
use vault::{FactBody, FactDraft, Ports, Restored, Watch, backup_head};
use zeroize::Zeroizing;

use super::{disk::DeskFile, keys};
use crate::{
    Desk, Error, ErrorCode,
    audit::{CLINIC_RESTORED, Line},
    backup::teller,
    syncing::RELAY,
    views::{backup::RestoreClinic, setup::Protection},
};

impl Desk {
    /// Makes this a new device of the clinic, with an admin's rights, and opens it; nobody is signed in. What the backup
    /// does not have arrives by syncing, and the relay is offered what it may have lost. Tells
    /// [`DeskEvent::BackupProgress`](crate::DeskEvent::BackupProgress).
    ///
    /// # Errors
    /// [`ErrorCode::KitWrong`] for what are no words of a kit, [`ErrorCode::KitForeign`] for those of another clinic's;
    /// [`ErrorCode::BackupUnreadable`], [`ErrorCode::BackupNewer`], [`ErrorCode::AlreadyMember`]; after any of them there
    /// is nothing of it on this device.
    pub fn restore_clinic(&self, input: RestoreClinic) -> Result<(), Error> {
        let input = ToRestore {
            file: PathBuf::from(input.file),
            words: Zeroizing::new(input.words),
            protection: input.protection,
        };
        let config = &self.inner.config;
        let watch = &mut teller(&config.events, || true);
        let restored = restore_into(&self.inner.file, &config.data_dir, input, self.ports(), watch)?;
        self.put_on_desk(self.start_clinic(restored.vault)?)
    }
}

/// What is restored, and how the new store's key is kept.
pub(crate) struct ToRestore {
    pub file: PathBuf,
    pub words: Zeroizing<String>,
    pub protection: Protection,
}

/// Makes the store. The clinic is not listed yet: that is the caller's, and the last step.
pub(crate) fn restore_into(
    desk_file: &DeskFile,
    data_dir: &Path,
    input: ToRestore,
    ports: Ports,
    watch: Watch<'_>,
) -> Result<Restored, Error> {
    keys::check(&input.protection)?;
    let kit = RecoveryKit::from_words(&words_in(&input.words))?;
    let tenant = backup_head(&input.file).map_err(of_file)?.tenant().to_string();
    let kept = desk_file.kept();
    if kept.clinics.iter().any(|clinic| clinic.tenant == tenant) {
        return Err(ErrorCode::AlreadyMember.into());
    }
    let dir = keys::clinic_dir(data_dir, &tenant);
    if kept.restoring.as_deref() == Some(tenant.as_str()) && dir.exists() {
        fs::remove_dir_all(&dir).map_err(|_| ErrorCode::FileFailed)?;
    }
    desk_file.change(|kept| kept.restoring = Some(tenant.clone()))?;
    let holder = keys::holder(&dir, input.protection);
    let restored = vault::restore(&input.file, &kit, &dir, &*holder, ports, watch).map_err(of_file);
    match restored {
        Ok(restored) => {
            dress(&restored)?;
            Ok(restored)
        }
        Err(error) => {
            desk_file.change(|kept| kept.restoring = None)?;
            Err(error)
        }
    }
}

/// What the new device must know beside the records.
fn dress(restored: &Restored) -> Result<(), Error> {
    let relay = restored.relay.as_deref();
    let relay = relay.and_then(|text| text.parse::<RelayAddress>().ok());
    restored.vault.write(None, |w| {
        if let Some(relay) = relay {
            w.put_setting(RELAY, &relay.to_string())?;
        }
        let draft = FactDraft {
            at: w.now(),
            by: None,
            body: FactBody::Audit(Line::new(CLINIC_RESTORED).about(restored.made_at_ms).into()),
        };
        w.record_fact(&draft, None)?;
        Ok::<_, Error>(())
    })?;
    // What was written after the backup.
    Ok(restored.vault.begin_arriving()?)
}

/// What is said of a file that is read, not of a folder that is written to.
fn of_file(error: vault::BackupError) -> Error {
    match error {
        vault::BackupError::FolderMissing => ErrorCode::FileFailed.into(),
        other => other.into(),
    }
}

/// The words alone: of a text that numbers them, as the saved kit does, those behind the numbers; else all.
fn words_in(text: &str) -> Zeroizing<String> {
    let numbered = text.lines().filter_map(|line| {
        let (number, word) = line.split_once('.')?;
        number.trim().parse::<u8>().ok().map(|_| word.trim())
    });
    let mut words = Zeroizing::new(String::with_capacity(text.len() + 1));
    for word in numbered {
        words.push_str(word);
        words.push(' ');
    }
    if words.is_empty() {
        Zeroizing::new(text.to_owned())
    } else {
        words
    }
}
