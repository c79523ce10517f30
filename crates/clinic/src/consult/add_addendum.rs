//! `add_addendum`: what is added to a signed note.

use domain::VisitId;
use vault::{Addendum, FactBody};

use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, NOTE_ADDED_TO},
    roles::Verb,
    sharing::refresh_releases,
};

impl Desk {
    /// Adds to a signed note, signed itself; the note stays as it was.
    ///
    /// # Errors
    /// [`ErrorCode::NotSignedYet`]: a draft is simply edited. Those of the PIN.
    pub fn add_addendum(&self, visit: VisitId, text: String, pin: String) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::SignNote)?;
        let text = text.trim().to_owned();
        if text.is_empty() {
            return Err(Error::invalid("text"));
        }
        let patient = clinic.read(|r| {
            let visit = r.visit(visit)?.ok_or(ErrorCode::NotFound)?;
            if visit.signed.is_empty() {
                Err(ErrorCode::NotSignedYet.into())
            } else {
                Ok(visit.patient)
            }
        })?;
        let signing = clinic.with_pin(&acting, &pin)?;
        clinic.write(&signing, |w| {
            signing.record(w, FactBody::Addendum(Addendum { patient, visit, text }))?;
            signing.audit(w, Line::new(NOTE_ADDED_TO).patient(patient).visit(visit))?;
            refresh_releases(w, patient)
        })
    }
}
