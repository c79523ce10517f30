//! A release as a document, and back.

use domain::AllergyStatus;
use fhir::{ReleaseContent, Shared, SharedRecord, read_bundle, read_bundle_bytes, release_bundle};
use proptest::prelude::*;
use serde_json::Value;

use crate::assert_json;
use crate::sample::{day, everything, given, journey, records};

fn bundle(record: SharedRecord) -> Value {
    release_bundle(&ReleaseContent {
        id: "4f".repeat(16),
        record,
    })
}

/// Title and empty reason of every section.
fn sections(bundle: &Value) -> Vec<(&str, Option<&str>)> {
    let sections = bundle["entry"][0]["resource"]["section"].as_array().unwrap();
    sections
        .iter()
        .map(|it| {
            (
                it["title"].as_str().unwrap(),
                it["emptyReason"]["coding"][0]["code"].as_str(),
            )
        })
        .collect()
}

fn kinds(bundle: &Value) -> Vec<&str> {
    bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["resource"]["resourceType"].as_str().unwrap())
        .collect()
}

#[test]
fn what_was_not_agreed_to_is_marked_as_withheld_and_is_not_in_the_document() {
    let bundle = bundle(journey());
    assert_eq!(
        sections(&bundle),
        [
            ("Allergies", Some("withheld")),
            ("Medicines", None),
            ("Diagnoses", None),
            ("Visits and notes", None),
            ("Measurements", None),
            ("Recordings", Some("withheld")),
        ]
    );
    assert!(!kinds(&bundle).contains(&"AllergyIntolerance"));
    let labels: Vec<_> = bundle["meta"]["security"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap())
        .collect();
    assert_eq!(labels, ["N", "REDACTED", "NORDSCLCD"]);
}

#[test]
fn a_reason_that_speaks_of_an_allergy_crosses_only_with_the_allergies() {
    let without = bundle(journey()).to_string();
    assert!(
        !without.contains("penicillin") && !without.contains("Tolerated in March"),
        "{without}"
    );
    let with = bundle(everything());
    assert!(kinds(&with).contains(&"DetectedIssue"));
    assert!(with.to_string().contains("Tolerated in March"));
    let in_another_release = SharedRecord {
        allergies: Shared::Unavailable,
        ..everything()
    };
    assert!(kinds(&bundle(in_another_release)).contains(&"DetectedIssue"));
}

#[test]
fn nothing_not_shared_not_asked_and_not_known_are_four_answers() {
    fn check(allergies: Shared<AllergyStatus>, expected: &str) {
        let record = SharedRecord { allergies, ..journey() };
        let bundle = bundle(record.clone());
        assert_eq!(sections(&bundle)[0], ("Allergies", Some(expected)));
        assert_eq!(read_bundle(&bundle).unwrap().allergies, record.allergies);
    }
    check(
        given(AllergyStatus::NoneKnown {
            asked_on: day("2026-11-20"),
        }),
        "nilknown",
    );
    check(given(AllergyStatus::NotAsked), "notasked");
    check(Shared::Withheld, "withheld");
    check(Shared::Unavailable, "unavailable");
}

#[test]
fn visits_without_a_diagnosis_do_not_say_that_there_is_none() {
    let mut visit = crate::sample::visit();
    visit.diagnoses.clear();
    let of = |encounters| {
        sections(&bundle(SharedRecord {
            encounters,
            ..journey()
        }))[2]
            .1
            .map(str::to_owned)
    };
    assert_eq!(of(given(vec![visit])).as_deref(), Some("unavailable"));
    assert_eq!(of(given(vec![])).as_deref(), Some("nilknown"));
    assert_eq!(of(Shared::Withheld).as_deref(), Some("withheld"));
}

#[test]
fn a_sensitive_visit_is_labelled_wherever_it_shows() {
    let bundle = bundle(everything());
    assert_eq!(bundle["meta"]["security"][0]["code"], "R");
    assert_eq!(bundle["entry"][0]["resource"]["confidentiality"], "R");
    let labelled = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["resource"]["meta"]["security"][1]["code"] == "MH");
    let kinds: Vec<_> = labelled
        .map(|it| it["resource"]["resourceType"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds.len(),
        6,
        "encounter, note, diagnosis and three measurements: {kinds:?}"
    );
}

#[test]
fn every_reference_leads_to_an_entry_of_the_document() {
    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("reference").and_then(Value::as_str));
                fields.values().for_each(|it| references(it, found));
            }
            Value::Array(items) => items.iter().for_each(|it| references(it, found)),
            _ => {}
        }
    }
    for record in [
        journey(),
        everything(),
        SharedRecord {
            encounters: Shared::Withheld,
            ..everything()
        },
    ] {
        let bundle = bundle(record);
        let urls: Vec<_> = bundle["entry"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["fullUrl"].as_str().unwrap())
            .collect();
        let mut found = Vec::new();
        references(&bundle, &mut found);
        assert!(found.len() > 10);
        assert!(found.iter().all(|it| urls.contains(it)));
    }
}

#[test]
fn the_narrative_is_safe_to_show() {
    let text = bundle(everything()).to_string();
    assert!(text.contains("Dr Lim Wei &lt;Chen&gt; &amp; Co"));
}

#[test]
fn the_documents_look_as_they_always_did() {
    assert_json!("release_journey", bundle(journey()));
    assert_json!("release_everything", bundle(everything()));
}

#[test]
fn the_same_content_is_the_same_document_and_another_release_has_other_ids() {
    assert_eq!(bundle(everything()), bundle(everything()));
    let other = release_bundle(&ReleaseContent {
        id: "50".repeat(16),
        record: everything(),
    });
    assert_ne!(other["id"], bundle(everything())["id"]);
    assert_eq!(
        other["entry"][1],
        bundle(everything())["entry"][1],
        "the patient is the same"
    );
}

#[test]
fn what_was_written_is_read_again_from_bytes() {
    let bytes = serde_json::to_vec(&bundle(everything())).unwrap();
    assert_eq!(read_bundle_bytes(&bytes).unwrap(), everything());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_record_survives_the_way_there_and_back(record in records()) {
        let read = read_bundle(&bundle(record.clone())).unwrap();
        prop_assert_eq!(read, record);
    }
}
