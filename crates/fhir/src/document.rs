//! The document Bundle of a release, written.

use std::collections::{BTreeSet, HashSet};

use domain::{AllergyStatus, Instant};
use serde_json::{Value, json};

use crate::allergy::write_allergy;
use crate::json::{Entry, coding, concept, derived_id, identifier, tidy};
use crate::medicine::write_medicine;
use crate::names::{
    ACT_CODE, ASKED_ON, CONFIDENTIALITY, FHIR_VERSION, LOINC, OBSERVATION_VALUE, RELEASE, RELEASE_FORMAT,
};
use crate::narrative::narrative;
use crate::people::{write_clinic, write_patient};
use crate::reading::{list, text};
use crate::recording::write_recording;
use crate::section::{Emptiness, Section};
use crate::visit::write_visit;
use crate::{ReleaseContent, Shared, SharedRecord, SourceClinic};

/// What every entry refers to.
pub(crate) struct Frame<'a> {
    pub source: &'a SourceClinic,
    pub patient: Value,
    pub clinic: Value,
    /// The patient agreed to share her allergies, here or in another release.
    pub shares_allergies: bool,
    visits: HashSet<&'a str>,
}

impl Frame<'_> {
    pub fn clinic_id(&self) -> &str {
        &self.source.id
    }

    /// Does the document hold this visit?
    pub fn holds_visit(&self, visit: &str) -> bool {
        self.visits.contains(visit)
    }
}

/// The document that a release carries. The same content gives the same document.
pub fn release_bundle(content: &ReleaseContent) -> Value {
    let record = &content.record;
    let patient = write_patient(&record.source, &record.card);
    let clinic = write_clinic(&record.source);
    let frame = Frame {
        source: &record.source,
        patient: patient.reference(),
        clinic: clinic.reference(),
        shares_allergies: !record.allergies.is_withheld(),
        visits: record
            .encounters
            .given()
            .into_iter()
            .flatten()
            .map(|visit| visit.id.as_str())
            .collect(),
    };
    let mut body = Body {
        sections: Vec::new(),
        entries: vec![patient, clinic],
    };
    body.allergies(&frame, &record.allergies);
    body.medicines(&frame, record);
    body.visits(&frame, record);
    body.recordings(&frame, record);

    let as_of = record.as_of.to_string();
    let security = document_labels(record, &body.entries);
    let composition = Entry::new(
        "Composition",
        &[&record.source.id, &content.id],
        json!({
            "language": "en",
            "identifier": identifier(RELEASE, &content.id),
            "text": narrative(["Patient summary", &record.card.name, &record.source.name, &as_of]),
            "status": "final",
            "type": concept(LOINC, "60591-5", "Patient summary Document"),
            "subject": frame.patient,
            "date": as_of,
            "author": [frame.clinic],
            "title": format!("Patient summary, {}", record.source.name),
            "confidentiality": if is_restricted(&body.entries) { "R" } else { "N" },
            "custodian": frame.clinic,
            "section": body.sections,
        }),
    );
    let mut seen = BTreeSet::new();
    let entries = [composition]
        .into_iter()
        .chain(body.entries)
        .filter(|entry| seen.insert(entry.url.clone()));
    json!({
        "resourceType": "Bundle",
        "id": derived_id("Bundle", &[&record.source.id, &content.id]),
        "meta": {
            "security": security,
            "tag": [coding(FHIR_VERSION.0, FHIR_VERSION.1), coding(RELEASE_FORMAT.0, RELEASE_FORMAT.1)],
        },
        "identifier": identifier(RELEASE, &content.id),
        "type": "document",
        "timestamp": as_of,
        "entry": entries.map(Entry::into_value).collect::<Vec<_>>(),
    })
}

/// A plain collection, for what belongs to no document: a Consent, AuditEvents.
pub fn bundle_of(id: &str, at: Instant, resources: Vec<Value>) -> Value {
    let entry = |resource: Value| match text(&resource, "/id").map(|id| format!("urn:uuid:{id}")) {
        Some(url) => json!({ "fullUrl": url, "resource": resource }),
        None => json!({ "resource": resource }),
    };
    tidy(json!({
        "resourceType": "Bundle",
        "id": derived_id("Bundle", &[id]),
        "type": "collection",
        "timestamp": at.to_string(),
        "entry": resources.into_iter().map(entry).collect::<Vec<_>>(),
    }))
}

/// Sections and entries as they grow.
struct Body {
    sections: Vec<Value>,
    entries: Vec<Entry>,
}

impl Body {
    /// A section with its entries, or with the reason why there are none.
    fn section(&mut self, section: Section, entries: Vec<Entry>, lines: &[String], otherwise: Emptiness) {
        self.sections.push(match entries.as_slice() {
            [] => section.empty(otherwise, Value::Null),
            entries => section.with_entries(entries, lines),
        });
        self.entries.extend(entries);
    }

