//! A line of the audit as FHIR R4 AuditEvents, after IHE's Basic Audit Log Patterns (BALP).
//!
//! A permitted access is the pair of a privacy disclosure: the giver's export and the recipient's import, joined by the
//! request's id. A denied one disclosed nothing: it is the decision that refused it. The relay knows a patient only as
//! whoever gave a grant, so that is how she is named; there is no clinical word in any of this.

use consent::{PURPOSE_EMERGENCY, PURPOSE_TREATMENT};
use seal::TenantId;
use serde_json::{Value, json};
use sync_protocol::AuditLine;

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const ROLE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleClass";
const SECURITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/extra-security-role-type";
const RESOURCE_TYPE: &str = "http://hl7.org/fhir/resource-types";
const BALP: &str = "https://profiles.ihe.net/ITI/BALP";

/// Names that the apps' own exports use too; names, not addresses.
const CLINIC: &str = "https://medieco.my/fhir/sid/clinic";
const DEVICE: &str = "https://medieco.my/fhir/sid/device";
const GRANT: &str = "https://medieco.my/fhir/sid/grant";
const REQUEST: &str = "https://medieco.my/fhir/sid/request";
const EVENTS: &str = "https://medieco.my/fhir/AuditEvent";
const FHIR_VERSION: &str = "https://medieco.my/fhir/CodeSystem/fhir-version";

/// The Bundle's members up to its entries, without braces.
pub(crate) fn bundle_head(at: &str) -> String {
    let tag = json!([{ "system": FHIR_VERSION, "code": "4.0.1" }]);
    format!(
        "\"resourceType\":\"Bundle\",\"meta\":{{\"tag\":{tag}}},\"type\":\"collection\",\"timestamp\":{}",
        json!(at)
    )
}

/// The entries for one line; `at`: its time.
pub(crate) fn entries(line: &AuditLine, at: &str) -> Vec<Value> {
    let events = match line.source.filter(|_| line.permitted()) {
        Some(source) => vec![
            disclosure(line, at, &source, Side::Source),
            disclosure(line, at, &source, Side::Recipient),
        ],
        None => vec![denial(line, at)],
    };
    let entry = |event: Value| json!({ "fullUrl": format!("{EVENTS}/{}", text(&event["id"])), "resource": event });
    events.into_iter().map(entry).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Recipient,
}

fn disclosure(line: &AuditLine, at: &str, source: &TenantId, side: Side) -> Value {
    let (name, code, display, action, observer) = match side {
        Side::Source => ("Source", "110106", "Export", "R", source),
        Side::Recipient => ("Recipient", "110107", "Import", "C", &line.requester),
    };
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("{}-{}", hex::encode(line.request), name.to_lowercase()),
        "meta": { "profile": [format!("{BALP}/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.{name}")] },
        "type": coding(DICOM, code, display),
        "subtype": [coding(LIFECYCLE, "disclose", "Disclose Record Lifecycle Event")],
        "action": action,
        "recorded": at,
        "outcome": "0",
        "outcomeDesc": line.outcome.name(),
        "agent": [
            clinic_agent(source, ("110153", "Source Role ID"), false),
            clinic_agent(&line.requester, ("110152", "Destination Role ID"), true),
            device_agent(line),
        ],
        "source": {
            "site": "medieco-relay",
            "observer": clinic(observer),
            "type": [coding(SOURCE_TYPE, "4", "Application Server")],
        },
        "entity": [
            patient(line),
            {
                "what": { "identifier": identifier(GRANT, &line.grant.to_string()) },
                "type": coding(ENTITY_TYPE, "2", "System Object"),
                "role": coding(OBJECT_ROLE, "3", "Report"),
                "detail": [{ "type": "releases", "valueString": line.count.to_string() }],
            },
            request(line),
        ],
    });
    name_purpose(&mut event, line);
    event
}

