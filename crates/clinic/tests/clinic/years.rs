//! A clinic that has worked for long asks no more of its store than one that began today.
//!
//! Counted are the steps that SQLite takes for one verb, which are the same on every machine; `cargo xtask bench --years`
//! has the times. Not among them are the audit and the network, which show what is newest up to some number, and a young
//! clinic has less; and erasing a person, which looks for whatever names her, in everything.

use std::collections::BTreeMap;

use clinic::{
    Desk, Error,
    views::{
        consult::{PrescribeLine, RecordAllergy},
        network::SendLetter,
        pharmacy::HandOver,
        reception::{CreatePatient, QueuePatient, Queued},
        sharing::GrantConsent,
    },
};
use domain::{Category, Diagnosis, Identifier, PatientId, QueueState, Severity, Vitals};
use testkit::people::{FakePerson, people};
use vault::{Steps, steps_of};

use crate::sharing::{MYKAD, evidence, pair, terms};
use crate::support::{Net, PIN, Place, line, note, product, somebody};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const VISITS_A_DAY: usize = 3;
const DAYS: usize = 10;
/// Some rows more or less make no difference.
const LEEWAY: u64 = 40;
/// What reads more at first, and then no more: one level of a tree of hashes (256 rows).
const BOUNDED: [&str; 1] = ["FROM buckets"];

/// An adult: she agrees for herself.
fn person(person: FakePerson) -> CreatePatient {
    CreatePatient {
        name: person.name,
        identifier: Identifier::MyKad { number: person.mykad },
        phone: person.phone,
        ..somebody("", "850101135029")
    }
}

struct Worked {
    place: Place,
    /// The clinic to which it gives and writes.
    neighbour: String,
    product: String,
    n_lines: u8,
    /// Of each verb, each time.
    steps: BTreeMap<&'static str, Vec<Steps>>,
}

impl Worked {
    /// After so many days of the same work.
    fn after(net: &Net, seed: u8, card: &str, n_days: usize) -> Self {
        let place = Place::founded(net, seed, &format!("Klinik {n_days}"));
        place.wait_until("it is connected", |desk| desk.status().unwrap().sync.connected);
        let mut worked = Self {
            neighbour: place.desk.verify_clinic(card.to_owned()).unwrap().tenant,
            product: product(&place.desk, "paracetamol"),
            place,
            n_lines: 0,
            steps: BTreeMap::new(),
        };
        let mut come = people(13);
        for _ in 0..n_days {
            for _ in 0..VISITS_A_DAY {
                let queued = worked
                    .place
                    .desk
                    .register_and_queue(person(come.next().unwrap()), "demam".to_owned(), None)
                    .unwrap();
                worked.is_seen(&queued);
                worked.is_shared(&queued);
            }
            worked.next_day();
        }
        worked
    }

    fn next_day(&self) {
        self.place.clock.step_ms(DAY_MS);
        self.place.sign_in(self.place.owner());
    }

    fn is_seen(&mut self, queued: &Queued) {
        let (visit, line) = (queued.visit, self.line());
        let id = line.id;
        self.does("no known allergies", |desk| desk.no_known_allergies(queued.patient));
        self.does("call", |desk| desk.set_queue_state(queued.entry, QueueState::Called));
        self.does("open a visit", |desk| desk.open_visit(visit));
        self.does("save a note", |desk| {
            desk.save_note(visit, note("Fever for three days."))
        });
        self.does("save vitals", |desk| {
            desk.save_vitals(
                visit,
                Vitals {
                    temperature: Some(domain::Celsius(38.5)),
                    ..Vitals::default()
                },
            )
        });
        self.does("save diagnoses", |desk| {
            let text = "Viral fever".to_owned();
            desk.save_diagnoses(visit, vec![Diagnosis { text, icd10: None }])
        });
        self.does("set what is sensitive", |desk| desk.set_sensitivity(visit, Vec::new()));
        self.does("check a line", |desk| desk.check_line(visit, line.clone()));
        self.does("prescribe", |desk| {
            desk.prescribe(PrescribeLine {
                visit,
                line,
                reasons: Vec::new(),
            })
        });
        self.does("sign", |desk| desk.sign_note(visit, PIN.to_owned()));
        self.does("the dispensing queue", Desk::dispensing_queue);
        self.does("open what is to be dispensed", |desk| desk.open_dispense(visit));
        self.does("hand over", |desk| {
            desk.hand_over(HandOver {
                visit,
                lines: vec![id],
                reasons: Vec::new(),
                pin: PIN.to_owned(),
            })
        });
    }

    fn is_shared(&mut self, queued: &Queued) {
        let (visit, patient, clinic) = (queued.visit, queued.patient, self.neighbour.clone());
        let text = "Please see her.".to_owned();
        self.does("add to a note", |desk| {
            desk.add_addendum(visit, text.clone(), PIN.to_owned())
        });
        let grant = |desk: &Desk| {
            desk.grant_consent(GrantConsent {
                patient,
                clinic: clinic.clone(),
                terms: terms(&[Category::Encounters]),
                evidence: evidence(),
            })
        };
        let first = self.does("grant", grant);
        self.does("revoke", |desk| desk.revoke_consent(first.id, "moved".to_owned()));
        self.does("grant", grant);
        self.does("write a letter", |desk| {
            let clinic = clinic.clone();
            desk.send_letter(SendLetter { clinic, text })
        });
        self.does("grants", |desk| desk.grants_of(patient));
    }

    fn line(&mut self) -> domain::PrescriptionLine {
        self.n_lines = self.n_lines.wrapping_add(1);
        line(&self.product, self.n_lines)
    }

