//! A person's age on a day. The words for it stand in the locales.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::Day;

/// Completed years, and completed months since the last birthday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Type)]
pub struct Age {
    /// Completed years.
    pub years: u16,
    /// Completed months beyond the years, 0 to 11.
    pub months: u8,
}

impl Age {
    /// Under eighteen: a guardian signs for her.
    ///
    /// Source: Age of Majority Act 1971 (Act 21), section 2.
    pub fn is_minor(self) -> bool {
        self.years < 18
    }
}

/// The age on the day `on` of a person born on the day `birth`.
///
/// `None` when she is born after that day. Who is born on 29 February has her birthday on 1 March in other years.
pub fn age(birth: Day, on: Day) -> Option<Age> {
    let (born, today) = (birth.0, on.0);
    if born > today {
        return None;
    }
    let month_of = |date: jiff::civil::Date| i32::from(date.year()) * 12 + i32::from(date.month());
    let not_yet = i32::from(today.day() < born.day());
    let months = month_of(today) - month_of(born) - not_yet;
    Some(Age {
        years: u16::try_from(months / 12).ok()?,
        months: u8::try_from(months % 12).ok()?,
    })
}
