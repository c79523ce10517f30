//! The source's half: which entries belong into a release.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Category, Day, Marks, Sensitivity};

/// What the patient agreed to, as far as it decides about single entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The cards that are switched on.
    pub categories: BTreeSet<Category>,
    /// Only entries of this day and later; `None` = from the beginning.
    pub data_from: Option<Day>,
    /// Only entries up to and including this day; `None` = also what is still to come.
    pub data_to: Option<Day>,
    /// Sensitive subjects that she named.
    pub sensitive: BTreeSet<Sensitivity>,
    /// The last day of the agreement itself.
    pub until: Day,
}

/// Does an entry belong into a release?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It does.
    Included,
    /// It does not.
    Withheld(WithheldReason),
}

/// Why an entry is withheld.
///
/// For the screens and the audit of the source. The recipient may learn *that* something was withheld; `Sensitive`
/// would itself tell something about the patient, so it stays at the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithheldReason {
    /// The agreement is over.
    Ended,
    /// Its card is not switched on.
    NotThisCategory,
    /// Its day is before or after the days that she agreed to.
    OutsideDates,
    /// It carries, or inherited, a sensitive mark that she did not name.
    Sensitive,
}

/// Does this entry belong into a release under these terms, `today` being the day at the source clinic?
///
/// With several reasons against it, the one that stands first in [`WithheldReason`] is given.
pub fn covers(terms: &Terms, entry: &Marks, today: Day) -> Verdict {
    let reasons = [
        (today > terms.until, WithheldReason::Ended),
        (
            !terms.categories.contains(&entry.category),
            WithheldReason::NotThisCategory,
        ),
        (
            !within(entry.day, terms.data_from, terms.data_to),
            WithheldReason::OutsideDates,
        ),
        (
            !entry.sensitive.iter().all(|subject| is_named(terms, *subject)),
            WithheldReason::Sensitive,
        ),
    ];
    match reasons.into_iter().find(|(against, _)| *against) {
        Some((_, reason)) => Verdict::Withheld(reason),
        None => Verdict::Included,
    }
}

fn within(day: Day, from: Option<Day>, to: Option<Day>) -> bool {
    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
}

/// A subject that this build does not know counts as not named, even where the same code stands in the terms: what the
/// patient was shown when she named it is not known here.
fn is_named(terms: &Terms, subject: Sensitivity) -> bool {
    !matches!(subject, Sensitivity::Unknown(_)) && terms.sensitive.contains(&subject)
}
