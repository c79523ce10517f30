//! The tables that ship are sound, and the searches forgive without inventing.
#![allow(clippy::unwrap_used, missing_docs)]

use domain::{Milligrams, Route};
use knowledge::{Csv, Halal, KnowledgeError, Level, PoisonGroup, Tables};
use proptest::prelude::*;

fn shipped() -> &'static Tables {
    Tables::shipped()
}

#[test]
fn the_shipped_tables_are_sound() {
    // `read` refuses a row without source, edition, licence or reviewer, and a key that resolves to nothing.
    let tables = Tables::read(&Csv::SHIPPED).unwrap();
    assert!(tables.products().len() >= 30);
    for product in tables.products() {
        assert!(!product.strengths.is_empty(), "{}", product.key);
        assert_eq!(
            product.halal,
            Halal::Unknown,
            "{}: nobody has asked JAKIM yet",
            product.key
        );
        assert!(
            product.poison_group == PoisonGroup::Unknown || !product.poison_source.is_empty(),
            "{}",
            product.key
        );
    }
}

#[test]
fn every_row_says_truthfully_who_reviewed_it() {
    let Csv {
        products,
        ingredients,
        classes,
        class_members,
        cross_reactivity,
        interactions,
        dose_maxima,
    } = Csv::SHIPPED;
    for text in [
        products,
        ingredients,
        classes,
        class_members,
        cross_reactivity,
        interactions,
        dose_maxima,
    ] {
        for line in text.lines().skip(1) {
            assert!(line.ends_with(",not yet reviewed by a clinician"), "{line}");
        }
    }
}

#[test]
fn a_fault_in_a_table_is_named_with_its_place() {
    fn check(change: impl FnOnce(&mut Csv), expected: KnowledgeError) {
        let mut csv = Csv::SHIPPED;
        change(&mut csv);
        assert_eq!(Tables::read(&csv).unwrap_err(), expected);
    }
    const HEAD: &str = "one,other,level,effect,source,edition,licence,reviewer\n";
    let row = |row: &str| -> &'static str { Box::leak(format!("{HEAD}{row}\n").into_boxed_str()) };

    let bad = |column, value: &str| KnowledgeError::BadCell {
        table: "interactions",
        row: 1,
        column,
        value: value.into(),
    };
    check(
        |csv| csv.interactions = row("warfarin,aspirin,serious,bleeding,,e,l,r"),
        bad("source", ""),
    );
    check(
        |csv| csv.interactions = row("warfarin,aspirin,awful,bleeding,s,e,l,r"),
        bad("level", "awful"),
    );
    check(
        |csv| csv.interactions = row("warfarin,asprin,serious,bleeding,s,e,l,r"),
        KnowledgeError::UnknownKey {
            table: "interactions",
            row: 1,
            key: "asprin".into(),
        },
    );
    check(
        |csv| csv.interactions = "one,other\nwarfarin,aspirin\n",
        KnowledgeError::NotATable {
            table: "interactions",
            detail: "there is no column level".into(),
        },
    );
    check(
        |csv| {
            csv.class_members =
                "class,member,source,edition,licence,reviewer\nstatins,nitrates,s,e,l,r\nnitrates,statins,s,e,l,r\n"
        },
        KnowledgeError::CircularClass {
            class: "statins".into(),
        },
    );
}

#[test]
fn a_product_knows_the_mass_in_one_unit() {
    let strengths = |key: &str| -> Vec<(String, Option<Milligrams>)> {
        let product = shipped().product(key).unwrap();
        product
            .strengths
            .iter()
            .map(|it| (it.ingredient.clone(), it.per_unit))
            .collect()
    };
    assert_eq!(
        strengths("paracetamol-120mg-5ml-syrup"),
        [("paracetamol".into(), Some(Milligrams(24.0)))]
    );
    assert_eq!(
        strengths("co-amoxiclav-625mg-tablet"),
        [
            ("amoxicillin".into(), Some(Milligrams(500.0))),
            ("clavulanic-acid".into(), Some(Milligrams(125.0)))
        ]
    );
    assert_eq!(
        shipped().product("oral-rehydration-salts-sachet").unwrap().strength(),
        Milligrams(0.0)
    );
    assert_eq!(shipped().product("no-such-thing"), None);
}

#[test]
fn a_product_is_found_by_name_brand_malay_spelling_and_with_slips() {
    fn check(query: &str, first: &str) {
        let found = shipped().search_products(query, 5);
        assert_eq!(
            found.first().map(|product| product.key.as_str()),
            Some(first),
            "{query}"
        );
    }
    check("paracetamol", "paracetamol-500mg-tablet");
    check("PCM", "paracetamol-500mg-tablet");
    check("panadol", "paracetamol-500mg-tablet");
    check("parasetamol sirap", "paracetamol-120mg-5ml-syrup");
    check("amox 500", "amoxicillin-500mg-capsule");
    check("amoksisilin", "amoxicillin-250mg-capsule");
    check("amoxycilin 500", "amoxicillin-500mg-capsule");
    check("augm", "co-amoxiclav-625mg-tablet");
    check("ventolin", "salbutamol-100mcg-inhaler");
    check("warfarin 3", "warfarin-3mg-tablet");
    check("ors", "oral-rehydration-salts-sachet");
}

