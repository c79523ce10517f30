//! What a check has to say.

use std::collections::{BTreeMap, BTreeSet};

use domain::Override;
use knowledge::{Level, Source, Tables};
use serde::{Deserialize, Serialize};
use specta::Type;

/// What a finding is about. The order is that of the screen within one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The patient is allergic to it, or to its relatives.
    Allergy,
    /// Nobody has asked about allergies.
    AllergyNotAsked,
    /// Too much at a time or in a day, or nothing to judge it by.
    Dose,
    /// Two medicines that do not go well together.
    Interaction,
    /// The same medicine, or the same kind, twice.
    Duplicate,
    /// Something that the tables do not know.
    NotChecked,
    /// What it is made of.
    Halal,
}

/// One thing to be known before going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Finding {
    /// The same for the same facts at every check, e.g. `allergy:penicillins:amoxicillin`: an override names it.
    pub key: String,
    /// What it is about.
    pub kind: FindingKind,
    /// How much it matters.
    pub level: Level,
    /// Which sentence of the locales says it.
    pub title_code: String,
    /// What to put into the sentence. A substance stands in it twice, as `x` and as `x_ms` in Malay.
    pub params: BTreeMap<String, String>,
    /// Going on needs a reason in a person's own words.
    pub needs_reason: bool,
    /// The work that the rule comes from; empty where the finding rests on the patient's own record.
    pub source: String,
    /// Edition of the work; empty with it.
    pub edition: String,
}

impl Finding {
    /// A finding that rests on the record itself. Serious ones need a reason.
    pub(crate) fn new(kind: FindingKind, level: Level, title_code: &str, key: String) -> Self {
        Self {
            key,
            kind,
            level,
            title_code: title_code.to_owned(),
            params: BTreeMap::new(),
            needs_reason: level == Level::Serious,
            source: String::new(),
            edition: String::new(),
        }
    }

    /// With one more parameter.
    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.params.insert(name.to_owned(), value.to_string());
        self
    }

    /// With a substance's names in both languages; the key itself where the tables have none.
    pub(crate) fn with_substance(self, name: &str, key: &str, tables: &Tables) -> Self {
        let (english, malay) = tables.substance(key).map_or((key, key), |it| (&*it.name, &*it.name_ms));
        self.with(name, english).with(&format!("{name}_ms"), malay)
    }

    /// With the source of the rule that it rests on.
    pub(crate) fn backed_by(mut self, source: &Source) -> Self {
        self.source.clone_from(&source.work);
        self.edition.clone_from(&source.edition);
        self
    }
}

/// The serious findings that nobody has given a reason for yet. An override counts for its key on any line.
pub fn standing<'f>(findings: &'f [Finding], overrides: &[Override]) -> Vec<&'f Finding> {
    let answered = |finding: &Finding| {
        overrides
            .iter()
            .any(|it| it.finding_key == finding.key && !it.reason.trim().is_empty())
    };
    findings
        .iter()
        .filter(|finding| finding.needs_reason && !answered(finding))
        .collect()
}

/// Every `title_code` that can occur with these tables: the locales are tested against it.
pub fn title_codes(tables: &Tables) -> BTreeSet<String> {
    const FIXED: &[&str] = &[
        "allergies_not_asked",
        "allergy_class",
        "allergy_cross",
        "allergy_same",
        "allergy_unmatched",
        "dose_age_unknown",
        "dose_child",
        "dose_child_no_weight",
        "dose_daily",
        "dose_missing",
        "dose_single",
        "duplicate",
        "duplicate_class",
        "duplicate_regular",
        "halal_contains_alcohol",
        "halal_contains_porcine",
        "halal_unknown",
        "not_checked",
        "not_checked_fully",
    ];
    let interactions = tables
        .interactions()
        .iter()
        .map(|rule| format!("interaction_{}", rule.effect));
    FIXED
        .iter()
        .map(|code| (*code).to_owned())
        .chain(interactions)
        .collect()
}
