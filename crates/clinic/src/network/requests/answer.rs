//! `answer_request` and `decline_request`: what a person decides about another clinic's request.
//!
//! An answer is a grant like any other, made by the same code, and a message that names it. Declining sends nothing.

use domain::{ConsentEvidence, Day, HowAgreed, Purpose};
use jiff::ToSpan as _;
use seal::{GrantId, Mail, MailContent, MailId, MailKind, Membership, TenantId};
use vault::{FactBody, Reading, RequestDecided, RequestRead, Writing};

use super::{
    came::{decision_of, read_of},
    content::RecordAnswer,
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, REQUEST_ANSWERED, REQUEST_DECLINED},
    network::{mail_named, verified_to_write_to},
    roles::Verb,
    session::Acting,
    sharing::{check_consent, give, matched},
    views::{requests::AnswerRequest, sharing::GrantConsent},
};

/// What is given in an emergency ends with this day at the latest, counted from today.
const EMERGENCY_DAYS: i64 = 3;

/// Which words the person confirmed who answered.
const FORM_VERSION: &str = "2026-11-asked";

impl Desk {
    /// Gives the other clinic what was asked for: the grant with its agreement and releases, the fact that it was answered,
    /// and the answer on its way. One transaction. Gives the grant's id.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the field: those of `grant_consent`; `how` for one who signed (she does that on the screen
    /// of consents) and for one who was not asked without an emergency; `purpose` for another than was asked for; `until` and
    /// `erase_at` beyond three days in an emergency. [`ErrorCode::NotNow`] with `why` = `decided`;
    /// [`ErrorCode::ClinicNotVerified`]; [`ErrorCode::ClinicNotReached`]; [`ErrorCode::NotFound`] for a request that nobody
    /// has opened.
    pub fn answer_request(&self, input: AnswerRequest) -> Result<String, Error> {
        let (clinic, acting) = self.acting(Verb::AnswerRequest)?;
        let (from, id) = mail_named(&input.from, &input.id)?;
        let (agreed, name) = clinic.read(|r| {
            let read = undecided(r, from, id)?;
            let name = verified_to_write_to(r, from)?;
            let agreed = agreement(r, &acting, &input, &read)?;
            Ok((agreed, name))
        })?;
        let members = clinic.newest_membership_of(from)?;
        clinic.write(&acting, |w| {
            // Somebody else may have decided meanwhile.
            undecided(w, from, id)?;
            let grant = give(w, &acting, &agreed, name, &members)?;
            decide(w, &acting, from, id, Some(grant))?;
            let line = Line::new(REQUEST_ANSWERED).patient(input.patient).grant(&grant);
            acting.audit(w, line.about(from))?;
            send_answer(w, id, grant, &members)?;
            Ok(grant.to_string())
        })
    }

    /// Leaves a request without an answer. Nothing is sent: to the other clinic it stays as it is.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `decided`; [`ErrorCode::NotFound`] for a request that nobody has opened.
    pub fn decline_request(&self, from: String, id: String) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::AnswerRequest)?;
        let (from, id) = mail_named(&from, &id)?;
        clinic.write(&acting, |w| {
            let read = undecided(w, from, id)?;
            decide(w, &acting, from, id, None)?;
            let line = Line::new(REQUEST_DECLINED).about(from);
            let patient = matched(w, &read.identifier)?;
            acting.audit(w, patient.into_iter().fold(line, Line::patient))?;
            Ok(())
        })
    }
}

/// The last day of what is given in an emergency today.
pub(super) fn emergency_ends(today: Day) -> Day {
    Day(today.0.checked_add(EMERGENCY_DAYS.days()).unwrap_or(today.0))
}

fn undecided(r: &Reading<'_>, from: TenantId, id: MailId) -> Result<RequestRead, Error> {
    let (_, read) = read_of(r, from, id)?.ok_or(ErrorCode::NotFound)?;
    match decision_of(r, from, id)? {
        Some(_) => Err(Error::not_now("decided")),
        None => Ok(read),
    }
}

/// What the person confirmed, as a consent; checked.
fn agreement(
    r: &Reading<'_>,
    acting: &Acting,
    input: &AnswerRequest,
    read: &RequestRead,
) -> Result<GrantConsent, Error> {
    let good = |field, good: bool| if good { Ok(()) } else { Err(Error::invalid(field)) };
    let is_emergency = read.purpose == Purpose::Emergency;
    let (how, terms) = (input.how, &input.terms);
    good(
        "how",
        how == HowAgreed::Spoken || (how == HowAgreed::NotAsked && is_emergency),
    )?;
    good("purpose", terms.purpose == read.purpose)?;
    let today = r.today()?;
    let last = emergency_ends(today);
    good("until", !is_emergency || terms.until <= last)?;
    good("erase_at", !is_emergency || terms.erase_at <= last)?;
    let guardian = input.guardian.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let agreed = GrantConsent {
        patient: input.patient,
        clinic: read.from.to_string(),
        terms: terms.clone(),
        evidence: ConsentEvidence {
            form_version: FORM_VERSION.to_owned(),
            language: input.language,
            how,
            signature_svg: String::new(),
            witness: acting.staff.name.clone(),
            guardian: guardian.map(str::to_owned),
            signed_at: r.now(),
        },
    };
    let patient = r.patient(input.patient)?.ok_or(ErrorCode::NotFound)?;
    check_consent(&agreed, &patient, today)?;
    Ok(agreed)
}

fn decide(
    w: &mut Writing<'_>,
    acting: &Acting,
    from: TenantId,
    request: MailId,
    grant: Option<GrantId>,
) -> Result<(), Error> {
    let decided = RequestDecided { request, from, grant };
    acting.record(w, FactBody::RequestDecided(decided))?;
    Ok(())
}

fn send_answer(w: &mut Writing<'_>, request: MailId, grant: GrantId, to: &Membership) -> Result<(), Error> {
    let belonging = w.belonging();
    let content = MailContent {
        kind: MailKind::Answer,
        written_ms: w.now().as_millisecond(),
        bytes: RecordAnswer { request, grant }.to_bytes().into(),
    };
    let id = MailId::make(w.rng());
    let mail = Mail::seal(id, belonging.tenant, &content, to, &belonging.keys, w.rng())?;
    Ok(w.send_mail(&mail)?)
}
