//! `register_patient`: a new patient of this clinic.

use domain::{Identifier, Patient, PatientId, Sex};
use vault::Writing;

use super::identifier::tidied;
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, PATIENT_REGISTERED},
    roles::Verb,
    session::Acting,
    views::reception::CreatePatient,
};

impl Desk {
    /// Registers a patient.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] names the field. [`ErrorCode::AlreadyRegistered`] when a patient with this very document
    /// is here: `read_mykad` and `search_patients` show her before it comes to that.
    pub fn register_patient(&self, input: CreatePatient) -> Result<PatientId, Error> {
        let (clinic, acting) = self.acting(Verb::RegisterPatient)?;
        clinic.write(&acting, |w| register(w, &acting, input))
    }
}

/// Registers within a transaction that may do more.
pub(super) fn register(w: &mut Writing<'_>, acting: &Acting, input: CreatePatient) -> Result<PatientId, Error> {
    let patient = patient_of(w, input)?;
    if patient.identifier != Identifier::None && !w.find_by_identifier(&patient.identifier)?.is_empty() {
        return Err(ErrorCode::AlreadyRegistered.into());
    }
    w.put_patient(&patient)?;
    acting.audit(w, Line::new(PATIENT_REGISTERED).patient(patient.id))?;
    Ok(patient.id)
}

fn patient_of(w: &mut Writing<'_>, input: CreatePatient) -> Result<Patient, Error> {
    let name = input.name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(Error::invalid("name"));
    }
    let today = w.today()?;
    if input.birth_date.is_some_and(|birth| birth > today) {
        return Err(Error::invalid("birth_date"));
    }
    let identifier = tidied(input.identifier);
    let has_number = match &identifier {
        Identifier::Passport { country, number } => !country.is_empty() && !number.is_empty(),
        Identifier::Other { paper, number } => !paper.is_empty() && !number.is_empty(),
        Identifier::MyKad { .. } | Identifier::None => true,
    };
    if !has_number {
        return Err(Error::invalid("identifier"));
    }
    // What nobody typed, the card's number says.
    let (born, sex) = match &identifier {
        Identifier::MyKad { number } => (number.birth_date(today), number.sex()),
        _ => (None, Sex::Unknown),
    };
    let now = w.now();
    Ok(Patient {
        id: PatientId::make(now, w.rng()),
        name,
        identifier,
        birth_date: input.birth_date.or(born),
        sex: if input.sex == Sex::Unknown { sex } else { input.sex },
        phone: input.phone.trim().to_owned(),
        address: input.address,
    })
}
