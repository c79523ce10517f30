//! What a rule needs to know of an entry: which card it belongs to, of which day it is, and what is sensitive about it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A card of the consent form. The code is part of the sealed terms and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Visits and signed notes.
    Encounters,
    /// Allergies and adverse reactions.
    Allergies,
    /// Prescriptions and dispensings.
    Prescriptions,
    /// Recordings and their transcripts.
    Audio,
}

impl Category {
    /// Every card, in the order of the form.
    pub const ALL: [Self; 4] = [Self::Encounters, Self::Allergies, Self::Prescriptions, Self::Audio];

    /// The code in the terms.
    pub const fn code(self) -> u8 {
        match self {
            Self::Encounters => 0,
            Self::Allergies => 1,
            Self::Prescriptions => 2,
            Self::Audio => 3,
        }
    }

    /// The card with this code; `None` for one of a newer build, which here covers nothing.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Encounters),
            1 => Some(Self::Allergies),
            2 => Some(Self::Prescriptions),
            3 => Some(Self::Audio),
            _ => None,
        }
    }
}

/// A subject that stays out of every category unless the patient names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Mental health.
    MentalHealth,
    /// HIV and sexually transmitted infections.
    SexualHealth,
    /// Reproductive health.
    Reproductive,
    /// A subject of a newer build, with its code: what carries it is withheld, whatever the terms name.
    Unknown(u8),
}

impl Sensitivity {
    /// The code in the terms.
    pub const fn code(self) -> u8 {
        match self {
            Self::MentalHealth => 0,
            Self::SexualHealth => 1,
            Self::Reproductive => 2,
            Self::Unknown(code) => code,
        }
    }

    /// The subject with this code.
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::MentalHealth,
            1 => Self::SexualHealth,
            2 => Self::Reproductive,
            code => Self::Unknown(code),
        }
    }
}

/// A calendar day in the source clinic's time zone, counted from 1970-01-01 (= 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

/// What a rule needs to know of one entry: a note, a diagnosis, a prescription line, a dispensing, a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// The card that it belongs to.
    pub category: Category,
    /// The day that it speaks of.
    pub day: Day,
    /// What is sensitive about it, its own marks and the inherited ones.
    pub sensitive: BTreeSet<Sensitivity>,
}

impl Marks {
    /// An entry without anything sensitive about it.
    pub fn new(category: Category, day: Day) -> Self {
        Self {
            category,
            day,
            sensitive: BTreeSet::new(),
        }
    }

    /// The same entry, with the marks of the visit (or anything else) that it came from: they never get lost on the way
    /// from a visit to its diagnoses, its prescription lines, their dispensings and its recordings.
    #[must_use]
    pub fn inheriting(mut self, origin: impl IntoIterator<Item = Sensitivity>) -> Self {
        self.sensitive.extend(origin);
        self
    }
}
