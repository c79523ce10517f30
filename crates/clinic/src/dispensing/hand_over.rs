//! `hand_over`: the medicines are in the patient's hands, and in the Prescription Book.

use domain::{LineId, QueueState, VisitId};
use vault::{Dispensed, DispensedItem, FactBody, Visit, Writing};

use super::{
    book::{Begun, handed_over},
    label::line_of,
    open_dispense::signed_visit,
    print_labels::newest_job,
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, MEDICINES_DISPENSED},
    pharmacy_checks::Checks,
    printing::DID_NOT_COME_OUT,
    roles::Verb,
    sharing::refresh_releases,
    views::pharmacy::HandOver,
};

impl Desk {
    /// Writes who handed over what, signed by her key, asked for by her PIN. With the last line the patient is done.
    ///
    /// The checks answer once more: what came up since the prescription was signed goes back to the doctor.
    ///
    /// # Errors
    /// [`ErrorCode::NotSignedYet`], [`ErrorCode::AlreadyDispensed`], [`ErrorCode::ReasonNeeded`] with `keys`,
    /// [`ErrorCode::NotNow`] with `why` = `label` while a line's label was not asked for or did not come out (only
    /// where a printer is set), and those of the PIN.
    pub fn hand_over(&self, input: HandOver) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::HandOver)?;
        if input.lines.is_empty() {
            return Err(Error::invalid("lines"));
        }
        let has_printer = clinic.printer()?.is_some();
        let signing = clinic.with_pin(&acting, &input.pin)?;
        clinic.write(&signing, |w| {
            let visit = signed_visit(w, input.visit)?;
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
            signing.audit(w, Line::new(MEDICINES_DISPENSED).patient(visit.patient).visit(visit.id))?;
            if all_given(w, &visit)? {
                done(w, visit.id)?;
            }
            refresh_releases(w, visit.patient)
        })
    }
}

/// The lines as they are handed over, if each may be.
fn items(w: &Writing<'_>, visit: &Visit, lines: &[LineId], has_printer: bool) -> Result<Vec<DispensedItem>, Error> {
    let given = w.dispensings(visit.id)?;
    let checks = Checks::of(w, visit)?;
    let mut items = Vec::new();
    for id in lines {
        let line = line_of(visit, *id)?;
        if handed_over(&given, *id).0.is_some() {
            return Err(ErrorCode::AlreadyDispensed.into());
        }
        let open = checks.checked_line(line).open;
        if !open.is_empty() {
            return Err(Error::new(ErrorCode::ReasonNeeded).with("keys", open.join(",")));
        }
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
