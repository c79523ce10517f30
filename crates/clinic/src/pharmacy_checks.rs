//! The pharmacy's checks on the lines of a visit: the same at the doctor's desk and at the counter.

use domain::{Override, PatientId, PrescriptionLine, age};
use knowledge::Tables;
use pharmacy::{Circumstances, Finding, check, check_all, standing};
use serde::Serialize;
use specta::Type;
use vault::{Reading, Visit};

use crate::Error;

/// A line with what the checks say about it.
#[derive(Debug, Clone, Serialize, Type)]
pub struct CheckedLine {
    /// The line.
    pub line: PrescriptionLine,
    /// What was found, worst first.
    pub findings: Vec<Finding>,
    /// Keys of the serious findings that nobody has given a reason for.
    pub open: Vec<String>,
}

/// What the checks have to know about the patient of a visit.
pub(crate) struct Checks {
    lines: Vec<PrescriptionLine>,
    allergies: domain::AllergyStatus,
    age: Option<domain::Age>,
    weight: Option<domain::Kilograms>,
    regular: Vec<String>,
}

impl Checks {
    /// Reads it for `visit`.
    pub(crate) fn of(r: &Reading<'_>, visit: &Visit) -> Result<Self, Error> {
        let birth = r.patient(visit.patient)?.and_then(|patient| patient.birth_date);
        Ok(Self {
            lines: visit.lines.clone(),
            allergies: r.allergies(visit.patient)?,
            age: birth.and_then(|birth| age(birth, visit.day)),
            weight: match visit.vitals.weight {
                Some(weight) => Some(weight),
                None => crate::reception::banner_of(r, visit.patient)?.vitals.weight,
            },
            regular: medicines_still_taken(r, visit.patient, visit)?,
        })
    }

    /// What the checks say about `line`, beside the other lines of the visit.
    pub(crate) fn findings(&self, line: &PrescriptionLine) -> Vec<Finding> {
        check(line, &self.circumstances(), Tables::shipped())
    }

    /// Each line of the visit with its findings.
    pub(crate) fn checked(&self) -> Vec<CheckedLine> {
        self.lines.iter().map(|line| self.checked_line(line)).collect()
    }

    /// `line` with its findings; a reason given on any line of the prescription counts.
    pub(crate) fn checked_line(&self, line: &PrescriptionLine) -> CheckedLine {
        let findings = self.findings(line);
        let open = standing(&findings, &self.overrides(line))
            .into_iter()
            .map(|found| found.key.clone())
            .collect();
        CheckedLine {
            line: line.clone(),
            findings,
            open,
        }
    }

    /// Keys of the serious findings on the whole prescription that nobody has given a reason for.
    pub(crate) fn open(&self) -> Vec<String> {
        let findings = check_all(&self.lines, &self.circumstances(), Tables::shipped());
        let overrides: Vec<Override> = self.lines.iter().flat_map(|line| line.overrides.clone()).collect();
        standing(&findings, &overrides)
            .into_iter()
            .map(|found| found.key.clone())
            .collect()
    }

    fn overrides(&self, line: &PrescriptionLine) -> Vec<Override> {
        let others = self.lines.iter().filter(|other| other.id != line.id);
        others.chain([line]).flat_map(|line| line.overrides.clone()).collect()
    }

    fn circumstances(&self) -> Circumstances<'_> {
        Circumstances {
            others: &self.lines,
            regular_medicines: &self.regular,
            allergies: &self.allergies,
            age: self.age,
            weight: self.weight,
        }
    }
}

/// Ingredients of earlier prescriptions of this clinic whose days are not over.
fn medicines_still_taken(r: &Reading<'_>, patient: PatientId, visit: &Visit) -> Result<Vec<String>, Error> {
    let earlier = r
        .visits_of(patient)?
        .into_iter()
        .filter(|other| other.id != visit.id && !other.signed.is_empty());
    let mut ingredients: Vec<String> = earlier
        .flat_map(|other| other.lines.into_iter().map(move |line| (other.day, line)))
        .filter(|(day, line)| {
            let last = day.0.checked_add(jiff::Span::new().days(i64::from(line.days)));
            last.is_ok_and(|last| last > visit.day.0)
        })
        .filter_map(|(_, line)| Tables::shipped().product(&line.drug_key))
        .flat_map(|product| product.strengths.iter().map(|strength| strength.ingredient.clone()))
        .collect();
    ingredients.sort();
    ingredients.dedup();
    Ok(ingredients)
}
