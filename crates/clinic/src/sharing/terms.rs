//! The sealed half of a grant: what the receiving clinic learns of the agreement, and of whom it speaks.

use consent::Marks;
use domain::{AccessMode, Category, Day, Patient, Purpose, Sensitivity, ShareTerms};
use fhir::{IdentityCard, SourceClinic};
use seal::TenantId;
use serde::{Deserialize, Serialize};
use vault::ClinicProfile;

use crate::{Error, ErrorCode, dispensing::address_text};

/// Goes into the grant's envelope as JSON; a later build adds fields, which an earlier one passes over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SealedTerms {
    pub card: IdentityCard,
    pub source: SourceClinic,
    pub terms: ShareTerms,
    pub evidence: domain::ConsentEvidence,
}

impl SealedTerms {
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain text and lists")
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|_| Error::new(ErrorCode::Internal).with("why", "terms"))
    }
}

/// What another clinic sealed into a grant, read and taken as the policy takes it: for the fuzz target (`docs/fuzz.md`).
/// Whether it could be read.
pub(crate) fn try_out(bytes: &[u8]) -> bool {
    let Ok(sealed) = SealedTerms::decode(bytes) else {
        return false;
    };
    let again = SealedTerms::decode(&sealed.encode()).map(|again| again.encode());
    assert!(again.is_ok_and(|again| again == sealed.encode()), "it reads the same");
    let _ = policy(&sealed.terms);
    true
}

/// Who the patient is, to another clinic.
pub(super) fn card_of(patient: &Patient) -> IdentityCard {
    IdentityCard {
        name: patient.name.clone(),
        identifier: patient.identifier.clone(),
        birth_date: patient.birth_date,
        sex: patient.sex,
    }
}

/// Who this clinic is, to another.
pub(super) fn source_of(tenant: TenantId, profile: &ClinicProfile) -> SourceClinic {
    SourceClinic {
        id: tenant.to_string(),
        name: profile.name.clone(),
        address: address_text(&profile.address),
        phone: profile.phone.clone(),
    }
}

/// The terms as the policy reads them.
pub(super) fn policy(terms: &ShareTerms) -> consent::Terms {
    consent::Terms {
        categories: terms.categories.iter().map(|one| category(*one)).collect(),
        data_from: terms.data_from.map(day_number),
        data_to: terms.data_to.map(day_number),
        sensitive: terms.sensitive.iter().map(|one| sensitivity(*one)).collect(),
        until: day_number(terms.until),
    }
}

/// An entry as the policy reads it, with the marks of the visit that it came from.
pub(super) fn marks(one: Category, day: Day, sensitive: &[Sensitivity]) -> Marks {
    Marks::new(category(one), day_number(day)).inheriting(sensitive.iter().map(|one| sensitivity(*one)))
}

/// Days since 1970-01-01.
pub(super) fn day_number(day: Day) -> consent::Day {
    let epoch = jiff::civil::date(1970, 1, 1);
    let days = epoch.until(day.0).expect("both are dates").get_days();
    consent::Day(days)
}

pub(super) const fn purpose_code(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Treatment => consent::PURPOSE_TREATMENT,
        Purpose::Emergency => consent::PURPOSE_EMERGENCY,
    }
}

pub(super) const fn mode_code(mode: AccessMode) -> u8 {
    match mode {
        AccessMode::View => consent::MODE_VIEW,
        AccessMode::Keep => consent::MODE_KEEP,
    }
}

const fn category(one: Category) -> consent::Category {
    match one {
        Category::Encounters => consent::Category::Encounters,
        Category::Allergies => consent::Category::Allergies,
        Category::Prescriptions => consent::Category::Prescriptions,
        Category::Audio => consent::Category::Audio,
    }
}

const fn sensitivity(one: Sensitivity) -> consent::Sensitivity {
    match one {
        Sensitivity::MentalHealth => consent::Sensitivity::MentalHealth,
        Sensitivity::SexualHealth => consent::Sensitivity::SexualHealth,
        Sensitivity::Reproductive => consent::Sensitivity::Reproductive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        let check = |text: &str, number: i32| {
            assert_eq!(
                day_number(Day(text.parse().expect("a date"))),
                consent::Day(number),
                "{text}"
            );
        };
        check("1970-01-01", 0);
        check("1970-02-01", 31);
        check("1969-12-31", -1);
        check("2026-11-21", 20_778);
    }
}
