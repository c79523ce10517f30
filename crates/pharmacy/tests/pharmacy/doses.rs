//! Doses: how much at a time and in a day, and of whom that is not known.

use super::*;

#[test]
fn the_most_at_a_time_and_in_a_day_is_held_over_all_lines() {
    use Frequency::*;
    use Level::*;
    fn check_lines(lines: &[PrescriptionLine], expected: &[(&str, Level)]) {
        let allergies = none_known();
        let findings = check(
            &lines[0],
            &Circumstances {
                others: lines,
                ..adult(&allergies)
            },
            tables(),
        );
        let doses: Vec<_> = findings
            .into_iter()
            .filter(|finding| finding.kind == FindingKind::Dose)
            .collect();
        assert_eq!(brief(&doses), expected);
    }
    let tablets = |id, units, frequency| line(id, "paracetamol-500mg-tablet", units, frequency);
    check_lines(&[tablets(1, 2.0, EverySixHours)], &[]);
    check_lines(
        &[tablets(1, 2.5, ThreeTimesDaily)],
        &[("dose_single:paracetamol", Serious)],
    );
    check_lines(
        &[tablets(1, 3.0, EverySixHours)],
        &[
            ("dose_daily:paracetamol", Serious),
            ("dose_single:paracetamol", Serious),
        ],
    );
    let syrup = line(2, "paracetamol-250mg-5ml-syrup", 10.0, TwiceDaily);
    check_lines(
        &[tablets(1, 2.0, EverySixHours), syrup],
        &[("dose_daily:paracetamol", Serious)],
    );
    check_lines(
        &[line(1, "loratadine-10mg-tablet", 1.0, TwiceDaily)],
        &[("dose_daily:loratadine", Caution)],
    );
    check_lines(&[line(1, "salbutamol-100mcg-inhaler", 2.0, EverySixHours)], &[]);
    check_lines(
        &[line(1, "salbutamol-100mcg-inhaler", 4.0, EverySixHours)],
        &[("dose_daily:salbutamol", Caution)],
    );
    check_lines(
        &[tablets(1, 0.0, TwiceDaily)],
        &[("dose_missing:paracetamol-500mg-tablet", Caution)],
    );
}

#[test]
fn a_dose_alert_shows_its_arithmetic() {
    let line = line(1, "paracetamol-500mg-tablet", 3.0, Frequency::EverySixHours);
    let findings = check(&line, &adult(&none_known()), tables());
    assert_eq!(
        (&*findings[0].params["dose_mg"], &*findings[0].params["most_mg"]),
        ("6000", "4000")
    );
    assert!(findings[0].source.contains("M013"));
}

#[test]
fn what_was_edited_on_the_line_counts_not_the_table() {
    let mut line = line(1, "paracetamol-500mg-tablet", 2.0, Frequency::TwiceDaily);
    line.strength = domain::Milligrams(665.0);
    assert_eq!(
        brief(&check(&line, &adult(&none_known()), tables())),
        [("dose_single:paracetamol", Level::Serious)]
    );
}

#[test]
fn a_childs_dose_is_not_judged_but_worked_out_for_each_kilogram() {
    let allergies = none_known();
    let child = |weight| Circumstances {
        age: Some(Age { years: 4, months: 2 }),
        weight,
        ..adult(&allergies)
    };
    let line = line(1, "paracetamol-120mg-5ml-syrup", 10.0, Frequency::EverySixHours);

    let findings = check(&line, &child(Some(Kilograms(16.0))), tables());
    assert_eq!(brief(&findings), [("dose_child:paracetamol", Level::Caution)]);
    let params = &findings[0].params;
    assert_eq!((&*params["dose_mg_per_kg"], &*params["daily_mg_per_kg"]), ("15", "60"));

    let findings = check(&line, &child(None), tables());
    assert_eq!(findings[0].title_code, "dose_child_no_weight");
}

#[test]
fn an_unknown_age_is_said_and_the_adults_row_is_used() {
    let allergies = none_known();
    let about = Circumstances {
        age: None,
        ..adult(&allergies)
    };
    let findings = check(
        &line(1, "paracetamol-500mg-tablet", 3.0, Frequency::OnceDaily),
        &about,
        tables(),
    );
    let expected = [
        ("dose_single:paracetamol", Level::Serious),
        ("dose_age_unknown:paracetamol", Level::Note),
    ];
    assert_eq!(brief(&findings), expected);
}
