//! How much at a time and in a day, over all lines with the same ingredient.

use knowledge::{DoseMaximum, Level, Tables};

use crate::check::Circumstances;
use crate::medicine::Medicine;
use crate::{Finding, FindingKind};

/// Rounding of halves and millilitres must not raise an alert.
const TOLERANCE: f64 = 1.0 + 1e-9;

/// From this age on a medicine without any row is passed over as it is for adults. FDA OTC Monograph M013 draws the line
/// between "adults and children 12 years and over" and the rest here.
const ADULT_DOSES_FROM_YEARS: u16 = 12;

pub(crate) fn check(medicine: &Medicine, others: &[Medicine], about: &Circumstances, tables: &Tables) -> Vec<Finding> {
    if medicine.units_per_dose().is_none() {
        let key = format!("dose_missing:{}", medicine.line.drug_key);
        let finding = Finding::new(FindingKind::Dose, Level::Caution, "dose_missing", key);
        return vec![finding.with("medicine", &medicine.line.drug_name)];
    }
    let mut findings = Vec::new();
    for ingredient in medicine.keys() {
        let rules: Vec<&DoseMaximum> = tables.dose_maxima(ingredient, medicine.line.route).collect();
        match rule_for(&rules, about) {
            Some(rule) => findings.extend(beyond(medicine, others, rule, tables)),
            None if about
                .age
                .is_some_and(|age| !rules.is_empty() || age.years < ADULT_DOSES_FROM_YEARS) =>
            {
                findings.extend(child(medicine, others, ingredient, about, tables));
            }
            None => {}
        }
        if about.age.is_none() && !rules.is_empty() {
            let key = format!("dose_age_unknown:{ingredient}");
            let finding = Finding::new(FindingKind::Dose, Level::Note, "dose_age_unknown", key);
            findings.push(finding.with("medicine", &medicine.line.drug_name));
        }
    }
    findings
}

/// The row for her age; without an age the one for the oldest, and the caller says so.
fn rule_for<'r>(rules: &[&'r DoseMaximum], about: &Circumstances) -> Option<&'r DoseMaximum> {
    let old_enough = |rule: &&&DoseMaximum| about.age.is_none_or(|age| rule.from_age_years <= age.years);
    rules
        .iter()
        .filter(old_enough)
        .max_by_key(|rule| rule.from_age_years)
        .copied()
}

/// The mass of an ingredient in 24 hours, from this line and every other line by the same route.
fn daily(medicine: &Medicine, others: &[Medicine], ingredient: &str) -> Option<f64> {
    let (_, own) = medicine.masses(ingredient)?;
    let same_route = others.iter().filter(|other| other.line.route == medicine.line.route);
    Some(
        own + same_route
            .filter_map(|other| other.masses(ingredient))
            .map(|(_, daily)| daily)
            .sum::<f64>(),
    )
}

fn beyond(medicine: &Medicine, others: &[Medicine], rule: &DoseMaximum, tables: &Tables) -> Vec<Finding> {
    let ingredient = rule.ingredient.as_str();
    let too_much = |code: &str, mass: Option<f64>, most: Option<f64>| {
        let (mass, most) = (mass?, most?);
        (mass > most * TOLERANCE).then(|| {
            Finding::new(FindingKind::Dose, rule.level, code, format!("{code}:{ingredient}"))
                .with_substance("ingredient", ingredient, tables)
                .with("medicine", &medicine.line.drug_name)
                .with("dose_mg", number(mass))
                .with("most_mg", number(most))
                .backed_by(&rule.source)
        })
    };
    let single = medicine.masses(ingredient).map(|(single, _)| single);
    let single = too_much("dose_single", single, rule.single.map(|most| most.0));
    let daily = too_much("dose_daily", daily(medicine, others, ingredient), Some(rule.daily.0));
    single.into_iter().chain(daily).collect()
}

/// No row for a child of this age: say so, and give the dose for each kilogram, so that a person can judge it.
fn child(
    medicine: &Medicine,
    others: &[Medicine],
    ingredient: &str,
    about: &Circumstances,
    tables: &Tables,
) -> Option<Finding> {
    let (single, _) = medicine.masses(ingredient)?;
    let daily = daily(medicine, others, ingredient)?;
    let weight = about
        .weight
        .map(|weight| weight.0)
        .filter(|kg| kg.is_finite() && *kg > 0.0);
    let code = if weight.is_some() {
        "dose_child"
    } else {
        "dose_child_no_weight"
    };
    let finding = Finding::new(
        FindingKind::Dose,
        Level::Caution,
        code,
        format!("dose_child:{ingredient}"),
    )
    .with_substance("ingredient", ingredient, tables)
    .with("medicine", &medicine.line.drug_name)
    .with("dose_mg", number(single))
    .with("daily_mg", number(daily));
    Some(match weight {
        None => finding,
        Some(kg) => finding
            .with("weight_kg", number(kg))
            .with("dose_mg_per_kg", number(single / kg))
            .with("daily_mg_per_kg", number(daily / kg)),
    })
}

/// With at most two decimals, and none that say nothing.
fn number(value: f64) -> String {
    ((value * 100.0).round() / 100.0).to_string()
}
