//! What people do, each as one write of the real vault.

use anyhow::Result;
use domain::{
    Address, Allergy, AllergyId, AllergyStatus, AllergyVerification, AttachmentId, Day, DispensingId, Frequency,
    Identifier, LineId, Milligrams, NoteSentence, Patient, PatientId, PrescriptionLine, QueueEntryId, QueueState,
    RecordingId, Role, Route, Severity, SoapNote, VisitId, Vitals,
};
use testkit::SeededRng;
use vault::{
    Dispensed, DispensedItem, FACT_CONTEXT, FactBody, FactDraft, NewQueueEntry, NewRecording, NewVisit, NoteSigned,
    StaffEnrolled, Vault, VaultError, Visit, Writing,
};

use super::chance::{below, bytes, pick};
use super::device::{Device, acknowledged};
use super::plan::Deed;
use super::world::World;

/// Patients that are worked with; the newest ones, so that devices meet in the same documents.
const AT_WORK: u32 = 6;

impl World {
    /// Does one deed at a device. Returns what came of it, in words.
    pub(super) fn perform(&mut self, who: usize, deed: Deed, rng: &mut SeededRng) -> Result<String> {
        if deed == Deed::Want {
            return self.want(who, rng);
        }
        // What an erasure makes live again was written before.
        let device = &self.devices[who];
        let before = device.held.changes.union(&device.covered).copied().collect();
        let done = match deed {
            Deed::Grant | Deed::Release | Deed::Revoke | Deed::RevokeUnheard => self.share(who, deed, rng)?,
            Deed::Erase => self.erase(who, rng)?,
            Deed::Record | Deed::Chunk | Deed::FinishRecording => self.devices[who].record(deed, rng)?,
            deed => self.devices[who].write(deed, rng)?,
        };
        let full = self.devices[who].full;
        // Nobody is here yet for whom that could be done.
        let mut done = done;
        for instead in [Deed::OpenVisit, Deed::Register] {
            if done.is_none() && !full {
                done = self.devices[who].write(instead, rng)?;
            }
        }
        match done {
            Some(()) => self.figures.n_writes += 1,
            None => self.figures.n_refused += u64::from(full),
        }
        self.devices[who].look()?;
        self.model.saw(&self.devices[who]);
        self.check_epochs(who, &before)?;
        let (device, done) = (&self.devices[who], done.map_or("nothing", |()| "done"));
        Ok(format!(
            "{} {deed:?}: {done}; holds {}",
            device.name,
            device.held.changes.len()
        ))
    }

    /// The person at this device gets a signing key.
    pub(super) fn enrol(&mut self, who: usize) -> Result<()> {
        let device = &mut self.devices[who];
        let enrolled = FactBody::StaffEnrolled(StaffEnrolled {
            staff: device.staff,
            role: Role::Doctor,
            device: device.vault().device(),
            person_public: device.person.public(),
        });
        device
            .vault()
            .write(Some(device.staff), |w| sign(device, w, enrolled))?;
        device.look()?;
        self.model.saw(device);
        Ok(())
    }
}

/// Records a fact under the person's signature.
pub(super) fn sign(device: &Device, w: &mut Writing<'_>, body: FactBody) -> Result<(), VaultError> {
    let draft = FactDraft {
        at: w.now(),
        by: Some(device.staff),
        body,
    };
    let signed = draft.bytes_to_sign(&device.tenant(), &device.vault().device())?;
    let signature = device.person.sign(FACT_CONTEXT, &signed);
    w.record_fact(&draft, Some(signature)).map(drop)
}

