//! Reasons for serious alerts that came up after the signature: given at the counter, by who hands over.
//!
//! The signed prescription stays as it was signed. A reason is written with the medicine in the fact of its handing-over,
//! and counts from then on as one that the doctor gave does.

use std::collections::BTreeSet;

use domain::{LineId, Override};
use vault::{Dispensed, RecordedFact, Visit};

use super::{book::handed_over, label::line_of};
use crate::{Error, ErrorCode, pharmacy_checks::Checks, views::consult::OverrideReason};

/// The visit, each line with the reasons that were given when it was handed over.
pub(crate) fn with_reasons_given(mut visit: Visit, given: &[(RecordedFact, Dispensed)]) -> Visit {
    for item in given.iter().flat_map(|(_, one)| &one.items) {
        let Some(line) = visit.lines.iter_mut().find(|line| line.id == item.line.id) else {
            continue;
        };
        for reason in &item.line.overrides {
            if !line.overrides.contains(reason) {
                line.overrides.push(reason.clone());
            }
        }
    }
    visit
}

/// Puts `reasons` on the lines that are handed over now, each beside the alert that it answers; gives what was new.
///
/// A reason for what nobody asks a reason for is passed over: it would stand beside nothing.
///
/// # Errors
/// [`ErrorCode::AlreadyDispensed`]; [`ErrorCode::ReasonNeeded`] with the `keys` that are still without one.
pub(super) fn give_reasons(
    visit: &mut Visit,
    lines: &[LineId],
    given: &[(RecordedFact, Dispensed)],
    checks: &Checks,
    reasons: &[OverrideReason],
    by: impl Fn(&OverrideReason) -> Override,
) -> Result<Vec<Override>, Error> {
    let (mut answered, mut missing) = (Vec::<Override>::new(), BTreeSet::new());
    for id in lines {
        if handed_over(given, *id).0.is_some() {
            return Err(ErrorCode::AlreadyDispensed.into());
        }
        let mut new = Vec::new();
        for key in checks.checked_line(line_of(visit, *id)?).open {
            let reason = reasons
                .iter()
                .find(|reason| reason.finding_key == key && !reason.reason.trim().is_empty());
            match reason {
                // Two lines of one interaction share its key: one reason answers both.
                _ if answered.iter().chain(&new).any(|one: &Override| one.finding_key == key) => (),
                Some(reason) => new.push(by(reason)),
                None => drop(missing.insert(key)),
            }
        }
        if let Some(line) = visit.lines.iter_mut().find(|line| line.id == *id) {
            line.overrides.extend(new.iter().cloned());
        }
        answered.extend(new);
    }
    if missing.is_empty() {
        return Ok(answered);
    }
    let keys: Vec<String> = missing.into_iter().collect();
    Err(Error::new(ErrorCode::ReasonNeeded).with("keys", keys.join(",")))
}
