//! All checks of a line, ranked.

use std::collections::BTreeSet;

use domain::{Age, AllergyStatus, Kilograms, PrescriptionLine};
use knowledge::{Halal, Level, Tables};

use crate::medicine::Medicine;
use crate::{Finding, FindingKind, allergy, combination, dose};

/// What a line is judged against.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The lines of its prescription. It may be among them itself: it is known by its id and not compared with itself.
    pub others: &'a [PrescriptionLine],
    /// Ingredient keys of what the patient takes anyway.
    pub regular_medicines: &'a [String],
    /// What is known of her allergies.
    pub allergies: &'a AllergyStatus,
    /// Her age; `None` when the date of birth is unknown.
    pub age: Option<Age>,
    /// Her weight; `None` when she wasn't weighed.
    pub weight: Option<Kilograms>,
}

/// Everything to be said about one line, worst first, each key once.
pub fn check(line: &PrescriptionLine, about: &Circumstances, tables: &Tables) -> Vec<Finding> {
    let medicine = Medicine::of(line, tables);
    let beside = about.others.iter().filter(|other| other.id != line.id);
    let others: Vec<Medicine> = beside.map(|other| Medicine::of(other, tables)).collect();
    let mut findings = allergy::check(&medicine, about.allergies, tables);
    findings.extend(dose::check(&medicine, &others, about, tables));
    findings.extend(combination::check(&medicine, &others, about.regular_medicines, tables));
    findings.extend(known(&medicine));
    findings.extend(halal(&medicine));
    ranked(findings)
}

/// Everything to be said about a whole prescription, worst first, each key once. `lines` takes the place of `others`.
pub fn check_all(lines: &[PrescriptionLine], about: &Circumstances, tables: &Tables) -> Vec<Finding> {
    let about = Circumstances {
        others: lines,
        ..*about
    };
    ranked(lines.iter().flat_map(|line| check(line, &about, tables)).collect())
}

fn ranked(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|a, b| (a.level, a.kind, &a.key).cmp(&(b.level, b.kind, &b.key)));
    let mut seen = BTreeSet::new();
    findings.retain(|finding| seen.insert(finding.key.clone()));
    findings
}

/// Do the tables know the medicine at all?
fn known(medicine: &Medicine) -> Option<Finding> {
    let (level, code) = match (medicine.product, medicine.ingredients.as_slice()) {
        (Some(_), _) => return None,
        (None, []) => (Level::Caution, "not_checked"),
        (None, _) => (Level::Note, "not_checked_fully"),
    };
    let line = medicine.line;
    let finding = Finding::new(
        FindingKind::NotChecked,
        level,
        code,
        format!("not_checked:{}", line.drug_key),
    );
    Some(finding.with("medicine", &line.drug_name))
}

/// What it is made of. Unknown is said to be unknown.
fn halal(medicine: &Medicine) -> Option<Finding> {
    let product = medicine.product?;
    let (level, code) = match product.halal {
        Halal::Certified => return None,
        Halal::ContainsPorcine => (Level::Caution, "halal_contains_porcine"),
        Halal::ContainsAlcohol => (Level::Caution, "halal_contains_alcohol"),
        Halal::Unknown => (Level::Note, "halal_unknown"),
    };
    let finding = Finding::new(FindingKind::Halal, level, code, format!("halal:{}", product.key));
    Some(
        finding
            .with("medicine", &medicine.line.drug_name)
            .backed_by(&product.source),
    )
}
