//! `revoke_consent`: at once at the relay, and at the other clinic at its next contact.

use seal::{GrantId, Revocation};
use vault::{ConsentRevoked, FactBody};

use crate::{
    Desk, Error, ErrorCode,
    audit::{CONSENT_REVOKED, Line},
    roles::Verb,
};

impl Desk {
    /// Takes a consent back. What the other clinic has read cannot be unread; the screen says so.
    ///
    /// # Errors
    /// [`ErrorCode::GrantOver`] when it was revoked before.
    pub fn revoke_consent(&self, grant: String, reason: String) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::RevokeConsent)?;
        let grant: GrantId = grant.parse().map_err(|_| Error::invalid("grant"))?;
        let reason = reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Error::invalid("reason"));
        }
        clinic.write(&acting, |w| {
            let row = w.grant_given(grant)?.ok_or(ErrorCode::NotFound)?;
            if row.revoked_at_ms.is_some() {
                return Err(Error::new(ErrorCode::GrantOver).with("reason", "revoked"));
            }
            let patient = w.patient_of_grant(grant)?.ok_or(ErrorCode::NotFound)?;
            let belonging = w.belonging();
            let at_ms = w.now().as_millisecond();
            w.send_revocation(&Revocation::make(grant, belonging.tenant, at_ms, &belonging.keys))?;
            acting.audit(
                w,
                Line::new(CONSENT_REVOKED)
                    .patient(patient)
                    .grant(&grant)
                    .reason(&reason),
            )?;
            acting.record(w, FactBody::ConsentRevoked(ConsentRevoked { patient, grant, reason }))?;
            Ok(())
        })
    }
}
