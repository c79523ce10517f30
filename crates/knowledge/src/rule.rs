//! What the checks go by: cross-reactivity, interactions, dose maxima.

use domain::{Milligrams, Route};
use serde::{Deserialize, Serialize};
use specta::Type;

use crate::product::route;
use crate::row::Row;
use crate::{KnowledgeError, Source};

/// How much an alert matters. The order is that of the screen: serious first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Going on needs a reason.
    Serious,
    /// To be weighed.
    Caution,
    /// To be known.
    Note,
}

impl Level {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "serious" => Self::Serious,
            "caution" => Self::Caution,
            "note" => Self::Note,
            _ => return None,
        })
    }
}

/// Who is allergic to the one may react to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrossReactivity {
    /// What the patient is allergic to: an ingredient, or any of a class.
    pub allergy: String,
    /// What is prescribed: an ingredient, or any of a class.
    pub medicine: String,
    /// How much it matters.
    pub level: Level,
    /// Source.
    pub source: Source,
}

/// Two substances that do not go well together, in either order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    /// An ingredient, or any of a class.
    pub one: String,
    /// An ingredient, or any of a class.
    pub other: String,
    /// How much it matters.
    pub level: Level,
    /// What happens, as a code for the locales: `bleeding`, `myopathy` …
    pub effect: String,
    /// Source.
    pub source: Source,
}

/// The most of an ingredient that a person of an age may have.
#[derive(Debug, Clone, PartialEq)]
pub struct DoseMaximum {
    /// Key of the ingredient.
    pub ingredient: String,
    /// By this route.
    pub route: Route,
    /// For people of at least this age, in years. Below it the table knows nothing.
    pub from_age_years: u16,
    /// At a time; `None` when the source names no such limit.
    pub single: Option<Milligrams>,
    /// In 24 hours.
    pub daily: Milligrams,
    /// How much going beyond matters.
    pub level: Level,
    /// Source.
    pub source: Source,
}

impl CrossReactivity {
    pub(crate) fn read(row: &Row) -> Result<Self, KnowledgeError> {
        Ok(Self {
            allergy: row.text("allergy")?,
            medicine: row.text("medicine")?,
            level: row.word("level", Level::from_word)?,
            source: row.source()?,
        })
    }
}

impl Interaction {
    pub(crate) fn read(row: &Row) -> Result<Self, KnowledgeError> {
        Ok(Self {
            one: row.text("one")?,
            other: row.text("other")?,
            level: row.word("level", Level::from_word)?,
            effect: row.text("effect")?,
            source: row.source()?,
        })
    }
}

impl DoseMaximum {
    pub(crate) fn read(row: &Row) -> Result<Self, KnowledgeError> {
        Ok(Self {
            ingredient: row.text("ingredient")?,
            route: row.word("route", route)?,
            from_age_years: row.word("from_age_years", |cell| cell.parse().ok())?,
            single: row.milligrams("single_mg")?,
            daily: row.milligrams("daily_mg")?.ok_or_else(|| row.bad("daily_mg"))?,
            level: row.word("level", Level::from_word)?,
            source: row.source()?,
        })
    }
}
