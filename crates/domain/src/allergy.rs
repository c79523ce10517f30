//! Allergies. "None known" and "not asked" are different answers everywhere.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::{AllergyId, Day, Instant, StaffId};

/// How bad the reaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Not known.
    Unknown,
    /// Mild.
    Mild,
    /// Moderate.
    Moderate,
    /// Severe, short of anaphylaxis.
    Severe,
    /// Anaphylaxis.
    Anaphylaxis,
}

/// Who stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum AllergyVerification {
    /// The patient said so.
    PatientReported,
    /// A clinician verified it.
    Verified,
}

/// One allergy or adverse reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Allergy {
    /// Its id.
    pub id: AllergyId,
    /// The substance as said, e.g. "Penicillin".
    pub substance: String,
    /// Key of the substance or class in the knowledge tables (`penicillins`), when it was matched.
    pub substance_key: Option<String>,
    /// What happened, e.g. "rash".
    pub reaction: String,
    /// How bad.
    pub severity: Severity,
    /// Who stands behind it.
    pub verification: AllergyVerification,
    /// When it was written down.
    pub recorded_at: Instant,
    /// Who wrote it down.
    pub recorded_by: StaffId,
}

/// What the clinic knows about a patient's allergies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum AllergyStatus {
    /// Nobody has asked.
    NotAsked,
    /// Asked, and there are none.
    NoneKnown {
        /// The day of asking.
        asked_on: Day,
    },
    /// There are some; never empty.
    Known {
        /// Worst first.
        allergies: Vec<Allergy>,
    },
}
