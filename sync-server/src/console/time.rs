//! Times as people read them, in Malaysia's time.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::words::Lang;

const MONTHS_MS: [&str; 12] = [
    "Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ogos", "Sep", "Okt", "Nov", "Dis",
];

fn zone() -> TimeZone {
    TimeZone::get("Asia/Kuala_Lumpur").unwrap_or(TimeZone::UTC)
}

/// `12 Nov 2026, 2:05 pm`.
pub(crate) fn when(ms: i64, lang: Lang) -> String {
    let Ok(at) = Timestamp::from_millisecond(ms) else {
        return String::new();
    };
    let at = at.to_zoned(zone());
    let month = usize::try_from(at.month() - 1).ok().and_then(|nth| MONTHS_MS.get(nth));
    match lang {
        Lang::En => at.strftime("%-d %b %Y, %-I:%M %P").to_string(),
        Lang::Ms => {
            let half = if at.hour() < 12 { "pagi" } else { "ptg" };
            format!("{} {} {}", at.day(), month.unwrap_or(&""), at.strftime("%Y, %-I:%M")) + " " + half
        }
    }
}

/// `2026-11-22`, for names of files.
pub(crate) fn day(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.to_zoned(zone()).strftime("%Y-%m-%d").to_string()
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
    use super::*;

    #[test]
    fn times_are_malaysias_and_sizes_have_units() {
        // 12 November 2026, 06:05 UTC.
        let ms = 1_794_463_500_000;
        assert_eq!(when(ms, Lang::En), "12 Nov 2026, 2:05 pm");
        assert_eq!(when(ms, Lang::Ms), "12 Nov 2026, 2:05 ptg");
        assert_eq!(day(ms), "2026-11-12");
        assert_eq!((bytes(999).as_str(), bytes(1_500).as_str()), ("999 B", "1.5 KB"));
        assert_eq!(bytes(2_500_000_000), "2.5 GB");
    }
}
