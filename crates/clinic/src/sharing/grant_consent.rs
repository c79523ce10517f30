//! `grant_consent`: a patient agrees that another clinic may have something, and the other clinic has it at once.

use domain::{AccessMode, Day, HowAgreed, Patient, age};
use jiff::{ToSpan as _, tz::TimeZone};
use seal::{Grant, GrantId, Membership, NewGrant, TenantId};
use vault::{ConsentGranted, FactBody, Writing};

use super::{
    grants::grant_view,
    known::verified_clinics,
    releases::refresh_releases,
    terms::{SealedTerms, card_of, mode_code, purpose_code, source_of},
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{CONSENT_GRANTED, Line},
    open,
    roles::Verb,
    session::Acting,
    views::sharing::{GrantConsent, GrantView},
};

/// Signs of a signature that is drawn by finger: bounded, because it travels.
const MAX_SIGNATURE: usize = 64 * 1024;

/// An agreement holds at once, also where a clock is behind this one's: it is dated back by a day.
const CLOCKS_DIFFER_MS: i64 = 24 * 60 * 60 * 1000;

impl Desk {
    /// Writes the agreement down and releases everything that it covers, in one transaction.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the field that is missing or cannot be so (a minor needs a guardian, and her
    /// agreement ends when she comes of age); [`ErrorCode::ClinicNotVerified`]; [`ErrorCode::ClinicNotReached`] when the
    /// other clinic's keys are not known here and the relay cannot be asked now.
    pub fn grant_consent(&self, input: GrantConsent) -> Result<GrantView, Error> {
        let (clinic, acting) = self.acting(Verb::GrantConsent)?;
        let recipient: TenantId = input.clinic.parse().map_err(|_| Error::invalid("clinic"))?;
        if input.evidence.how != HowAgreed::Signed {
            return Err(Error::invalid("how"));
        }
        let name = clinic.read(|r| {
            let patient = r.patient(input.patient)?.ok_or(ErrorCode::NotFound)?;
            check(&input, &patient, r.today()?)?;
            verified_clinics(r)?
                .remove(&recipient)
                .ok_or(ErrorCode::ClinicNotVerified.into())
        })?;
        let membership = clinic.membership_of(recipient)?;
        let id = clinic.write(&acting, |w| give(w, &acting, &input, name, &membership))?;
        clinic.read(|r| grant_view(r, id))
    }
}

/// What [`Desk::grant_consent`] writes, within a larger transaction: the grant, the agreement as a fact, the audit line, and
/// the releases of all that it covers.
pub(crate) fn give(
    w: &mut Writing<'_>,
    acting: &Acting,
    input: &GrantConsent,
    recipient_name: String,
    recipient: &Membership,
) -> Result<GrantId, Error> {
    let sealed = seal_grant(w, input, recipient)?;
    let id = sealed.clear().id;
    w.send_grant(&sealed)?;
    acting.record(
        w,
        FactBody::ConsentGranted(ConsentGranted {
            patient: input.patient,
            grant: id,
            recipient: recipient.tenant(),
            recipient_name,
            terms: input.terms.clone(),
            evidence: input.evidence.clone(),
        }),
    )?;
    acting.audit(w, Line::new(CONSENT_GRANTED).patient(input.patient).grant(&id))?;
    refresh_releases(w, input.patient)?;
    Ok(id)
}

/// The grant as the relay and the other clinic get it.
fn seal_grant(w: &mut Writing<'_>, input: &GrantConsent, recipient: &Membership) -> Result<Grant, Error> {
    let patient = w.patient(input.patient)?.ok_or(ErrorCode::NotFound)?;
    let profile = open::profile(w)?;
    let belonging = w.belonging();
    let sealed = SealedTerms {
        card: card_of(&patient),
        source: source_of(belonging.tenant, &profile),
        terms: input.terms.clone(),
        evidence: input.evidence.clone(),
    };
    let new = NewGrant {
        id: GrantId::make(w.rng()),
        recipient: recipient.tenant(),
        purpose: purpose_code(input.terms.purpose),
        mode: mode_code(input.terms.mode),
        from_ms: w.now().as_millisecond() - CLOCKS_DIFFER_MS,
        until_ms: end_of_day_ms(input.terms.until, &profile.zone),
        erase_at_ms: end_of_day_ms(input.terms.erase_at, &profile.zone),
    };
    Ok(Grant::make(
        new,
        belonging.tenant,
        &sealed.encode(),
        recipient,
        &belonging.keys,
        w.rng(),
    )?)
}

/// The first millisecond after `day` in the clinic's time zone.
fn end_of_day_ms(day: Day, zone: &str) -> i64 {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let next = day.0.checked_add(1.day()).unwrap_or(day.0);
    next.to_zoned(zone)
        .map_or(0, |midnight| midnight.timestamp().as_millisecond())
}

/// Whether this can be agreed to so, and is evident enough.
pub(crate) fn check(input: &GrantConsent, patient: &Patient, today: Day) -> Result<(), Error> {
    let good = |field, good: bool| if good { Ok(()) } else { Err(Error::invalid(field)) };
    let (terms, evidence) = (&input.terms, &input.evidence);
    good("categories", !terms.categories.is_empty())?;
    good("until", terms.until >= today)?;
    good("erase_at", terms.mode == AccessMode::View || terms.erase_at >= today)?;
    let in_order = |(from, to)| from <= to;
    good("data_to", terms.data_from.zip(terms.data_to).is_none_or(in_order))?;
    let signature = evidence.signature_svg.trim();
    let is_signed = !signature.is_empty() && signature.len() <= MAX_SIGNATURE;
    let is_asked = evidence.how != HowAgreed::NotAsked;
    let signs = evidence.how == HowAgreed::Signed;
    good("signature", if signs { is_signed } else { signature.is_empty() })?;
    // A subject that is left out unless she names it was named by nobody.
    good("sensitive", is_asked || terms.sensitive.is_empty())?;
    good("witness", !evidence.witness.trim().is_empty())?;
    good("form_version", !evidence.form_version.trim().is_empty())?;

    let minor = patient
        .birth_date
        .filter(|birth| age(*birth, today).is_some_and(domain::Age::is_minor));
    if let Some(birth) = minor {
        let guardian = evidence.guardian.as_deref().unwrap_or_default();
        good("guardian", !is_asked || !guardian.trim().is_empty())?;
        good("until", age(birth, terms.until).is_some_and(domain::Age::is_minor))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_holds_to_the_end_of_its_last_day() {
        let day = Day("2026-11-21".parse().expect("a date"));
        let end = end_of_day_ms(day, "Asia/Kuala_Lumpur");
        let expected: jiff::Timestamp = "2026-11-21T16:00:00Z".parse().expect("a time");
        assert_eq!(end, expected.as_millisecond());
    }
}
