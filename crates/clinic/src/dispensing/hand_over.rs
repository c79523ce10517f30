//! `hand_over`: the medicines are in the patient's hands, and in the Prescription Book.

use domain::{LineId, Override, QueueState, VisitId};
use vault::{Dispensed, DispensedItem, FactBody, Visit, Writing};

use super::{
    book::{Begun, handed_over},
    label::line_of,
    open_dispense::signed_visit,
    print_labels::newest_job,
    reasons::{give_reasons, with_reasons_given},
};
use crate::{
    Desk, Error,
    audit::{ALERT_OVERRIDDEN, Line, MEDICINES_DISPENSED},
    pharmacy_checks::Checks,
    printing::DID_NOT_COME_OUT,
    roles::Verb,
    sharing::refresh_releases,
    views::{consult::OverrideReason, pharmacy::HandOver},
};

impl Desk {
    /// Writes who handed over what, signed by her key, asked for by her PIN. With the last line the patient is done.
    ///
    /// The checks answer once more: what came up since the prescription was signed wants a reason here, which is
    /// audited, or goes back to the doctor.
    ///
    /// # Errors
    /// `NotSignedYet`, `AlreadyDispensed`, `ReasonNeeded` with `keys` while an alert has no reason,
    /// `NotNow` with `why` = `label` while a line's label was not asked for or did not come out (only
    /// where a printer is set), and those of the PIN.
    pub fn hand_over(&self, input: HandOver) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::HandOver)?;
        if input.lines.is_empty() {
            return Err(Error::invalid("lines"));
        }
        let has_printer = clinic.printer()?.is_some();
        let signing = clinic.with_pin(&acting, &input.pin)?;
        clinic.write(&signing, |w| {
            let given = w.dispensings(input.visit)?;
            let mut visit = with_reasons_given(signed_visit(w, input.visit)?, &given);
            let (checks, at) = (Checks::of(w, &visit)?, w.now());
            let reason = |reason: &OverrideReason| Override {
                finding_key: reason.finding_key.clone(),
                reason: reason.reason.trim().to_owned(),
                by: signing.id(),
                at,
            };
            let reasons = give_reasons(&mut visit, &input.lines, &given, &checks, &input.reasons, reason)?;
            let items = items(w, &visit, &input.lines, has_printer)?;
            let begun = Begun::or_begin(w, visit.id)?;
            signing.record(
                w,
                FactBody::Dispensed(Dispensed {
                    patient: visit.patient,
                    visit: visit.id,
                    dispensing: begun.dispensing,
                    serial: begun.serial,
                    items,
                }),
            )?;
            Begun::end(w, visit.id)?;
            for new in &reasons {
                let line = Line::new(ALERT_OVERRIDDEN).patient(visit.patient).visit(visit.id);
                signing.audit(w, line.about(&new.finding_key).reason(&new.reason))?;
            }
            signing.audit(w, Line::new(MEDICINES_DISPENSED).patient(visit.patient).visit(visit.id))?;
            if all_given(w, &visit)? {
                done(w, visit.id)?;
            }
            refresh_releases(w, visit.patient)
        })
    }
}

/// The lines as they are handed over, if each has its label.
fn items(w: &Writing<'_>, visit: &Visit, lines: &[LineId], has_printer: bool) -> Result<Vec<DispensedItem>, Error> {
    let mut items = Vec::new();
    for id in lines {
        let line = line_of(visit, *id)?;
        if has_printer && !has_label(w, visit, *id)? {
            return Err(Error::not_now("label"));
        }
        items.push(DispensedItem {
            line: line.clone(),
            quantity: line.quantity,
            batch: None,
        });
    }
    Ok(items)
}

/// A label was asked for, and nobody has said that it did not come out.
fn has_label(w: &Writing<'_>, visit: &Visit, line: LineId) -> Result<bool, Error> {
    Ok(newest_job(w, visit, line)?.is_some_and(|job| job.reason.as_deref() != Some(DID_NOT_COME_OUT)))
}

fn all_given(w: &Writing<'_>, visit: &Visit) -> Result<bool, Error> {
    let given = w.dispensings(visit.id)?;
    Ok(visit.lines.iter().all(|line| handed_over(&given, line.id).0.is_some()))
}

fn done(w: &mut Writing<'_>, visit: VisitId) -> Result<(), Error> {
    if let Some((_, entry)) = w.queue_entry_of_visit(visit)? {
        w.set_queue_state(entry.id, QueueState::Done)?;
    }
    Ok(())
}
