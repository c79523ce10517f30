//! A clinic without programs: two devices' stores and what one of them wrote, for what is measured below the desk.

use std::{path::Path, sync::Arc};

use anyhow::{Result, ensure};
use clinic::machine::SystemClock;
use domain::{Identifier, NoteSentence, Patient, PatientId, SoapNote, VisitId};
use rand::{SeedableRng, rngs::StdRng};
use rustix::time::{ClockId, clock_gettime};
use seal::{DeviceKeys, EpochSecrets, Membership, Statement};
use sync_protocol::{OutId, SyncStore};
use testkit::people::FakePerson;
use vault::{KeyHolder, MachineSecrets, NewVisit, PassphraseFile, Ports, Vault, VaultError};
use zeroize::Zeroizing;

use super::{bare::store_folder, counter::home};
use crate::people::PASSPHRASE;

/// A clinic of two devices.
pub struct BareClinic {
    /// Who belongs.
    pub statements: Vec<Statement>,
    /// Who belongs, put together.
    pub membership: Membership,
    /// The second device's keys of epochs.
    pub epochs: EpochSecrets,
    devices: [DeviceKeys; 2],
}

impl BareClinic {
    /// Founds one.
    pub fn found() -> Result<Self> {
        let mut rng = StdRng::from_rng(&mut rand::rng());
        let founded = seal::found_tenant(&mut rng, 1000);
        let mut statements = founded.statements;
        let membership = Membership::from_statements(founded.tenant, &statements)?;
        let epochs = EpochSecrets::unwrap(&membership, &founded.device)?;
        let second = DeviceKeys::make(&mut rng);
        let public = second.public();
        statements.push(seal::add_device(
            &membership,
            &epochs,
            &founded.device,
            &public,
            false,
            1001,
            &mut rng,
        )?);
        let membership = Membership::from_statements(founded.tenant, &statements)?;
        let epochs = EpochSecrets::unwrap(&membership, &second)?;
        Ok(Self {
            statements,
            membership,
            epochs,
            devices: [founded.device, second],
        })
    }

    /// A new store of one of its devices.
    pub fn store(&self, folder: &Path, device: usize) -> Result<Vault> {
        let mut rng = StdRng::from_rng(&mut rand::rng());
        let secrets = MachineSecrets::make(&self.devices[device], &mut rng);
        Ok(Vault::create(folder, &secrets, &self.statements, ports())?)
    }

    /// The same below a device's data folder, where [`open_store`](crate::same_set::open_store) finds it.
    pub fn store_at(&self, data: &Path, name: &str, device: usize) -> Result<Vault> {
        let mut rng = StdRng::from_rng(&mut rand::rng());
        let folder = store_folder(data, name);
        let kept = PassphraseFile::new(&folder, Zeroizing::new(PASSPHRASE.to_owned()));
        let secrets = MachineSecrets::make(&self.devices[device], &mut rng).marked_at(kept.marks());
        let vault = Vault::create(&folder, &secrets, &self.statements, ports())?;
        kept.store(&secrets, &mut rng)?;
        Ok(vault)
    }

    /// A device's keys, once more.
    pub fn keys(&self, device: usize) -> Result<DeviceKeys> {
        Ok(DeviceKeys::from_secret_bytes(&self.devices[device].to_secret_bytes())?)
    }
}

/// The secrets of a store that [`BareClinic::store_at`] made.
pub fn secrets_of(data: &Path, name: &str) -> Result<MachineSecrets> {
    let folder = store_folder(data, name);
    Ok(PassphraseFile::new(&folder, Zeroizing::new(PASSPHRASE.to_owned())).load()?)
}

/// This machine's clock, and randomness.
pub fn ports() -> Ports {
    Ports {
        clock: Arc::new(SystemClock),
        rng: Box::new(StdRng::from_rng(&mut rand::rng())),
    }
}

/// A person as she is registered.
pub fn patient(id: PatientId, person: FakePerson) -> Patient {
    Patient {
        id,
        name: person.name,
        identifier: Identifier::MyKad { number: person.mykad },
        birth_date: Some(person.birth_date),
        sex: person.sex,
        phone: person.phone,
        address: home(),
    }
}

/// Registers people in one write, each with an allergy status and `n_visits` visits: two documents and the visits'.
pub fn register(vault: &Vault, people: Vec<FakePerson>, n_visits: usize) -> Result<Vec<VisitId>> {
    let mut visits = Vec::new();
    vault.write(None, |w| -> Result<(), VaultError> {
        let today = w.today()?;
        for person in people {
            let id = PatientId::make(w.now(), w.rng());
            w.put_patient(&patient(id, person))?;
            w.set_none_known(id, today)?;
            for _ in 0..n_visits {
                let visit = VisitId::make(w.now(), w.rng());
                let opened_at = w.now();
                w.open_visit(&NewVisit {
                    id: visit,
                    patient: id,
                    day: today,
                    opened_at,
                    doctor: None,
                })?;
                visits.push(visit);
            }
        }
        Ok(())
    })?;
    Ok(visits)
}

/// The doctor goes on writing: `n` edits of each visit's note, each a change of its own.
pub fn write_notes(vault: &Vault, visits: &[VisitId], n: usize) -> Result<()> {
    let sentence = |text: &str| NoteSentence {
        text: text.to_owned(),
        source: None,
    };
    let plan = [
        "Paracetamol 500 mg.",
        "Fluids and rest.",
        "Review if worse.",
        "Medical certificate, one day.",
    ];
    for edit in 0..n {
        vault.write(None, |w| -> Result<(), VaultError> {
            for visit in visits {
                let note = SoapNote {
                    subjective: vec![sentence("Three days of cough and sore throat.")],
                    objective: vec![sentence("Throat red, chest clear.")],
                    assessment: vec![sentence("Viral pharyngitis.")],
                    plan: plan.iter().cycle().take(edit + 1).map(|text| sentence(text)).collect(),
                };
                w.put_note(*visit, &note)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// Everything that waits to be sent, and marks it sent; there must be something.
pub fn take_changes(vault: &Vault) -> Result<Vec<Vec<u8>>> {
    let taken = take_what_waits(vault)?;
    ensure!(!taken.is_empty(), "nothing was written");
    Ok(taken)
}

/// The same where there may be nothing.
pub fn take_what_waits(vault: &Vault) -> Result<Vec<Vec<u8>>> {
    let mut taken = Vec::new();
    loop {
        let items = vault.outbox(1000, 8 << 20)?;
        if items.is_empty() {
            break;
        }
        vault.mark_sent(&items.iter().map(|item| item.id).collect::<Vec<_>>())?;
        let changes = items.into_iter().filter(|item| matches!(item.id, OutId::Change(_)));
        taken.extend(changes.map(|item| item.bytes));
    }
    Ok(taken)
}

/// Seconds of processor time that this process has used, on all cores together.
pub fn processor_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}
