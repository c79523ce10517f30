//! What two devices do for their stores in the evening grows with the day's work, and not with all that was ever done.
//!
//! Counted are the steps that SQLite takes, which are the same on every machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{PatientId, QueueEntryId, QueueState, Role, VisitId};
use testkit::TestClock;
use vault::{
    AuditLine, Clock, FACT_CONTEXT, FactBody, FactDraft, NewQueueEntry, NewVisit, NoteSigned, Ports, Steps, Vault,
    Writing, steps_of,
};

use crate::erasing::person;
use crate::snapshots::{DAY_MS, keep_house};
use crate::world::*;

const DOCTOR: u8 = 1;
const VISITS_A_DAY: usize = 3;
/// The clinic is open every fifth day, so that a month is over soon.
const DAYS_APART: i64 = 5;
/// From here on changes are thrown away that were covered a month before.
const EARLY: usize = 8;
const LATE: usize = 24;
/// Some rows more or less make no difference.
const LEEWAY: u64 = 150;
/// What reads more at first, and then no more: one level of a tree of hashes (256 rows).
const BOUNDED: [&str; 1] = ["buckets"];

#[derive(Clone)]
struct Moved(TestClock);

impl Clock for Moved {
    fn now(&self) -> domain::Instant {
        self.0.now()
    }
}

type Evening = BTreeMap<&'static str, Steps>;

struct Working {
    clock: TestClock,
    /// `None` while it is switched off.
    one: Option<Vault>,
    other: Vault,
    keys: seal::PersonKeys,
    patient: PatientId,
    clinic: Clinic,
    folder: tempfile::TempDir,
}

impl Working {
    fn begin() -> Self {
        let (clinic, folder) = (Clinic::with_devices(2), tempfile::tempdir().unwrap());
        let clock = TestClock::at_ms(at(0).as_millisecond());
        let store = |device: usize| {
            let folder = folder.path().join(device.to_string());
            let ports = ports(&clock, device as u64);
            Vault::create(&folder, &clinic.secrets(device), &clinic.statements, ports).unwrap()
        };
        let (one, other) = (store(0), store(1));
        let keys = person(&one, DOCTOR, Role::Doctor);
        let patient = patient_id(1);
        write(&one, |w| w.put_patient(&crate::world::patient(1)));
        Self {
            clock,
            one: Some(one),
            other,
            keys,
            patient,
            clinic,
            folder,
        }
    }

    fn one(&self) -> &Vault {
        self.one.as_ref().unwrap()
    }

    fn record(&self, w: &mut Writing<'_>, body: FactBody) -> Result<(), vault::VaultError> {
        let (at, by) = (w.now(), Some(staff_id(DOCTOR)));
        let draft = FactDraft { at, by, body };
        let bytes = draft.bytes_to_sign(&self.one().tenant(), &self.one().device())?;
        w.record_fact(&draft, Some(self.keys.sign(FACT_CONTEXT, &bytes)))?;
        Ok(())
    }

    fn a_visit(&self) {
        let patient = self.patient;
        let (visit, entry) = write(self.one(), |w| {
            let (visit, entry) = (VisitId::make(w.now(), w.rng()), QueueEntryId::make(w.now(), w.rng()));
            let (now, today) = (w.now(), w.today()?);
            w.open_visit(&NewVisit {
                id: visit,
                patient,
                day: today,
                opened_at: now,
                doctor: None,
            })?;
            w.add_to_queue(
                today,
                &NewQueueEntry {
                    id: entry,
                    patient,
                    visit,
                    reason: "demam".into(),
                    doctor: None,
                    arrived_at: now,
                },
            )?;
            Ok((visit, entry))
        });
        for words in ["Fever", "Fever for two days", "Fever for three days"] {
            write(self.one(), |w| w.put_note(visit, &note(&[words])));
        }
        for state in [QueueState::Called, QueueState::InConsult, QueueState::Done] {
            write(self.one(), |w| w.set_queue_state(entry, state));
        }
        write(self.one(), |w| {
            let draft = w.visit(visit)?.unwrap();
            let signed = NoteSigned {
                patient,
                visit,
                note: draft.note,
                diagnoses: draft.diagnoses,
                vitals: draft.vitals,
                lines: draft.lines,
                sensitivity: draft.sensitivity,
            };
            self.record(w, FactBody::NoteSigned(signed))?;
            for action in ["note.signed", "record.closed"] {
                let line = AuditLine {
                    action: action.into(),
                    patient: Some(patient),
                    visit: Some(visit),
                    detail: String::new(),
                };
                self.record(w, FactBody::Audit(line))?;
            }
            Ok(())
        });
    }

    fn an_evening(&mut self) -> Evening {
        let (sent, send) = steps_of(|| take_outbox(self.one()));
        let ((), take) = steps_of(|| deliver(&self.other, sent));
        let (_, keep) = steps_of(|| keep_house(self.one()));
        let ((), exchange) = steps_of(|| exchange(self.one(), &self.other));
        let (_, keep_too) = steps_of(|| keep_house(&self.other));
        let (_, health) = steps_of(|| read(self.one(), |r| r.sync_figures()));
        let opening = self.switched_off_and_on();
        let done = [
            ("opening", opening),
            ("sending", send),
            ("taking in", take),
            ("keeping house", keep),
            ("meeting", exchange),
            ("keeping house at the other", keep_too),
            ("health", health),
        ];
        Evening::from(done)
    }

    fn switched_off_and_on(&mut self) -> Steps {
        let (folder, secrets) = (self.folder.path().join("0"), self.clinic.secrets(0));
        self.one = None;
        let seed = 100 + self.clock.now_ms() as u64;
        let (opened, steps) = steps_of(|| Vault::open(&folder, &secrets, ports(&self.clock, seed)).unwrap());
        self.one = Some(opened);
        steps
    }
}

fn ports(clock: &TestClock, seed: u64) -> Ports {
    Ports {
        clock: Arc::new(Moved(clock.clone())),
        rng: Box::new(rng(seed)),
    }
}

#[test]
fn an_evening_takes_what_its_day_brought_and_not_all_days_before() {
    let mut clinic = Working::begin();
    let mut evenings = Vec::new();
    for _ in 0..=LATE {
        for _ in 0..VISITS_A_DAY {
            clinic.a_visit();
        }
        evenings.push(clinic.an_evening());
        clinic.clock.step_ms(DAYS_APART * DAY_MS);
    }
    exchange(clinic.one(), &clinic.other);
    assert_same(clinic.one(), &clinic.other);
    let mut grown = Vec::new();
    for (what, steps) in &evenings[LATE] {
        assert!(!steps.is_empty(), "{what} was not counted");
        for (statement, n) in steps {
            let before = evenings[EARLY][what].get(statement).copied().unwrap_or_default();
            if *n > before * 2 + LEEWAY && !BOUNDED.iter().any(|words| statement.contains(words)) {
                grown.push(format!(
                    "{what}: {before} steps on day {EARLY}, {n} on day {LATE}: {statement}"
                ));
            }
        }
    }
    assert!(grown.is_empty(), "{}", grown.join("\n"));
}
