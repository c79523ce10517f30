//! One patient's way through the clinic, in steps that can be cut off anywhere, looked at, and done again.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::people::{FakePerson, people};

use crate::{
    hand::{Device, refusal_of},
    people::SERI_MAWAR,
    walk,
};

/// Grown-up people: what is prescribed here is no dose for a child. No two have one name, by which they are looked for.
pub fn adults(seed: u64) -> impl Iterator<Item = FakePerson> {
    let mut names = BTreeSet::new();
    let adults = people(seed).filter(|person| person.birth_date.0.year() < 2_000);
    adults.filter(move |person| names.insert(person.name.clone()))
}

/// A step; each is one verb and leaves something that can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// She is registered, and in the queue.
    Register,
    /// She is called in.
    CallIn,
    /// Her blood pressure.
    Vitals,
    /// A few words are recorded.
    Record,
    /// The note is drafted.
    Note,
    /// She knows of no allergy.
    NoAllergies,
    /// A medicine.
    Prescribe,
    /// The note is signed.
    Sign,
    /// The label.
    Print,
    /// The medicine is hers.
    HandOver,
    /// Clinic B may have her visits and medicines.
    Agree,
    /// She takes that back.
    TakeBack,
}

impl Step {
    /// A day without other clinics.
    const DAY: [Self; 10] = [
        Self::Register,
        Self::CallIn,
        Self::Vitals,
        Self::Record,
        Self::Note,
        Self::NoAllergies,
        Self::Prescribe,
        Self::Sign,
        Self::Print,
        Self::HandOver,
    ];

    /// What a repetition answers when the first time had done it after all.
    pub fn done_already(self) -> Option<&'static str> {
        match self {
            Self::Register => Some("already_registered"),
            Self::Sign => Some("signed"),
            Self::HandOver => Some("already_dispensed"),
            _ => None,
        }
    }
}

/// What a story needs beside a device.
#[derive(Debug, Clone)]
pub struct Around {
    /// Tenant id of the clinic that may get her records.
    pub other_clinic: String,
    /// A sound file of a few words.
    pub words: PathBuf,
}

/// The patient, and how far her story was acknowledged.
pub struct Story {
    person: FakePerson,
    around: Around,
    steps: Vec<Step>,
    line: Value,
    row: Value,
    n_done: usize,
}

/// What a device shows of a story.
struct Seen {
    n_patients: usize,
    rows: Vec<Value>,
    visit: Value,
    dispensing: Value,
    grants: Vec<Value>,
}

impl Story {
    /// A story that has not begun; `device` knows the product that will be prescribed.
    pub fn of(person: FakePerson, around: Around, device: &Device) -> Result<Self> {
        let line = walk::line_for(device, "paracetamol 500", "every_six_hours", 2.0, 3)?;
        Ok(Self {
            person,
            around,
            steps: Step::DAY.to_vec(),
            line,
            row: Value::Null,
            n_done: 0,
        })
    }

    /// She agrees, too, that clinic B may have her visits and medicines; some take it back.
    pub fn with_consent(mut self, taken_back: bool) -> Self {
        self.steps.push(Step::Agree);
        self.steps.extend(taken_back.then_some(Step::TakeBack));
        self
    }

    /// How many steps were acknowledged.
    pub fn n_done(&self) -> usize {
        self.n_done
    }

    /// The step that comes next.
    pub fn next(&self) -> Option<Step> {
        self.steps.get(self.n_done).copied()
    }

