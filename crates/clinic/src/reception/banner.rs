//! `patient_banner`: the strip on top of every clinical screen.

use domain::{PatientId, Vitals, age};
use vault::Reading;

use super::masked;
use crate::{Desk, Error, ErrorCode, conflicts::open_of, roles::Verb, views::consult::PatientBanner};

impl Desk {
    /// Who she is, her allergies, her last weight.
    pub fn patient_banner(&self, patient: PatientId) -> Result<PatientBanner, Error> {
        let (clinic, _) = self.acting(Verb::SeeBanner)?;
        clinic.read_first(patient)?;
        clinic.read(|r| banner_of(r, patient))
    }
}

/// The banner, within a larger reading.
pub(crate) fn banner_of(r: &Reading<'_>, id: PatientId) -> Result<PatientBanner, Error> {
    let patient = r.patient(id)?.ok_or(ErrorCode::NotFound)?;
    let today = r.today()?;
    let age = patient.birth_date.and_then(|birth| age(birth, today));
    let open = open_of(r, Some(id))?;
    Ok(PatientBanner {
        id,
        name: patient.name,
        identifier: masked(&patient.identifier),
        birth_date: patient.birth_date,
        age_years: age.map(|age| age.years),
        age_months: age.map(|age| u16::from(age.months)),
        sex: patient.sex,
        allergies: r.allergies(id)?,
        vitals: last_weight(r, id)?,
        undecided: open.count,
        undecided_allergies: open.allergies,
    })
}

/// The newest weight with its day; nothing else of an earlier visit's measurements is still true.
fn last_weight(r: &Reading<'_>, patient: PatientId) -> Result<Vitals, Error> {
    let visits = r.visits_of(patient)?;
    let weighed = visits.iter().find(|visit| visit.vitals.weight.is_some());
    Ok(weighed.map_or_else(Vitals::default, |visit| Vitals {
        weight: visit.vitals.weight,
        weight_on: visit.vitals.weight_on.or(Some(visit.day)),
        ..Vitals::default()
    }))
}
