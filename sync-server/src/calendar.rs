//! Days and months as the operator and the clinics have them: Kuala Lumpur's.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

fn zone() -> TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    let zone = ZONE.get_or_init(|| TimeZone::get("Asia/Kuala_Lumpur").expect("it is in the database that is built in"));
    zone.clone()
}

/// The day that it is at this moment (milliseconds since 1970, UTC).
pub fn day_at(ms: i64) -> Date {
    let at = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(zone()).date()
}

/// When a day begins, milliseconds since 1970, UTC.
pub fn begins_ms(day: Date) -> i64 {
    let begins = day.to_zoned(zone());
    begins.map_or(i64::MAX, |begins| begins.timestamp().as_millisecond())
}

/// So many days later, or earlier.
pub fn days_after(day: Date, n: i64) -> Date {
    day.saturating_add(n.days())
}

/// One month; written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(Date);

impl Month {
    /// The month of a day.
    pub fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// Its first day.
    pub fn first(self) -> Date {
        self.0
    }

    /// Its last day.
    pub fn last(self) -> Date {
        self.0.last_of_month()
    }

    /// How many days it has.
    pub fn n_days(self) -> i64 {
        self.0.days_in_month().into()
    }

    /// So many months later, or earlier.
    pub fn after(self, n: i64) -> Self {
        Self(self.0.saturating_add(n.months()))
    }

    /// Its days, in their order.
    pub fn days(self) -> impl Iterator<Item = Date> {
        (0..self.n_days()).map(move |n| days_after(self.0, n))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for Month {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        format!("{text}-01").parse().map(Self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_kuala_lumpur() {
        let day: Date = "2026-12-01".parse().unwrap();
        // 16:00 UTC of the day before.
        assert_eq!(begins_ms(day), 1_796_054_400_000);
        assert_eq!(day_at(begins_ms(day)), day);
        assert_eq!(day_at(begins_ms(day) - 1).to_string(), "2026-11-30");
    }

    #[test]
    fn months_are_written_as_they_are_read_and_know_their_days() {
        let month: Month = "2028-02".parse().unwrap();
        assert_eq!((month.to_string().as_str(), month.n_days()), ("2028-02", 29));
        assert_eq!(month.after(-2).to_string(), "2027-12");
        assert_eq!(
            (month.days().next(), month.days().last()),
            (Some(month.first()), Some(month.last()))
        );
        assert!("2028-13".parse::<Month>().is_err() && "soon".parse::<Month>().is_err());
    }
}
