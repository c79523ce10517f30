//! A prescription line as the checks see it: its ingredients, and how much of each.

use domain::{Milligrams, PrescriptionLine};
use knowledge::{Product, Tables};

/// A line with what the tables know of it.
pub(crate) struct Medicine<'a> {
    /// The line.
    pub line: &'a PrescriptionLine,
    /// Its product, when the tables have it.
    pub product: Option<&'a Product>,
    /// Its ingredients, each with the mass in one unit where that is known.
    pub ingredients: Vec<(&'a str, Option<Milligrams>)>,
}

impl<'a> Medicine<'a> {
    /// Looks the line's product up; what the tables don't have is recognised by its printed name, if at all.
    pub fn of(line: &'a PrescriptionLine, tables: &'a Tables) -> Self {
        let product = tables.product(&line.drug_key);
        let written = Some(line.strength).filter(|mg| mg.0.is_finite() && mg.0 > 0.0);
        let ingredients = match product.map(|product| product.strengths.as_slice()) {
            // What stands on the line is what will be taken.
            Some([only]) => vec![(only.ingredient.as_str(), written.or(only.per_unit))],
            Some(several) => several.iter().map(|it| (it.ingredient.as_str(), it.per_unit)).collect(),
            None => tables
                .match_substance(&line.drug_name)
                .map(|key| (key, written))
                .into_iter()
                .collect(),
        };
        Self {
            line,
            product,
            ingredients,
        }
    }

    /// The keys of its ingredients.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.ingredients.iter().map(|(key, _)| *key)
    }

    /// Units at a time; `None` when the line says nothing usable.
    pub fn units_per_dose(&self) -> Option<f64> {
        Some(self.line.units_per_dose).filter(|units| units.is_finite() && *units > 0.0)
    }

    /// The mass of an ingredient at a time and in 24 hours; `None` when it cannot be told.
    pub fn masses(&self, ingredient: &str) -> Option<(f64, f64)> {
        let (_, per_unit) = self.ingredients.iter().find(|(key, _)| *key == ingredient)?;
        let single = per_unit.as_ref()?.0 * self.units_per_dose()?;
        Some((single, single * f64::from(self.line.frequency.doses_a_day())))
    }
}