    /// Verb and input of a step.
    pub fn call(&self, device: &Device, step: Step) -> Result<(&'static str, Value)> {
        let (visit, person) = (&self.row["visit"], &self.person);
        Ok(match step {
            Step::Register => (
                "register_and_queue",
                json!({
                    "patient": {
                        "name": person.name, "identifier": {"kind": "my_kad", "number": person.mykad},
                        "birth_date": person.birth_date, "sex": person.sex, "phone": person.phone,
                        "address": {"lines": "", "postcode": "46000", "town": "Petaling Jaya", "state": "Selangor"},
                    },
                    "reason": "Demam", "doctor": null,
                }),
            ),
            Step::CallIn => (
                "set_queue_state",
                json!({"entry": self.row["entry"], "state": "in_consult"}),
            ),
            Step::Vitals => ("save_vitals", json!({"visit": visit, "vitals": vitals()})),
            Step::Record => {
                let source = json!({"kind": "wav", "path": self.around.words, "fast": true});
                ("start_recording", json!({"visit": visit, "source": source}))
            }
            Step::Note => ("save_note", json!({"visit": visit, "note": self.note()})),
            Step::NoAllergies => ("no_known_allergies", json!({"patient": self.row["patient"]})),
            Step::Prescribe => (
                "prescribe",
                json!({"input": {"visit": visit, "line": self.line, "reasons": []}}),
            ),
            Step::Sign => ("sign_note", json!({"visit": visit, "pin": SERI_MAWAR.owner.pin})),
            Step::Print => ("print_labels", json!({"visit": visit, "lines": [self.line["id"]]})),
            Step::HandOver => (
                "hand_over",
                json!({"input": {"visit": visit, "lines": [self.line["id"]], "pin": SERI_MAWAR.owner.pin}}),
            ),
            Step::Agree => ("grant_consent", self.consent()?),
            Step::TakeBack => {
                let grants = self.grants(device)?;
                let grant = grants.first().context("she agreed to nothing")?;
                (
                    "revoke_consent",
                    json!({"grant": grant["id"], "reason": "She asked at the counter"}),
                )
            }
        })
    }

    fn consent(&self) -> Result<Value> {
        let zone = jiff::tz::TimeZone::get("Asia/Kuala_Lumpur")?;
        let today = jiff::Timestamp::now().to_zoned(zone).date();
        let end = today.saturating_add(jiff::Span::new().years(1));
        Ok(json!({"input": {
            "patient": self.row["patient"], "clinic": self.around.other_clinic,
            "terms": {
                "categories": ["encounters", "prescriptions"], "data_from": null, "data_to": null, "sensitive": [],
                "mode": "keep", "purpose": "treatment", "until": end, "erase_at": end, "onward": false,
            },
            "evidence": {
                "form_version": "2026-11", "language": "ms", "signature_svg": "M10 40 C 40 10 60 70 90 40",
                "witness": SERI_MAWAR.staff[1].name, "guardian": null, "signed_at": jiff::Timestamp::now(),
            },
        }}))
    }

    /// Does the next step; a repetition of one that was done without an answer counts.
    pub fn go_on(&mut self, device: &Device) -> Result<()> {
        let step = self.next().expect("the story is not over");
        let (verb, input) = self.call(device, step)?;
        let outcome = device.call(verb, input);
        self.take_note(device, step, outcome)
    }

    /// Goes on until the story is over.
    pub fn finish(&mut self, device: &Device) -> Result<()> {
        while let Some(step) = self.next() {
            self.go_on(device).with_context(|| format!("{step:?}"))?;
        }
        Ok(())
    }

    /// Takes the answer to a step for what it is.
    pub fn take_note(&mut self, device: &Device, step: Step, outcome: Result<Value>) -> Result<()> {
        match outcome {
            Err(error) if refusal_of(&error).map(|refused| refused.code.as_str()) != step.done_already() => {
                return Err(error);
            }
            Ok(recording) if step == Step::Record => {
                // Nobody signs while the sound still comes in.
                let over =
                    |of: &Value| of["recording"] == recording && (of["state"] == "done" || of["state"] == "failed");
                device.event(|line| over(&line["of"]).then_some(()))?;
            }
            _ => (),
        }
        self.acknowledged();
        if step == Step::Register {
            self.row = self.rows(device)?.into_iter().next().context("she is in the queue")?;
        }
        Ok(())
    }

    /// The next step was acknowledged.
    pub fn acknowledged(&mut self) {
        self.n_done += 1;
    }

    fn note(&self) -> Value {
        let sentence = |text: String| json!([{"text": text, "source": null}]);
        json!({
            "subjective": sentence(format!("{} has a fever.", self.person.name)), "objective": sentence("38.2 °C".into()),
            "assessment": sentence("Viral fever".into()), "plan": sentence("Paracetamol, rest".into()),
        })
    }

    fn rows(&self, device: &Device) -> Result<Vec<Value>> {
        let today = device.call("today", json!({}))?;
        let rows = today["rows"].as_array().into_iter().flatten();
        Ok(rows
            .filter(|row| row["name"] == self.person.name.as_str())
            .cloned()
            .collect())
    }

    /// What she agreed to.
    pub fn grants(&self, device: &Device) -> Result<Vec<Value>> {
        if self.row.is_null() {
            return Ok(Vec::new());
        }
        let grants = device.call("grants_of", json!({"patient": self.row["patient"]}))?;
        Ok(grants.as_array().cloned().unwrap_or_default())
    }

