//! A visit: Encounter, signed note (DocumentReference), diagnoses (Condition), measurements (Observation).

use domain::{Celsius, Diagnosis, Instant, Kilograms, MillimetresOfMercury, Vitals};
use serde_json::{Value, json};

use crate::document::Frame;
use crate::json::{Entry, attachments, concept, derived_id, identifier, quantity, security};
use crate::names::{ACT_CODE, ICD_10, LOINC, VISIT};
use crate::people::{read_author, write_author};
use crate::reading::{
    Index, attached, code_in, day_of, decimal, identifier_in, instant, list, sensitivity, text, text_or_empty,
};
use crate::{SharedNote, SharedVisit};

const BODY_TEMPERATURE: &str = "8310-5";
const BODY_WEIGHT: &str = "29463-7";
const BLOOD_PRESSURE: &str = "85354-9";
const SYSTOLIC: &str = "8480-6";
const DIASTOLIC: &str = "8462-4";
const VITAL_SIGNS: &str = "http://terminology.hl7.org/CodeSystem/observation-category";
const CONDITION_CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";

/// What a visit becomes, by the section that lists it.
pub(crate) struct VisitEntries {
    pub visit: Vec<Entry>,
    pub problems: Vec<Entry>,
    pub vitals: Vec<Entry>,
    /// Listed in no section.
    pub people: Vec<Entry>,
}

/// The address of a visit's Encounter, whether or not the document holds it.
pub(crate) fn visit_url(clinic: &str, visit: &str) -> String {
    format!("urn:uuid:{}", derived_id("Encounter", &[clinic, visit]))
}

