//! `record_allergy` and `no_known_allergies`.

use domain::{Allergy, AllergyId, AllergyStatus, AllergyVerification, PatientId};
use knowledge::Tables;

use crate::{
    Desk, Error, ErrorCode,
    audit::{ALLERGIES_NONE, ALLERGY_RECORDED, Line},
    roles::Verb,
    sharing::refresh_releases,
    views::consult::RecordAllergy,
};

impl Desk {
    /// Writes down an allergy. What is known of the substance joins it to the checks; an unknown one stays as said.
    pub fn record_allergy(&self, input: RecordAllergy) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::RecordAllergy)?;
        let substance = input.substance.trim();
        if substance.is_empty() {
            return Err(Error::invalid("substance"));
        }
        clinic.write(&acting, |w| {
            w.patient(input.patient)?.ok_or(ErrorCode::NotFound)?;
            let now = w.now();
            let key = Tables::shipped().match_substance(substance).map(str::to_owned);
            let allergy = Allergy {
                id: same_substance(w.allergies(input.patient)?, substance, key.as_deref())
                    .unwrap_or_else(|| AllergyId::make(now, w.rng())),
                substance: substance.to_owned(),
                substance_key: key,
                reaction: input.reaction.trim().to_owned(),
                severity: input.severity,
                verification: AllergyVerification::PatientReported,
                recorded_at: now,
                recorded_by: acting.id(),
            };
            w.record_allergy(input.patient, &allergy)?;
            acting.audit(w, Line::new(ALLERGY_RECORDED).patient(input.patient).about(allergy.id))?;
            refresh_releases(w, input.patient)
        })
    }

    /// Asked, and there are none.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] while allergies are on record: they would have to be removed one by one, each with its
    /// reason.
    pub fn no_known_allergies(&self, patient: PatientId) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::RecordAllergy)?;
        clinic.write(&acting, |w| {
            w.patient(patient)?.ok_or(ErrorCode::NotFound)?;
            if matches!(w.allergies(patient)?, AllergyStatus::Known { .. }) {
                return Err(Error::not_now("allergies_known"));
            }
            let today = w.today()?;
            w.set_none_known(patient, today)?;
            acting.audit(w, Line::new(ALLERGIES_NONE).patient(patient))?;
            refresh_releases(w, patient)
        })
    }
}

/// The entry that speaks of the same substance: it is changed, not doubled.
fn same_substance(status: AllergyStatus, substance: &str, key: Option<&str>) -> Option<AllergyId> {
    let AllergyStatus::Known { allergies } = status else {
        return None;
    };
    let same = |known: &Allergy| match key {
        Some(key) => known.substance_key.as_deref() == Some(key),
        None => known.substance.eq_ignore_ascii_case(substance),
    };
    allergies.iter().find(|known| same(known)).map(|known| known.id)
}
