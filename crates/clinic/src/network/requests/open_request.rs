//! `open_request`: another clinic's request is read, and is in the record from then on. Who asks is told nothing.

use domain::{Identifier, Instant, Patient, search_key};
use seal::{MailId, TenantId};
use vault::{CameMail, FactBody, Reading, RequestRead};

use super::{
    answer::emergency_ends,
    came::{decision_of, read_of, readable},
    content::RecordRequest,
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, REQUEST_READ},
    network::mail_named,
    open::OpenClinic,
    reception::whole,
    roles::Verb,
    sharing::{digits_of, matched, verified_clinics},
    views::requests::{Decided, Decision, RequestMatch, RequestView},
};

impl Desk {
    /// One request that came. The first who opens it brings it into the record; its sender hears nothing of that.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for one that is not here, or is of a kind that this build does not know.
    pub fn open_request(&self, from: String, id: String) -> Result<RequestView, Error> {
        let (clinic, acting) = self.acting(Verb::SeeRequests)?;
        let (from, id) = mail_named(&from, &id)?;
        if let Some(view) = clinic.read(|r| view_of(r, from, id))? {
            return Ok(view);
        }
        clinic.write(&acting, |w| {
            // Another device's word may have come since.
            if read_of(w, from, id)?.is_some() {
                return Ok(());
            }
            let came = w.one_came_mail(from, id)?.ok_or(ErrorCode::NotFound)?;
            let request = readable(&came).ok_or(ErrorCode::NotFound)?;
            let read = fact_of(w, request, &came)?;
            let line = Line::new(REQUEST_READ).about(from);
            let patient = matched(w, &read.identifier)?;
            acting.audit(w, patient.into_iter().fold(line, Line::patient))?;
            acting.record(w, FactBody::RequestRead(read))?;
            w.mail_is_in_record(from, id)?;
            Ok(())
        })?;
        clinic.read(|r| view_of(r, from, id))?.ok_or(ErrorCode::NotFound.into())
    }
}

fn fact_of(r: &Reading<'_>, request: RecordRequest, came: &CameMail) -> Result<RequestRead, Error> {
    Ok(RequestRead {
        request: came.id,
        from: came.from,
        from_name: verified_clinics(r)?.remove(&came.from).unwrap_or(request.clinic),
        author: request.author,
        name: request.name,
        identifier: request.identifier,
        birth_date: request.birth_date,
        purpose: request.purpose,
        reason: request.reason,
        written_ms: came.written_at.as_millisecond(),
        doubt: came.doubt.clone(),
    })
}

/// The request as it stands in the record, with the patients here who have this very document.
fn view_of(r: &Reading<'_>, from: TenantId, id: MailId) -> Result<Option<RequestView>, Error> {
    let Some((fact, read)) = read_of(r, from, id)? else {
        return Ok(None);
    };
    let verified = verified_clinics(r)?;
    let decided = match decision_of(r, from, id)? {
        Some((fact, grant)) => Some(Decided {
            decision: grant.map_or(Decision::Declined, |_| Decision::Answered),
            by: OpenClinic::staff_name(r, fact.by)?,
            at: fact.at,
            patient: match grant {
                Some(grant) => r.patient_of_grant(grant)?,
                None => None,
            },
        }),
        None => None,
    };
    let found = match &read.identifier {
        Identifier::None => Vec::new(),
        document => r.find_by_identifier(document)?,
    };
    let matches = found.into_iter().map(|patient| match_of(&read, patient)).collect();
    Ok(Some(RequestView {
        from: from.to_string(),
        id: id.to_string(),
        verified: verified.contains_key(&from),
        clinic_name: verified.get(&from).cloned().unwrap_or(read.from_name),
        digits: digits_of(from),
        author: read.author,
        name: read.name,
        document: whole(&read.identifier),
        birth_date: read.birth_date,
        purpose: read.purpose,
        reason: read.reason,
        written_at: Instant::from_millisecond(read.written_ms).unwrap_or(fact.at),
        read_at: fact.at,
        read_by: OpenClinic::staff_name(r, fact.by)?,
        doubt: read.doubt,
        matches,
        decided,
        emergency_until: emergency_ends(r.today()?),
    }))
}

fn match_of(read: &RequestRead, patient: Patient) -> RequestMatch {
    RequestMatch {
        patient: patient.id,
        same_name: search_key(&patient.name) == search_key(&read.name),
        same_birth_date: patient.birth_date.is_some() && patient.birth_date == read.birth_date,
        name: patient.name,
        birth_date: patient.birth_date,
    }
}
