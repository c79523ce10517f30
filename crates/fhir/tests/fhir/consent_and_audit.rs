//! A grant as Consent, an access as a pair of AuditEvents.

use domain::{AccessMode, Category, ConsentEvidence, ConsentLanguage, HowAgreed, Purpose, Sensitivity, ShareTerms};
use fhir::{AccessLine, ConsentContent, audit_pair, bundle_of, consent};

use crate::assert_json;
use crate::sample::{at, card, clinic, day};

fn content() -> ConsentContent {
    ConsentContent {
        grant: "9c".repeat(16),
        card: card(),
        source: clinic('a'),
        recipient: clinic('b'),
        terms: ShareTerms {
            categories: vec![Category::Encounters, Category::Prescriptions],
            data_from: None,
            data_to: None,
            sensitive: vec![],
            mode: AccessMode::Keep,
            purpose: Purpose::Treatment,
            until: day("2027-11-20"),
            erase_at: day("2027-11-21"),
            onward: false,
        },
        evidence: ConsentEvidence {
            form_version: "1".into(),
            language: ConsentLanguage::Malay,
            how: HowAgreed::Signed,
            signature_svg: "M0 0L10 10".into(),
            witness: "Puan Siti".into(),
            guardian: None,
            signed_at: at("2026-11-21T02:10:00Z"),
        },
        revoked_at: None,
    }
}

fn access() -> AccessLine {
    AccessLine {
        request_id: "req-1".into(),
        at: at("2026-11-21T02:30:00Z"),
        permitted: true,
        reason_code: "active".into(),
        purpose: Purpose::Treatment,
        grant: "9c".repeat(16),
        resource: "4f".repeat(16),
        source: clinic('a'),
        recipient: clinic('b'),
        patient: Some(card()),
    }
}

#[test]
fn a_grant_permits_what_was_agreed_and_denies_the_rest() {
    let resource = consent(&content());
    assert_eq!(resource["status"], "active");
    assert_eq!(resource["policyRule"]["coding"][0]["code"], "OPTIN");
    let provision = &resource["provision"];
    let classes: Vec<_> = provision["class"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert!(classes.contains(&"Encounter") && classes.contains(&"MedicationRequest"));
    assert!(!classes.contains(&"AllergyIntolerance") && !classes.contains(&"Media"));
    assert_eq!(provision["provision"][0]["type"], "deny");
    assert_eq!(provision["provision"][0]["securityLabel"].as_array().unwrap().len(), 3);
    assert_json!("consent", resource);
}

#[test]
fn the_signature_never_leaves_the_source() {
    assert!(!consent(&content()).to_string().contains("M0 0L10 10"));
}

#[test]
fn named_subjects_are_not_denied_and_a_guardian_signs_for_a_minor() {
    let mut content = content();
    content.terms.sensitive = vec![
        Sensitivity::MentalHealth,
        Sensitivity::SexualHealth,
        Sensitivity::Reproductive,
    ];
    content.evidence.guardian = Some("Rahman bin Ali (father)".into());
    let resource = consent(&content);
    assert!(resource["provision"]["provision"].is_null());
    assert_eq!(resource["performer"][0]["display"], "Rahman bin Ali (father)");
}

#[test]
fn how_she_agreed_is_told_and_what_nobody_agreed_to_is_the_clinics_own_word() {
    let told = |how| {
        let mut content = content();
        content.evidence.how = how;
        let resource = consent(&content);
        (resource["verification"].clone(), resource["performer"][0].clone())
    };
    assert!(told(HowAgreed::Signed).0.is_null());
    let (verification, performer) = told(HowAgreed::Spoken);
    assert_eq!(
        (&verification[0]["verified"], &performer["type"]),
        (&true.into(), &"Patient".into())
    );
    let (verification, performer) = told(HowAgreed::NotAsked);
    assert_eq!(
        (&verification[0]["verified"], &performer["type"]),
        (&false.into(), &"Organization".into())
    );
}

#[test]
fn a_revoked_grant_is_inactive_and_ended_when_it_was_revoked() {
    let resource = consent(&ConsentContent {
        revoked_at: Some(at("2026-11-23T08:00:00Z")),
        ..content()
    });
    assert_eq!(resource["status"], "inactive");
    assert_eq!(resource["provision"]["period"]["end"], "2026-11-23T08:00:00Z");
    assert_eq!(resource["id"], consent(&content())["id"], "it is the same consent");
}

#[test]
fn both_sides_record_an_access_and_the_request_joins_them() {
    let [source, recipient] = audit_pair(&access());
    assert_eq!(
        (&source["type"]["code"], &recipient["type"]["code"]),
        (&"110106".into(), &"110107".into())
    );
    assert_eq!(
        source["source"]["observer"], source["agent"][0]["who"],
        "the giver records the export"
    );
    assert_eq!(
        recipient["source"]["observer"], recipient["agent"][1]["who"],
        "the receiver records the import"
    );
    for event in [&source, &recipient] {
        let entities = event["entity"].as_array().unwrap();
        assert!(
            entities
                .iter()
                .any(|it| it["type"]["code"] == "XrequestId" && it["what"]["identifier"]["value"] == "req-1")
        );
        assert_eq!(event["outcome"], "0");
    }
    assert_ne!(source["id"], recipient["id"]);
    assert_json!(
        "audit",
        bundle_of("audit-1", at("2026-11-21T02:31:00Z"), vec![source, recipient])
    );
}

#[test]
fn a_refused_access_is_recorded_with_its_reason_and_claims_no_disclosure() {
    let [source, _] = audit_pair(&AccessLine {
        permitted: false,
        reason_code: "revoked".into(),
        patient: None,
        ..access()
    });
    assert_eq!(
        (&source["outcome"], &source["outcomeDesc"]),
        (&"4".into(), &"revoked".into())
    );
    assert!(source["meta"]["profile"].is_null());
    assert!(!source.to_string().contains("Patient"));
}
