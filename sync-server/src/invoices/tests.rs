//! Months as they are charged, day by day.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn since(from: &str, plan: Option<i64>, trial_until: Option<&str>) -> Subscription {
    Subscription {
        from: day(from),
        plan,
        trial_until: trial_until.map(day),
    }
}

fn price(plan: i64, version: u64, from: &str, sen: i64) -> Price {
    Price {
        plan,
        name: format!("Plan {plan}"),
        version,
        from: day(from),
        sen,
    }
}

/// November 2026, as `(plan, from, to, sen)`.
fn check(subscriptions: &[Subscription], prices: &[Price], expected: &[(&str, &str, &str, i64)]) {
    let month = "2026-11".parse().unwrap();
    let lines = lines(month, subscriptions, prices);
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line.plan.clone(),
                line.from.to_string(),
                line.to.to_string(),
                line.amount_sen,
            )
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(plan, from, to, sen)| ((*plan).to_owned(), (*from).to_owned(), (*to).to_owned(), *sen))
        .collect();
    assert_eq!(told, expected);
}

#[test]
fn a_month_is_charged_by_its_days() {
    let prices = [price(1, 1, "2026-01-01", 30_000), price(2, 1, "2026-01-01", 60_000)];
    let whole = [("Plan 1", "2026-11-01", "2026-11-30", 30_000)];
    check(&[since("2026-03-05", Some(1), None)], &prices, &whole);
    check(&[], &prices, &[]);
    check(&[since("2026-12-01", Some(1), None)], &prices, &[]);
    // It began in the middle of the month; a trial ends in it; it is all trial; it ended.
    let rest = [("Plan 1", "2026-11-21", "2026-11-30", 10_000)];
    check(&[since("2026-11-21", Some(1), None)], &prices, &rest);
    check(&[since("2026-11-01", Some(1), Some("2026-11-20"))], &prices, &rest);
    check(&[since("2026-11-01", Some(1), Some("2026-11-30"))], &prices, &[]);
    let ended = [since("2026-01-01", Some(1), None), since("2026-11-02", None, None)];
    check(&ended, &prices, &[("Plan 1", "2026-11-01", "2026-11-01", 1_000)]);
    // Another plan, in the middle; and the first one again.
    let changed = [
        since("2026-01-01", Some(1), None),
        since("2026-11-16", Some(2), None),
        since("2026-11-30", Some(1), None),
    ];
    check(
        &changed,
        &prices,
        &[
            ("Plan 1", "2026-11-01", "2026-11-15", 15_000),
            ("Plan 2", "2026-11-16", "2026-11-29", 28_000),
            ("Plan 1", "2026-11-30", "2026-11-30", 1_000),
        ],
    );
}

#[test]
fn another_price_holds_from_its_day_on_and_the_last_one_of_a_day_counts() {
    let prices = [
        price(1, 1, "2026-01-01", 30_000),
        price(1, 2, "2026-11-11", 99_999),
        price(1, 3, "2026-11-11", 45_000),
        price(1, 4, "2026-12-01", 90_000),
    ];
    check(
        &[since("2026-01-01", Some(1), None)],
        &prices,
        &[
            ("Plan 1", "2026-11-01", "2026-11-10", 10_000),
            ("Plan 1", "2026-11-11", "2026-11-30", 30_000),
        ],
    );
}

#[test]
fn tax_and_shares_are_rounded_to_the_nearest_sen() {
    assert_eq!(
        [share(100, 1, 3), share(200, 1, 3), share(1, 1, 2), share(0, 5, 7)],
        [33, 67, 1, 0]
    );
    let month = "2026-11".parse().unwrap();
    let lines = lines(
        month,
        &[since("2026-11-01", Some(1), None)],
        &[price(1, 1, "2026-01-01", 12_345)],
    );
    let seller = Issuer {
        sst_bp: 800,
        ..Issuer::default()
    };
    let bill = Bill::of(lines, seller, "Klinik".into(), String::new(), Language::Malay);
    assert_eq!((bill.subtotal_sen, bill.tax_sen, bill.total_sen), (12_345, 988, 13_333));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_month_costs_more_than_the_dearest_plan_nor_less_than_nothing(
        changes in prop::collection::vec((0_i64..60, prop::option::of(0_i64..3), prop::option::of(0_i64..60)), 0..6),
        sen in prop::collection::vec(0_i64..1_000_000, 3),
    ) {
        let begin = day("2026-10-15");
        let subscriptions: Vec<_> = changes
            .iter()
            .map(|(from, plan, trial)| Subscription {
                from: days_after(begin, *from),
                plan: *plan,
                trial_until: trial.map(|n| days_after(begin, n)),
            })
            .collect();
        let prices: Vec<_> = sen.iter().zip(0..).map(|(sen, plan)| price(plan, 1, "2026-01-01", *sen)).collect();
        let lines = lines("2026-11".parse().unwrap(), &subscriptions, &prices);
        let sum: i64 = lines.iter().map(|line| line.amount_sen).sum();
        // Each line is rounded for itself.
        prop_assert!(sum <= sen.iter().max().unwrap() + 30);
        prop_assert!(lines.iter().map(|line| line.days).sum::<i64>() <= 30);
        prop_assert!(lines.windows(2).all(|two| two[0].to < two[1].from));
    }
}
