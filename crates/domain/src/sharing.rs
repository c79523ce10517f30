//! What a patient agrees to share with another clinic, in the words of the form.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::{Day, Instant, Sensitivity};

/// What is shared, card by card as the patient sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Visits and notes.
    Encounters,
    /// Allergies.
    Allergies,
    /// Medicines.
    Prescriptions,
    /// Recordings.
    Audio,
}

/// What the other clinic may do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AccessMode {
    /// Look at it, on demand, in memory only.
    View,
    /// Keep a copy until the erase-at day.
    Keep,
}

/// Why (IHE PCF / HL7 v3 PurposeOfUse).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// TREAT.
    Treatment,
    /// ETREAT: an emergency. What is given for it ends within days.
    Emergency,
}

/// How she agreed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum HowAgreed {
    /// She signed the form.
    #[default]
    Signed,
    /// She said so to the witness, who answered another clinic's request.
    Spoken,
    /// Nobody asked her: it was an emergency, and she could not be asked. The witness answers for it.
    NotAsked,
}

/// The language of the form that she read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
pub enum ConsentLanguage {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Bahasa Malaysia.
    #[serde(rename = "ms")]
    Malay,
}

/// How we know that she agreed (facts/fhir-consent.md, adopt 10 and 11).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ConsentEvidence {
    /// Version of the form's words.
    pub form_version: String,
    /// Language that she read it in.
    pub language: ConsentLanguage,
    /// How she agreed. A grant of an older build does not say: she signed.
    #[serde(default)]
    pub how: HowAgreed,
    /// Her signature by finger, as an SVG path; empty unless she signed.
    pub signature_svg: String,
    /// Who watched her sign, or spoke with her.
    pub witness: String,
    /// Guardian who agreed for a minor, with the relation; `None` when she agreed herself.
    pub guardian: Option<String>,
    /// When.
    pub signed_at: Instant,
}

/// The terms of one grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct ShareTerms {
    /// Which cards were switched on; never empty.
    pub categories: Vec<Category>,
    /// Only entries from this day on; `None` = from the beginning.
    pub data_from: Option<Day>,
    /// Only entries up to this day; `None` = also what is still to come.
    pub data_to: Option<Day>,
    /// Sensitive subjects that she named; all others stay out.
    pub sensitive: Vec<Sensitivity>,
    /// View or keep.
    pub mode: AccessMode,
    /// Purpose.
    pub purpose: Purpose,
    /// The last day of the consent itself.
    pub until: Day,
    /// The day on which kept copies are erased.
    pub erase_at: Day,
    /// May the other clinic pass it on?
    pub onward: bool,
}