#[test]
fn a_search_for_nothing_or_nonsense_finds_nothing() {
    for query in ["", "  ", "xyzzy", "amoxicillin 9999"] {
        assert!(shipped().search_products(query, 5).is_empty(), "{query}");
    }
    assert_eq!(shipped().search_products("a", 3).len(), 3);
}

#[test]
fn a_named_allergy_is_matched_in_both_languages() {
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(shipped().match_substance(text), expected, "{text}");
    }
    check("Penicillin", Some("penicillins"));
    check("penisilin", Some("penicillins"));
    check("penisillin", Some("penicillins"));
    check("alahan ubat penisilin", Some("penicillins"));
    check("Penicillin V", Some("phenoxymethylpenicillin"));
    check("amoxycillin", Some("amoxicillin"));
    check("Sulfa drugs", Some("sulfonamide-antibiotics"));
    check("alergi NSAID", Some("nsaids"));
    check("aspirin", Some("aspirin"));
    check("ponstan", Some("mefenamic-acid"));
    check("prawns", None);
    check("kacang", None);
    check("", None);
}

#[test]
fn classes_nest_and_name_who_says_so() {
    let tables = shipped();
    assert!(tables.is_a("amoxicillin", "penicillins"));
    assert!(tables.is_a("ibuprofen", "cox1-inhibitors"));
    assert!(
        !tables.is_a("aspirin", "nsaids"),
        "low-dose aspirin beside an NSAID is an interaction, not a duplicate"
    );
    assert!(!tables.is_a("penicillins", "amoxicillin"));
    assert!(
        tables
            .membership("amoxicillin", "penicillins")
            .unwrap()
            .work
            .starts_with("Chaudhry")
    );
    assert_eq!(tables.membership("paracetamol", "penicillins"), None);
}

#[test]
fn cross_reactivity_follows_the_side_chain() {
    fn check(allergy: &str, ingredient: &str, expected: Option<Level>) {
        let found = shipped().cross_reactivity(allergy, ingredient).map(|rule| rule.level);
        assert_eq!(found, expected, "{allergy} → {ingredient}");
    }
    check("amoxicillin", "cefalexin", Some(Level::Serious));
    check("cefalexin", "amoxicillin", Some(Level::Serious));
    check("penicillins", "cefalexin", Some(Level::Caution));
    check("amoxicillin", "cefuroxime", Some(Level::Note));
    check("cefuroxime", "ceftriaxone", Some(Level::Serious));
    check("cefuroxime", "cefalexin", Some(Level::Caution));
    check("ceftazidime", "aztreonam", Some(Level::Serious));
    check("aspirin", "ibuprofen", Some(Level::Serious));
    check("nsaids", "aspirin", Some(Level::Serious));
    check("sulfamethoxazole", "hydrochlorothiazide", None);
    check("penicillins", "azithromycin", None);
}

#[test]
fn an_interaction_is_found_in_either_order_and_through_classes() {
    fn check(one: &str, other: &str, expected: Option<(Level, &str)>) {
        for (one, other) in [(one, other), (other, one)] {
            let found = shipped()
                .interaction(one, other)
                .map(|rule| (rule.level, rule.effect.as_str()));
            assert_eq!(found, expected, "{one} + {other}");
        }
    }
    check("warfarin", "diclofenac", Some((Level::Serious, "bleeding")));
    check("simvastatin", "clarithromycin", Some((Level::Serious, "myopathy")));
    check("simvastatin", "erythromycin", Some((Level::Serious, "myopathy")));
    check(
        "perindopril",
        "potassium-chloride",
        Some((Level::Serious, "hyperkalaemia")),
    );
    check("clopidogrel", "omeprazole", Some((Level::Serious, "less_effect")));
    check("amlodipine", "paracetamol", None);
}

#[test]
fn a_maximum_speaks_only_of_its_route_and_age() {
    let of = |ingredient, route| shipped().dose_maxima(ingredient, route).collect::<Vec<_>>();
    let paracetamol = of("paracetamol", Route::Oral);
    assert_eq!(paracetamol.len(), 1);
    assert_eq!(paracetamol[0].single, Some(Milligrams(1000.0)));
    assert_eq!(paracetamol[0].daily, Milligrams(4000.0));
    assert_eq!(paracetamol[0].from_age_years, 12);
    assert!(of("paracetamol", Route::Topical).is_empty());
}

proptest! {
    #[test]
    fn no_query_makes_the_searches_panic(text in ".{0,60}") {
        prop_assert!(shipped().search_products(&text, 4).len() <= 4);
        let _ = shipped().match_substance(&text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(?s).{0,200}") {
        let _ = Tables::read(&Csv { interactions: &text, ..Csv::SHIPPED });
    }
}
