//! `open_answer`: what another clinic answered is taken note of, and its grant can be opened like any other.

use seal::MailId;
use vault::{AnswerRead, FactBody};

use super::asked::AskedRecords;
use crate::{
    Desk, Error, ErrorCode,
    audit::{ANSWER_READ, Line},
    roles::Verb,
};

impl Desk {
    /// Brings the answer to a request of this clinic into the record. The first who does so is written down, and the other
    /// clinic is told that its answer was read. Gives the grant, which `open_shared` opens.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] while there is no answer, and for a request that is not here.
    pub fn open_answer(&self, request: String) -> Result<String, Error> {
        let (clinic, acting) = self.acting(Verb::SeeRequests)?;
        let request: MailId = request.parse().map_err(|_| ErrorCode::NotFound)?;
        let (.., came) = clinic.read(|r| AskedRecords::of(r)?.answer_to(request))?;
        if came.is_read {
            return Ok(came.grant.to_string());
        }
        clinic.write(&acting, |w| {
            let (from, patient, came) = AskedRecords::of(w)?.answer_to(request)?;
            if !came.is_read {
                let (answer, grant) = (came.answer, came.grant);
                let read = AnswerRead {
                    answer,
                    from,
                    request,
                    grant,
                };
                acting.record(w, FactBody::AnswerRead(read))?;
                acting.audit(w, Line::new(ANSWER_READ).patient(patient).grant(&grant).about(from))?;
                w.mail_was_read(from, answer)?;
            }
            Ok(came.grant.to_string())
        })
    }
}