/// The decision that refused: by the relay, about a clinic that asked. It claims no profile, which asks for a person.
fn denial(line: &AuditLine, at: &str) -> Value {
    let mut agents = vec![
        device_agent(line),
        json!({
            "type": concept(ROLE_CLASS, "PROV", "healthcare provider"),
            "who": clinic(&line.requester),
            "requestor": true,
        }),
        json!({
            "type": concept(SECURITY_ROLE, "authserver", "authorization server"),
            "who": relay(),
            "requestor": false,
        }),
    ];
    if let Some(source) = &line.source {
        agents.push(clinic_agent(source, ("110153", "Source Role ID"), false));
    }
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("{}-denied", hex::encode(line.request)),
        "type": coding(DICOM, "110113", "Security Alert"),
        "subtype": [coding(
            &format!("{BALP}/CodeSystem/AuthZsubType"),
            "AuthZ-Consent",
            "Authorization Decision using Roles and Consent",
        )],
        "action": "E",
        "recorded": at,
        "outcome": "4",
        "outcomeDesc": line.outcome.name(),
        "agent": agents,
        "source": {
            "site": "medieco-relay",
            "observer": relay(),
            "type": [coding(SOURCE_TYPE, "6", "Security Server")],
        },
        "entity": [
            {
                "what": { "type": "Consent", "identifier": identifier(GRANT, &line.grant.to_string()) },
                "type": { "system": RESOURCE_TYPE, "code": "Consent", "display": "Consent" },
            },
            request(line),
        ],
    });
    name_purpose(&mut event, line);
    event
}

/// What for, where the relay knows it; a purpose of a newer build has no word here.
fn name_purpose(event: &mut Value, line: &AuditLine) {
    let (code, words) = match line.purpose {
        Some(PURPOSE_TREATMENT) => ("TREAT", "treatment"),
        Some(PURPOSE_EMERGENCY) => ("ETREAT", "Emergency Treatment"),
        _ => return,
    };
    event["purposeOfEvent"] = json!([concept(ACT_REASON, code, words)]);
}

/// Whoever gave the grant: a name that points nowhere outside of the giving clinic.
fn patient(line: &AuditLine) -> Value {
    json!({
        "what": {
            "type": "Patient",
            "identifier": identifier(GRANT, &line.grant.to_string()),
            "display": "the patient who gave this consent",
        },
        "type": coding(ENTITY_TYPE, "1", "Person"),
        "role": coding(OBJECT_ROLE, "1", "Patient"),
    })
}

fn request(line: &AuditLine) -> Value {
    json!({
        "what": { "identifier": identifier(REQUEST, &hex::encode(line.request)) },
        "type": { "system": format!("{BALP}/CodeSystem/BasicAuditEntityType"), "code": "XrequestId" },
    })
}

/// A clinic in its part. Clinics meet at a relay: what stands for a network address is the clinic's own id.
fn clinic_agent(tenant: &TenantId, (code, display): (&str, &str), requestor: bool) -> Value {
    json!({
        "type": concept(DICOM, code, display),
        "who": clinic(tenant),
        "requestor": requestor,
        "network": { "address": format!("urn:medieco:clinic:{tenant}"), "type": "5" },
    })
}

/// The device that asked.
fn device_agent(line: &AuditLine) -> Value {
    json!({
        "type": concept(DICOM, "110150", "Application"),
        "who": { "type": "Device", "identifier": identifier(DEVICE, &line.device.to_string()) },
        "requestor": false,
        "network": { "address": format!("urn:medieco:device:{}", line.device), "type": "5" },
    })
}

fn clinic(tenant: &TenantId) -> Value {
    json!({ "type": "Organization", "identifier": identifier(CLINIC, &tenant.to_string()) })
}

fn relay() -> Value {
    json!({ "type": "Device", "display": "medieco-relay" })
}

fn identifier(system: &str, value: &str) -> Value {
    json!({ "system": system, "value": value })
}

fn coding(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [coding(system, code, display)] })
}
