//! How long a patient's record has to be kept.
//!
//! Seven years from the last attendance; of a child seven years from when she came of age. The Private Healthcare
//! Facilities and Services (Private Medical Clinics …) Regulations 2006, rr. 28–31, ask for a retention; the figure is the
//! one commonly cited in Malaysia (`../shared/facts/malaysia.md`, 4.5, unverified there): whoever erases should know her
//! own ministry's word.

use domain::{Day, Instant, day_in_zone};
use jiff::ToSpan;

use crate::open::ZONE;

/// Years from the last attendance.
const YEARS: i32 = 7;
/// A child is of age at her eighteenth birthday (Age of Majority Act 1971).
const OF_AGE: i32 = 18;

/// The first day on which the record need not be kept any more.
pub(super) fn kept_until(last: Instant, birth_date: Option<Day>) -> Day {
    let last = day_in_zone(last, ZONE);
    let of_age = birth_date.map(|born| Day(born.0.saturating_add(OF_AGE.years())));
    let from = of_age.map_or(last, |of_age| of_age.max(last));
    Day(from.0.saturating_add(YEARS.years()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn day(text: &str) -> Day {
        Day(text.parse().unwrap())
    }

    #[test]
    fn a_record_is_kept_for_seven_years_and_a_childs_for_seven_beyond_her_coming_of_age() {
        let last = Instant::from_millisecond(1795233600000).unwrap(); // 2026-11-21 in Kuala Lumpur
        assert_eq!(kept_until(last, None), day("2033-11-21"));
        assert_eq!(kept_until(last, Some(day("1990-01-01"))), day("2033-11-21"));
        assert_eq!(kept_until(last, Some(day("2020-02-29"))), day("2045-02-28"));
    }
}
