//! Times, days, sizes and numbers as people read them; times are Malaysia's.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::words::Lang;
use crate::calendar::{Month, day_at};

const MONTHS_EN: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const MONTHS_MS: [&str; 12] = [
    "Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ogos", "Sep", "Okt", "Nov", "Dis",
];

fn zone() -> TimeZone {
    TimeZone::get("Asia/Kuala_Lumpur").unwrap_or(TimeZone::UTC)
}

/// `12 Nov 2026, 2:05 pm`, as an element that programs can read too.
pub(crate) fn when(ms: i64, lang: Lang) -> Markup {
    moment(ms, &format!("{}, {}", day_words(day_at(ms), lang), of_day(ms, lang)))
}

/// The same in fewer words: the time of a moment of today, the day of any other.
pub(crate) fn lately(ms: i64, now_ms: i64, lang: Lang) -> Markup {
    let day = day_at(ms);
    if day == day_at(now_ms) {
        moment(ms, &of_day(ms, lang))
    } else {
        moment(ms, &day_words(day, lang))
    }
}

fn moment(ms: i64, words: &str) -> Markup {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(zone());
    html! { time datetime=(at.strftime("%Y-%m-%dT%H:%M%:z")) { (words) } }
}

/// `2:05 pm`.
fn of_day(ms: i64, lang: Lang) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(zone());
    let half = match (lang, at.hour() < 12) {
        (Lang::En, true) => "am",
        (Lang::En, false) => "pm",
        (Lang::Ms, true) => "pagi",
        (Lang::Ms, false) => "ptg",
    };
    format!("{} {half}", at.strftime("%-I:%M"))
}

/// `12 Nov 2026`.
pub(crate) fn date(day: Date, lang: Lang) -> Markup {
    html! { time datetime=(day) { (day_words(day, lang)) } }
}

fn day_words(day: Date, lang: Lang) -> String {
    format!("{} {} {}", day.day(), month_name(day, lang), day.year())
}

/// `Nov 2026`.
pub(crate) fn month(month: Month, lang: Lang) -> Markup {
    let first = month.first();
    html! { time datetime=(month) { (month_name(first, lang)) " " (first.year()) } }
}

fn month_name(day: Date, lang: Lang) -> &'static str {
    let names = match lang {
        Lang::En => MONTHS_EN,
        Lang::Ms => MONTHS_MS,
    };
    let nth = usize::try_from(day.month() - 1).ok().and_then(|nth| names.get(nth));
    nth.copied().unwrap_or_default()
}

/// `2026-11-22`, for names of files.
pub(crate) fn day(ms: i64) -> String {
    day_at(ms).to_string()
}

/// `1,204,000`: groups are set off alike in both languages.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// So many bytes, in the largest unit that leaves a number of at most three digits before the point.
pub(crate) fn bytes(n: u64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB"];
    let (mut value, mut nth) = (n as f64, 0);
    while value >= 1000.0 && nth + 1 < units.len() {
        value /= 1000.0;
        nth += 1;
    }
    match nth {
        0 => format!("{n} B"),
        _ => format!("{value:.1} {}", units[nth]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn times_are_malaysias_and_sizes_have_units() {
        // 12 November 2026, 06:05 UTC.
        let ms = 1_794_463_500_000;
        let moment = |at: Markup, day: &str, words: &str| {
            assert_eq!(at.0, format!("<time datetime=\"2026-11-{day}+08:00\">{words}</time>"));
        };
        moment(when(ms, Lang::En), "12T14:05", "12 Nov 2026, 2:05 pm");
        moment(when(ms, Lang::Ms), "12T14:05", "12 Nov 2026, 2:05 ptg");
        moment(when(ms - 5 * 3_600_000, Lang::Ms), "12T09:05", "12 Nov 2026, 9:05 pagi");
        moment(lately(ms, ms + 60_000, Lang::En), "12T14:05", "2:05 pm");
        moment(lately(ms, ms + 24 * 3_600_000, Lang::En), "12T14:05", "12 Nov 2026");
        assert_eq!(day(ms), "2026-11-12");
        let march = "2026-03-01".parse().unwrap();
        for (lang, words) in [(Lang::En, "Mar"), (Lang::Ms, "Mac")] {
            let expected = format!("<time datetime=\"2026-03-01\">1 {words} 2026</time>");
            assert_eq!(date(march, lang).0, expected);
            let expected = format!("<time datetime=\"2026-03\">{words} 2026</time>");
            assert_eq!(month(Month::of(march), lang).0, expected);
        }
        assert_eq!(
            (count(0).as_str(), count(999).as_str(), count(1_204_000).as_str()),
            ("0", "999", "1,204,000")
        );
        assert_eq!((bytes(999).as_str(), bytes(1_500).as_str()), ("999 B", "1.5 KB"));
        assert_eq!(bytes(2_500_000_000), "2.5 GB");
    }
}
