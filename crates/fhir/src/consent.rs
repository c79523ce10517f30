//! A grant: Consent, as IHE PCF profiles it.

use domain::{AccessMode, Category, ConsentEvidence, ConsentLanguage, HowAgreed, Instant, Purpose, ShareTerms};
use serde_json::{Value, json};

use crate::json::{Entry, coding, concept, identifier};
use crate::names::{ACT_CODE, ACT_REASON, CLINIC, ERASE_AT, GRANT, LOINC, SENSITIVITIES, WITNESS, sensitivity_code};
use crate::people::card_identifier;
use crate::{IdentityCard, SourceClinic};

const RESOURCE_TYPES: &str = "http://hl7.org/fhir/resource-types";
const ACTION: &str = "http://terminology.hl7.org/CodeSystem/consentaction";
const SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
const PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";

/// What a patient agreed to, with whom, and how we know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentContent {
    /// The grant's id in hexadecimal.
    pub grant: String,
    /// Who.
    pub card: IdentityCard,
    /// The clinic that gives.
    pub source: SourceClinic,
    /// The clinic that receives.
    pub recipient: SourceClinic,
    /// The terms.
    pub terms: ShareTerms,
    /// How we know. The signature itself stays at the source.
    pub evidence: ConsentEvidence,
    /// When she took it back; `None` while it stands.
    pub revoked_at: Option<Instant>,
}

/// The Consent resource of a grant.
///
/// Nothing is shared unless it is permitted (policy rule `OPTIN`): the base provision permits, and one nested provision
/// denies the sensitive subjects that were not named.
pub fn consent(content: &ConsentContent) -> Value {
    let (terms, evidence) = (&content.terms, &content.evidence);
    let patient = person(&content.card);
    let performer = match (&evidence.guardian, evidence.how) {
        // Nobody agreed: the clinic that gave it answers for it.
        (_, HowAgreed::NotAsked) => clinic(&content.source),
        (Some(guardian), _) => json!({ "type": "RelatedPerson", "display": guardian }),
        (None, _) => patient.clone(),
    };
    let verification = match evidence.how {
        HowAgreed::Signed => Value::Null,
        HowAgreed::Spoken => json!([{ "verified": true, "verificationDate": evidence.signed_at.to_string() }]),
        HowAgreed::NotAsked => json!([{ "verified": false }]),
    };
    let language = match evidence.language {
        ConsentLanguage::English => "en",
        ConsentLanguage::Malay => "ms",
    };
    let kept_out = SENSITIVITIES.into_iter().filter(|it| !terms.sensitive.contains(it));
    let kept_out: Vec<Value> = kept_out.map(|it| coding(ACT_CODE, sensitivity_code(it))).collect();
    Entry::new("Consent", &[&content.source.id, &content.grant], json!({
        "extension": [
            { "url": ERASE_AT, "valueDate": terms.erase_at.to_string() },
            witness(&evidence.witness),
        ],
        "identifier": [identifier(GRANT, &content.grant)],
        "status": if content.revoked_at.is_some() { "inactive" } else { "active" },
        "scope": concept(SCOPE, "patient-privacy", "Privacy Consent"),
        "category": [concept(LOINC, "59284-0", "Consent Document")],
        "patient": patient,
        "dateTime": evidence.signed_at.to_string(),
        "performer": [performer],
        "organization": [clinic(&content.source)],
        "sourceAttachment": {
            "language": language,
            "title": format!("Consent form {}", evidence.form_version),
            "creation": evidence.signed_at.to_string(),
        },
        "policy": [{ "uri": format!("https://medieco.my/fhir/policy/sharing/{}", evidence.form_version) }],
        "policyRule": concept(ACT_CODE, "OPTIN", "opt-in"),
        "verification": verification,
        "provision": {
            "type": "permit",
            "period": {
                "start": evidence.signed_at.to_string(),
                "end": content.revoked_at.map_or(terms.until.to_string(), |at| at.to_string()),
            },
            "actor": [{
                "role": concept(PARTICIPATION, "IRCP", "information recipient"),
                "reference": clinic(&content.recipient),
            }],
            "action": actions(terms),
            "purpose": [coding(ACT_REASON, purpose_code(terms.purpose))],
            "class": classes(&terms.categories),
            "dataPeriod": {
                "start": terms.data_from.map(|day| day.to_string()),
                "end": terms.data_to.map(|day| day.to_string()),
            },
            "provision": if kept_out.is_empty() { Value::Null } else { json!([{ "type": "deny", "securityLabel": kept_out }]) },
        },
    }))
    .resource
}

fn witness(name: &str) -> Value {
    if name.trim().is_empty() {
        Value::Null
    } else {
        json!({ "url": WITNESS, "valueString": name })
    }
}

/// Looking is `access`, keeping is `collect`, passing on is `disclose`.
fn actions(terms: &ShareTerms) -> Vec<Value> {
    let keeps = (terms.mode == AccessMode::Keep).then_some("collect");
    let passes_on = terms.onward.then_some("disclose");
    let codes = ["access"].into_iter().chain(keeps).chain(passes_on);
    codes.map(|code| json!({ "coding": [coding(ACTION, code)] })).collect()
}

fn classes(categories: &[Category]) -> Vec<Value> {
    let kinds = |category: &Category| -> &[&str] {
        match category {
            Category::Encounters => &["Encounter", "Condition", "Observation", "DocumentReference"],
            Category::Allergies => &["AllergyIntolerance"],
            Category::Prescriptions => &["MedicationRequest", "MedicationDispense"],
            Category::Audio => &["Media"],
        }
    };
    categories
        .iter()
        .flat_map(kinds)
        .map(|kind| coding(RESOURCE_TYPES, kind))
        .collect()
}

/// The HL7 code of a purpose.
pub(crate) fn purpose_code(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Treatment => "TREAT",
        Purpose::Emergency => "ETREAT",
    }
}

/// The same in words.
pub(crate) fn purpose_words(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Treatment => "treatment",
        Purpose::Emergency => "Emergency Treatment",
    }
}

/// A patient named by her document: nothing to follow.
pub(crate) fn person(card: &IdentityCard) -> Value {
    json!({ "type": "Patient", "identifier": card_identifier(&card.identifier), "display": card.name })
}

/// A clinic named by its id.
pub(crate) fn clinic(clinic: &SourceClinic) -> Value {
    json!({ "type": "Organization", "identifier": identifier(CLINIC, &clinic.id), "display": clinic.name })
}
