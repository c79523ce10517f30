//! What a person who looks after a machine does with a store that no screen has open. `mediecoctl` is made of it.
//!
//! Nobody is signed in here: whoever has the store's key can do it, as she could with the file itself.

use std::path::Path;

use domain::PatientId;
use vault::{Ports, Vault};
use zeroize::Zeroizing;

use crate::{
    Error, ErrorCode,
    setup::{DeskFile, clinic_dir, load_secrets},
    sharing::whole_record,
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
