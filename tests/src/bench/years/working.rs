//! A clinic at work, day by day and month by month; and its store in the evening.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Result;
use domain::{NoteSentence, Patient, PatientId, QueueEntryId, QueueState, Role, SoapNote, StaffId, VisitId};
use rand::{SeedableRng, rngs::StdRng};
use seal::{DeviceKeys, PersonKeys, Statement};
use sync_protocol::PeerStore;
use testkit::{TestClock, people::people};
use vault::{
    AuditLine, FACT_CONTEXT, FactBody, FactDraft, MachineSecrets, NewQueueEntry, NewVisit, NoteSigned, Ports,
    StaffEnrolled, Vault, VaultError, Writing,
};

use crate::bench::{
    clinic::{BareClinic, patient, take_what_waits},
    progress::{Progress, say},
};

const N_PATIENTS: usize = 20_000;
pub(super) const VISITS_A_DAY: usize = 82;
pub(super) const DAYS_A_YEAR: usize = 365;
/// The second device hears of what was done so often, in days.
const MONTH: usize = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Nine in the morning of 21 November 2021 in Kuala Lumpur.
const FIRST_MORNING_MS: i64 = 1_637_456_400_000;
/// What is done in a visit, each with its line in the audit.
const ACTIONS: [&str; 6] = [
    "patient.opened",
    "queue.added",
    "note.saved",
    "note.saved",
    "note.signed",
    "record.closed",
];

/// A clinic at work.
pub(super) struct Working {
    folder: PathBuf,
    secrets: MachineSecrets,
    clock: Moved,
    vault: Vault,
    second: Vault,
    replaced: (MachineSecrets, Vec<Statement>),
    doctor: StaffId,
    keys: PersonKeys,
    patients: Vec<Patient>,
    /// Who waits today.
    waiting: Vec<QueueEntryId>,
    n_visits: usize,
}

/// A clinic's store in the evening, and what of it is asked for.
pub(super) struct Closed {
    pub(super) folder: PathBuf,
    pub(super) secrets: MachineSecrets,
    /// What makes a new store of the second device.
    pub(super) replaced: (MachineSecrets, Vec<Statement>),
    pub(super) clock: Moved,
    pub(super) doctor: StaffId,
    pub(super) patients: Vec<Patient>,
    pub(super) waiting: Vec<QueueEntryId>,
}

#[derive(Clone)]
pub(super) struct Moved(pub(super) TestClock);

impl vault::Clock for Moved {
    fn now(&self) -> domain::Instant {
        self.0.now()
    }
}

impl Moved {
    fn ports(&self) -> Ports {
        Ports {
            clock: Arc::new(self.clone()),
            rng: Box::new(StdRng::from_rng(&mut rand::rng())),
        }
    }
}

impl Working {
    pub(super) fn make(folder: &Path, n_days: usize) -> Result<Self> {
        let mut rng = StdRng::from_rng(&mut rand::rng());
        let clinic = BareClinic::found()?;
        let clock = Moved(TestClock::at_ms(FIRST_MORNING_MS));
        let store = |place: &Path, keys: &DeviceKeys, rng: &mut StdRng| -> Result<(MachineSecrets, Vault)> {
            let secrets = MachineSecrets::make(keys, rng);
            let vault = Vault::create(place, &secrets, &clinic.statements, clock.ports())?;
            Ok((secrets, vault))
        };
        let first = folder.join("first");
        let (secrets, vault) = store(&first, &clinic.keys(0)?, &mut rng)?;
        let (of_second, second) = store(&folder.join("second"), &clinic.keys(1)?, &mut rng)?;
        let now = vault.now();
        let mut worked = Self {
            doctor: vault.with_rng(|rng| StaffId::make(now, &mut &mut *rng)),
            keys: PersonKeys::make(&mut rng),
            folder: first,
            secrets,
            clock,
            vault,
            second,
            replaced: (of_second, clinic.statements),
            patients: Vec::new(),
            waiting: Vec::new(),
            n_visits: 0,
        };
        worked.enrol()?;
        let mut strangers = people(13).take(N_PATIENTS).collect::<VecDeque<_>>();
        let mut progress = Progress::of("days of a clinic go by", n_days);
        for day in 0..n_days {
            let new = match day {
                0 => VISITS_A_DAY,
                // Everybody is known in the end.
                day => (strangers.len()).div_ceil(n_days - day),
            };
            let new = strangers.drain(..new.min(strangers.len())).collect();
            worked.a_day(day, new)?;
            if day % MONTH == MONTH - 1 || day + 1 == n_days {
                worked.a_month_ends()?;
            }
            if day + 1 < n_days {
                worked.clock.0.step_ms(DAY_MS);
            }
            progress.at(day);
        }
        Ok(worked)
    }

    fn enrol(&self) -> Result<()> {
        let body = FactBody::StaffEnrolled(StaffEnrolled {
            staff: self.doctor,
            role: Role::Doctor,
            device: self.vault.device(),
            person_public: self.keys.public(),
        });
        Ok(self.vault.write(Some(self.doctor), |w| self.record(w, body))?)
    }

    fn record(&self, w: &mut Writing<'_>, body: FactBody) -> Result<(), VaultError> {
        let draft = FactDraft {
            at: w.now(),
            by: Some(self.doctor),
            body,
        };
        let bytes = draft.bytes_to_sign(&self.vault.tenant(), &self.vault.device())?;
        w.record_fact(&draft, Some(self.keys.sign(FACT_CONTEXT, &bytes)))?;
        Ok(())
    }