    fn look(&self, device: &Device) -> Result<Seen> {
        let found = device.call("search_patients", json!({"query": self.person.mykad}))?;
        let rows = self.rows(device)?;
        let (mut visit, mut dispensing) = (Value::Null, Value::Null);
        if let Some(row) = rows.first() {
            visit = device.call("open_visit", json!({"visit": row["visit"]}))?;
        }
        if visit["note"]["state"] == "signed" {
            dispensing = device.call("open_dispense", json!({"visit": rows[0]["visit"]}))?;
        }
        Ok(Seen {
            n_patients: found.as_array().map_or(0, Vec::len),
            rows,
            visit,
            dispensing,
            grants: self.grants(device)?,
        })
    }

    /// What was acknowledged is there, whole; of the step that was cut off everything or nothing; of later ones nothing.
    pub fn check(&mut self, device: &Device, when: &str) -> Result<()> {
        self.check_but(None, device).with_context(|| when.to_owned())
    }

    /// The same on the clinic's other device, where no printer knows of her.
    pub fn check_elsewhere(&mut self, device: &Device, when: &str) -> Result<()> {
        self.check_but(Some(Step::Print), device)
            .with_context(|| when.to_owned())
    }

    /// Waits until a story that is over has arrived on a device.
    pub fn arrives_on(&self, device: &Device) -> Result<()> {
        let over = |today: &Value| {
            let rows = today["rows"].as_array()?;
            rows.iter()
                .any(|row| row["name"] == self.person.name.as_str() && row["state"] == "done")
                .then_some(())
        };
        device.until("today", &json!({}), over)?;
        let patient = json!({"patient": self.row["patient"]});
        let told = |grants: &Value| {
            let grants = grants.as_array()?;
            let last = self.steps.last()?;
            (*last != Step::Agree || !grants.is_empty()).then_some(())?;
            (*last != Step::TakeBack || all_revoked(grants)).then_some(())
        };
        device.until("grants_of", &patient, told)
    }

    fn check_but(&mut self, unseen: Option<Step>, device: &Device) -> Result<()> {
        let seen = self.look(device)?;
        ensure!(seen.n_patients == seen.rows.len(), "half a registration");
        ensure!(seen.rows.len() <= 1, "she is in the queue twice");
        for (place, step) in self.steps.clone().into_iter().enumerate() {
            let is_there = self.is_there(step, &seen);
            match place {
                _ if Some(step) == unseen => (),
                _ if place < self.n_done => ensure!(is_there, "{step:?} was acknowledged, and is lost"),
                // Asked for again, these two would be done twice.
                _ if place == self.n_done && is_there && matches!(step, Step::Agree | Step::TakeBack) => {
                    self.n_done += 1
                }
                _ if place > self.n_done => ensure!(!is_there, "{step:?} is there before it was asked for"),
                _ => (),
            }
        }
        if let Some(row) = seen.rows.into_iter().next() {
            self.row = row;
        }
        Ok(())
    }

    fn is_there(&self, step: Step, seen: &Seen) -> bool {
        let (visit, note) = (&seen.visit, &seen.visit["note"]);
        match step {
            Step::Register => seen.n_patients == 1,
            Step::CallIn => seen.rows.first().is_some_and(|row| row["state"] != "waiting"),
            Step::Vitals => visit["vitals"]["systolic"] == vitals()["systolic"],
            Step::Note => note["note"] == self.note(),
            Step::NoAllergies => visit["banner"]["allergies"]["status"] == "none_known",
            Step::Prescribe => visit["lines"][0]["line"]["id"] == self.line["id"],
            Step::Sign => note["state"] == "signed" && note["verified"] == true,
            Step::Print => seen.dispensing["lines"][0]["job"].is_object(),
            Step::Record => visit["recordings"][0].is_object(),
            Step::Agree => !seen.grants.is_empty(),
            Step::TakeBack => all_revoked(&seen.grants),
            Step::HandOver => seen.dispensing["dispensed"].is_object(),
        }
    }
}

fn all_revoked(grants: &[Value]) -> bool {
    !grants.is_empty() && grants.iter().all(|grant| grant["state"] == "revoked")
}

fn vitals() -> Value {
    json!({"temperature": null, "systolic": 128.0, "diastolic": 82.0, "weight": null, "weight_on": null})
}

/// A label printer for a device.
pub fn set_printer(device: &Device, url: &str) -> Result<()> {
    walk::use_settings(device, &json!({"printer": url}))
}
