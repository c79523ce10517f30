//! Sections of the Composition: what is given, and why something is not.

use serde_json::{Value, json};

use crate::json::{Entry, coding, tidy};
use crate::names::{EMPTY_REASON, LOINC, SECTION_CODE};
use crate::narrative::narrative;
use crate::reading::{code_in, list};

/// The sections, in the order of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Allergies,
    Medicines,
    Problems,
    Encounters,
    Vitals,
    Recordings,
}

/// Why a section has no entries (FHIR's list-empty-reason).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emptiness {
    /// Asked or looked for, and there is nothing.
    NilKnown,
    /// Nobody has asked.
    NotAsked,
    /// The patient keeps it back.
    Withheld,
    /// The source doesn't say.
    Unavailable,
}

impl Emptiness {
    fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::NilKnown => ("nilknown", "None known."),
            Self::NotAsked => ("notasked", "Not asked."),
            Self::Withheld => ("withheld", "Not shared: the patient did not agree to share this."),
            Self::Unavailable => ("unavailable", "No information."),
        }
    }
}

impl Section {
    fn name(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Allergies => (LOINC, "48765-2", "Allergies"),
            Self::Medicines => (LOINC, "10160-0", "Medicines"),
            Self::Problems => (LOINC, "11450-4", "Diagnoses"),
            Self::Encounters => (LOINC, "46240-8", "Visits and notes"),
            Self::Vitals => (LOINC, "8716-3", "Measurements"),
            Self::Recordings => (SECTION_CODE, "recordings", "Recordings"),
        }
    }

    fn head(self) -> Value {
        let (system, code, title) = self.name();
        json!({ "title": title, "code": { "coding": [coding(system, code)], "text": title } })
    }

    /// The section with its entries, said again in `lines` for people.
    pub fn with_entries(self, entries: &[Entry], lines: &[String]) -> Value {
        let mut section = self.head();
        section["text"] = narrative(lines.iter().map(String::as_str));
        section["entry"] = entries.iter().map(Entry::reference).collect();
        section
    }

    /// The section without entries; `extension` says more about why.
    pub fn empty(self, why: Emptiness, extension: Value) -> Value {
        let (code, words) = why.code();
        let mut section = self.head();
        section["text"] = narrative([words]);
        section["emptyReason"] =
            tidy(json!({ "extension": extension, "coding": [coding(EMPTY_REASON, code)], "text": words }));
        section
    }

    /// This section of a Composition.
    pub fn find(self, composition: &Value) -> Option<&Value> {
        let (system, code, _) = self.name();
        list(composition, "/section")
            .iter()
            .find(|section| code_in(section, "/code/coding", system) == Some(code))
    }
}

/// Why a section that was read has no entries; what this build doesn't know is no information.
pub(crate) fn emptiness(section: &Value) -> Option<Emptiness> {
    section.get("emptyReason")?;
    Some(match code_in(section, "/emptyReason/coding", EMPTY_REASON) {
        Some("nilknown") => Emptiness::NilKnown,
        Some("notasked") => Emptiness::NotAsked,
        Some("withheld") => Emptiness::Withheld,
        _ => Emptiness::Unavailable,
    })
}