impl Device {
    fn write(&self, deed: Deed, rng: &mut SeededRng) -> Result<Option<()>> {
        let vault = self.vault();
        let written = vault.write(Some(self.staff), |w| match deed {
            Deed::Register => w.put_patient(&newcomer(rng)),
            Deed::Queue => self.queue(w, rng),
            Deed::MoveOn => {
                let queue = w.queue(w.today()?)?;
                let entry = pick(rng, &queue).ok_or(VaultError::NotFound("queue entry"))?;
                let states = [QueueState::Called, QueueState::InConsult, QueueState::Done];
                w.set_queue_state(entry.id, states[below(rng, 3)])
            }
            Deed::EditPhone => {
                let mut patient = somebody(w, rng)?;
                patient.phone = format!("+60 12-{:07}", below(rng, 10_000_000));
                w.put_patient(&patient)
            }
            Deed::Allergy => self.allergy(w, rng),
            Deed::OpenVisit => {
                let new = NewVisit {
                    id: VisitId::from_bytes(bytes(rng)),
                    patient: somebody(w, rng)?.id,
                    day: w.today()?,
                    opened_at: w.now(),
                    doctor: Some(self.staff),
                };
                w.open_visit(&new)
            }
            Deed::Draft => {
                let visit = some_visit(w, rng)?;
                w.put_note(visit.id, &note(rng))?;
                w.put_line(visit.id, &line(rng))
            }
            Deed::Sign => {
                let visit = some_visit(w, rng)?;
                let body = FactBody::NoteSigned(NoteSigned {
                    patient: visit.patient,
                    visit: visit.id,
                    note: visit.note,
                    diagnoses: visit.diagnoses,
                    vitals: Vitals::default(),
                    lines: visit.lines,
                    sensitivity: visit.sensitivity,
                });
                sign(self, w, body)
            }
            _ => self.dispense(w, rng),
        });
        acknowledged(written, self.full)
    }

    fn queue(&self, w: &mut Writing<'_>, rng: &mut SeededRng) -> Result<(), VaultError> {
        let new = NewQueueEntry {
            id: QueueEntryId::from_bytes(bytes(rng)),
            patient: somebody(w, rng)?.id,
            visit: VisitId::from_bytes(bytes(rng)),
            reason: "demam".into(),
            doctor: None,
            arrived_at: w.now(),
        };
        let day: Day = w.today()?;
        w.add_to_queue(day, &new).map(drop)
    }

    fn allergy(&self, w: &mut Writing<'_>, rng: &mut SeededRng) -> Result<(), VaultError> {
        let patient = somebody(w, rng)?.id;
        let severity = [Severity::Mild, Severity::Moderate, Severity::Severe][below(rng, 3)];
        let known = match w.allergies(patient)? {
            AllergyStatus::Known { allergies } => allergies,
            _ => Vec::new(),
        };
        let allergy = match pick(rng, &known) {
            Some(known) if below(rng, 2) == 0 => Allergy {
                severity,
                ..known.clone()
            },
            _ => Allergy {
                id: AllergyId::from_bytes(bytes(rng)),
                substance: "Penicillin".into(),
                substance_key: Some("penicillins".into()),
                reaction: "ruam".into(),
                severity,
                verification: AllergyVerification::PatientReported,
                recorded_at: w.now(),
                recorded_by: self.staff,
            },
        };
        w.record_allergy(patient, &allergy)
    }

    fn dispense(&self, w: &mut Writing<'_>, rng: &mut SeededRng) -> Result<(), VaultError> {
        let visit = some_visit(w, rng)?;
        let serial = w.next_prescription_serial()?;
        let items = vec![DispensedItem {
            line: line(rng),
            quantity: 18,
            batch: None,
        }];
        let body = FactBody::Dispensed(Dispensed {
            patient: visit.patient,
            visit: visit.id,
            dispensing: DispensingId::from_bytes(bytes(rng)),
            serial,
            items,
        });
        sign(self, w, body)
    }

