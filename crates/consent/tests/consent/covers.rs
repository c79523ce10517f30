//! The source's half.

use std::collections::BTreeSet;

use consent::{
    Category::{self, Allergies, Audio, Encounters, Prescriptions},
    Day, Marks,
    Sensitivity::{self, MentalHealth, Reproductive, SexualHealth, Unknown},
    Terms,
    Verdict::{self, Included, Withheld},
    WithheldReason::{Ended, NotThisCategory, OutsideDates, Sensitive},
    covers,
};
use proptest::prelude::*;

const TODAY: Day = Day(1_000);

/// Encounters and prescriptions of the days 100 to 900, mental health named, until day 1000.
fn terms() -> Terms {
    Terms {
        categories: BTreeSet::from([Encounters, Prescriptions]),
        data_from: Some(Day(100)),
        data_to: Some(Day(900)),
        sensitive: BTreeSet::from([MentalHealth]),
        until: Day(1_000),
    }
}

#[track_caller]
fn check(category: Category, day: i32, sensitive: &[Sensitivity], expected: Verdict) {
    let entry = Marks::new(category, Day(day)).inheriting(sensitive.iter().copied());
    assert_eq!(covers(&terms(), &entry, TODAY), expected);
}

#[test]
fn only_the_cards_that_are_switched_on_are_covered() {
    check(Encounters, 500, &[], Included);
    check(Prescriptions, 500, &[], Included);
    check(Allergies, 500, &[], Withheld(NotThisCategory));
    check(Audio, 500, &[], Withheld(NotThisCategory));
}

#[test]
fn both_ends_of_the_days_are_covered() {
    check(Encounters, 99, &[], Withheld(OutsideDates));
    check(Encounters, 100, &[], Included);
    check(Encounters, 900, &[], Included);
    check(Encounters, 901, &[], Withheld(OutsideDates));
}

#[test]
fn a_sensitive_entry_is_covered_only_when_all_its_subjects_are_named() {
    check(Encounters, 500, &[MentalHealth], Included);
    check(Encounters, 500, &[SexualHealth], Withheld(Sensitive));
    check(Encounters, 500, &[MentalHealth, Reproductive], Withheld(Sensitive));
    check(Encounters, 500, &[Unknown(9)], Withheld(Sensitive));
}

#[test]
fn the_first_reason_is_the_one_that_is_given() {
    check(Audio, 50, &[SexualHealth], Withheld(NotThisCategory));
    check(Encounters, 50, &[SexualHealth], Withheld(OutsideDates));
}

#[test]
fn nothing_is_covered_once_the_agreement_is_over() {
    let entry = Marks::new(Encounters, Day(500));
    assert_eq!(covers(&terms(), &entry, Day(1_000)), Included, "its last day");
    assert_eq!(covers(&terms(), &entry, Day(1_001)), Withheld(Ended));
}

#[test]
fn a_subject_of_a_newer_build_is_withheld_even_when_it_is_named() {
    let terms = Terms {
        sensitive: BTreeSet::from([Unknown(9)]),
        ..terms()
    };
    let entry = Marks::new(Encounters, Day(500)).inheriting([Unknown(9)]);
    assert_eq!(covers(&terms, &entry, TODAY), Withheld(Sensitive));
}

#[test]
fn a_prescription_inherits_what_is_sensitive_about_its_visit() {
    let visit = Marks::new(Encounters, Day(500)).inheriting([Reproductive]);
    let line = Marks::new(Prescriptions, Day(500)).inheriting(visit.sensitive);
    let dispensing = Marks::new(Prescriptions, Day(501)).inheriting(line.sensitive.clone());
    assert_eq!(covers(&terms(), &line, TODAY), Withheld(Sensitive));
    assert_eq!(covers(&terms(), &dispensing, TODAY), Withheld(Sensitive));
}

#[test]
fn codes_come_back_as_what_they_were() {
    for category in Category::ALL {
        assert_eq!(Category::from_code(category.code()), Some(category));
    }
    assert_eq!(Category::from_code(4), None);
    for code in 0..=u8::MAX {
        assert_eq!(Sensitivity::from_code(code).code(), code);
    }
}

fn categories() -> impl Strategy<Value = BTreeSet<Category>> {
    proptest::sample::subsequence(Category::ALL.to_vec(), 0..=4).prop_map(BTreeSet::from_iter)
}

fn subjects() -> impl Strategy<Value = BTreeSet<Sensitivity>> {
    proptest::collection::btree_set((0u8..5).prop_map(Sensitivity::from_code), 0..4)
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let end = || proptest::option::of((0..20).prop_map(Day));
    (categories(), end(), end(), subjects(), 0..20).prop_map(|(categories, data_from, data_to, sensitive, until)| {
        Terms {
            categories,
            data_from,
            data_to,
            sensitive,
            until: Day(until),
        }
    })
}

fn any_entry() -> impl Strategy<Value = Marks> {
    (proptest::sample::select(Category::ALL.to_vec()), 0..20, subjects())
        .prop_map(|(category, day, sensitive)| Marks::new(category, Day(day)).inheriting(sensitive))
}

proptest! {
    #[test]
    fn without_a_card_nothing_is_covered(terms in any_terms(), entry in any_entry(), today in 0..20) {
        let nothing = Terms { categories: BTreeSet::new(), ..terms };
        prop_assert!(covers(&nothing, &entry, Day(today)) != Included);
    }

    #[test]
    fn what_is_covered_meets_every_condition(terms in any_terms(), entry in any_entry(), today in 0..20) {
        let named = |subject: &Sensitivity| subject.code() < 3 && terms.sensitive.contains(subject);
        let every_condition = Day(today) <= terms.until
            && terms.categories.contains(&entry.category)
            && terms.data_from.is_none_or(|from| entry.day >= from)
            && terms.data_to.is_none_or(|to| entry.day <= to)
            && entry.sensitive.iter().all(named);
        prop_assert_eq!(covers(&terms, &entry, Day(today)) == Included, every_condition);
    }

    #[test]
    fn one_more_mark_never_uncovers_an_entry(terms in any_terms(), entry in any_entry(), mark in 0u8..5, today in 0..20) {
        let marked = entry.clone().inheriting([Sensitivity::from_code(mark)]);
        if covers(&terms, &marked, Day(today)) == Included {
            prop_assert_eq!(covers(&terms, &entry, Day(today)), Included);
        }
    }
}
