//! The nouns' rules: the MyKad number and the age.
#![allow(clippy::unwrap_used, missing_docs)]

use domain::{Age, Day, MyKad, MyKadError, MyKadWarning, Sex, age};
use proptest::prelude::*;

fn day(text: &str) -> Day {
    Day(text.parse().unwrap())
}

fn today() -> Day {
    day("2026-11-21")
}

fn mykad(text: &str) -> MyKad {
    MyKad::parse(text).unwrap()
}

#[test]
fn a_number_tells_birth_date_sex_and_birthplace() {
    fn check(text: &str, born: &str, sex: Sex, code: u8, place: &str) {
        let number = mykad(text);
        assert_eq!(number.birth_date(today()), Some(day(born)), "{text}");
        assert_eq!(number.sex(), sex, "{text}");
        assert_eq!(number.birthplace_code(), code, "{text}");
        assert_eq!(number.birthplace(), Some(place), "{text}");
        assert_eq!(number.warnings(today()), [], "{text}");
    }
    check("850101135029", "1985-01-01", Sex::Male, 13, "sarawak");
    check("980317145002", "1998-03-17", Sex::Female, 14, "kuala_lumpur");
    check("900523075049", "1990-05-23", Sex::Male, 7, "pulau_pinang");
    check("010517100004", "2001-05-17", Sex::Female, 10, "selangor");
}

#[test]
fn what_looks_wrong_is_warned_about_and_never_refused() {
    use MyKadWarning::*;
    fn check(text: &str, warnings: &[MyKadWarning]) {
        assert_eq!(mykad(text).warnings(today()), warnings, "{text}");
    }
    check("850101135028", &[UnusualCheckDigit]);
    check("851301135029", &[NoSuchDate, UnusualCheckDigit]);
    check("000229100001", &[UnusualCheckDigit]); // 2000 was a leap year
    check("000229106001", &[NoSuchDate, UnusualCheckDigit]); // 1900 was none
    check("900523074049", &[DateInFuture, UnusualCheckDigit]); // the ninth digit puts it into 2090
    check("850101005029", &[UnassignedBirthplace, UnusualCheckDigit]);
}

#[test]
fn a_date_that_cannot_be_gives_no_birth_date() {
    assert_eq!(mykad("851301135029").birth_date(today()), None);
    assert_eq!(mykad("900523074049").birth_date(today()), None);
    assert_eq!(mykad("261121100001").birth_date(today()), Some(today()));
    assert_eq!(mykad("261122100001").birth_date(today()), None);
}

#[test]
fn the_unassigned_codes_are_those_of_the_table() {
    let unassigned: Vec<u8> = (0..=99u8)
        .filter(|c| mykad(&format!("850101{c:02}5029")).birthplace().is_none())
        .collect();
    assert_eq!(unassigned, [0, 17, 18, 19, 20, 69, 70, 73, 80, 81, 94, 95, 96, 97]);
}

#[test]
fn a_number_is_shown_with_dashes_and_masked_in_banners() {
    let number = mykad("850101-13 5029");
    assert_eq!(number.to_string(), "850101-13-5029");
    assert_eq!(number.masked(), "····5029");
    assert_eq!(number.digits(), "850101135029");
}

#[test]
fn only_twelve_digits_come_in_also_from_json() {
    for text in [
        "",
        "85010113502",
        "8501011350299",
        "85010113502A",
        "８５０１０１１３５０２９",
    ] {
        assert_eq!(MyKad::parse(text), Err(MyKadError::NotTwelveDigits), "{text}");
    }
    assert_eq!(
        serde_json::to_string(&mykad("850101135029")).unwrap(),
        "\"850101135029\""
    );
    assert_eq!(
        serde_json::from_str::<MyKad>("\"850101-13-5029\"").unwrap(),
        mykad("850101135029")
    );
    assert!(
        serde_json::from_str::<MyKad>("\"8501\"").is_err(),
        "what is shorter would panic later"
    );
}

#[test]
fn age_counts_completed_years_and_months() {
    fn check(born: &str, on: &str, expected: Option<(u16, u8)>) {
        let expected = expected.map(|(years, months)| Age { years, months });
        assert_eq!(age(day(born), day(on)), expected, "{born} on {on}");
    }
    check("1992-03-04", "2026-11-21", Some((34, 8)));
    check("2026-11-21", "2026-11-21", Some((0, 0)));
    check("2025-11-22", "2026-11-21", Some((0, 11)));
    check("2008-11-21", "2026-11-21", Some((18, 0)));
    check("2000-02-29", "2025-02-28", Some((24, 11)));
    check("2000-02-29", "2025-03-01", Some((25, 0)));
    check("2026-11-22", "2026-11-21", None);
}

#[test]
fn a_minor_is_under_eighteen() {
    assert!(age(day("2008-11-22"), today()).unwrap().is_minor());
    assert!(!age(day("2008-11-21"), today()).unwrap().is_minor());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,40}") {
        let _ = MyKad::parse(&text);
    }

    #[test]
    fn every_number_answers_every_question(digits in "[0-9]{12}") {
        let number = MyKad::parse(&digits).unwrap();
        prop_assert!(number.warnings(today()).len() <= 3);
        prop_assert!(number.birth_date(today()).is_none_or(|born| born <= today()));
        prop_assert_eq!(MyKad::parse(&number.to_string()).unwrap(), number.clone());
        prop_assert!(!number.masked().contains(&digits[..8]));
        let _ = (number.sex(), number.birthplace());
    }

    #[test]
    fn months_stay_below_twelve(born in -3000i32..60_000, lived in 0i32..45_000) {
        let epoch = jiff::civil::date(1900, 1, 1);
        let at = |days: i32| Day(epoch.checked_add(jiff::Span::new().days(days)).unwrap());
        let age = age(at(born), at(born + lived)).unwrap();
        prop_assert!(age.months < 12);
        prop_assert!(i32::from(age.years) <= lived / 365);
    }
}
