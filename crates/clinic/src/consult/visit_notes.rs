//! What is written during a visit, saved as it is typed: vitals, the draft note, diagnoses, marks.
//!
//! A signed visit refuses each of them ([`crate::ErrorCode::Signed`], from the vault itself).

use domain::{Diagnosis, Instant, Sensitivity, SoapNote, VisitId, Vitals};

use crate::{Desk, Error, roles::Verb};

impl Desk {
    /// Saves what was measured. A weight without its day is today's.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Invalid`] for what no living person measures: a mistyped number.
    pub fn save_vitals(&self, visit: VisitId, vitals: Vitals) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::SaveVitals)?;
        check(&vitals)?;
        clinic.write(&acting, |w| {
            let weight_on = match (vitals.weight, vitals.weight_on) {
                (Some(_), None) => Some(w.today()?),
                (Some(_), day) => day,
                (None, _) => None,
            };
            Ok(w.put_vitals(visit, &Vitals { weight_on, ..vitals })?)
        })
    }

    /// Saves the draft; when it returns, a crash cannot take it back.
    pub fn save_note(&self, visit: VisitId, note: SoapNote) -> Result<Instant, Error> {
        let (clinic, acting) = self.acting(Verb::WriteNote)?;
        clinic.write(&acting, |w| {
            w.put_note(visit, &note)?;
            Ok(w.now())
        })
    }

    /// Saves the diagnoses.
    pub fn save_diagnoses(&self, visit: VisitId, diagnoses: Vec<Diagnosis>) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::WriteNote)?;
        if diagnoses.iter().any(|diagnosis| diagnosis.text.trim().is_empty()) {
            return Err(Error::invalid("diagnosis"));
        }
        clinic.write(&acting, |w| Ok(w.put_diagnoses(visit, &diagnoses)?))
    }

    /// Marks the visit: it, and all that comes from it, stays out of what is shared unless the mark is named.
    pub fn set_sensitivity(&self, visit: VisitId, sensitivity: Vec<Sensitivity>) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::WriteNote)?;
        clinic.write(&acting, |w| Ok(w.set_sensitivity(visit, &sensitivity)?))
    }
}

fn check(vitals: &Vitals) -> Result<(), Error> {
    let within = |field, value: Option<f64>, from: f64, to: f64| match value {
        Some(value) if !(from..=to).contains(&value) => Err(Error::invalid(field)),
        _ => Ok(()),
    };
    within("temperature", vitals.temperature.map(|value| value.0), 25.0, 45.0)?;
    within("systolic", vitals.systolic.map(|value| value.0), 40.0, 300.0)?;
    within("diastolic", vitals.diastolic.map(|value| value.0), 20.0, 200.0)?;
    within("weight", vitals.weight.map(|value| value.0), 0.3, 400.0)
}
