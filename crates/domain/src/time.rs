//! Points in time and calendar days, as the clinic writes them.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};
use specta::Type;

/// A moment, stored in UTC; on the wire an RFC 3339 string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(transparent)]
pub struct Instant(#[specta(type = String)] pub Timestamp);

impl Instant {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn as_millisecond(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The moment `millis` milliseconds after 1970; `None` outside jiff's years -9999..=9999.
    pub fn from_millisecond(millis: i64) -> Option<Self> {
        Timestamp::from_millisecond(millis).ok().map(Self)
    }
}

/// A calendar day without a time zone; on the wire `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(transparent)]
pub struct Day(#[specta(type = String)] pub Date);

/// The day that `now` falls on in the clinic's time zone (an IANA name such as `Asia/Kuala_Lumpur`).
///
/// An unknown zone counts as UTC.
pub fn day_in_zone(now: Instant, zone: &str) -> Day {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    Day(now.0.to_zoned(zone).date())
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