    /// Does it, and notes how many steps it took.
    fn does<T>(&mut self, what: &'static str, act: impl FnOnce(&Desk) -> Result<T, Error>) -> T {
        self.place.clock.step_ms(1000);
        let (done, steps) = steps_of(|| act(&self.place.desk));
        self.steps.entry(what).or_default().push(steps);
        done.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// One more day, of which everything is counted.
    fn counted(mut self) -> BTreeMap<&'static str, Vec<Steps>> {
        self.steps.clear();
        let desk_day = ["850101135029", "900215105021", "771231145003"];
        for (nth, mykad) in desk_day.into_iter().enumerate() {
            let name = ["Zuraidah", "Wong Mei", "Xavier"][nth];
            let patient: PatientId = self.does("register", |desk| desk.register_patient(somebody(name, mykad)));
            self.does("search", |desk| desk.search_patients(name.to_lowercase()));
            let queued = self.does("queue", |desk| {
                desk.queue_patient(QueuePatient {
                    patient,
                    reason: "batuk".to_owned(),
                    doctor: None,
                })
            });
            self.is_seen(&queued);
            self.does("record an allergy", |desk| {
                desk.record_allergy(RecordAllergy {
                    patient,
                    substance: "Penicillin".to_owned(),
                    severity: Severity::Severe,
                    reaction: "rash".to_owned(),
                })
            });
            self.does("banner", |desk| desk.patient_banner(patient));
            self.does("history", |desk| desk.patient_history(patient));
            self.does("a patient's audit", |desk| desk.audit(Some(patient)));
            self.does("a patient's conflicts", |desk| desk.conflicts(Some(patient)));
            self.is_shared(&queued);
            self.does("search by number", |desk| desk.search_patients(mykad.to_owned()));
            self.does("read a MyKad", |desk| desk.read_mykad(mykad.to_owned()));
            self.does("recordings", |desk| desk.recordings_of(patient));
        }
        for _ in 0..2 {
            self.does("today", Desk::today);
            self.does("status", Desk::status);
            self.does("conflicts", |desk| desk.conflicts(None));
            self.does("devices", Desk::devices);
            self.does("contacts", Desk::device_contacts);
            self.does("directory", Desk::directory);
            self.does("own card", Desk::own_card);
            self.does("choices", Desk::clinic_choices);
            self.does("settings", Desk::device_settings);
            self.does("requests", Desk::record_requests);
            self.does("quarantined", Desk::quarantined);
            self.does("plan", Desk::plan);
            self.does("backup", Desk::backup_state);
            self.does("print jobs", Desk::print_jobs);
            self.does("faces", Desk::staff_faces);
        }
        self.does("lock", Desk::lock);
        let owner = self.place.owner();
        self.does("sign in", |desk| desk.sign_in(owner, PIN.to_owned()));
        self.steps
    }
}

#[test]
fn no_verb_asks_more_of_a_store_that_is_full_of_work() {
    let net = Net::start();
    let neighbour = Place::founded(&net, 90, "Klinik Sentosa");
    let card = neighbour.desk.own_card().unwrap().text;
    let first = Worked::after(&net, 1, &card, 1).counted();
    let later = Worked::after(&net, 50, &card, DAYS).counted();
    let mut grown = Vec::new();
    for (what, steps) in &later {
        let before = least(&first[what]);
        for (statement, n) in least(steps) {
            let before = before.get(&statement).copied().unwrap_or_default();
            if n > before * 2 + LEEWAY && !BOUNDED.iter().any(|words| statement.contains(words)) {
                grown.push(format!(
                    "{what}: {before} steps on the second day, {n} after {DAYS}: {statement}"
                ));
            }
        }
    }
    assert!(
        later.values().flatten().any(|steps| !steps.is_empty()),
        "nothing was counted"
    );
    assert!(grown.is_empty(), "{}", grown.join("\n"));
}

/// What a verb takes each time: some have work of the store's own done with theirs, now and then.
fn least(times: &[Steps]) -> Steps {
    let (first, others) = times.split_first().unwrap();
    let in_all = |(statement, n): (&String, &u64)| {
        let least = others
            .iter()
            .map(|steps| steps.get(statement).copied().unwrap_or_default());
        (statement.clone(), least.min().map_or(*n, |least| least.min(*n)))
    };
    first.iter().map(in_all).collect()
}

#[test]
fn the_network_shows_the_newest_hundred_and_a_patients_page_all_of_hers() {
    let pair = pair();
    let patient = pair.giver.patient("Nur Aisyah binti Rahman", MYKAD);
    let first = pair.grant(patient, terms(&[Category::Allergies]));
    for _ in 0..99 {
        pair.grant(patient, terms(&[Category::Allergies]));
    }
    let shown = |desk: &Desk| {
        let network = desk.network().unwrap();
        let is_there = network.given.iter().any(|grant| grant.id == first.id);
        (network.given.len(), network.more_given, is_there)
    };
    assert_eq!(shown(&pair.giver.desk), (100, false, true));
    pair.grant(patient, terms(&[Category::Allergies]));
    assert_eq!(shown(&pair.giver.desk), (100, true, false));
    assert_eq!(pair.giver.desk.grants_of(patient).unwrap().len(), 101);
    // One that is not shown is opened and taken back all the same.
    pair.receiver
        .wait_until("all have come", |desk| desk.network().unwrap().more_received);
    pair.receiver.desk.open_shared(first.id.clone()).unwrap();
    pair.giver.desk.revoke_consent(first.id, "moved".to_owned()).unwrap();
}
