//! A prescription line: Medication and MedicationRequest; its handing-over: MedicationDispense; an overridden alert:
//! DetectedIssue.

use domain::{LineId, Milligrams, PrescriptionLine};
use serde_json::{Value, json};

use crate::document::Frame;
use crate::json::{Entry, coding, concept, derived_id, identifier, quantity, security};
use crate::names::{
    DISPENSING, FINDING_CODE, FREQUENCIES, FREQUENCY_CODE, LINE, PRODUCT_CODE, ROUTE_CODE, ROUTES, VISIT,
};
use crate::people::{read_author, write_author};
use crate::reading::{Index, code_in, decimal, identifier_in, instant, list, sensitivity, text, text_or_empty, whole};
use crate::visit::visit_url;
use crate::{SharedDispensing, SharedMedicine, SharedReason};

/// What a line becomes.
pub(crate) struct MedicineEntries {
    /// Listed in the section: the request and its dispensings.
    pub medicine: Vec<Entry>,
    /// Listed in no section.
    pub beside: Vec<Entry>,
}

pub(crate) fn write_medicine(frame: &Frame, medicine: &SharedMedicine) -> MedicineEntries {
    let (clinic, line) = (frame.clinic_id(), &medicine.line);
    let labels = security(&medicine.sensitivity);
    let prescriber = write_author(frame.source, &medicine.prescriber);
    let what = Entry::new("Medication", &[clinic, &medicine.id], medication(line));
    let request_url = format!("urn:uuid:{}", derived_id("MedicationRequest", &[clinic, &medicine.id]));
    let reasons = reasons(frame, medicine, &request_url);
    let dosage = dosage(line, &medicine.directions);
    let request = Entry::new(
        "MedicationRequest",
        &[clinic, &medicine.id],
        json!({
            "meta": labels,
            "identifier": [identifier(LINE, &medicine.id)],
            "status": if medicine.dispensed.is_empty() { "active" } else { "completed" },
            "intent": "order",
            "medicationReference": what.reference(),
            "subject": frame.patient,
            "encounter": encounter(frame, &medicine.visit),
            "authoredOn": medicine.prescribed_at.to_string(),
            "requester": prescriber.reference(),
            "reasonCode": [{ "text": line.indication }],
            "dosageInstruction": [dosage],
            "dispenseRequest": {
                "quantity": quantity(f64::from(line.quantity), &line.unit, None),
                "expectedSupplyDuration": quantity(f64::from(line.days), "days", Some("d")),
            },
            "detectedIssue": reasons.iter().map(Entry::reference).collect::<Vec<_>>(),
        }),
    );
    let mut beside = vec![what, prescriber];
    let mut listed = vec![request];
    for dispensing in &medicine.dispensed {
        let by = write_author(frame.source, &dispensing.by);
        listed.push(Entry::new(
            "MedicationDispense",
            &[clinic, &medicine.id, &dispensing.id],
            json!({
                "meta": labels,
                "identifier": [identifier(DISPENSING, &dispensing.id)],
                "status": "completed",
                "medicationReference": beside[0].reference(),
                "subject": frame.patient,
                "performer": [{ "actor": by.reference() }],
                "authorizingPrescription": [{ "reference": request_url }],
                "quantity": quantity(f64::from(dispensing.quantity), &line.unit, None),
                "whenHandedOver": dispensing.at.to_string(),
                "dosageInstruction": [dosage],
            }),
        ));
        beside.push(by);
    }
    beside.extend(reasons);
    MedicineEntries {
        medicine: listed,
        beside,
    }
}

/// The visit by its address when the document holds it, else only by its identifier: nothing dangles.
fn encounter(frame: &Frame, visit: &str) -> Value {
    let mut reference = json!({ "identifier": identifier(VISIT, visit) });
    if frame.holds_visit(visit) {
        reference["reference"] = json!(visit_url(frame.clinic_id(), visit));
    }
    reference
}

fn medication(line: &PrescriptionLine) -> Value {
    let strength = (line.strength.0.is_finite() && line.strength.0 > 0.0).then(|| {
        json!({
            "numerator": quantity(line.strength.0, "mg", Some("mg")),
            "denominator": quantity(1.0, &line.unit, None),
        })
    });
    let coded = (!line.drug_key.is_empty()).then(|| coding(PRODUCT_CODE, &line.drug_key));
    json!({
        "code": { "coding": [coded], "text": line.drug_name },
        "form": { "text": line.unit },
        "ingredient": strength.map(|strength| {
            json!([{ "itemCodeableConcept": { "text": line.drug_name }, "strength": strength }])
        }),
    })
}

