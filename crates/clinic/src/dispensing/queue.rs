//! `dispensing_queue`: signed prescriptions of today and yesterday that wait for their medicines, and those whose medicines
//! were handed over twice, until somebody has reversed one.

use domain::{Day, QueueEntry, QueueState};
use vault::Reading;

use crate::{Desk, Error, conflicts::open_of, open::OpenClinic, roles::Verb, views::pharmacy::DispenseRow};

impl Desk {
    /// Those whose note was signed first come first.
    pub fn dispensing_queue(&self) -> Result<Vec<DispenseRow>, Error> {
        let (clinic, _) = self.acting(Verb::SeeDispensing)?;
        clinic.read(|r| {
            // Yesterday's too: who was seen before midnight still waits for her medicines after it.
            let today = r.today()?;
            let (mut rows, doubled) = (Vec::new(), open_of(r, None)?.dispensed_twice);
            for day in today.0.yesterday().ok().map(Day).into_iter().chain([today]) {
                let queue = r.queue(day)?.into_iter();
                for entry in queue {
                    let dispensed_twice = doubled.contains(&entry.visit);
                    if dispensed_twice || entry.state == QueueState::AtPharmacy {
                        rows.extend(row(r, entry, dispensed_twice)?);
                    }
                }
            }
            rows.sort_by_key(|row| row.signed_at);
            Ok(rows)
        })
    }
}

/// `None` while the signed note has not arrived from the doctor's device.
fn row(r: &Reading<'_>, entry: QueueEntry, dispensed_twice: bool) -> Result<Option<DispenseRow>, Error> {
    let (Some(visit), Some(patient)) = (r.visit(entry.visit)?, r.patient(entry.patient)?) else {
        return Ok(None);
    };
    let Some(signed) = visit.signed.first() else {
        return Ok(None);
    };
    let n_overridden: usize = visit.lines.iter().map(|line| line.overrides.len()).sum();
    Ok(Some(DispenseRow {
        entry: entry.id,
        visit: visit.id,
        token: entry.token,
        name: patient.name,
        doctor_name: OpenClinic::staff_name(r, signed.by)?,
        n_lines: u32::try_from(visit.lines.len()).unwrap_or(u32::MAX),
        n_overridden: u32::try_from(n_overridden).unwrap_or(u32::MAX),
        signed_at: signed.at,
        dispensed_twice,
    }))
}
