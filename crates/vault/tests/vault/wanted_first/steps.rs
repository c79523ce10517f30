//! Naming takes as much for each patient after many days as after two: neither the audit is looked through, nor all documents.
//!
//! Counted are the steps that SQLite takes, which are the same on every machine.

use std::sync::Arc;

use testkit::TestClock;
use vault::{Clock, NewQueueEntry, Ports, Steps, steps_of};

use super::*;
use crate::snapshots::DAY_MS;

/// Some rows more or less make no difference.
const LEEWAY: u64 = 60;

#[derive(Clone)]
struct Moved(TestClock);

impl Clock for Moved {
    fn now(&self) -> domain::Instant {
        self.0.now()
    }
}

fn id(n: u64) -> [u8; 16] {
    u128::from(n).to_be_bytes()
}

fn known(n: u64) -> domain::Patient {
    domain::Patient {
        id: domain::PatientId::from_bytes(id(n)),
        ..patient(1)
    }
}

struct Working {
    clock: TestClock,
    vault: Vault,
    n_patients: u64,
    n_visits: u64,
    _folder: tempfile::TempDir,
}

impl Working {
    fn begin() -> Self {
        let (clinic, folder) = (Clinic::with_devices(1), tempfile::tempdir().unwrap());
        let clock = TestClock::at_ms(at(0).as_millisecond());
        let ports = Ports {
            clock: Arc::new(Moved(clock.clone())),
            rng: Box::new(rng(1)),
        };
        let dir = folder.path().join("clinic");
        let vault = Vault::create(&dir, &clinic.secrets(0), &clinic.statements, ports).unwrap();
        person(&vault, OWNER, Role::Owner);
        Self {
            clock,
            vault,
            n_patients: 0,
            n_visits: 0,
            _folder: folder,
        }
    }

    fn register(&mut self, n: u64) {
        for n in self.n_patients..self.n_patients + n {
            write(&self.vault, |w| w.put_patient(&known(n)));
        }
        self.n_patients += n;
    }

    /// These come, and much is written of it.
    fn a_day(&mut self, who: impl Iterator<Item = u64>) {
        self.clock.step_ms(DAY_MS);
        let day = today(&self.vault);
        for n in who {
            self.n_visits += 1;
            let (of, visit) = (known(n).id, domain::VisitId::from_bytes(id(self.n_visits)));
            write(&self.vault, |w| {
                w.open_visit(&NewVisit {
                    id: visit,
                    patient: of,
                    day,
                    opened_at: w.now(),
                    doctor: None,
                })?;
                let entry = NewQueueEntry {
                    id: domain::QueueEntryId::from_bytes(id(self.n_visits)),
                    patient: of,
                    visit,
                    arrived_at: w.now(),
                    ..queued(1)
                };
                w.add_to_queue(day, &entry)?;
                (0..10).try_for_each(|_| record(w, seen(1)))
            });
        }
    }

    /// Two come whom nobody had seen before; then a device is let in.
    fn naming(&mut self) -> (u64, u64, Steps) {
        self.register(2);
        self.a_day(self.n_patients - 2..self.n_patients);
        let (names, steps) = steps_of(|| names_of(&self.vault));
        (self.n_patients, names.len() as u64, steps)
    }
}

/// Statements that take more for each of so many than they took before for each of fewer.
fn grown((n_before, before): (u64, &Steps), (n_after, after): (u64, &Steps)) -> Vec<String> {
    let grown = after.iter().filter_map(|(statement, n)| {
        let before = before.get(statement).copied().unwrap_or_default();
        let may_be = before * n_after / n_before + LEEWAY;
        (*n > may_be).then(|| format!("{before} steps became {n}: {statement}"))
    });
    grown.collect()
}

#[test]
fn naming_takes_as_much_for_each_patient_after_many_days_as_after_two() {
    let mut clinic = Working::begin();
    clinic.register(8);
    let days = |clinic: &mut Working, n: usize| (0..n).for_each(|_| clinic.a_day(0..6));
    days(&mut clinic, 2);
    let (n_early, named_early, early) = clinic.naming();
    days(&mut clinic, 30);
    let (n_late, named_late, late) = clinic.naming();
    assert_eq!((n_late, named_late), (n_early + 2, named_early + 2));
    assert!(late.values().sum::<u64>() > 100, "it was counted");
    let more = grown((n_early, &early), (n_late, &late));
    assert!(more.is_empty(), "{}", more.join("\n"));

    clinic.register(108);
    let (n_of_many, named_of_many, of_many) = clinic.naming();
    assert_eq!((n_of_many, named_of_many), (n_late + 110, named_late + 110));
    let more = grown((n_late, &late), (n_of_many, &of_many));
    assert!(more.is_empty(), "{}", more.join("\n"));
}

#[test]
fn of_todays_patients_visits_are_named_without_being_read() {
    let mut clinic = Working::begin();
    clinic.register(2);
    clinic.a_day(0..1);
    let (n_early, early) = (
        names_of(&clinic.vault).len() as u64,
        steps_of(|| names_of(&clinic.vault)).1,
    );
    let n_days = 100;
    (0..n_days).for_each(|_| clinic.a_day(0..1));
    let (names, late) = steps_of(|| names_of(&clinic.vault));
    assert_eq!(names.len() as u64, n_early + n_days);
    let more = grown((1, &early), (n_days, &late));
    assert!(more.is_empty(), "{}", more.join("\n"));
    assert_eq!(
        late.keys()
            .find(|statement| statement.contains("SELECT json FROM p_visits")),
        None
    );
}