fn dosage(line: &PrescriptionLine, directions: &str) -> Value {
    let (_, code, times, period, unit, at_night) = FREQUENCIES
        .iter()
        .find(|row| row.0 == line.frequency)
        .expect("the table has every frequency");
    let (_, route) = ROUTES
        .iter()
        .find(|row| row.0 == line.route)
        .expect("the table has every route");
    let amount = line
        .units_per_dose
        .is_finite()
        .then(|| quantity(line.units_per_dose, &line.unit, None));
    json!({
        "text": directions,
        "patientInstruction": line.advice,
        "timing": {
            "repeat": {
                "boundsDuration": quantity(f64::from(line.days), "days", Some("d")),
                "frequency": times,
                "period": period,
                "periodUnit": unit,
                "when": at_night.then_some(["HS"]),
            },
            "code": { "coding": [coding(FREQUENCY_CODE, code)] },
        },
        "asNeededBoolean": line.when_needed,
        "route": { "coding": [coding(ROUTE_CODE, route)], "text": route },
        "doseAndRate": [{ "doseQuantity": amount }],
    })
}

/// Why alerts were overridden. One that speaks of an allergy doesn't cross while the allergies are withheld.
fn reasons(frame: &Frame, medicine: &SharedMedicine, request: &str) -> Vec<Entry> {
    let may_cross = |reason: &&SharedReason| frame.shares_allergies || !reason.finding_key.starts_with("allerg");
    let write = |reason: &SharedReason| {
        Entry::new(
            "DetectedIssue",
            &[frame.clinic_id(), &medicine.id, &reason.finding_key],
            json!({
                "meta": security(&medicine.sensitivity),
                "status": "final",
                "code": concept(FINDING_CODE, &reason.finding_key, &reason.finding_key),
                "severity": "high",
                "patient": frame.patient,
                "identifiedDateTime": reason.at.to_string(),
                "implicated": [{ "reference": request }],
                "mitigation": [{ "action": { "text": reason.reason }, "date": reason.at.to_string() }],
            }),
        )
    };
    medicine.reasons.iter().filter(may_cross).map(write).collect()
}

pub(crate) fn read_medicine(index: &Index, request: &Value, url: &str) -> Option<SharedMedicine> {
    let id = identifier_in(request, LINE)?.to_owned();
    let line = read_line(index, request, id.parse().ok()?)?;
    let dispensed = index
        .belonging(url, "MedicationDispense")
        .map(|it| read_dispensing(index, it));
    Some(SharedMedicine {
        visit: text_or_empty(request, "/encounter/identifier/value"),
        line,
        directions: text_or_empty(request, "/dosageInstruction/0/text"),
        prescribed_at: instant(request, "/authoredOn")?,
        prescriber: read_author(index, request, "/requester/reference")?,
        reasons: index
            .belonging(url, "DetectedIssue")
            .map(read_reason)
            .collect::<Option<_>>()?,
        dispensed: dispensed.collect::<Option<_>>()?,
        sensitivity: sensitivity(request),
        id,
    })
}

fn read_line(index: &Index, request: &Value, id: LineId) -> Option<PrescriptionLine> {
    let what = index.follow(request, "/medicationReference/reference")?;
    let dosage = list(request, "/dosageInstruction").first()?;
    let route = code_in(dosage, "/route/coding", ROUTE_CODE)?;
    let frequency = code_in(dosage, "/timing/code/coding", FREQUENCY_CODE)?;
    Some(PrescriptionLine {
        id,
        drug_key: code_in(what, "/code/coding", PRODUCT_CODE)
            .unwrap_or_default()
            .to_owned(),
        drug_name: text(what, "/code/text")?.to_owned(),
        strength: Milligrams(decimal(what, "/ingredient/0/strength/numerator/value").unwrap_or(0.0)),
        unit: text_or_empty(what, "/form/text"),
        units_per_dose: decimal(dosage, "/doseAndRate/0/doseQuantity/value")?,
        route: ROUTES.iter().find(|row| row.1 == route)?.0,
        frequency: FREQUENCIES.iter().find(|row| row.1 == frequency)?.0,
        when_needed: dosage
            .pointer("/asNeededBoolean")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        days: whole(request, "/dispenseRequest/expectedSupplyDuration/value")?,
        quantity: whole(request, "/dispenseRequest/quantity/value")?,
        indication: text_or_empty(request, "/reasonCode/0/text"),
        advice: text_or_empty(dosage, "/patientInstruction"),
        overrides: Vec::new(),
    })
}

fn read_dispensing(index: &Index, dispense: &Value) -> Option<SharedDispensing> {
    Some(SharedDispensing {
        id: identifier_in(dispense, DISPENSING)?.to_owned(),
        at: instant(dispense, "/whenHandedOver")?,
        by: read_author(index, dispense, "/performer/0/actor/reference")?,
        quantity: whole(dispense, "/quantity/value")?,
    })
}

fn read_reason(issue: &Value) -> Option<SharedReason> {
    Some(SharedReason {
        finding_key: code_in(issue, "/code/coding", FINDING_CODE)?.to_owned(),
        reason: text_or_empty(issue, "/mitigation/0/action/text"),
        at: instant(issue, "/identifiedDateTime")?,
    })
}
