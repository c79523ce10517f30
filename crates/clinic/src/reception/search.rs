//! `search_patients` and `read_mykad`: is she here already?

use domain::{Day, Identifier, MyKad, Patient, age};
use vault::Matched;

use super::identifier::tail;
use crate::{
    Desk, Error,
    roles::Verb,
    views::reception::{MatchReason, MyKadReading, PatientRow},
};

/// Rows that a list shows at most.
const MAX_ROWS: u32 = 30;

impl Desk {
    /// Patients by name, document or telephone, best first; with nothing typed, those who came last.
    pub fn search_patients(&self, query: String) -> Result<Vec<PatientRow>, Error> {
        let (clinic, _) = self.acting(Verb::SearchPatients)?;
        clinic.read(|r| {
            let today = r.today()?;
            if query.trim().is_empty() {
                let recent = r.recent_patients(MAX_ROWS)?;
                return Ok(recent
                    .into_iter()
                    .map(|patient| row(patient, MatchReason::Name, today))
                    .collect());
            }
            let found = r.search_patients(&query, MAX_ROWS)?;
            Ok(found
                .into_iter()
                .map(|hit| row(hit.patient, reason(hit.matched), today))
                .collect())
        })
    }

    /// What a MyKad number says while it is typed or scanned.
    ///
    /// # Errors
    /// [`crate::ErrorCode::Invalid`] with field `mykad` while it is not twelve digits.
    pub fn read_mykad(&self, text: String) -> Result<MyKadReading, Error> {
        let (clinic, _) = self.acting(Verb::SearchPatients)?;
        let number = MyKad::parse(&text).map_err(|_| Error::invalid("mykad"))?;
        clinic.read(|r| {
            let today = r.today()?;
            let existing = r.find_by_identifier(&Identifier::MyKad { number: number.clone() })?;
            Ok(MyKadReading {
                formatted: number.to_string(),
                birth_date: number.birth_date(today),
                sex: number.sex(),
                warnings: number.warnings(today),
                existing: existing
                    .into_iter()
                    .next()
                    .map(|patient| row(patient, MatchReason::Identifier, today)),
            })
        })
    }
}

fn row(patient: Patient, matched: MatchReason, today: Day) -> PatientRow {
    PatientRow {
        id: patient.id,
        name: patient.name,
        identifier_tail: match &patient.identifier {
            Identifier::MyKad { number } => number.masked(),
            Identifier::Passport { number, .. } | Identifier::Other { number, .. } => tail(number),
            Identifier::None => String::new(),
        },
        age_years: patient
            .birth_date
            .and_then(|birth| age(birth, today))
            .map(|age| age.years),
        sex: patient.sex,
        matched,
    }
}

fn reason(matched: Matched) -> MatchReason {
    match matched {
        Matched::Name => MatchReason::Name,
        Matched::Identifier => MatchReason::Identifier,
        Matched::Phone => MatchReason::Phone,
    }
}
