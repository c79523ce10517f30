//! An allergy: AllergyIntolerance.

use domain::{Allergy, AllergyVerification, Severity};
use serde_json::{Value, json};

use crate::document::Frame;
use crate::json::{Entry, coding, concept, identifier};
use crate::names::{ALLERGY, ALLERGY_SEVERITY, DATA_ABSENT, STAFF, SUBSTANCE_CODE};
use crate::reading::{code_in, extension, identifier_in, instant, text, text_or_empty};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";

/// Ours; FHIR's severity of a reaction; FHIR's criticality.
const SEVERITIES: [(Severity, &str, Option<&str>, &str); 5] = [
    (Severity::Unknown, "unknown", None, "unable-to-assess"),
    (Severity::Mild, "mild", Some("mild"), "low"),
    (Severity::Moderate, "moderate", Some("moderate"), "low"),
    (Severity::Severe, "severe", Some("severe"), "high"),
    (Severity::Anaphylaxis, "anaphylaxis", Some("severe"), "high"),
];

pub(crate) fn write_allergy(frame: &Frame, allergy: &Allergy) -> Entry {
    let (_, code, severity, criticality) = SEVERITIES
        .iter()
        .find(|row| row.0 == allergy.severity)
        .expect("the table has every severity");
    let (verification, display) = match allergy.verification {
        AllergyVerification::PatientReported => ("unconfirmed", "Unconfirmed"),
        AllergyVerification::Verified => ("confirmed", "Confirmed"),
    };
    // A reaction has a manifestation, even one that nobody described.
    let manifestation = match allergy.reaction.trim() {
        "" => json!({ "extension": [{ "url": DATA_ABSENT, "valueCode": "unknown" }] }),
        _ => json!({ "text": allergy.reaction }),
    };
    let reaction = (severity.is_some() || !allergy.reaction.trim().is_empty())
        .then(|| json!([{ "manifestation": [manifestation], "severity": severity }]));
    let substance = allergy.substance_key.as_ref().filter(|key| !key.is_empty());
    Entry::new(
        "AllergyIntolerance",
        &[frame.clinic_id(), &allergy.id.to_string()],
        json!({
            "extension": [{ "url": ALLERGY_SEVERITY, "valueCode": code }],
            "identifier": [identifier(ALLERGY, &allergy.id.to_string())],
            "clinicalStatus": concept(CLINICAL, "active", "Active"),
            "verificationStatus": concept(VERIFICATION, verification, display),
            "criticality": criticality,
            "code": { "coding": [substance.map(|key| coding(SUBSTANCE_CODE, key))], "text": allergy.substance },
            "patient": frame.patient,
            "recordedDate": allergy.recorded_at.to_string(),
            "recorder": { "type": "Practitioner", "identifier": identifier(STAFF, &allergy.recorded_by.to_string()) },
            "reaction": reaction,
        }),
    )
}

pub(crate) fn read_allergy(resource: &Value) -> Option<Allergy> {
    let severity = extension(resource, "/extension", ALLERGY_SEVERITY).and_then(|it| text(it, "/valueCode"));
    Some(Allergy {
        id: identifier_in(resource, ALLERGY)?.parse().ok()?,
        substance: text(resource, "/code/text")?.to_owned(),
        substance_key: code_in(resource, "/code/coding", SUBSTANCE_CODE).map(str::to_owned),
        reaction: text_or_empty(resource, "/reaction/0/manifestation/0/text"),
        // A word that this build doesn't know is not known, never mild.
        severity: SEVERITIES
            .iter()
            .find(|row| Some(row.1) == severity)
            .map_or(Severity::Unknown, |row| row.0),
        verification: match code_in(resource, "/verificationStatus/coding", VERIFICATION) {
            Some("confirmed") => AllergyVerification::Verified,
            _ => AllergyVerification::PatientReported,
        },
        recorded_at: instant(resource, "/recordedDate")?,
        recorded_by: text(resource, "/recorder/identifier/value")?.parse().ok()?,
    })
}
