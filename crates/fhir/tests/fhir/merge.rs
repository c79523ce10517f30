//! All live releases of one grant as one document.

use domain::Identifier;
use fhir::{
    FhirError, ReleaseContent, Shared, SharedRecord, merge_bundles, merge_records, read_bundle, release_bundle,
};
use proptest::prelude::*;

use crate::assert_json;
use crate::sample::{allergy, at, clinic, given, journey, medicine, records, visit};

fn only_visits() -> SharedRecord {
    SharedRecord {
        prescriptions: Shared::Unavailable,
        ..journey()
    }
}

fn only_medicines() -> SharedRecord {
    SharedRecord {
        encounters: Shared::Unavailable,
        as_of: at("2026-11-21T03:00:00Z"),
        ..journey()
    }
}

#[test]
fn releases_of_single_documents_become_one() {
    let bundles = [only_visits(), only_medicines()].map(|record| {
        release_bundle(&ReleaseContent {
            id: record.as_of.to_string(),
            record,
        })
    });
    let merged = merge_bundles("export-1", &bundles).unwrap();
    let record = read_bundle(&merged).unwrap();
    let reasons_withheld = fhir::SharedMedicine {
        reasons: vec![],
        ..medicine()
    };
    assert_eq!(record.encounters, given(vec![visit()]));
    assert_eq!(record.prescriptions, given(vec![reasons_withheld]));
    assert_eq!(record.as_of, at("2026-11-21T03:00:00Z"));
    assert_eq!(record.allergies, Shared::Withheld);
    assert_json!("merged", merged);
}

#[test]
fn of_two_versions_of_a_visit_the_newer_counts() {
    let mut newer = only_visits();
    newer.as_of = at("2026-11-22T00:00:00Z");
    let mut changed = visit();
    changed.note.plan.push("Telephoned: better.".into());
    newer.encounters = given(vec![changed.clone()]);
    assert_eq!(
        merge_records(vec![only_visits(), newer]).unwrap().encounters,
        given(vec![changed])
    );
}

#[test]
fn what_any_release_gives_is_given_and_withheld_beats_unknown() {
    let giving = SharedRecord {
        allergies: given(domain::AllergyStatus::Known {
            allergies: vec![allergy()],
        }),
        recordings: Shared::Unavailable,
        ..only_visits()
    };
    let merged = merge_records(vec![giving.clone(), only_medicines()]).unwrap();
    assert_eq!(merged.allergies, giving.allergies);
    assert_eq!(merged.recordings, Shared::Withheld);
}

#[test]
fn one_document_is_of_one_person_from_one_clinic() {
    assert_eq!(merge_records(vec![]), Err(FhirError::Empty));
    let elsewhere = SharedRecord {
        source: clinic('b'),
        ..journey()
    };
    assert_eq!(
        merge_records(vec![journey(), elsewhere]),
        Err(FhirError::DifferentSources)
    );

    let mut corrected = journey();
    corrected.card.identifier = Identifier::None;
    assert!(
        merge_records(vec![journey(), corrected.clone()]).is_ok(),
        "her number was added later"
    );
    corrected.card.name = "Somebody Else".into();
    assert_eq!(
        merge_records(vec![journey(), corrected]),
        Err(FhirError::DifferentPeople)
    );
}

#[test]
fn it_may_be_passed_on_only_if_all_of_it_may() {
    let open = SharedRecord {
        onward: true,
        ..journey()
    };
    assert!(merge_records(vec![open.clone(), open.clone()]).unwrap().onward);
    assert!(!merge_records(vec![open, journey()]).unwrap().onward);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_order_of_the_releases_does_not_matter(records in proptest::collection::vec(records(), 1..4)) {
        let card = records[0].card.clone();
        let mut records: Vec<_> = records.into_iter().map(|it| SharedRecord { card: card.clone(), ..it }).collect();
        let forwards = merge_records(records.clone()).unwrap();
        records.reverse();
        prop_assert_eq!(&merge_records(records).unwrap(), &forwards);
        prop_assert_eq!(merge_records(vec![forwards.clone(), forwards.clone()]).unwrap().encounters, forwards.encounters);
    }
}
