//! What stands on the shelf.

use domain::{Frequency, Milligrams, Route};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::row::{Row, positive};
use crate::{KnowledgeError, Source};

/// The group of the Poisons Act 1952 that decides who may supply it, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum PoisonGroup {
    /// Wholesale and hospitals only.
    A,
    /// On a prescription.
    B,
    /// By a pharmacist, recorded.
    C,
    /// By a pharmacist, against a signature.
    D,
    /// No scheduled poison.
    None,
    /// Not known; shown as unknown.
    Unknown,
}

impl PoisonGroup {
    /// Must the label say "Ubat Terkawal / Controlled Medicine"? `None` when the group is unknown: print it, to be safe.
    ///
    /// Source: Poisons Regulations 1952, regulation 12.
    pub fn is_controlled(self) -> Option<bool> {
        match self {
            Self::A | Self::B | Self::C | Self::D => Some(true),
            Self::None => Some(false),
            Self::Unknown => None,
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "A" => Self::A,
            "B" => Self::B,
            "C" => Self::C,
            "D" => Self::D,
            "none" => Self::None,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

/// Halal status of a product, as far as anybody has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Halal {
    /// Certified by JAKIM under MS 2424.
    Certified,
    /// Contains what comes from pigs, e.g. gelatine.
    ContainsPorcine,
    /// Contains alcohol.
    ContainsAlcohol,
    /// Nobody knows; shown as unknown.
    Unknown,
}

impl Halal {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "certified" => Self::Certified,
            "contains_porcine" => Self::ContainsPorcine,
            "contains_alcohol" => Self::ContainsAlcohol,
            "unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

/// One active ingredient of one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct Strength {
    /// Key of the ingredient.
    pub ingredient: String,
    /// In one tablet, one puff, one millilitre; `None` where a mass says nothing (oral rehydration salts).
    pub per_unit: Option<Milligrams>,
}

/// One medicine in one strength and form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
pub struct Product {
    /// Its key, e.g. `paracetamol-500mg-tablet`.
    pub key: String,
    /// English name as printed.
    pub name: String,
    /// Malay name as printed.
    pub name_ms: String,
    /// Brands and short names that it is searched by.
    pub brands: Vec<String>,
    /// `tablet`, `capsule`, `syrup`, `inhaler`, `sachet`.
    pub form: String,
    /// What one unit is, in the singular: `tablet`, `capsule`, `ml`, `puff`, `sachet`.
    pub unit: String,
    /// How it is taken.
    pub route: Route,
    /// How often, unless the doctor says otherwise.
    pub frequency: Frequency,
    /// Active ingredients, the leading one first; never empty.
    pub strengths: Vec<Strength>,
    /// Poison group.
    pub poison_group: PoisonGroup,
    /// Where the poison group comes from; empty when it is unknown.
    pub poison_source: String,
    /// Halal status.
    pub halal: Halal,
    /// Source of the row.
    pub source: Source,
}

impl Product {
    /// Strength of one unit in its leading ingredient; zero where a mass says nothing.
    pub fn strength(&self) -> Milligrams {
        self.strengths
            .first()
            .and_then(|strength| strength.per_unit)
            .unwrap_or(Milligrams(0.0))
    }

    pub(crate) fn read(row: &Row) -> Result<Self, KnowledgeError> {
        let poison_group = row.word("poison_group", PoisonGroup::from_word)?;
        let poison_source = match poison_group {
            PoisonGroup::Unknown => row.cell("poison_source")?.to_owned(),
            _ => row.text("poison_source")?,
        };
        Ok(Self {
            key: row.text("key")?,
            name: row.text("name")?,
            name_ms: row.text("name_ms")?,
            brands: row.list("brands")?,
            form: row.text("form")?,
            unit: row.text("unit")?,
            route: row.word("route", route)?,
            frequency: row.word("frequency", frequency)?,
            strengths: row.word("strengths", strengths)?,
            poison_group,
            poison_source,
            halal: row.word("halal", Halal::from_word)?,
            source: row.source()?,
        })
    }
}

/// `amoxicillin:500|clavulanic-acid:125`, the mass in milligrams or left out.
fn strengths(cell: &str) -> Option<Vec<Strength>> {
    cell.split('|')
        .map(|part| match part.trim().split_once(':') {
            Some((ingredient, mg)) => Some(Strength {
                ingredient: ingredient.to_owned(),
                per_unit: Some(positive(mg)?),
            }),
            None if part.is_empty() => None,
            None => Some(Strength {
                ingredient: part.trim().to_owned(),
                per_unit: None,
            }),
        })
        .collect()
}

/// The route of a word as the tables write it.
pub(crate) fn route(word: &str) -> Option<Route> {
    Some(match word {
        "oral" => Route::Oral,
        "topical" => Route::Topical,
        "inhaled" => Route::Inhaled,
        "eye" => Route::Eye,
        "injection" => Route::Injection,
        _ => return None,
    })
}

fn frequency(word: &str) -> Option<Frequency> {
    Some(match word {
        "once_daily" => Frequency::OnceDaily,
        "at_night" => Frequency::AtNight,
        "twice_daily" => Frequency::TwiceDaily,
        "three_times_daily" => Frequency::ThreeTimesDaily,
        "four_times_daily" => Frequency::FourTimesDaily,
        "every_six_hours" => Frequency::EverySixHours,
        "every_eight_hours" => Frequency::EveryEightHours,
        _ => return None,
    })
}
