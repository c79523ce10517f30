//! A clinic that was filled once, and kept: five years take most of an hour to fill.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use domain::{Patient, QueueEntryId, StaffId};
use rand::{SeedableRng, rngs::StdRng};
use seal::Statement;
use serde::{Deserialize, Serialize};
use testkit::{TestClock, copy_folder};
use vault::{KeyHolder, MachineSecrets, MarkPlace, PassphraseFile};
use zeroize::Zeroizing;

use super::working::{Closed, Moved, Working};
use crate::people::PASSPHRASE;

/// What the folders of both stores do not say. It is written last: without it a clinic was not filled to its end.
const TOLD: &str = "clinic.json";

#[derive(Serialize, Deserialize)]
struct Told {
    now_ms: i64,
    statements: Vec<Vec<u8>>,
    doctor: StaffId,
    patients: Vec<Patient>,
    waiting: Vec<QueueEntryId>,
}

/// A copy in `folder` of the clinic that is kept in `kept`; filled there, if it is not yet.
pub(super) fn of(kept: &Path, folder: &Path, n_days: usize) -> Result<Closed> {
    if !kept.join(TOLD).exists() {
        if kept.exists() {
            fs::remove_dir_all(kept)?;
        }
        keep(&Working::make(kept, n_days)?.closed()?, kept)?;
    }
    let told: Told = serde_json::from_slice(&fs::read(kept.join(TOLD))?).context("what was kept is told")?;
    let statements = told.statements.iter().map(|bytes| Statement::decode(bytes));
    let store = folder.join("first");
    copy_folder(&kept.join("first"), &store)?;
    Ok(Closed {
        secrets: secrets(kept, "first")?,
        replaced: (secrets(kept, "second")?, statements.collect::<Result<_, _>>()?),
        folder: store,
        clock: Moved(TestClock::at_ms(told.now_ms)),
        doctor: told.doctor,
        patients: told.patients,
        waiting: told.waiting,
    })
}

fn keep(closed: &Closed, kept: &Path) -> Result<()> {
    let (of_second, statements) = &closed.replaced;
    // Of the second device no more than its keys: its store will be another.
    fs::remove_dir_all(kept.join("second"))?;
    for (name, secrets) in [("first", &closed.secrets), ("second", of_second)] {
        holder(kept, name).store(secrets, &mut StdRng::from_rng(&mut rand::rng()))?;
    }
    let told = Told {
        now_ms: closed.clock.0.now_ms(),
        statements: statements.iter().map(Statement::bytes).collect(),
        doctor: closed.doctor,
        patients: closed.patients.clone(),
        waiting: closed.waiting.clone(),
    };
    Ok(fs::write(kept.join(TOLD), serde_json::to_vec(&told)?)?)
}

/// The copy lies elsewhere: it is no copy that anybody should be told of.
fn secrets(kept: &Path, name: &str) -> Result<MachineSecrets> {
    Ok(holder(kept, name).load()?.marked_at(MarkPlace::Nowhere))
}

fn holder(kept: &Path, name: &str) -> PassphraseFile {
    PassphraseFile::new(&kept.join(name), Zeroizing::new(PASSPHRASE.to_owned()))
}
