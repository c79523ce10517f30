//! What a person who looks after a machine does with a store that no screen has open. `mediecoctl` is made of it.
//!
//! Nobody is signed in here: whoever has the store's key can do it, as she could with the file itself.

use std::path::Path;

use domain::PatientId;
use vault::{BackupOptions, BackupReport, Ports, Vault, Watch};
use zeroize::Zeroizing;

use crate::{
    Error, ErrorCode,
    setup::{DeskFile, ToRestore, clinic_dir, load_secrets, restore_into},
    sharing::whole_record,
    syncing::RELAY,
    views::setup::Protection,
};

/// A clinic on this device.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClinicHere {
    /// Tenant id, hexadecimal.
    pub tenant: String,
    /// Name.
    pub name: String,
}

/// The clinics in a data folder.
pub fn clinics(data_dir: &Path) -> Result<Vec<ClinicHere>, Error> {
    if !data_dir.is_dir() {
        return Err(ErrorCode::NotFound.into());
    }
    let kept = DeskFile::open(data_dir)?.kept();
    Ok(kept
        .clinics
        .into_iter()
        .map(|one| ClinicHere {
            tenant: one.tenant,
            name: one.name,
        })
        .collect())
}

/// Opens the store of `tenant`, by the keyring or by its passphrase.
///
/// # Errors
/// [`ErrorCode::StoreBusy`] while the app has it open; [`ErrorCode::PassphraseNeeded`]; whatever keeps a store from
/// being opened.
pub fn open_store(
    data_dir: &Path,
    tenant: &str,
    passphrase: Option<Zeroizing<String>>,
    ports: Ports,
) -> Result<Vault, Error> {
    let dir = clinic_dir(data_dir, tenant);
    Ok(Vault::open(&dir, &load_secrets(&dir, passphrase)?, ports)?)
}

/// All that is signed of one patient, sensitive visits included, as one FHIR R4 document: for the patient herself.
pub fn export_patient(vault: &Vault, patient: PatientId) -> Result<serde_json::Value, Error> {
    vault.read(|r| whole_record(r, patient))
}

/// Makes a backup in `folder`; older ones that no day, week or month needs go.
pub fn back_up(vault: &Vault, folder: &Path, with_sound: bool, watch: Watch<'_>) -> Result<BackupReport, Error> {
    let options = BackupOptions {
        folder: folder.to_owned(),
        with_sound,
        relay: vault.read(|r| Ok::<_, Error>(r.setting(RELAY)?))?,
    };
    Ok(vault.back_up(&options, watch)?)
}

/// A clinic that was restored into a data folder.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RestoredHere {
    /// It.
    #[serde(flatten)]
    pub clinic: ClinicHere,
    /// When the backup was made, in milliseconds since 1970.
    pub made_at_ms: i64,
    /// Changes in it.
    pub changes: u64,
    /// Chunks of sound in it.
    pub chunks: u64,
}

/// Makes this machine a new device of the clinic whose backup `file` is, by the words of its recovery kit. Without a
/// passphrase the keyring keeps its key.
///
/// # Errors
/// As `Desk::restore_clinic`.
pub fn restore(
    data_dir: &Path,
    file: &Path,
    words: Zeroizing<String>,
    passphrase: Option<Zeroizing<String>>,
    ports: Ports,
    watch: Watch<'_>,
) -> Result<RestoredHere, Error> {
    let desk_file = DeskFile::open(data_dir)?;
    let input = ToRestore {
        file: file.to_owned(),
        words,
        protection: passphrase.map_or(Protection::Keyring, |passphrase| Protection::Passphrase {
            passphrase: passphrase.to_string(),
        }),
    };
    let restored = restore_into(&desk_file, data_dir, input, ports, watch)?;
    let profile = restored.vault.read(|r| Ok::<_, Error>(r.clinic_profile()?))?;
    let clinic = ClinicHere {
        tenant: restored.vault.tenant().to_string(),
        name: profile.map(|profile| profile.name).unwrap_or_default(),
    };
    desk_file.remember(&clinic.tenant, &clinic.name)?;
    Ok(RestoredHere {
        clinic,
        made_at_ms: restored.made_at_ms,
        changes: restored.n_changes,
        chunks: restored.n_chunks,
    })
}
