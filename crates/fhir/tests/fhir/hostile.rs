//! Documents that nobody of ours wrote.

use fhir::{FhirError, MAX_BYTES, MAX_ENTRIES, ReleaseContent, Shared, read_bundle, read_bundle_bytes, release_bundle};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::sample::{everything, journey, records};

fn bundle() -> Value {
    release_bundle(&ReleaseContent {
        id: "4f".repeat(16),
        record: everything(),
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut bundle = bundle();
    change(&mut bundle);
    bundle
}

/// The resource of a kind in a document.
fn first<'v>(bundle: &'v mut Value, kind: &str) -> &'v mut Value {
    let entries = bundle["entry"].as_array_mut().unwrap();
    &mut entries
        .iter_mut()
        .find(|it| it["resource"]["resourceType"] == kind)
        .unwrap()["resource"]
}

#[test]
fn what_is_no_document_of_this_version_is_refused() {
    fn check(bundle: &Value, expected: FhirError) {
        assert_eq!(read_bundle(bundle), Err(expected), "{bundle}");
    }
    check(&json!(null), FhirError::NotADocument);
    check(&json!({ "resourceType": "Patient" }), FhirError::NotADocument);
    check(&changed(|it| it["type"] = json!("collection")), FhirError::NotADocument);
    check(&changed(|it| it["entry"] = json!([])), FhirError::NotADocument);
    check(
        &changed(|it| it["entry"].as_array_mut().unwrap().swap(0, 1)),
        FhirError::NotADocument,
    );
    check(
        &changed(|it| first(it, "Composition")["subject"]["reference"] = json!("urn:uuid:nobody")),
        FhirError::NotADocument,
    );
    check(&changed(|it| it["meta"]["tag"] = json!([])), FhirError::OtherVersion);
    check(
        &changed(|it| it["meta"]["tag"][0]["code"] = json!("5.0.0")),
        FhirError::OtherVersion,
    );
    check(
        &changed(|it| it["meta"]["tag"][1]["code"] = json!("2")),
        FhirError::OtherVersion,
    );
    let entry = json!({ "fullUrl": "urn:uuid:x", "resource": {} });
    check(
        &changed(|it| it["entry"] = Value::Array(vec![entry; MAX_ENTRIES + 1])),
        FhirError::TooLarge,
    );
}

#[test]
fn bytes_are_bounded_before_they_are_parsed() {
    assert_eq!(read_bundle_bytes(&vec![b'['; MAX_BYTES + 1]), Err(FhirError::TooLarge));
    assert_eq!(read_bundle_bytes(&vec![b'['; 100_000]), Err(FhirError::NotJson));
    assert_eq!(read_bundle_bytes(b"\xff"), Err(FhirError::NotJson));
}

#[test]
fn an_entry_that_cannot_be_read_is_left_out_and_counted() {
    let newer = changed(|it| {
        first(it, "MedicationRequest")["dosageInstruction"][0]["timing"]["code"]["coding"][0]["code"] =
            json!("every_full_moon");
    });
    let read = read_bundle(&newer).unwrap();
    assert_eq!(read.not_understood, 1);
    assert_eq!(
        read.prescriptions,
        Shared::Unavailable,
        "an unreadable list is not an empty one"
    );
    assert_eq!(read.encounters, everything().encounters);

    let mut partly = everything();
    let second = fhir::SharedMedicine {
        id: domain::LineId::from_bytes([8; 16]).to_string(),
        ..crate::sample::medicine()
    };
    partly.prescriptions = crate::sample::given(vec![crate::sample::medicine(), second]);
    let mut partly = release_bundle(&ReleaseContent {
        id: "4f".repeat(16),
        record: partly,
    });
    first(&mut partly, "MedicationRequest")["authoredOn"] = json!("yesterday");
    let read = read_bundle(&partly).unwrap();
    assert_eq!((read.prescriptions.given().unwrap().len(), read.not_understood), (1, 1));
}

#[test]
fn a_listed_entry_that_is_not_there_is_counted() {
    let dangling = changed(|it| {
        let entries = it["entry"].as_array_mut().unwrap();
        entries.retain(|entry| entry["resource"]["resourceType"] != "AllergyIntolerance");
    });
    let read = read_bundle(&dangling).unwrap();
    assert_eq!(
        (read.allergies, read.not_understood),
        (Shared::Unavailable, 1),
        "never taken for none known"
    );
}

#[test]
fn kinds_of_a_newer_build_are_passed_over() {
    let newer = changed(|it| {
        it["entry"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "fullUrl": "urn:uuid:x", "resource": { "resourceType": "Immunization" } }));
    });
    assert_eq!(read_bundle(&newer).unwrap(), everything());
}

#[test]
fn an_unknown_severity_is_unknown_and_never_mild() {
    let newer = changed(|it| first(it, "AllergyIntolerance")["extension"][0]["valueCode"] = json!("catastrophic"));
    let read = read_bundle(&newer).unwrap();
    let Some(domain::AllergyStatus::Known { allergies }) = read.allergies.given() else {
        panic!("{:?}", read.allergies)
    };
    assert_eq!(allergies[0].severity, domain::Severity::Unknown);
}

#[test]
fn an_error_never_quotes_the_document() {
    let named = changed(|it| it["type"] = json!("Nur Aisyah"));
    let error = read_bundle(&named).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("Aisyah"));
}

/// Any JSON, with a liking for the words of FHIR.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("Bundle".to_owned()),
        Just("document".to_owned()),
        Just("Composition".to_owned()),
        Just("urn:uuid:x".to_owned()),
        ".{0,8}",
    ];
    let name = prop_oneof![
        Just("resourceType".to_owned()),
        Just("entry".to_owned()),
        Just("resource".to_owned()),
        Just("coding".to_owned()),
        Just("reference".to_owned()),
        "[a-z]{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The nth value inside, counted from the top.
fn nth(value: &mut Value, left: &mut usize, with: &Value) -> bool {
    if *left == 0 {
        *value = with.clone();
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|it| nth(it, left, with)),
        Value::Object(fields) => fields.values_mut().any(|it| nth(it, left, with)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_json_makes_the_reader_panic(value in any_json()) {
        prop_assert!(read_bundle(&value).is_err());
    }

    #[test]
    fn no_single_change_of_a_real_document_makes_the_reader_panic(at in 0usize..1500, with in any_json()) {
        let mut bundle = bundle();
        nth(&mut bundle, &mut { at }, &with);
        if let Ok(record) = read_bundle(&bundle) {
            let again = release_bundle(&ReleaseContent { id: "x".into(), record });
            prop_assert!(read_bundle(&again).is_ok());
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read_bundle_bytes(&bytes).is_err());
    }

    #[test]
    fn withheld_allergies_leave_no_trace(mut record in records()) {
        record.allergies = Shared::Withheld;
        if let Shared::Given { value } = &mut record.prescriptions {
            value.iter_mut().for_each(|it| it.reasons = crate::sample::medicine().reasons);
        }
        let text = release_bundle(&ReleaseContent { id: "x".into(), record }).to_string();
        prop_assert!(!text.contains("AllergyIntolerance") && !text.contains("penicillins"));
    }
}

#[test]
fn the_journeys_document_is_far_below_the_bounds() {
    let bytes = serde_json::to_vec(&release_bundle(&ReleaseContent {
        id: "4f".repeat(16),
        record: journey(),
    }))
    .unwrap();
    assert!(bytes.len() < 64 * 1024, "{}", bytes.len());
}
