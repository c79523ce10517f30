//! What a plan allows, and what follows from how much of it is used. Pure: no clock, no store.
//!
//! | full | what is refused then |
//! |---|---|
//! | devices | a device that was never served |
//! | bytes | chunks of attachments |
//! | requests | chunks of attachments, until the month is over |
//! | staff | nothing: the relay cannot count people, it is told |
//!
//! Changes, grants, revocations, releases, statements and letters are not in the table, and nothing here is asked about them.

use sync_protocol::{UsageLevel, Used};

/// What a plan costs a month, and what it allows; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanTerms {
    /// Sen a month, before tax.
    pub price_sen: i64,
    /// Devices that are served.
    pub devices: Option<u64>,
    /// People on the staff.
    pub staff: Option<u64>,
    /// Bytes that are stored.
    pub bytes: Option<u64>,
    /// Messages from devices in a month.
    pub requests: Option<u64>,
}

/// How much a clinic uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Consumed {
    /// Devices that are served.
    pub devices: u64,
    /// People on the staff, as its devices say.
    pub staff: Option<u64>,
    /// Bytes that are stored.
    pub bytes: u64,
    /// Messages since the month began.
    pub requests: u64,
}

/// What a clinic uses, held against what it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Devices.
    pub devices: Used,
    /// People.
    pub staff: Used,
    /// Bytes.
    pub bytes: Used,
    /// Messages.
    pub requests: Used,
}

impl Judged {
    /// Holds what is used against what is allowed.
    pub fn of(terms: &PlanTerms, consumed: &Consumed) -> Self {
        Self {
            devices: used(Some(consumed.devices), terms.devices),
            staff: used(consumed.staff, terms.staff),
            bytes: used(Some(consumed.bytes), terms.bytes),
            requests: used(Some(consumed.requests), terms.requests),
        }
    }

    /// Whether a device that was never served is not served now.
    pub fn refuses_devices(&self) -> bool {
        self.devices.level == UsageLevel::Full
    }

    /// Whether chunks of attachments are not taken now.
    pub fn refuses_attachments(&self) -> bool {
        self.bytes.level == UsageLevel::Full || self.requests.level == UsageLevel::Full
    }
}

fn used(used: Option<u64>, limit: Option<u64>) -> Used {
    let level = match (used, limit) {
        (Some(used), Some(limit)) => level(used, limit),
        _ => UsageLevel::Fine,
    };
    Used { used, limit, level }
}

/// Four fifths of a limit is near it, all of it is full. Of nothing there is never any left.
pub fn level(used: u64, limit: u64) -> UsageLevel {
    if used >= limit {
        UsageLevel::Full
    } else if u128::from(used) * 5 >= u128::from(limit) * 4 {
        UsageLevel::Near
    } else {
        UsageLevel::Fine
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn four_fifths_are_near_and_all_is_full() {
        use UsageLevel::{Fine, Full, Near};
        let check = |used, limit, expected| assert_eq!(level(used, limit), expected, "{used} of {limit}");
        for (used, limit, expected) in [
            (0, 0, Full),
            (0, 1, Fine),
            (1, 1, Full),
            (3, 5, Fine),
            (4, 5, Near),
            (5, 5, Full),
            (6, 5, Full),
            (79, 100, Fine),
            (80, 100, Near),
            (99, 100, Near),
            (100, 100, Full),
            (u64::MAX - 1, u64::MAX, Near),
            (u64::MAX, u64::MAX, Full),
        ] {
            check(used, limit, expected);
        }
    }

    fn judged(terms: PlanTerms) -> Judged {
        let consumed = Consumed {
            devices: 4,
            staff: Some(9),
            bytes: 100,
            requests: 50,
        };
        Judged::of(&terms, &consumed)
    }

    #[test]
    fn each_limit_refuses_its_own_and_nothing_else() {
        let check = |terms: PlanTerms, devices: bool, attachments: bool| {
            let judged = judged(terms);
            let refused = (judged.refuses_devices(), judged.refuses_attachments());
            assert_eq!(refused, (devices, attachments), "{terms:?}");
        };
        let none = PlanTerms::default();
        check(none, false, false);
        check(
            PlanTerms {
                devices: Some(4),
                ..none
            },
            true,
            false,
        );
        check(
            PlanTerms {
                devices: Some(5),
                ..none
            },
            false,
            false,
        );
        check(PlanTerms { staff: Some(1), ..none }, false, false);
        check(
            PlanTerms {
                bytes: Some(100),
                ..none
            },
            false,
            true,
        );
        check(
            PlanTerms {
                bytes: Some(101),
                ..none
            },
            false,
            false,
        );
        check(
            PlanTerms {
                requests: Some(50),
                ..none
            },
            false,
            true,
        );
        check(
            PlanTerms {
                bytes: Some(0),
                devices: Some(0),
                ..none
            },
            true,
            true,
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn more_use_or_a_smaller_limit_never_gives_a_lower_level(used: u64, limit: u64, more: u64, less: u64) {
            let (more, less) = (used.saturating_add(more), limit.saturating_sub(less));
            prop_assert!(level(more, limit) >= level(used, limit));
            prop_assert!(level(used, less) >= level(used, limit));
        }
    }
}
