//! Erasing: what has to be kept, what may go, and who decides it. What it means for the store is in `docs/erasure.md`.

mod choices;
mod patient;
mod recording;
mod retention;

pub(crate) use recording::erase_sound_of;

use domain::Role;
use vault::{ErasureReason, Reading};

use crate::{Error, ErrorCode, session::Acting, views::erasing::EraseReason};

impl From<EraseReason> for ErasureReason {
    fn from(reason: EraseReason) -> Self {
        match reason {
            EraseReason::Retention => Self::Retention,
            EraseReason::PatientsRight => Self::PatientsRight,
        }
    }
}

const fn word(reason: ErasureReason) -> &'static str {
    match reason {
        ErasureReason::Retention => "retention",
        ErasureReason::PatientsRight => "patients_right",
        ErasureReason::AudioAtSignOff => "audio_at_sign_off",
    }
}

/// Whether her key on this device was enrolled in one of these roles: the other devices look at nothing else.
fn is_enrolled_as(r: &Reading<'_>, acting: &Acting, roles: &[Role]) -> Result<bool, Error> {
    Ok(r.enrolment(acting.id())?
        .is_some_and(|enrolled| roles.contains(&enrolled.role)))
}

fn must_be_enrolled_as(r: &Reading<'_>, acting: &Acting, roles: &[Role]) -> Result<(), Error> {
    if is_enrolled_as(r, acting, roles)? {
        Ok(())
    } else {
        Err(ErrorCode::NotAllowed.into())
    }
}
