//! Ingredients and the classes that they belong to.

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::row::Row;
use crate::{KnowledgeError, Level, Source};

/// What a substance key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum SubstanceKind {
    /// One active ingredient.
    Ingredient,
    /// A class of ingredients.
    Class,
}

/// An ingredient or a class: what an allergy, an interaction or a dose limit speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type)]
pub struct Substance {
    /// Its key, one name space for both kinds.
    pub key: String,
    /// Ingredient or class.
    pub kind: SubstanceKind,
    /// English name.
    pub name: String,
    /// Malay name.
    pub name_ms: String,
    /// Other spellings, brands and everyday words.
    pub aliases: Vec<String>,
    /// For a class: how much two medicines of it at once matter. `None` when that is no concern of its own.
    pub duplicate_level: Option<Level>,
    /// Source.
    pub source: Source,
}

impl Substance {
    pub(crate) fn read(row: &Row, kind: SubstanceKind) -> Result<Self, KnowledgeError> {
        let duplicate_level = match kind {
            SubstanceKind::Ingredient => None,
            SubstanceKind::Class if row.cell("duplicate_level")?.is_empty() => None,
            SubstanceKind::Class => Some(row.word("duplicate_level", Level::from_word)?),
        };
        Ok(Self {
            key: row.text("key")?,
            kind,
            name: row.text("name")?,
            name_ms: row.text("name_ms")?,
            aliases: row.list("aliases")?,
            duplicate_level,
            source: row.source()?,
        })
    }

    /// Every name that it goes by.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [self.name.as_str(), self.name_ms.as_str()]
            .into_iter()
            .chain(self.aliases.iter().map(String::as_str))
    }
}
