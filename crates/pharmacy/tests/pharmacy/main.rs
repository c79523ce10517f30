//! Rule tables: what is said about a line, and what is not.
#![allow(clippy::unwrap_used, missing_docs)]

mod doses;
mod words;

use domain::{
    Age, Allergy, AllergyId, AllergyStatus, AllergyVerification, ConsentLanguage, Day, Frequency, Instant, Kilograms,
    LineId, Override, PrescriptionLine, Route, Severity, StaffId,
};
use knowledge::Tables;
use pharmacy::{
    Circumstances, Finding, FindingKind, Level, check, check_all, directions, quantity, standing, title_codes,
};
use proptest::prelude::*;

fn tables() -> &'static Tables {
    Tables::shipped()
}

fn now() -> Instant {
    Instant::from_millisecond(1_795_219_200_000).unwrap()
}

fn line(id: u8, key: &str, units: f64, frequency: Frequency) -> PrescriptionLine {
    let product = tables().product(key).unwrap();
    PrescriptionLine {
        id: LineId::from_bytes([id; 16]),
        drug_key: key.to_owned(),
        drug_name: product.name.clone(),
        strength: product.strength(),
        unit: product.unit.clone(),
        units_per_dose: units,
        route: product.route,
        frequency,
        when_needed: false,
        days: 3,
        quantity: 10,
        indication: String::new(),
        advice: String::new(),
        overrides: Vec::new(),
    }
}

fn one(key: &str) -> PrescriptionLine {
    line(1, key, 1.0, Frequency::TwiceDaily)
}

fn allergic_to(substances: &[&str]) -> AllergyStatus {
    let allergy = |substance: &&str| Allergy {
        id: AllergyId::from_bytes([9; 16]),
        substance: (*substance).to_owned(),
        substance_key: None,
        reaction: "rash".to_owned(),
        severity: Severity::Moderate,
        verification: AllergyVerification::PatientReported,
        recorded_at: now(),
        recorded_by: StaffId::from_bytes([7; 16]),
    };
    AllergyStatus::Known {
        allergies: substances.iter().map(allergy).collect(),
    }
}

fn none_known() -> AllergyStatus {
    AllergyStatus::NoneKnown {
        asked_on: Day("2026-11-21".parse().unwrap()),
    }
}

/// A woman of 34 with 58 kg, without allergies.
fn adult(allergies: &AllergyStatus) -> Circumstances<'_> {
    let age = Some(Age { years: 34, months: 0 });
    Circumstances {
        others: &[],
        regular_medicines: &[],
        allergies,
        age,
        weight: Some(Kilograms(58.0)),
    }
}

/// Keys and levels without the halal notes, which every product of the shipped tables has.
fn brief(findings: &[Finding]) -> Vec<(&str, Level)> {
    let telling = findings.iter().filter(|finding| finding.kind != FindingKind::Halal);
    telling.map(|finding| (finding.key.as_str(), finding.level)).collect()
}

#[test]
fn amoxicillin_for_a_patient_allergic_to_penicillin_is_serious_and_wants_a_reason() {
    let allergies = allergic_to(&["Penisilin"]);
    let line = one("amoxicillin-500mg-capsule");
    let findings = check(
        &line,
        &Circumstances {
            others: std::slice::from_ref(&line),
            ..adult(&allergies)
        },
        tables(),
    );
    assert_eq!(brief(&findings), [("allergy:penicillins:amoxicillin", Level::Serious)]);
    let first = &findings[0];
    assert!(first.needs_reason);
    assert_eq!(first.title_code, "allergy_class");
    assert_eq!(first.params["medicine"], "Amoxicillin 500 mg capsule");
    assert_eq!(first.params["allergy"], "Penisilin");
    assert_eq!(first.params["reaction"], "rash");
    assert_eq!(
        (&*first.params["substance"], &*first.params["substance_ms"]),
        ("Penicillins", "Penisilin")
    );
    assert!(first.source.starts_with("Chaudhry"));
    assert_eq!(first.edition, "2019-07-29");
}