    fn allergies(&mut self, frame: &Frame, shared: &Shared<AllergyStatus>) {
        let asked = |on: &domain::Day| json!([{ "url": ASKED_ON, "valueDate": on.to_string() }]);
        let (why, more) = match shared {
            Shared::Given {
                value: AllergyStatus::Known { allergies },
            } => {
                let entries = allergies.iter().map(|allergy| write_allergy(frame, allergy)).collect();
                let lines: Vec<String> = allergies
                    .iter()
                    .map(|it| format!("{}: {}", it.substance, it.reaction))
                    .collect();
                return self.section(Section::Allergies, entries, &lines, Emptiness::Unavailable);
            }
            Shared::Given {
                value: AllergyStatus::NoneKnown { asked_on },
            } => (Emptiness::NilKnown, asked(asked_on)),
            Shared::Given {
                value: AllergyStatus::NotAsked,
            } => (Emptiness::NotAsked, Value::Null),
            Shared::Withheld => (Emptiness::Withheld, Value::Null),
            Shared::Unavailable => (Emptiness::Unavailable, Value::Null),
        };
        self.sections.push(Section::Allergies.empty(why, more));
    }

    fn medicines(&mut self, frame: &Frame, record: &SharedRecord) {
        let (mut listed, mut lines) = (Vec::new(), Vec::new());
        for medicine in record.prescriptions.given().into_iter().flatten() {
            let written = write_medicine(frame, medicine);
            listed.extend(written.medicine);
            self.entries.extend(written.beside);
            lines.push(format!(
                "{}: {} ({})",
                medicine.line.drug_name, medicine.directions, medicine.prescribed_at
            ));
        }
        self.section(Section::Medicines, listed, &lines, why_empty(&record.prescriptions));
    }

    fn visits(&mut self, frame: &Frame, record: &SharedRecord) {
        let (mut visits, mut problems, mut vitals) = (Vec::new(), Vec::new(), Vec::new());
        let (mut told, mut named) = (Vec::new(), Vec::new());
        for visit in record.encounters.given().into_iter().flatten() {
            let written = write_visit(frame, visit);
            visits.extend(written.visit);
            problems.extend(written.problems);
            vitals.extend(written.vitals);
            self.entries.extend(written.people);
            told.push(format!("{}, {}", visit.started_at, visit.author.name));
            named.extend(
                visit
                    .diagnoses
                    .iter()
                    .map(|it| format!("{} ({})", it.text, visit.started_at)),
            );
        }
        let why = why_empty(&record.encounters);
        // Visits without a diagnosis or a measurement say nothing about whether there is one.
        let unless_given = if visits.is_empty() { why } else { Emptiness::Unavailable };
        let measured = vec![format!("{} measurements", vitals.len())];
        self.section(Section::Problems, problems, &named, unless_given);
        self.section(Section::Encounters, visits, &told, why);
        self.section(Section::Vitals, vitals, &measured, unless_given);
    }

    fn recordings(&mut self, frame: &Frame, record: &SharedRecord) {
        let given = record.recordings.given().into_iter().flatten();
        let (entries, lines): (Vec<Entry>, Vec<String>) = given
            .map(|it| (write_recording(frame, it), format!("Transcript, {}", it.recorded_at)))
            .unzip();
        self.section(Section::Recordings, entries, &lines, why_empty(&record.recordings));
    }
}

fn why_empty<T>(shared: &Shared<T>) -> Emptiness {
    match shared {
        Shared::Given { .. } => Emptiness::NilKnown,
        Shared::Withheld => Emptiness::Withheld,
        Shared::Unavailable => Emptiness::Unavailable,
    }
}

fn is_restricted(entries: &[Entry]) -> bool {
    entries
        .iter()
        .any(|entry| !list(&entry.resource, "/meta/security").is_empty())
}

/// The strictest of the entries' labels; that something was kept back; that it may not be passed on.
fn document_labels(record: &SharedRecord, entries: &[Entry]) -> Vec<Value> {
    let mut labels = vec![coding(CONFIDENTIALITY, if is_restricted(entries) { "R" } else { "N" })];
    let withheld = [
        record.encounters.is_withheld(),
        record.allergies.is_withheld(),
        record.prescriptions.is_withheld(),
        record.recordings.is_withheld(),
    ];
    if withheld.contains(&true) {
        labels.push(coding(OBSERVATION_VALUE, "REDACTED"));
    }
    if !record.onward {
        labels.push(coding(ACT_CODE, NO_REDISCLOSURE));
    }
    labels
}

/// HL7's refrain policy "no redisclosure without consent directive".
pub(crate) const NO_REDISCLOSURE: &str = "NORDSCLCD";
