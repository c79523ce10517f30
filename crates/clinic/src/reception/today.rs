//! `today`: the waiting room.

use std::collections::HashMap;

use domain::{Day, QueueEntry, QueueState, age};
use vault::Reading;

use crate::{
    Desk, Error,
    roles::{self, Verb},
    views::reception::{DoctorChoice, QueueRow, TodayView},
};

/// Who came before midnight and is still here stays in sight for this long. Who was forgotten at closing time does not
/// greet the next morning.
const STAYS_MS: i64 = 12 * 60 * 60 * 1000;

/// Today's queue, and before it who came yesterday evening and is still here.
pub(super) fn queue_of_today(r: &Reading<'_>) -> Result<Vec<QueueEntry>, Error> {
    let (today, now) = (r.today()?, r.now());
    let mut queue = match today.0.yesterday() {
        Ok(yesterday) => r.queue(Day(yesterday))?,
        Err(_) => Vec::new(),
    };
    queue.retain(|entry| is_here(entry.state) && now.as_millisecond() - entry.arrived_at.as_millisecond() < STAYS_MS);
    queue.extend(r.queue(today)?);
    Ok(queue)
}

/// Waiting, with the doctor or at the pharmacy.
pub(super) fn is_here(state: QueueState) -> bool {
    !matches!(state, QueueState::Done | QueueState::Left)
}

impl Desk {
    /// The waiting room in the order of arrival, and the doctors who can be chosen.
    pub fn today(&self) -> Result<TodayView, Error> {
        let (clinic, _) = self.acting(Verb::SeeToday)?;
        clinic.read(|r| {
            let staff = r.all_staff()?;
            let names: HashMap<_, _> = staff.iter().map(|staff| (staff.id, staff.name.clone())).collect();
            let doctors = staff.into_iter().filter(|staff| roles::may(staff, Verb::SignNote));
            let day = r.today()?;
            let mut rows = Vec::new();
            for entry in queue_of_today(r)? {
                let doctor_name = entry.doctor.and_then(|doctor| names.get(&doctor).cloned());
                rows.extend(row(r, entry, doctor_name)?);
            }
            Ok(TodayView {
                day,
                rows,
                doctors: doctors
                    .map(|staff| DoctorChoice {
                        id: staff.id,
                        name: staff.name,
                    })
                    .collect(),
            })
        })
    }
}

/// `None` while the patient's identity has not arrived from the other device yet.
fn row(r: &Reading<'_>, entry: QueueEntry, doctor_name: Option<String>) -> Result<Option<QueueRow>, Error> {
    let Some(patient) = r.patient(entry.patient)? else {
        return Ok(None);
    };
    let today = r.today()?;
    Ok(Some(QueueRow {
        entry: entry.id,
        token: entry.token,
        visit: entry.visit,
        patient: patient.id,
        name: patient.name,
        age_years: patient
            .birth_date
            .and_then(|birth| age(birth, today))
            .map(|age| age.years),
        sex: patient.sex,
        reason: entry.reason,
        doctor: entry.doctor,
        doctor_name,
        state: entry.state,
        arrived_at: entry.arrived_at,
    }))
}