    fn record(&mut self, deed: Deed, rng: &mut SeededRng) -> Result<Option<()>> {
        let running: Vec<RecordingId> = self.own.recordings.keys().copied().collect();
        let running = pick(rng, &running).copied();
        let vault = self.vault();
        match (deed, running) {
            (Deed::Record, _) => {
                let id = RecordingId::from_bytes(bytes(rng));
                let written = vault.write(Some(self.staff), |w| begin_recording(w, id, rng));
                let done = acknowledged(written, self.full)?;
                if done.is_some() {
                    self.own.recordings.insert(id, 0);
                }
                Ok(done)
            }
            (Deed::Chunk, Some(id)) => {
                let sound: Vec<u8> = (0..20).flat_map(|_| bytes::<32>(rng)).collect();
                let place = acknowledged(vault.append_chunk(id, &sound, 1000), self.full)?;
                if let Some(place) = place {
                    self.own.recordings.insert(id, place + 1);
                }
                Ok(place.map(drop))
            }
            (_, Some(id)) => {
                let written = vault.write(Some(self.staff), |w| w.finish_recording(id, w.now()));
                let done = acknowledged(written, self.full)?;
                if done.is_some() {
                    self.own.recordings.remove(&id);
                }
                Ok(done)
            }
            (_, None) => Ok(None),
        }
    }
}

fn begin_recording(w: &mut Writing<'_>, id: RecordingId, rng: &mut SeededRng) -> Result<(), VaultError> {
    let visit = some_visit(w, rng)?;
    let new = NewRecording {
        id,
        patient: visit.patient,
        visit: visit.id,
        attachment: AttachmentId::from_bytes(bytes(rng)),
        started_at: w.now(),
        sample_rate: 16_000,
        channels: 1,
    };
    w.start_recording(&new)
}

/// The patients whom everybody works with.
pub(super) fn patients(vault: &Vault) -> Result<Vec<Patient>> {
    Ok(vault.read(|r| r.recent_patients(AT_WORK))?)
}

fn somebody(w: &Writing<'_>, rng: &mut SeededRng) -> Result<Patient, VaultError> {
    let patients = w.recent_patients(AT_WORK)?;
    pick(rng, &patients).cloned().ok_or(VaultError::NotFound("patient"))
}

fn some_visit(w: &Writing<'_>, rng: &mut SeededRng) -> Result<Visit, VaultError> {
    let mut visits = Vec::new();
    for patient in w.recent_patients(AT_WORK)? {
        visits.extend(w.visits_of(patient.id)?);
    }
    pick(rng, &visits).cloned().ok_or(VaultError::NotFound("visit"))
}

fn newcomer(rng: &mut SeededRng) -> Patient {
    let seed = u64::from_le_bytes(bytes(rng));
    let person = testkit::people::people(seed).next().expect("people without end");
    Patient {
        id: PatientId::from_bytes(bytes(rng)),
        name: person.name,
        identifier: Identifier::MyKad { number: person.mykad },
        birth_date: Some(person.birth_date),
        sex: person.sex,
        phone: person.phone,
        address: Address::default(),
    }
}

fn note(rng: &mut SeededRng) -> SoapNote {
    let n_sentences = 1 + below(rng, 4);
    let sentence = |n: usize| NoteSentence {
        text: format!("Demam {n} hari."),
        source: None,
    };
    SoapNote {
        subjective: (0..n_sentences).map(|_| sentence(below(rng, 30))).collect(),
        ..SoapNote::default()
    }
}

fn line(rng: &mut SeededRng) -> PrescriptionLine {
    PrescriptionLine {
        id: LineId::from_bytes(bytes(rng)),
        drug_key: "paracetamol-500mg-tablet".into(),
        drug_name: "Paracetamol 500 mg tablet".into(),
        strength: Milligrams(500.0),
        unit: "tablet".into(),
        units_per_dose: 2.0,
        route: Route::Oral,
        frequency: Frequency::ThreeTimesDaily,
        when_needed: true,
        days: 3,
        quantity: 18,
        indication: "fever".into(),
        advice: "after food".into(),
        overrides: Vec::new(),
    }
}
