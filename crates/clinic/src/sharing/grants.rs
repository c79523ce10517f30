//! Grants as the giving clinic sees them.

use consent::state;
use domain::{Instant, PatientId};
use seal::GrantId;
use vault::{Consent, GrantRow, Reading};

use crate::{
    Desk, Error, ErrorCode,
    roles::Verb,
    views::sharing::{GrantState, GrantView},
};

impl Desk {
    /// Everything that this patient agreed to share, newest first.
    pub fn grants_of(&self, patient: PatientId) -> Result<Vec<GrantView>, Error> {
        let (clinic, _) = self.acting(Verb::SeeSharing)?;
        clinic.read(|r| newest_first(r, r.grants_given_for(patient)?))
    }
}

pub(super) fn newest_first(r: &Reading<'_>, rows: Vec<GrantRow>) -> Result<Vec<GrantView>, Error> {
    let mut views = Vec::new();
    for row in rows {
        // The fact and the grant travel apart: a grant whose fact has not arrived yet is shown when it has.
        views.extend(view(r, &row)?);
    }
    views.sort_by_key(|view| std::cmp::Reverse(view.granted_at));
    Ok(views)
}

/// One grant.
pub(super) fn grant_view(r: &Reading<'_>, grant: GrantId) -> Result<GrantView, Error> {
    let row = r.grant_given(grant)?.ok_or(ErrorCode::NotFound)?;
    view(r, &row)?.ok_or(ErrorCode::NotFound.into())
}

fn view(r: &Reading<'_>, row: &GrantRow) -> Result<Option<GrantView>, Error> {
    let Some(patient) = r.patient_of_grant(row.id)? else {
        return Ok(None);
    };
    let consents = r.consents(patient)?;
    let Some(Consent { granted, terms, .. }) = consents.into_iter().find(|consent| consent.terms.grant == row.id)
    else {
        return Ok(None);
    };
    let revoked_at = row.revoked_at_ms.and_then(Instant::from_millisecond);
    let releases = r.releases_made(patient)?;
    let n_releases = releases
        .iter()
        .filter(|one| one.release.header().grants.contains(&row.id))
        .count();
    Ok(Some(GrantView {
        id: row.id.to_string(),
        patient,
        patient_name: r.patient(patient)?.map(|patient| patient.name).unwrap_or_default(),
        clinic_name: terms.recipient_name,
        terms: terms.terms,
        state: match state(row.grant.clear(), revoked_at.is_some(), r.now().as_millisecond()) {
            consent::GrantState::NotYet => GrantState::NotYet,
            consent::GrantState::Active => GrantState::Active,
            consent::GrantState::Expired => GrantState::Expired,
            consent::GrantState::Revoked => GrantState::Revoked,
        },
        granted_at: granted.at,
        revoked_at,
        delivered: r.grant_sent(row.id)?,
        n_releases: u32::try_from(n_releases).unwrap_or(u32::MAX),
    }))
}
