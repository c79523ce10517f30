//! `today`: the waiting room.

use std::collections::HashMap;

use domain::{QueueEntry, age};
use vault::Reading;

use crate::{
    Desk, Error,
    roles::{self, Verb},
    views::reception::{DoctorChoice, QueueRow, TodayView},
};

impl Desk {
    /// Today's queue, in the order of arrival, and the doctors who can be chosen.
    pub fn today(&self) -> Result<TodayView, Error> {
        let (clinic, _) = self.acting(Verb::SeeToday)?;
        clinic.read(|r| {
            let staff = r.all_staff()?;
            let names: HashMap<_, _> = staff.iter().map(|staff| (staff.id, staff.name.clone())).collect();
            let doctors = staff.into_iter().filter(|staff| roles::may(staff, Verb::SignNote));
            let day = r.today()?;
            let mut rows = Vec::new();
            for entry in r.queue(day)? {
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
