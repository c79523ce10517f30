//! Prescribing: the checks answer to each line as it is written.

use domain::{LineId, Override, PrescriptionLine, VisitId};
use knowledge::{Halal, PoisonGroup, Tables};
use pharmacy::Finding;
use vault::Visit;

use crate::{
    Desk, Error, ErrorCode,
    audit::{ALERT_OVERRIDDEN, Line},
    pharmacy_checks::{CheckedLine, Checks},
    roles::Verb,
    session::Acting,
    views::{
        consult::{OverrideReason, PrescribeLine},
        pharmacy::ProductChoice,
    },
};

/// Products that a list shows at most.
const MAX_PRODUCTS: usize = 20;

impl Desk {
    /// Products by name or ingredient, best first.
    pub fn search_products(&self, query: String) -> Result<Vec<ProductChoice>, Error> {
        self.acting(Verb::SearchProducts)?;
        let found = Tables::shipped().search_products(&query, MAX_PRODUCTS);
        Ok(found.into_iter().map(choice).collect())
    }

    /// What the checks say about a line that is being written; nothing is saved.
    pub fn check_line(&self, visit: VisitId, line: PrescriptionLine) -> Result<Vec<Finding>, Error> {
        let (clinic, _) = self.acting(Verb::Prescribe)?;
        clinic.read(|r| {
            let visit = r.visit(visit)?.ok_or(ErrorCode::NotFound)?;
            Ok(Checks::of(r, &visit)?.findings(&as_the_tables_say(line)))
        })
    }

    /// Adds a line to the prescription, or changes it.
    ///
    /// # Errors
    /// [`ErrorCode::ReasonNeeded`] with `keys` while a serious alert has no reason: nothing was saved. Each reason is
    /// audited, and the pharmacist sees it.
    pub fn prescribe(&self, input: PrescribeLine) -> Result<CheckedLine, Error> {
        let (clinic, acting) = self.acting(Verb::Prescribe)?;
        let line = as_the_tables_say(input.line);
        check(&line)?;
        clinic.write(&acting, |w| {
            let visit = w.visit(input.visit)?.ok_or(ErrorCode::NotFound)?;
            let checks = Checks::of(w, &visit)?;
            let mut line = PrescriptionLine {
                overrides: reasons_before(&visit, line.id),
                ..line
            };
            let given = reasons_given(&acting, w.now(), &input.reasons, &checks.findings(&line));
            line.overrides
                .retain(|before| given.iter().all(|new| new.finding_key != before.finding_key));
            line.overrides.extend(given.iter().cloned());

            let checked = checks.checked_line(&line);
            if !checked.open.is_empty() {
                return Err(Error::new(ErrorCode::ReasonNeeded).with("keys", checked.open.join(",")));
            }
            w.put_line(input.visit, &line)?;
            for new in &given {
                let audited = Line::new(ALERT_OVERRIDDEN).patient(visit.patient).visit(visit.id);
                acting.audit(w, audited.about(&new.finding_key).reason(&new.reason))?;
            }
            Ok(checked)
        })
    }

    /// Takes a line off the prescription.
    pub fn remove_line(&self, visit: VisitId, line: LineId) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::Prescribe)?;
        clinic.write(&acting, |w| Ok(w.remove_line(visit, line)?))
    }
}

/// What the tables know of a product is not the screen's to say: name, strength, unit and route are theirs.
fn as_the_tables_say(line: PrescriptionLine) -> PrescriptionLine {
    match Tables::shipped().product(&line.drug_key) {
        Some(product) => PrescriptionLine {
            drug_name: product.name.clone(),
            strength: product.strength(),
            unit: product.unit.clone(),
            route: product.route,
            ..line
        },
        None => line,
    }
}

fn check(line: &PrescriptionLine) -> Result<(), Error> {
    let good = |field, good: bool| if good { Ok(()) } else { Err(Error::invalid(field)) };
    good("drug_name", !line.drug_name.trim().is_empty())?;
    good(
        "units_per_dose",
        line.units_per_dose.is_finite() && line.units_per_dose > 0.0,
    )?;
    good("days", (1..=366).contains(&line.days))?;
    good("quantity", (1..=10_000).contains(&line.quantity))
}

/// Reasons that this line has already, while it is changed.
fn reasons_before(visit: &Visit, line: LineId) -> Vec<Override> {
    let before = visit.lines.iter().find(|before| before.id == line);
    before.map(|before| before.overrides.clone()).unwrap_or_default()
}

/// The reasons that answer a finding which wants one.
fn reasons_given(
    acting: &Acting,
    at: domain::Instant,
    reasons: &[OverrideReason],
    findings: &[Finding],
) -> Vec<Override> {
    let wanted = |key: &str| findings.iter().any(|found| found.needs_reason && found.key == key);
    let given = reasons
        .iter()
        .filter(|given| !given.reason.trim().is_empty() && wanted(&given.finding_key));
    given
        .map(|given| Override {
            finding_key: given.finding_key.clone(),
            reason: given.reason.trim().to_owned(),
            by: acting.id(),
            at,
        })
        .collect()
}

fn choice(product: &knowledge::Product) -> ProductChoice {
    ProductChoice {
        key: product.key.clone(),
        name: product.name.clone(),
        strength_mg: product.strength().0,
        unit: product.unit.clone(),
        route: product.route,
        halal: match product.halal {
            Halal::Certified => "certified",
            Halal::ContainsPorcine => "contains_porcine",
            Halal::ContainsAlcohol => "contains_alcohol",
            Halal::Unknown => "unknown",
        }
        .to_owned(),
        poison_group: match product.poison_group {
            PoisonGroup::A => "a",
            PoisonGroup::B => "b",
            PoisonGroup::C => "c",
            PoisonGroup::D => "d",
            PoisonGroup::None => "none",
            PoisonGroup::Unknown => "unknown",
        }
        .to_owned(),
    }
}