#[test]
fn an_allergy_reaches_as_far_as_its_relatives_do() {
    use Level::*;
    fn check_one(allergy: &str, product: &str, expected: &[(&str, Level)]) {
        let allergies = allergic_to(&[allergy]);
        assert_eq!(
            brief(&check(&one(product), &adult(&allergies), tables())),
            expected,
            "{allergy}, {product}"
        );
    }
    check_one(
        "amoxicillin",
        "amoxicillin-250mg-capsule",
        &[("allergy:amoxicillin:amoxicillin", Serious)],
    );
    check_one(
        "penicillin",
        "co-amoxiclav-625mg-tablet",
        &[("allergy:penicillins:amoxicillin", Serious)],
    );
    check_one(
        "amoxicillin",
        "cloxacillin-500mg-capsule",
        &[("allergy:amoxicillin:cloxacillin", Serious)],
    );
    check_one(
        "amoxicillin",
        "cefalexin-250mg-capsule",
        &[("allergy:amoxicillin:cefalexin", Serious)],
    );
    check_one(
        "penicillin",
        "cefalexin-250mg-capsule",
        &[("allergy:penicillins:cefalexin", Caution)],
    );
    check_one(
        "penicillin",
        "cefuroxime-250mg-tablet",
        &[("allergy:penicillins:cefuroxime", Note)],
    );
    check_one("penicillin", "azithromycin-250mg-tablet", &[]);
    check_one(
        "aspirin",
        "diclofenac-50mg-tablet",
        &[("allergy:aspirin:diclofenac", Serious)],
    );
    check_one(
        "sulfa",
        "co-trimoxazole-480mg-tablet",
        &[("allergy:sulfonamide-antibiotics:sulfamethoxazole", Serious)],
    );
    check_one(
        "prawns",
        "paracetamol-500mg-tablet",
        &[("allergy_unmatched:prawns", Note)],
    );
}

#[test]
fn not_asked_is_said_and_none_known_is_not() {
    let line = one("paracetamol-500mg-tablet");
    let not_asked = check(&line, &adult(&AllergyStatus::NotAsked), tables());
    assert_eq!(brief(&not_asked), [("allergies:not_asked", Level::Caution)]);
    assert_eq!(brief(&check(&line, &adult(&none_known()), tables())), []);
}

#[test]
fn a_key_of_a_newer_build_is_matched_by_the_words_instead() {
    let mut allergies = allergic_to(&["penicillin"]);
    if let AllergyStatus::Known { allergies } = &mut allergies {
        allergies[0].substance_key = Some("beta-lactams-2031".to_owned());
    }
    let findings = check(&one("amoxicillin-500mg-capsule"), &adult(&allergies), tables());
    assert_eq!(brief(&findings), [("allergy:penicillins:amoxicillin", Level::Serious)]);
}

#[test]
fn interactions_are_found_on_the_prescription_and_with_regular_medicines() {
    use Level::*;
    fn check_one(product: &str, other: Option<&str>, regular: &[&str], expected: &[(&str, Level)]) {
        let regular: Vec<String> = regular.iter().map(|key| (*key).to_owned()).collect();
        let lines: Vec<_> = other
            .map(|key| line(2, key, 1.0, Frequency::OnceDaily))
            .into_iter()
            .collect();
        let allergies = none_known();
        let about = Circumstances {
            others: &lines,
            regular_medicines: &regular,
            ..adult(&allergies)
        };
        assert_eq!(brief(&check(&one(product), &about, tables())), expected, "{product}");
    }
    let bleeding = [("interaction:diclofenac:warfarin", Serious)];
    check_one("diclofenac-50mg-tablet", Some("warfarin-3mg-tablet"), &[], &bleeding);
    check_one("diclofenac-50mg-tablet", None, &["warfarin"], &bleeding);
    check_one(
        "clarithromycin-500mg-tablet",
        None,
        &["simvastatin"],
        &[("interaction:clarithromycin:simvastatin", Serious)],
    );
    check_one(
        "losartan-50mg-tablet",
        None,
        &["potassium-chloride"],
        &[("interaction:losartan:potassium-chloride", Serious)],
    );
    check_one(
        "ibuprofen-200mg-tablet",
        Some("diclofenac-50mg-tablet"),
        &[],
        &[("duplicate_class:nsaids:diclofenac:ibuprofen", Caution)],
    );
    check_one(
        "paracetamol-500mg-tablet",
        Some("paracetamol-120mg-5ml-syrup"),
        &[],
        &[("duplicate:paracetamol", Caution)],
    );
    check_one(
        "amlodipine-5mg-tablet",
        None,
        &["amlodipine"],
        &[("duplicate_regular:amlodipine", Note)],
    );
    check_one(
        "amoxicillin-250mg-capsule",
        Some("co-amoxiclav-625mg-tablet"),
        &[],
        &[("duplicate:amoxicillin", Caution)],
    );
    check_one(
        "paracetamol-500mg-tablet",
        Some("loratadine-10mg-tablet"),
        &["a-key-from-elsewhere"],
        &[],
    );
}

