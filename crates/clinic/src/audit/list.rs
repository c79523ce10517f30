//! `audit`: who did what, and which clinic read what. Own facts and the relay's lines, newest first.

use domain::PatientId;
use seal::{GrantId, TenantId};
use sync_protocol::{AuditLine as RelayLine, AuditOutcome};
use vault::{FactBody, Reading, RecordedFact};

use super::{Detail, RELEASE_READ};
use crate::{Desk, Error, open::OpenClinic, roles::Verb, sharing::clinic_name, views::sharing::AuditRow};

/// Lines that are read at most.
const MAX_ROWS: u32 = 500;

impl Desk {
    /// The newest lines; with a patient, only those that concern her.
    pub fn audit(&self, patient: Option<PatientId>) -> Result<Vec<AuditRow>, Error> {
        let (clinic, _) = self.acting(Verb::SeeAudit)?;
        clinic.read(|r| {
            let facts = match patient {
                Some(patient) => r.facts_of_patient(patient)?,
                None => r.audit(MAX_ROWS)?,
            };
            let mut rows = Vec::new();
            for fact in &facts {
                rows.extend(own_row(r, fact)?);
            }
            for line in relay_lines(r, patient)? {
                rows.push(relay_row(r, &line)?);
            }
            rows.sort_by_key(|row| std::cmp::Reverse(row.at));
            rows.truncate(MAX_ROWS as usize);
            Ok(rows)
        })
    }
}

/// What the relay answered; with a patient, under the grants to which she agreed.
fn relay_lines(r: &Reading<'_>, patient: Option<PatientId>) -> Result<Vec<RelayLine>, Error> {
    let Some(patient) = patient else {
        return Ok(r.relay_audit(MAX_ROWS)?.into_iter().map(|row| row.line).collect());
    };
    let mut lines = Vec::new();
    for consent in r.consents(patient)? {
        let of_grant = r.relay_audit_of(consent.terms.grant, MAX_ROWS)?;
        lines.extend(of_grant.into_iter().map(|row| row.line));
    }
    Ok(lines)
}

/// Only audit lines: every verb that writes another fact writes its line too.
fn own_row(r: &Reading<'_>, fact: &RecordedFact) -> Result<Option<AuditRow>, Error> {
    let FactBody::Audit(line) = &fact.body else {
        return Ok(None);
    };
    let detail = Detail::of(line);
    Ok(Some(AuditRow {
        at: fact.at,
        who: OpenClinic::staff_name(r, fact.by)?,
        action: line.action.clone(),
        permitted: !detail.denied,
        reason: detail.reason,
        patient: line.patient,
        patient_name: name_of(r, line.patient)?,
        grant: detail.grant,
        request: detail.request,
        from_relay: false,
    }))
}

fn relay_row(r: &Reading<'_>, line: &RelayLine) -> Result<AuditRow, Error> {
    let patient = patient_of(r, line.grant)?;
    Ok(AuditRow {
        at: domain::Instant::from_millisecond(line.at_ms).unwrap_or(r.now()),
        who: who_asked(r, line.requester)?,
        action: RELEASE_READ.to_owned(),
        permitted: line.permitted(),
        reason: reason_of(line.outcome).map(str::to_owned),
        patient,
        patient_name: name_of(r, patient)?,
        grant: Some(line.grant.to_string()),
        request: Some(hex::encode(line.request)),
        from_relay: true,
    })
}

fn who_asked(r: &Reading<'_>, tenant: TenantId) -> Result<String, Error> {
    Ok(clinic_name(r, tenant)?.unwrap_or_else(|| tenant.to_string()))
}

fn patient_of(r: &Reading<'_>, grant: GrantId) -> Result<Option<PatientId>, Error> {
    Ok(r.patient_of_grant(grant)?)
}

fn name_of(r: &Reading<'_>, patient: Option<PatientId>) -> Result<Option<String>, Error> {
    match patient {
        Some(id) => Ok(r.patient(id)?.map(|patient| patient.name)),
        None => Ok(None),
    }
}

const fn reason_of(outcome: AuditOutcome) -> Option<&'static str> {
    match outcome {
        AuditOutcome::Permitted => None,
        AuditOutcome::DeniedNoGrant => Some("no_grant"),
        AuditOutcome::DeniedNotRecipient => Some("not_the_recipient"),
        AuditOutcome::DeniedNotYet => Some("not_yet"),
        AuditOutcome::DeniedEnded => Some("expired"),
        AuditOutcome::DeniedRevoked => Some("revoked"),
        AuditOutcome::DeniedNotUnderstood => Some("not_understood"),
        AuditOutcome::DeniedSourceClosed => Some("source_closed"),
    }
}