pub(crate) fn write_visit(frame: &Frame, visit: &SharedVisit) -> VisitEntries {
    let clinic = frame.clinic_id();
    let author = write_author(frame.source, &visit.author);
    let (started, signed) = (visit.started_at.to_string(), visit.signed_at.to_string());
    let labels = security(&visit.sensitivity);
    let encounter = Entry::new(
        "Encounter",
        &[clinic, &visit.id],
        json!({
            "meta": labels,
            "identifier": [identifier(VISIT, &visit.id)],
            "status": "finished",
            "class": { "system": ACT_CODE, "code": "AMB", "display": "ambulatory" },
            "subject": frame.patient,
            "participant": [{ "individual": author.reference() }],
            "period": { "start": started },
            "serviceProvider": frame.clinic,
        }),
    );
    let note = Entry::new(
        "DocumentReference",
        &[clinic, &visit.id, "note"],
        json!({
            "meta": labels,
            "status": "current",
            "docStatus": "final",
            "type": concept(LOINC, "11506-3", "Progress note"),
            "subject": frame.patient,
            "date": signed,
            "author": [author.reference()],
            "custodian": frame.clinic,
            "content": attachments("Note", &signed, &readable(&visit.note), &visit.note),
            "context": { "encounter": [encounter.reference()] },
        }),
    );
    let problems = visit.diagnoses.iter().enumerate().map(|(at, diagnosis)| {
        Entry::new(
            "Condition",
            &[clinic, &visit.id, &at.to_string()],
            json!({
                "meta": labels,
                "category": [concept(CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")],
                "code": {
                    "coding": diagnosis.icd10.as_ref().map(|code| vec![json!({ "system": ICD_10, "code": code })]),
                    "text": diagnosis.text,
                },
                "subject": frame.patient,
                "encounter": encounter.reference(),
                "recordedDate": signed,
                "recorder": author.reference(),
            }),
        )
    });
    let problems = problems.collect();
    let vitals = measurements(&visit.vitals, visit.started_at)
        .into_iter()
        .map(|(code, when, mut body)| {
            let shared = json!({
                "meta": labels,
                "status": "final",
                "category": [concept(VITAL_SIGNS, "vital-signs", "Vital Signs")],
                "subject": frame.patient,
                "encounter": encounter.reference(),
                "effectiveDateTime": when,
                "performer": [frame.clinic],
            });
            for (name, value) in shared.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
            Entry::new("Observation", &[clinic, &visit.id, code], body)
        });
    let vitals = vitals.collect();
    VisitEntries {
        visit: vec![encounter, note],
        problems,
        vitals,
        people: vec![author],
    }
}

/// The note as a person reads it.
fn readable(note: &SharedNote) -> String {
    let parts = [
        ("Subjective", &note.subjective),
        ("Objective", &note.objective),
        ("Assessment", &note.assessment),
        ("Plan", &note.plan),
    ];
    let written = parts.into_iter().filter(|(_, sentences)| !sentences.is_empty());
    written
        .map(|(title, sentences)| format!("{title}\n{}\n", sentences.join("\n")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What was measured: LOINC code, when, and the Observation's own part.
fn measurements(vitals: &Vitals, at: Instant) -> Vec<(&'static str, String, Value)> {
    let at = at.to_string();
    let finite = |value: f64| value.is_finite().then_some(value);
    let mut found = Vec::new();
    if let Some(value) = vitals.temperature.and_then(|it| finite(it.0)) {
        let body = json!({ "code": concept(LOINC, BODY_TEMPERATURE, "Body temperature"),
            "valueQuantity": quantity(value, "°C", Some("Cel")) });
        found.push((BODY_TEMPERATURE, at.clone(), body));
    }
    let pressures = [
        (SYSTOLIC, "Systolic blood pressure", vitals.systolic),
        (DIASTOLIC, "Diastolic blood pressure", vitals.diastolic),
    ];
    let components: Vec<Value> = pressures
        .into_iter()
        .filter_map(|(code, display, it)| Some((code, display, finite(it?.0)?)))
        .map(|(code, display, value)| {
            json!({ "code": concept(LOINC, code, display), "valueQuantity": quantity(value, "mmHg", Some("mm[Hg]")) })
        })
        .collect();
    if !components.is_empty() {
        let code = concept(LOINC, BLOOD_PRESSURE, "Blood pressure panel with all children optional");
        found.push((
            BLOOD_PRESSURE,
            at.clone(),
            json!({ "code": code, "component": components }),
        ));
    }
    if let Some(value) = vitals.weight.and_then(|it| finite(it.0)) {
        let body = json!({ "code": concept(LOINC, BODY_WEIGHT, "Body weight"),
            "valueQuantity": quantity(value, "kg", Some("kg")) });
        found.push((BODY_WEIGHT, vitals.weight_on.map_or(at, |day| day.to_string()), body));
    }
    found
}

pub(crate) fn read_visit(index: &Index, encounter: &Value, url: &str) -> Option<SharedVisit> {
    let note = index
        .belonging(url, "DocumentReference")
        .find(|it| code_in(it, "/type/coding", LOINC) == Some("11506-3"))?;
    Some(SharedVisit {
        id: identifier_in(encounter, VISIT)?.to_owned(),
        started_at: instant(encounter, "/period/start")?,
        signed_at: instant(note, "/date")?,
        author: read_author(index, note, "/author/0/reference")?,
        note: attached(note)?,
        diagnoses: index.belonging(url, "Condition").map(read_diagnosis).collect(),
        vitals: read_vitals(index.belonging(url, "Observation")),
        sensitivity: sensitivity(encounter),
    })
}

fn read_diagnosis(condition: &Value) -> Diagnosis {
    Diagnosis {
        text: text_or_empty(condition, "/code/text"),
        icd10: code_in(condition, "/code/coding", ICD_10).map(str::to_owned),
    }
}

fn read_vitals<'v>(observations: impl Iterator<Item = &'v Value>) -> Vitals {
    let mut vitals = Vitals::default();
    for observation in observations {
        let value = decimal(observation, "/valueQuantity/value");
        match code_in(observation, "/code/coding", LOINC) {
            Some(BODY_TEMPERATURE) => vitals.temperature = value.map(Celsius),
            Some(BODY_WEIGHT) => {
                vitals.weight = value.map(Kilograms);
                vitals.weight_on = text(observation, "/effectiveDateTime").and_then(day_of);
            }
            Some(BLOOD_PRESSURE) => {
                for component in list(observation, "/component") {
                    let value = decimal(component, "/valueQuantity/value").map(MillimetresOfMercury);
                    match code_in(component, "/code/coding", LOINC) {
                        Some(SYSTOLIC) => vitals.systolic = value,
                        Some(DIASTOLIC) => vitals.diastolic = value,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    vitals
}
