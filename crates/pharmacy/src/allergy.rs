//! Allergies against what is prescribed: the very substance, its class, or a relative that cross-reacts.

use domain::{Allergy, AllergyStatus};
use knowledge::{Level, Tables};

use crate::medicine::Medicine;
use crate::{Finding, FindingKind};

/// "Not asked" is a finding of its own; "none known" is none.
pub(crate) fn check(medicine: &Medicine, status: &AllergyStatus, tables: &Tables) -> Vec<Finding> {
    match status {
        AllergyStatus::NoneKnown { .. } => Vec::new(),
        AllergyStatus::NotAsked => vec![Finding::new(
            FindingKind::AllergyNotAsked,
            Level::Caution,
            "allergies_not_asked",
            "allergies:not_asked".to_owned(),
        )],
        AllergyStatus::Known { allergies } => allergies
            .iter()
            .filter_map(|allergy| against(medicine, allergy, tables))
            .collect(),
    }
}

/// The gravest objection that one allergy raises.
fn against(medicine: &Medicine, allergy: &Allergy, tables: &Tables) -> Option<Finding> {
    let written = allergy
        .substance_key
        .as_deref()
        .filter(|key| tables.substance(key).is_some());
    let Some(key) = written.or_else(|| tables.match_substance(&allergy.substance)) else {
        let key = format!("allergy_unmatched:{}", domain::search_key(&allergy.substance));
        let finding = Finding::new(FindingKind::NotChecked, Level::Note, "allergy_unmatched", key);
        return Some(finding.with("allergy", &allergy.substance));
    };
    let finding = medicine
        .keys()
        .filter_map(|ingredient| objection(key, ingredient, tables))
        .min_by_key(|it| it.level)?;
    Some(
        finding
            .with("medicine", &medicine.line.drug_name)
            .with("allergy", &allergy.substance)
            .with("reaction", &allergy.reaction)
            .with_substance("substance", key, tables),
    )
}

/// What an allergy to `allergy` says against the ingredient.
fn objection(allergy: &str, ingredient: &str, tables: &Tables) -> Option<Finding> {
    let finding = |level, code| {
        let key = format!("allergy:{allergy}:{ingredient}");
        Finding::new(FindingKind::Allergy, level, code, key).with_substance("ingredient", ingredient, tables)
    };
    if ingredient == allergy {
        return Some(finding(Level::Serious, "allergy_same"));
    }
    if let Some(source) = tables.membership(ingredient, allergy) {
        return Some(finding(Level::Serious, "allergy_class").backed_by(source));
    }
    let rule = tables.cross_reactivity(allergy, ingredient)?;
    Some(finding(rule.level, "allergy_cross").backed_by(&rule.source))
}
