//! What a release says: one part of a patient's record, entry by entry as the agreement covers it.
//!
//! It shows signed notes, never drafts. What is switched on but has nothing to show is "none"; what is not switched on
//! is "not shared"; what another release tells is "not told here".

use consent::{Verdict, covers};
use domain::{AccessMode, Category, Day, Instant, PatientId, Purpose, RecordingId, Sensitivity, ShareTerms, VisitId};
use fhir::{Shared, SharedRecord};
use vault::Reading;

use super::{
    signed_visit::{SignedVisit, signed_visit},
    terms::{card_of, day_number, marks, policy, source_of},
};
use crate::{Error, ErrorCode, open};

/// A part of the record that changes together, and is released together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Who she is, and which cards are switched on.
    Card,
    Allergies,
    /// A signed note with its prescription.
    Visit(VisitId),
    Recording(RecordingId),
}

impl Part {
    /// The path of the document that it is drawn from.
    pub(super) fn path(self, patient: PatientId) -> String {
        match self {
            Self::Card => format!("patient/{patient}/identity"),
            Self::Allergies => format!("patient/{patient}/allergies"),
            Self::Visit(id) => format!("patient/{patient}/visit/{id}"),
            Self::Recording(id) => format!("patient/{patient}/recording/{id}"),
        }
    }
}

/// All that can be released of a patient.
pub(super) struct Source {
    card: fhir::IdentityCard,
    clinic: fhir::SourceClinic,
    today: consent::Day,
    allergies: domain::AllergyStatus,
    visits: Vec<SignedVisit>,
    as_of: Instant,
}

impl Source {
    /// Reads it once for all grants.
    pub(super) fn of(r: &Reading<'_>, patient: PatientId) -> Result<Self, Error> {
        let person = r.patient(patient)?.ok_or(ErrorCode::NotFound)?;
        let mut visits = Vec::new();
        for visit in r.visits_of(patient)? {
            visits.extend(signed_visit(r, visit)?);
        }
        Ok(Self {
            card: card_of(&person),
            clinic: source_of(r.belonging().tenant, &open::profile(r)?),
            today: day_number(r.today()?),
            allergies: r.allergies(patient)?,
            visits,
            as_of: r.now(),
        })
    }

    /// Whether this recording is (still) one of a signed visit.
    pub(super) fn has_recording(&self, id: RecordingId) -> bool {
        let id = id.to_string();
        self.visits
            .iter()
            .any(|signed| signed.recordings.iter().any(|one| one.id == id))
    }

    /// The parts that may hold something for these terms.
    pub(super) fn parts(&self, terms: &ShareTerms) -> Vec<Part> {
        let mut parts = vec![Part::Card];
        if terms.categories.contains(&Category::Allergies) {
            parts.push(Part::Allergies);
        }
        for signed in &self.visits {
            parts.push(Part::Visit(signed.visit.id));
            parts.extend(
                signed
                    .recordings
                    .iter()
                    .filter_map(|one| one.id.parse().ok())
                    .map(Part::Recording),
            );
        }
        parts
    }

    /// One part as these terms cover it; `None` when nothing of it is.
    pub(super) fn record(&self, part: Part, terms: &ShareTerms) -> Option<SharedRecord> {
        let mut record = self.empty(terms);
        match part {
            Part::Card => {
                record.encounters = given(terms, Category::Encounters, Vec::new());
                record.prescriptions = given(terms, Category::Prescriptions, Vec::new());
                record.recordings = given(terms, Category::Audio, Vec::new());
            }
            Part::Allergies => record.allergies = given(terms, Category::Allergies, self.allergies.clone()),
            Part::Visit(id) => {
                let signed = self.visits.iter().find(|signed| signed.visit.id == id)?;
                let (day, sensitive) = (signed.visit.day, &signed.visit.sensitivity);
                let mut something = false;
                if self.covers(terms, Category::Encounters, day, sensitive) {
                    record.encounters = Shared::Given {
                        value: vec![signed.shown.clone()],
                    };
                    something = true;
                }
                if !signed.medicines.is_empty() && self.covers(terms, Category::Prescriptions, day, sensitive) {
                    record.prescriptions = Shared::Given {
                        value: signed.medicines.clone(),
                    };
                    something = true;
                }
                something.then_some(())?;
            }
            Part::Recording(id) => {
                let id = id.to_string();
                let all = || {
                    self.visits
                        .iter()
                        .flat_map(|signed| signed.recordings.iter().map(move |one| (signed, one)))
                };
                let (signed, recording) = all().find(|(_, one)| one.id == id)?;
                let (day, sensitive) = (signed.visit.day, &signed.visit.sensitivity);
                self.covers(terms, Category::Audio, day, sensitive).then_some(())?;
                record.recordings = Shared::Given {
                    value: vec![recording.clone()],
                };
            }
        }
        Some(record)
    }

    /// A record that tells nothing of any card; it takes back what a part showed before.
    pub(super) fn empty(&self, terms: &ShareTerms) -> SharedRecord {
        SharedRecord {
            card: self.card.clone(),
            as_of: self.as_of,
            source: self.clinic.clone(),
            onward: terms.onward,
            encounters: elsewhere(terms, Category::Encounters),
            allergies: elsewhere(terms, Category::Allergies),
            prescriptions: elsewhere(terms, Category::Prescriptions),
            recordings: elsewhere(terms, Category::Audio),
            not_understood: 0,
        }
    }

    fn covers(&self, terms: &ShareTerms, category: Category, day: Day, sensitive: &[Sensitivity]) -> bool {
        covers(&policy(terms), &marks(category, day, sensitive), self.today) == Verdict::Included
    }
}

/// All parts together as one document, as if the patient shared everything with herself.
pub(crate) fn whole_record(r: &Reading<'_>, patient: PatientId) -> Result<serde_json::Value, Error> {
    let source = Source::of(r, patient)?;
    let last = Day(jiff::civil::Date::MAX);
    let everything = ShareTerms {
        categories: vec![
            Category::Encounters,
            Category::Allergies,
            Category::Prescriptions,
            Category::Audio,
        ],
        data_from: None,
        data_to: None,
        sensitive: vec![
            Sensitivity::MentalHealth,
            Sensitivity::SexualHealth,
            Sensitivity::Reproductive,
        ],
        mode: AccessMode::Keep,
        purpose: Purpose::Treatment,
        until: last,
        erase_at: last,
        onward: true,
    };
    let parts = source.parts(&everything);
    let records = parts
        .into_iter()
        .filter_map(|part| source.record(part, &everything))
        .collect();
    let record = fhir::merge_records(records).map_err(|_| Error::new(ErrorCode::Internal).with("why", "merge"))?;
    Ok(fhir::release_bundle(&fhir::ReleaseContent {
        id: patient.to_string(),
        record,
    }))
}

fn given<T>(terms: &ShareTerms, category: Category, value: T) -> Shared<T> {
    if terms.categories.contains(&category) {
        Shared::Given { value }
    } else {
        Shared::Withheld
    }
}

fn elsewhere<T>(terms: &ShareTerms, category: Category) -> Shared<T> {
    if terms.categories.contains(&category) {
        Shared::Unavailable
    } else {
        Shared::Withheld
    }
}
