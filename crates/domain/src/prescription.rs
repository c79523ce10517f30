//! A line of a prescription.

use serde::{Deserialize, Serialize};
use specta::Type;
use specta_typescript::Number;

use crate::{Instant, LineId, Milligrams, StaffId};

/// How it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// By mouth.
    Oral,
    /// On the skin.
    Topical,
    /// Inhaled.
    Inhaled,
    /// Into the eye.
    Eye,
    /// By injection.
    Injection,
}

/// How often it is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// Once a day.
    OnceDaily,
    /// Once a day, at night.
    AtNight,
    /// Twice a day.
    TwiceDaily,
    /// Three times a day.
    ThreeTimesDaily,
    /// Four times a day.
    FourTimesDaily,
    /// Every six hours.
    EverySixHours,
    /// Every eight hours.
    EveryEightHours,
}

impl Frequency {
    /// The largest number of doses in 24 hours.
    pub fn doses_a_day(self) -> u32 {
        match self {
            Self::OnceDaily | Self::AtNight => 1,
            Self::TwiceDaily => 2,
            Self::ThreeTimesDaily | Self::EveryEightHours => 3,
            Self::FourTimesDaily | Self::EverySixHours => 4,
        }
    }
}

/// A person's reason for going on in spite of a serious alert. Audited, and shown to the pharmacist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Override {
    /// The finding's stable key, e.g. `allergy:penicillins:amoxicillin`.
    pub finding_key: String,
    /// In the person's own words; never empty.
    pub reason: String,
    /// Who.
    pub by: StaffId,
    /// When.
    pub at: Instant,
}

/// One medicine on a prescription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct PrescriptionLine {
    /// Its id.
    pub id: LineId,
    /// Key of the product in the knowledge tables, e.g. `paracetamol-500mg-tablet`.
    pub drug_key: String,
    /// Name as printed, e.g. "Paracetamol 500 mg tablet".
    pub drug_name: String,
    /// Strength of one unit.
    pub strength: Milligrams,
    /// What one unit is, in the singular: `tablet`, `capsule`, `ml`.
    pub unit: String,
    /// Units at a time.
    #[specta(type = Number)]
    pub units_per_dose: f64,
    /// How it is taken.
    pub route: Route,
    /// How often.
    pub frequency: Frequency,
    /// Only when needed.
    pub when_needed: bool,
    /// For how many days.
    pub days: u16,
    /// Units to hand over.
    pub quantity: u32,
    /// What it is for, as printed on the label.
    pub indication: String,
    /// Further advice, as printed on the label.
    pub advice: String,
    /// Serious alerts that the prescriber overrode.
    pub overrides: Vec<Override>,
}
