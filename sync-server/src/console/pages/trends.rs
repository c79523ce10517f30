//! Trends: how many clinics are active, how much is fetched and permitted, and how long the relay ran.

use std::collections::BTreeMap;

use jiff::civil::Date;
use maud::{Markup, html};

use crate::calendar::{day_at, days_after};
use crate::console::chart::{Chart, Point, most};
use crate::console::reply::Reply;
use crate::console::visit::{Fault, Visit};
use crate::console::words::{fill, words};
use crate::console::{layout, time};
use crate::{Sample, Span, UsageDay};

/// Weeks in the charts, with the present one.
const WEEKS: i64 = 26;
const HOURS_A_DAY: i64 = 24;

words! {
    /// Of trends.
    Words {
        active: "Active clinics, on the busiest day of a week", "Klinik aktif, pada hari paling sibuk dalam seminggu";
        fetches: "Fetches between clinics a week", "Pengambilan antara klinik seminggu";
        rate: "Requests that consent permitted", "Permintaan yang dibenarkan oleh persetujuan";
        messages: "Messages from devices a week", "Mesej daripada peranti seminggu";
        uptime: "Time in which the relay ran", "Masa geganti berjalan";
        this_week: "this week", "minggu ini";
        nothing: "nothing yet", "belum ada";
        most: "most: {n}", "terbanyak: {n}";
        percent: "{n} %", "{n} %";
        why: "Counted from the clinics' audit chains and from what devices say, once an hour. A clinic is active on a day on which one of its devices said something. Weeks begin on Monday.",
            "Dikira daripada rantaian audit klinik dan apa yang dinyatakan peranti, sekali sejam. Klinik aktif pada hari apabila salah satu perantinya menyatakan sesuatu. Minggu bermula pada hari Isnin.";
        empty: "The first figures come an hour after the relay starts.", "Angka pertama tiba sejam selepas geganti bermula.";
    }
}

/// Weeks since a Monday long ago.
fn week(day: Date) -> i64 {
    let monday = Date::constant(2024, 1, 1);
    let days = (day - monday).get_days();
    i64::from(days).div_euclid(7)
}

/// The first day of such a week.
fn monday(week: i64) -> Date {
    days_after(Date::constant(2024, 1, 1), 7 * week)
}

/// What each week came to.
fn weekly(days: &[UsageDay], value: impl Fn(&[&UsageDay]) -> Option<u64>) -> Vec<Point> {
    let dated = days.iter().filter_map(|day| Some((week(day.day.parse().ok()?), day)));
    let dated: Vec<(i64, &UsageDay)> = dated.collect();
    let weeks = dated.chunk_by(|before, after| before.0 == after.0);
    let points = weeks.filter_map(|days| {
        let of_week: Vec<&UsageDay> = days.iter().map(|(_, day)| *day).collect();
        Some((days.first()?.0, value(&of_week)?))
    });
    points.collect()
}

fn sum(days: &[&UsageDay], value: fn(&UsageDay) -> u64) -> u64 {
    days.iter().map(|day| value(day)).sum()
}

/// Hours in which some node ran, as percent of those of each week that are over.
fn uptime(samples: &[Sample], now_ms: i64) -> Vec<Point> {
    let hour_now = now_ms / Span::Hour.ms();
    let ran: BTreeMap<i64, u64> = samples
        .iter()
        .map(|sample| (sample.at, sample.n_minutes.min(60)))
        .collect();
    let Some((first, _)) = ran.first_key_value() else {
        return Vec::new();
    };
    let mut weeks: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for hour in *first..hour_now {
        let of_week = weeks.entry(week(day_at(hour * Span::Hour.ms()))).or_default();
        of_week.0 += ran.get(&hour).copied().unwrap_or_default();
        of_week.1 += 60;
    }
    weeks
        .into_iter()
        .map(|(week, (ran, all))| (week, ran * 100 / all))
        .collect()
}

pub(crate) async fn page(visit: Visit) -> Result<Reply, Fault> {
    let (own, today) = (Words::of(visit.lang), day_at(visit.now_ms));
    let since = days_after(today, -7 * WEEKS);
    let days = visit.store(move |store| store.network_days(since)).await?;
    let since_ms = visit.now_ms - 7 * WEEKS * HOURS_A_DAY * Span::Hour.ms();
    let now_ms = visit.now_ms;
    let samples = visit.store(move |store| store.samples(Span::Hour, since_ms)).await?;
    let rate = |days: &[&UsageDay]| {
        let (permitted, denied) = (sum(days, |day| day.n_permitted), sum(days, |day| day.n_denied));
        (permitted * 100).checked_div(permitted + denied)
    };
    let all = [
        (
            own.active,
            weekly(&days, |days| days.iter().map(|day| day.n_clinics).max()),
        ),
        (
            own.fetches,
            weekly(&days, |days| Some(sum(days, |day| day.n_permitted))),
        ),
        (own.rate, weekly(&days, rate)),
        (
            own.messages,
            weekly(&days, |days| Some(sum(days, |day| day.n_requests))),
        ),
        (own.uptime, uptime(&samples, now_ms)),
    ];
    let content = html! {
        p.hint { (own.why) }
        @if days.is_empty() && samples.is_empty() { p.empty { (own.empty) } } @else {
            div.charts {
                @for (title, points) in &all { (one(&visit, title, points, week(today))) }
            }
        }
    };
    Ok(layout::page(&visit, "/trends", visit.words.trends, content))
}

fn one(visit: &Visit, title: &str, points: &[Point], to: i64) -> Markup {
    let own = Words::of(visit.lang);
    // Of these the whole is known: a hundred.
    let is_percent = [own.rate, own.uptime].contains(&title);
    let words = |n: u64| match is_percent {
        true => fill(own.percent, &[("n", &n.to_string())]),
        false => time::count(n),
    };
    let now = points.last().filter(|(week, _)| *week == to);
    let from = to + 1 - WEEKS;
    Chart {
        title,
        now: now.map_or(own.nothing.to_owned(), |(_, n)| words(*n)),
        points,
        span: (from, to),
        ends: (time::date(monday(from), visit.lang), html! { (own.this_week) }),
        most: fill(own.most, &[("n", &words(most(points)))]),
        top: is_percent.then_some(100),
    }
    .draw()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn day(day: &str, n_clinics: u64, n_permitted: u64) -> UsageDay {
        UsageDay {
            day: day.to_owned(),
            n_clinics,
            n_permitted,
            ..UsageDay::default()
        }
    }

    #[test]
    fn days_are_summed_up_by_weeks_that_begin_on_monday() {
        // 22 November 2026 is a Sunday.
        let days = [
            day("2026-11-16", 3, 1),
            day("2026-11-22", 5, 2),
            day("2026-11-23", 1, 9),
        ];
        let monday = week("2026-11-16".parse().unwrap());
        let active = weekly(&days, |days| days.iter().map(|day| day.n_clinics).max());
        assert_eq!(active, [(monday, 5), (monday + 1, 1)]);
        let fetched = weekly(&days, |days| Some(sum(days, |day| day.n_permitted)));
        assert_eq!(fetched, [(monday, 3), (monday + 1, 9)]);
        assert_eq!(week("2023-12-31".parse().unwrap()), -1);
        assert_eq!(super::monday(monday).to_string(), "2026-11-16");
    }
}
