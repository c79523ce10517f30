//! `queue_patient`: a place in today's queue, a token, and the visit that it leads to.

use domain::{QueueEntryId, QueueState, Role, StaffId, VisitId};
use vault::{NewQueueEntry, NewVisit, Writing};

use super::{
    register_patient::register,
    today::{is_here, queue_of_today},
};
use crate::{
    Desk, Error, ErrorCode,
    audit::{Line, PATIENT_QUEUED, QUEUE_MOVED},
    roles::Verb,
    session::Acting,
    views::reception::{CreatePatient, QueuePatient, Queued},
};

/// Signs of a reason: it is a few words.
const MAX_REASON: usize = 200;

impl Desk {
    /// Puts a patient in today's queue.
    ///
    /// # Errors
    /// [`ErrorCode::AlreadyInQueue`] while she is waiting, with the doctor or at the pharmacy.
    pub fn queue_patient(&self, input: QueuePatient) -> Result<Queued, Error> {
        let (clinic, acting) = self.acting(Verb::QueuePatient)?;
        clinic.write(&acting, |w| queue(w, &acting, input))
    }

    /// Registers a patient and puts her in today's queue, both or neither.
    pub fn register_and_queue(
        &self,
        patient: CreatePatient,
        reason: String,
        doctor: Option<StaffId>,
    ) -> Result<Queued, Error> {
        let (clinic, acting) = self.acting(Verb::RegisterPatient)?;
        clinic.write(&acting, |w| {
            let patient = register(w, &acting, patient)?;
            queue(
                w,
                &acting,
                QueuePatient {
                    patient,
                    reason,
                    doctor,
                },
            )
        })
    }

    /// Moves a patient on her way through the clinic.
    pub fn set_queue_state(&self, entry: QueueEntryId, state: QueueState) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::SetQueueState)?;
        clinic.write(&acting, |w| {
            let (_, before) = w.queue_entry(entry)?.ok_or(ErrorCode::NotFound)?;
            if before.state == state {
                return Ok(());
            }
            w.set_queue_state(entry, state)?;
            let practises = matches!(acting.staff.role, Role::Doctor | Role::Owner);
            if state == QueueState::InConsult && practises && before.doctor.is_none() {
                w.set_queue_doctor(entry, Some(acting.id()))?;
                w.set_visit_doctor(before.visit, Some(acting.id()))?;
            }
            acting.audit(
                w,
                Line::new(QUEUE_MOVED)
                    .patient(before.patient)
                    .visit(before.visit)
                    .about(word(state)),
            )?;
            Ok(())
        })
    }
}

fn queue(w: &mut Writing<'_>, acting: &Acting, input: QueuePatient) -> Result<Queued, Error> {
    let reason = input.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        return Err(Error::invalid("reason"));
    }
    w.patient(input.patient)?.ok_or(ErrorCode::NotFound)?;
    if let Some(doctor) = input.doctor {
        let known = w
            .staff(doctor)?
            .is_some_and(|staff| crate::roles::may(&staff, Verb::SignNote));
        if !known {
            return Err(Error::invalid("doctor"));
        }
    }
    let today = w.today()?;
    if queue_of_today(w)?
        .iter()
        .any(|entry| entry.patient == input.patient && is_here(entry.state))
    {
        return Err(ErrorCode::AlreadyInQueue.into());
    }
    let now = w.now();
    let (entry, visit) = (QueueEntryId::make(now, w.rng()), VisitId::make(now, w.rng()));
    w.open_visit(&NewVisit {
        id: visit,
        patient: input.patient,
        day: today,
        opened_at: now,
        doctor: input.doctor,
    })?;
    let new = NewQueueEntry {
        id: entry,
        patient: input.patient,
        visit,
        reason: reason.to_owned(),
        doctor: input.doctor,
        arrived_at: now,
    };
    let token = w.add_to_queue(today, &new)?.token;
    acting.audit(w, Line::new(PATIENT_QUEUED).patient(input.patient).visit(visit))?;
    Ok(Queued {
        entry,
        patient: input.patient,
        visit,
        token,
    })
}

fn word(state: QueueState) -> &'static str {
    match state {
        QueueState::Waiting => "waiting",
        QueueState::Called => "called",
        QueueState::InConsult => "in_consult",
        QueueState::AtPharmacy => "at_pharmacy",
        QueueState::Done => "done",
        QueueState::Left => "left",
    }
}
