//! One access across clinics: the pair of AuditEvents of IHE BALP, one as each side records it.

use domain::{Instant, Purpose};
use serde_json::{Value, json};

use crate::consent::{clinic, person, purpose_code, purpose_words};
use crate::json::{Entry, coding, concept, identifier};
use crate::names::{ACT_REASON, GRANT, RELEASE, REQUEST};
use crate::{IdentityCard, SourceClinic};

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const OBJECT_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";
const SOURCE_TYPE: &str = "http://terminology.hl7.org/CodeSystem/security-source-type";
const BALP_ENTITY_TYPE: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
const BALP_PROFILE: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.";

/// One line of the audit: who asked for what, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessLine {
    /// The request's id, which joins both sides.
    pub request_id: String,
    /// When.
    pub at: Instant,
    /// Was it permitted?
    pub permitted: bool,
    /// Why, as a code: `active`, `revoked`, `expired` …
    pub reason_code: String,
    /// What for.
    pub purpose: Purpose,
    /// The grant's id in hexadecimal.
    pub grant: String,
    /// What was asked for: a release's id.
    pub resource: String,
    /// The clinic that gives.
    pub source: SourceClinic,
    /// The clinic that asks.
    pub recipient: SourceClinic,
    /// Who it is about; `None` where only opaque ids are known.
    pub patient: Option<IdentityCard>,
}

/// The AuditEvent as the source records it (export), and as the recipient does (import).
pub fn audit_pair(line: &AccessLine) -> [Value; 2] {
    [
        event(line, "Source", &line.source, ("110106", "Export", "R")),
        event(line, "Recipient", &line.recipient, ("110107", "Import", "C")),
    ]
}

fn event(line: &AccessLine, side: &str, observer: &SourceClinic, (code, display, action): (&str, &str, &str)) -> Value {
    let patient = line.patient.as_ref().map(
        |card| json!({ "what": person(card), "type": coding(ENTITY_TYPE, "1"), "role": coding(OBJECT_ROLE, "1") }),
    );
    let thing = |system: &str, value: &str, role: Option<&str>| {
        json!({
            "what": { "identifier": identifier(system, value) },
            "type": coding(ENTITY_TYPE, "2"),
            "role": role.map(|role| coding(OBJECT_ROLE, role)),
        })
    };
    let request = json!({
        "what": { "identifier": identifier(REQUEST, &line.request_id) },
        "type": coding(BALP_ENTITY_TYPE, "XrequestId"),
    });
    let permitted = line.permitted;
    Entry::new(
        "AuditEvent",
        &[
            side,
            &line.source.id,
            &line.recipient.id,
            &line.request_id,
            &line.resource,
        ],
        json!({
            // A refused access disclosed nothing: it keeps the pair's shape and does not claim its profile.
            "meta": { "profile": permitted.then(|| vec![format!("{BALP_PROFILE}{side}")]) },
            "type": { "system": DICOM, "code": code, "display": display },
            "subtype": [coding(LIFECYCLE, "disclose")],
            "action": action,
            "recorded": line.at.to_string(),
            "outcome": if permitted { "0" } else { "4" },
            "outcomeDesc": line.reason_code,
            "purposeOfEvent": [concept(
                ACT_REASON,
                purpose_code(line.purpose),
                purpose_words(line.purpose),
            )],
            "agent": [
                agent(&line.source, ("110153", "Source Role ID"), false),
                agent(&line.recipient, ("110152", "Destination Role ID"), true),
            ],
            "source": { "observer": clinic(observer), "type": [coding(SOURCE_TYPE, "4")] },
            "entity": [
                patient,
                thing(RELEASE, &line.resource, Some("3")),
                thing(GRANT, &line.grant, None),
                request,
            ],
        }),
    )
    .resource
}

/// A clinic in its part. Clinics meet at a relay: what stands for a network address is the clinic's own name for itself.
fn agent(who: &SourceClinic, (code, display): (&str, &str), requestor: bool) -> Value {
    json!({
        "type": concept(DICOM, code, display),
        "who": clinic(who),
        "requestor": requestor,
        "network": { "address": format!("urn:medieco:clinic:{}", who.id), "type": "5" },
    })
}