#[test]
fn a_medicine_that_the_tables_do_not_have_is_said_to_be_unchecked() {
    let allergies = allergic_to(&["penicillin"]);
    let mut line = one("amoxicillin-500mg-capsule");
    line.drug_key = "clinic:17".to_owned();
    line.drug_name = "Amoxycillin forte 1 g".to_owned();
    let findings = check(&line, &adult(&allergies), tables());
    let expected = [
        ("allergy:penicillins:amoxicillin", Level::Serious),
        ("not_checked:clinic:17", Level::Note),
    ];
    assert_eq!(brief(&findings), expected);

    line.drug_name = "Minyak angin".to_owned();
    let findings = check(&line, &adult(&none_known()), tables());
    assert_eq!(brief(&findings), [("not_checked:clinic:17", Level::Caution)]);
}

#[test]
fn an_unknown_halal_status_is_shown_as_unknown() {
    let findings = check(&one("amoxicillin-500mg-capsule"), &adult(&none_known()), tables());
    let halal: Vec<_> = findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::Halal)
        .collect();
    assert_eq!(halal.len(), 1);
    assert_eq!((halal[0].level, &*halal[0].title_code), (Level::Note, "halal_unknown"));
}

#[test]
fn a_whole_prescription_says_each_thing_once_and_the_worst_first() {
    let allergies = AllergyStatus::NotAsked;
    let lines = [
        line(1, "loratadine-10mg-tablet", 1.0, Frequency::OnceDaily),
        line(2, "warfarin-3mg-tablet", 1.0, Frequency::OnceDaily),
        line(3, "ibuprofen-400mg-tablet", 1.0, Frequency::ThreeTimesDaily),
    ];
    let expected = [
        ("interaction:ibuprofen:warfarin", Level::Serious),
        ("allergies:not_asked", Level::Caution),
    ];
    assert_eq!(brief(&check_all(&lines, &adult(&allergies), tables())), expected);
}

#[test]
fn a_serious_finding_stands_until_somebody_gives_a_reason() {
    let allergies = allergic_to(&["penicillin"]);
    let findings = check(&one("amoxicillin-500mg-capsule"), &adult(&allergies), tables());
    let overridden = |key: &str, reason: &str| {
        let (finding_key, reason) = (key.to_owned(), reason.to_owned());
        vec![Override {
            finding_key,
            reason,
            by: StaffId::from_bytes([7; 16]),
            at: now(),
        }]
    };
    let count = |overrides: &[Override]| standing(&findings, overrides).len();
    assert_eq!(count(&[]), 1);
    assert_eq!(count(&overridden("allergy:penicillins:amoxicillin", "  ")), 1);
    assert_eq!(
        count(&overridden("allergy:penicillins:cefalexin", "tolerated before")),
        1
    );
    assert_eq!(
        count(&overridden("allergy:penicillins:amoxicillin", "tolerated in March")),
        0
    );
}

proptest! {
    #[test]
    fn no_prescription_makes_the_checks_panic(
        drug_key in "[a-z0-9-]{0,20}", drug_name in ".{0,40}", substance in ".{0,30}",
        units in prop::num::f64::ANY, kg in prop::num::f64::ANY, strength in prop::num::f64::ANY, years in 0u16..120,
    ) {
        let allergies = allergic_to(&[&substance]);
        let mut line = one("amoxicillin-500mg-capsule");
        line.strength = domain::Milligrams(strength);
        line.units_per_dose = units;
        let mut unknown = line.clone();
        (unknown.drug_key, unknown.drug_name) = (drug_key, drug_name);
        let age = Some(Age { years, months: 0 });
        let about = Circumstances { age, weight: Some(Kilograms(kg)), ..adult(&allergies) };
        let findings = check_all(&[line.clone(), unknown.clone()], &about, tables());
        prop_assert!(findings.windows(2).all(|pair| pair[0].level <= pair[1].level));
        for line in [line, unknown] {
            prop_assert!(!directions(&line, ConsentLanguage::Malay).is_empty());
        }
    }
}
