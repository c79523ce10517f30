//! `vault verify`, `vault rebuild`, `vault backup`, `vault restore`; and how every command opens a store.

use std::{
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use clinic::{
    ErrorCode,
    machine::{SystemClock, read_passphrase_file, system_rng},
    maintenance::{clinics, open_store},
};
use serde_json::json;
use vault::{Ports, Vault};
use zeroize::Zeroizing;

use crate::{
    Around, backup,
    outcome::{Outcome, Trouble},
};

/// Looks after a clinic's store.
#[derive(Subcommand)]
pub enum Store {
    /// Checks every page, every change's hash and signature, and looks for holes. Changes nothing.
    Verify(Which),
    /// Drops the tables and makes them again from the set of sealed changes.
    Rebuild(Which),
    /// Makes a backup in a folder, tests it, and takes away older ones that no day, week or month needs.
    Backup(backup::Backup),
    /// Makes this machine a new device of the clinic whose backup and recovery kit are given.
    Restore(backup::Restore),
}

/// Which store, and its key.
#[derive(Args)]
pub struct Which {
    /// The clinic: its tenant id (hexadecimal) or its name. Needed only where a device is in several.
    #[arg(long, value_name = "CLINIC")]
    clinic: Option<String>,
    /// A file with the passphrase; nobody but its owner may be able to read it (mode 0600).
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Store {
    pub fn run(self, around: &Around) -> Outcome {
        match self {
            Self::Verify(which) => verify(&which.open(around)?, around),
            Self::Rebuild(which) => rebuild(&which.open(around)?, around),
            Self::Backup(it) => it.run(around),
            Self::Restore(it) => it.run(around),
        }
    }
}

fn verify(vault: &Vault, around: &Around) -> Outcome {
    let report = vault.verify().map_err(Trouble::failed)?;
    let whole = report.pages_hold && report.altered.is_empty() && report.unsigned.is_empty() && report.trees_hold;
    let value = json!({
        "whole": whole,
        "pages_hold": report.pages_hold,
        "altered": report.altered.len(),
        "unsigned": report.unsigned.len(),
        "missing": report.missing.len(),
        "trees_hold": report.trees_hold,
        "changes": report.set.count,
    });
    around.tell("vault_verify", &value, |_| {
        let state = if whole { "whole" } else { "DAMAGED" };
        format!(
            "{state}: {} changes, {} altered, {} without a valid signature, {} holes\n",
            report.set.count,
            report.altered.len(),
            report.unsigned.len(),
            report.missing.len()
        )
    })?;
    if whole {
        Ok(())
    } else if report.pages_hold && report.altered.is_empty() && report.unsigned.is_empty() {
        Err(Trouble::failed(
            "every change is whole, but what devices compare is not; run `mediecoctl vault rebuild`",
        ))
    } else {
        Err(Trouble::failed(
            "the store is damaged; restore it from a backup or another device",
        ))
    }
}

fn rebuild(vault: &Vault, around: &Around) -> Outcome {
    let report = vault.rebuild().map_err(Trouble::failed)?;
    let value = json!({
        "applied": report.n_applied,
        "waiting": report.n_waiting,
        "quarantined": report.n_quarantined,
    });
    around.tell("vault_rebuild", &value, |_| {
        let (applied, waiting, aside) = (report.n_applied, report.n_waiting, report.n_quarantined);
        format!("rebuilt: {applied} applied, {waiting} waiting, {aside} put aside\n")
    })
}

/// What a file holds that nobody but its owner may read.
pub fn secret_in(file: &Path) -> Result<Zeroizing<String>, Trouble> {
    read_passphrase_file(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => Trouble::refused(error),
        _ => Trouble::failed(error),
    })
}

/// The real clock and the real randomness.
pub fn ports() -> Ports {
    Ports {
        clock: std::sync::Arc::new(SystemClock),
        rng: (system_rng())(),
    }
}

impl Which {
    /// Opens the store; asks for a passphrase only where a person sits at a terminal.
    pub fn open(&self, around: &Around) -> Result<Vault, Trouble> {
        let data = around.data_dir()?;
        let tenant = self.tenant(around)?;
        let given = self.passphrase_file.as_deref().map(secret_in).transpose()?;
        let open = |passphrase: Option<Zeroizing<String>>| open_store(&data, &tenant, passphrase, ports());
        match open(given) {
            Err(error) if error.code == ErrorCode::PassphraseNeeded && std::io::stdin().is_terminal() => {
                let typed = rpassword::prompt_password("Passphrase of the store: ").map_err(Trouble::failed)?;
                Ok(open(Some(Zeroizing::new(typed)))?)
            }
            opened => Ok(opened?),
        }
    }

    fn tenant(&self, around: &Around) -> Result<String, Trouble> {
        let here = clinics(&around.data_dir()?)?;
        let wanted = |name: &str| here.iter().find(|one| one.tenant == name || one.name == name);
        match (&self.clinic, here.as_slice()) {
            (Some(name), _) => wanted(name).map(|one| one.tenant.clone()),
            (None, [only]) => Some(only.tenant.clone()),
            (None, []) => None,
            (None, several) => {
                let names: Vec<_> = several
                    .iter()
                    .map(|one| format!("{} ({})", one.name, one.tenant))
                    .collect();
                return Err(Trouble::usage(format!("say which with --clinic: {}", names.join(", "))));
            }
        }
        .ok_or_else(|| Trouble::failed("there is no such clinic in this data folder"))
    }
}
