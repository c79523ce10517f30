//! Looking facts up.

use domain::{Day, Instant, PatientId, StaffId, VisitId, day_in_zone};
use rusqlite::{Params, Row, params};
use seal::{ChangeId, DeviceId, GrantId};

use super::body::{ConsentGranted, Dispensed, FactBody, StaffEnrolled, kind};
use crate::{Reading, VaultError};

/// A fact as it stands in the record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedFact {
    /// Its name: the id of its sealed change.
    pub id: ChangeId,
    /// When it became true, by the writer's clock.
    pub at: Instant,
    /// Whose word it is.
    pub by: Option<StaffId>,
    /// The device that it was written on.
    pub device: DeviceId,
    /// What it says.
    pub body: FactBody,
    /// Whether the person's signature holds.
    pub verified: bool,
}

/// A consent with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    /// The fact of granting.
    pub granted: RecordedFact,
    /// What it says.
    pub terms: ConsentGranted,
    /// The fact of taking it back, if that happened.
    pub revoked: Option<RecordedFact>,
}

const COLUMNS: &str = "id, at_ms, staff, device, kind, body, verified";

impl Reading<'_> {
    /// Every fact about a patient, oldest first.
    pub fn facts_of_patient(&self, patient: PatientId) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts("WHERE patient = ?1 ORDER BY at_ms, id", [patient.as_bytes()])
    }

    /// Every fact about a visit, oldest first.
    pub fn facts_of_visit(&self, visit: VisitId) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts("WHERE visit = ?1 ORDER BY at_ms, id", [visit.as_bytes()])
    }

    /// The Prescription Book from one day to another, both included, in the clinic's time zone, oldest first.
    pub fn prescription_book(&self, from: Day, to: Day) -> Result<Vec<(RecordedFact, Dispensed)>, VaultError> {
        let zone = self.zone()?;
        let facts = self.facts("WHERE kind = ?1 ORDER BY at_ms, id", params![kind::DISPENSED])?;
        Ok(facts
            .into_iter()
            .filter(|fact| (from..=to).contains(&day_in_zone(fact.at, &zone)))
            .filter_map(|fact| fact.body.dispensed().map(|it| (fact, it)))
            .collect())
    }

    /// The consents that a patient gave, newest first, each with its revocation.
    pub fn consents(&self, patient: PatientId) -> Result<Vec<Consent>, VaultError> {
        let granted = self.facts(
            "WHERE patient = ?1 AND kind = ?2 ORDER BY at_ms DESC, id",
            params![patient.as_bytes(), kind::CONSENT_GRANTED],
        )?;
        granted
            .into_iter()
            .filter_map(|fact| match &fact.body {
                FactBody::ConsentGranted(terms) => Some((terms.clone(), fact)),
                _ => None,
            })
            .map(|(terms, granted)| {
                let revoked = self
                    .facts_on(kind::CONSENT_REVOKED, &terms.grant.to_string())?
                    .into_iter()
                    .next();
                Ok(Consent {
                    granted,
                    terms,
                    revoked,
                })
            })
            .collect()
    }

    /// The grants to which patients of this clinic agreed last, newest first.
    pub fn newest_consents(&self, limit: u32) -> Result<Vec<GrantId>, VaultError> {
        let facts = self.facts(
            "WHERE kind = ?1 ORDER BY at_ms DESC, id LIMIT ?2",
            params![kind::CONSENT_GRANTED, limit],
        )?;
        Ok(facts
            .into_iter()
            .filter_map(|fact| match fact.body {
                FactBody::ConsentGranted(terms) => Some(terms.grant),
                _ => None,
            })
            .collect())
    }

    /// Whose record a grant of this clinic opens, by the consent behind it.
    pub fn patient_of_grant(&self, grant: GrantId) -> Result<Option<PatientId>, VaultError> {
        Ok(self
            .facts_on(kind::CONSENT_GRANTED, &grant.to_string())?
            .first()
            .and_then(|fact| fact.body.patient()))
    }

    /// Every enrolment, oldest first.
    pub fn enrolments(&self) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts("WHERE kind = ?1 ORDER BY at_ms, id", params![kind::STAFF_ENROLLED])
    }

    /// The newest standing enrolment of a person on this device.
    pub fn enrolment(&self, staff: StaffId) -> Result<Option<StaffEnrolled>, VaultError> {
        let here = self.belonging().device;
        let facts = self.facts_on(kind::STAFF_ENROLLED, &staff.to_string())?;
        Ok(facts
            .into_iter()
            .rev()
            .filter(|fact| fact.verified)
            .find_map(|fact| match fact.body {
                FactBody::StaffEnrolled(enrolled) if enrolled.device == here => Some(enrolled),
                _ => None,
            }))
    }

    /// The letters to other clinics, newest first.
    pub fn letters_sent(&self) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts("WHERE kind = ?1 ORDER BY at_ms DESC, id", params![kind::LETTER_SENT])
    }

    /// The letters of other clinics that were read, newest first; one that two devices opened apart stands twice.
    pub fn letters_read(&self) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts("WHERE kind = ?1 ORDER BY at_ms DESC, id", params![kind::LETTER_READ])
    }

    /// What other clinics were asked for, newest first.
    pub fn records_asked(&self) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts("WHERE kind = ?1 ORDER BY at_ms DESC, id", params![kind::RECORD_ASKED])
    }

    /// The requests of other clinics that were read, newest first; one that two devices opened apart stands twice.
    pub fn requests_read(&self) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts("WHERE kind = ?1 ORDER BY at_ms DESC, id", params![kind::REQUEST_READ])
    }

    /// What became of them, newest first; one that two people decided apart stands twice.
    pub fn requests_decided(&self) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts(
            "WHERE kind = ?1 ORDER BY at_ms DESC, id",
            params![kind::REQUEST_DECIDED],
        )
    }

    /// The answers of other clinics that were read, newest first; one that two devices opened apart stands twice.
    pub fn answers_read(&self) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts("WHERE kind = ?1 ORDER BY at_ms DESC, id", params![kind::ANSWER_READ])
    }

    /// The newest audit lines, newest first.
    pub fn audit(&self, limit: u32) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts(
            "WHERE kind = ?1 ORDER BY at_ms DESC, id LIMIT ?2",
            params![kind::AUDIT, limit],
        )
    }

    /// The audit lines of exactly this action, newest first.
    pub fn audit_of(&self, action: &str) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts(
            "WHERE kind = ?1 AND subject = ?2 ORDER BY at_ms DESC, id",
            params![kind::AUDIT, action],
        )
    }

    fn facts_on(&self, kind: u16, subject: &str) -> Result<Vec<RecordedFact>, VaultError> {
        self.facts(
            "WHERE kind = ?1 AND subject = ?2 ORDER BY at_ms, id",
            params![kind, subject],
        )
    }

    pub(super) fn facts(&self, rest: &str, params: impl Params) -> Result<Vec<RecordedFact>, VaultError> {
        self.many(&format!("SELECT {COLUMNS} FROM p_facts {rest}"), params, recorded)
    }
}

impl FactBody {
    fn dispensed(&self) -> Option<Dispensed> {
        match self {
            Self::Dispensed(fact) => Some(fact.clone()),
            _ => None,
        }
    }
}

fn recorded(row: &Row<'_>) -> Result<RecordedFact, VaultError> {
    let kind: u16 = row.get(4)?;
    let body: String = row.get(5)?;
    Ok(RecordedFact {
        id: ChangeId::from_bytes(row.get(0)?),
        // A time that no clock can show is none: one fact of it keeps nobody from all the others.
        at: Instant::from_millisecond(row.get(1)?)
            .or(Instant::from_millisecond(0))
            .ok_or(VaultError::Malformed("time"))?,
        by: row.get::<_, Option<[u8; 16]>>(2)?.map(StaffId::from_bytes),
        device: DeviceId::from_bytes(row.get(3)?),
        body: FactBody::from_json(kind, &body),
        verified: row.get(6)?,
    })
}
