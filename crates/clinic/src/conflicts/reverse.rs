//! `reverse_dispensing` and `reverse_signature`: of two facts that exclude one another, a person takes one back.

use seal::ChangeId;
use vault::{FactBody, Reversal};

use crate::{
    Desk, Error, ErrorCode,
    audit::{DISPENSING_REVERSED, Line, SIGNATURE_REVERSED},
    roles::Verb,
    sharing::refresh_releases,
    views::conflicts::Reverse,
};

impl Desk {
    /// Of two handings-over of one medicine one no longer counts. Both stay in the Prescription Book; the reversal says
    /// why.
    ///
    /// # Errors
    /// [`ErrorCode::NotNow`] with `why` = `decided` when no other one stands beside it; those of the PIN.
    pub fn reverse_dispensing(&self, input: Reverse) -> Result<(), Error> {
        self.reverse(Verb::ReverseDispensing, input, DISPENSING_REVERSED)
    }

    /// Of two signatures of one visit one no longer counts. What it signed stays on record.
    ///
    /// # Errors
    /// As [`Desk::reverse_dispensing`].
    pub fn reverse_signature(&self, input: Reverse) -> Result<(), Error> {
        self.reverse(Verb::SignNote, input, SIGNATURE_REVERSED)
    }

    fn reverse(&self, verb: Verb, input: Reverse, action: &str) -> Result<(), Error> {
        let (clinic, acting) = self.acting(verb)?;
        let fact: ChangeId = input.fact.parse().map_err(|_| Error::invalid("fact"))?;
        let reason = input.reason.trim().to_owned();
        if reason.is_empty() {
            return Err(Error::invalid("reason"));
        }
        let signing = clinic.with_pin(&acting, &input.pin)?;
        clinic.write(&signing, |w| {
            let visit = w.visit(input.visit)?.ok_or(ErrorCode::NotFound)?;
            let is_signature = visit.signed.iter().any(|signed| signed.fact == fact);
            // A pharmacist takes back a handing-over, never a signature.
            if is_signature != (verb == Verb::SignNote) || !w.may_reverse(visit.id, &fact)? {
                return Err(Error::not_now("decided"));
            }
            let line = Line::new(action).patient(visit.patient).visit(visit.id);
            signing.audit(w, line.about(fact).reason(&reason))?;
            signing.record(
                w,
                FactBody::Reversal(Reversal {
                    patient: visit.patient,
                    visit: visit.id,
                    reverses: fact,
                    reason,
                }),
            )?;
            refresh_releases(w, visit.patient)
        })
    }
}