    /// New people are registered, everybody who has come is seen; each round of writing is one write, many changes.
    fn a_day(&mut self, day: usize, new: Vec<testkit::people::FakePerson>) -> Result<()> {
        let doctor = Some(self.doctor);
        let registered = self.vault.write(doctor, |w| -> Result<_, VaultError> {
            let today = w.today()?;
            let mut registered = Vec::new();
            for person in new {
                let id = PatientId::make(w.now(), w.rng());
                let patient = patient(id, person);
                w.put_patient(&patient)?;
                w.set_none_known(id, today)?;
                registered.push(patient);
            }
            Ok(registered)
        })?;
        let n_new = registered.len();
        self.patients.extend(registered);
        // The new ones, and others who come back in turn.
        let known = self.patients.len() - n_new;
        let back =
            (0..VISITS_A_DAY - n_new.min(VISITS_A_DAY)).map(|nth| (day * VISITS_A_DAY + nth * 7_919) % known.max(1));
        let came: Vec<PatientId> = (known..self.patients.len())
            .chain(back)
            .take(VISITS_A_DAY)
            .map(|at| self.patients[at].id)
            .collect();
        let mut visits = Vec::new();
        self.waiting.clear();
        self.vault.write(doctor, |w| -> Result<(), VaultError> {
            let today = w.today()?;
            for patient in &came {
                let (visit, entry) = (VisitId::make(w.now(), w.rng()), QueueEntryId::make(w.now(), w.rng()));
                let now = w.now();
                w.open_visit(&NewVisit {
                    id: visit,
                    patient: *patient,
                    day: today,
                    opened_at: now,
                    doctor: Some(self.doctor),
                })?;
                w.add_to_queue(
                    today,
                    &NewQueueEntry {
                        id: entry,
                        patient: *patient,
                        visit,
                        reason: "demam".into(),
                        doctor: None,
                        arrived_at: now,
                    },
                )?;
                visits.push((*patient, visit));
                self.waiting.push(entry);
            }
            Ok(())
        })?;
        for plan in [1, 2, 3] {
            let note = note(plan);
            self.vault.write(doctor, |w| -> Result<(), VaultError> {
                visits.iter().try_for_each(|(_, visit)| w.put_note(*visit, &note))
            })?;
        }
        for state in [QueueState::Called, QueueState::InConsult, QueueState::Done] {
            self.vault.write(doctor, |w| -> Result<(), VaultError> {
                self.waiting
                    .iter()
                    .try_for_each(|entry| w.set_queue_state(*entry, state))
            })?;
        }
        self.vault.write(doctor, |w| -> Result<(), VaultError> {
            for (patient, visit) in &visits {
                let draft = w.visit(*visit)?.ok_or(VaultError::Malformed("visit"))?;
                self.record(
                    w,
                    FactBody::NoteSigned(NoteSigned {
                        patient: *patient,
                        visit: *visit,
                        note: draft.note,
                        diagnoses: draft.diagnoses,
                        vitals: draft.vitals,
                        lines: draft.lines,
                        sensitivity: draft.sensitivity,
                    }),
                )?;
                for action in ACTIONS {
                    self.record(
                        w,
                        FactBody::Audit(AuditLine {
                            action: action.into(),
                            patient: Some(*patient),
                            visit: Some(*visit),
                            detail: String::new(),
                        }),
                    )?;
                }
            }
            Ok(())
        })?;
        self.n_visits += visits.len();
        Ok(())
    }

    /// What one has written the other hears, and both keep house until nothing is left to do.
    fn a_month_ends(&self) -> Result<()> {
        loop {
            let mut did = 0;
            for (one, other) in [(&self.vault, &self.second), (&self.second, &self.vault)] {
                let new = take_what_waits(one)?;
                for batch in new.chunks(4_096) {
                    other.absorb_changes_from_peer(batch.to_vec())?;
                }
                let kept = other.housekeeping(64)?;
                did += new.len() + kept.n_made + kept.n_confirmed + kept.n_dropped + usize::from(kept.more);
            }
            if did == 0 {
                return Ok(());
            }
        }
    }

    pub(super) fn closed(self) -> Result<Closed> {
        let n_changes = self.vault.set_of_changes()?.count;
        say(&format!(
            "that are {} patients, {} visits, {n_changes} live changes",
            self.patients.len(),
            self.n_visits
        ));
        self.vault.checkpoint()?;
        Ok(Closed {
            folder: self.folder,
            secrets: self.secrets,
            replaced: self.replaced,
            clock: self.clock,
            doctor: self.doctor,
            patients: self.patients,
            waiting: self.waiting,
        })
    }
}

impl Closed {
    pub(super) fn open(&self) -> Result<Vault> {
        Ok(Vault::open(&self.folder, &self.secrets, self.clock.ports())?)
    }

    /// A new store of the second device, whose disk broke.
    pub(super) fn replace_the_second(&self, folder: &Path) -> Result<Vault> {
        let (secrets, statements) = &self.replaced;
        Ok(Vault::create(folder, secrets, statements, self.clock.ports())?)
    }

    /// Somebody, all over the years.
    pub(super) fn someone(&self, round: usize) -> &Patient {
        &self.patients[round * 7_919 % self.patients.len()]
    }
}

fn note(n_steps: usize) -> SoapNote {
    let sentence = |text: &str| NoteSentence {
        text: text.to_owned(),
        source: None,
    };
    let plan = ["Paracetamol 500 mg.", "Fluids and rest.", "Review if worse."];
    SoapNote {
        subjective: vec![sentence("Three days of cough and sore throat.")],
        objective: vec![sentence("Throat red, chest clear.")],
        assessment: vec![sentence("Viral pharyngitis.")],
        plan: plan.iter().take(n_steps).map(|text| sentence(text)).collect(),
    }
}
