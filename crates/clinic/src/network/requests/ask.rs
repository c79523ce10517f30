//! `ask_for_record`: another clinic is asked for the record of a patient who is here.

use domain::PatientId;
use seal::{Mail, MailContent, MailId, MailKind, TenantId};
use vault::{FactBody, Reading, RecordAsked};

use super::{
    asked::{AskedRecords, MS_A_DAY},
    content::{RecordRequest, is_reason},
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, RECORD_ASKED},
    network::verified_to_write_to,
    roles::Verb,
    views::requests::AskForRecord,
};

/// So many requests a clinic sends within 24 hours.
pub(super) const REQUESTS_A_DAY: usize = 30;

impl Desk {
    /// Seals the request for the other clinic's present keys, writes that it was asked into the record with the person's
    /// signature, and hands it to the relay: one transaction. Gives the request's id.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the field (`patient` when her name or document is too long to be sent);
    /// [`ErrorCode::ClinicNotVerified`]; [`ErrorCode::NotNow`] with `why` = `asked_already` while a request for her is open
    /// there, and `asked_enough` with `most` when this clinic sent so many in 24 hours; [`ErrorCode::ClinicNotReached`] when
    /// the other clinic's keys are not known here and the relay cannot be asked now.
    pub fn ask_for_record(&self, input: AskForRecord) -> Result<String, Error> {
        let (clinic, acting) = self.acting(Verb::AskForRecord)?;
        let reason = input.reason.split_whitespace().collect::<Vec<_>>().join(" ");
        if !is_reason(&reason) {
            return Err(Error::invalid("reason"));
        }
        let to: TenantId = input.clinic.parse().map_err(|_| Error::invalid("clinic"))?;
        let (patient, to_name) = clinic.read(|r| {
            let patient = r.patient(input.patient)?.ok_or(ErrorCode::NotFound)?;
            let to_name = verified_to_write_to(r, to)?;
            may_ask(r, input.patient, to)?;
            Ok((patient, to_name))
        })?;
        let request = RecordRequest {
            author: acting.staff.name.clone(),
            clinic: clinic.profile()?.name,
            name: patient.name,
            identifier: patient.identifier,
            birth_date: patient.birth_date,
            purpose: input.purpose,
            reason,
        };
        if !request.fits() {
            return Err(Error::invalid("patient"));
        }
        let members = clinic.newest_membership_of(to)?;
        clinic.write(&acting, |w| {
            // Somebody else may have asked meanwhile.
            may_ask(w, input.patient, to)?;
            let belonging = w.belonging();
            let content = MailContent {
                kind: MailKind::RecordRequest,
                written_ms: w.now().as_millisecond(),
                bytes: request.to_bytes().into(),
            };
            let id = MailId::make(w.rng());
            let mail = Mail::seal(id, belonging.tenant, &content, &members, &belonging.keys, w.rng())?;
            let asked = RecordAsked {
                request: id,
                patient: input.patient,
                to,
                to_name: to_name.clone(),
                author: request.author.clone(),
                purpose: request.purpose,
                reason: request.reason.clone(),
            };
            acting.record(w, FactBody::RecordAsked(asked))?;
            acting.audit(w, Line::new(RECORD_ASKED).patient(input.patient).about(to))?;
            w.send_mail(&mail)?;
            Ok(id.to_string())
        })
    }
}

/// One open request for each patient and clinic, and not too many in a day.
fn may_ask(r: &Reading<'_>, patient: PatientId, to: TenantId) -> Result<(), Error> {
    let asked = AskedRecords::of(r)?;
    if asked.is_open(patient, to) {
        return Err(Error::not_now("asked_already"));
    }
    let since = r.now().as_millisecond() - MS_A_DAY;
    if asked.n_since(since) >= REQUESTS_A_DAY {
        return Err(Error::not_now("asked_enough").with("most", REQUESTS_A_DAY));
    }
    Ok(())
}
