//! `clinic_choices` and `save_clinic_choices`: what the clinic has chosen for all of its devices.

use crate::{
    Desk, Error,
    audit::{CLINIC_CHOSE, Line},
    roles::Verb,
    views::erasing::ClinicChoices,
};

impl Desk {
    /// What the clinic has chosen.
    pub fn clinic_choices(&self) -> Result<ClinicChoices, Error> {
        let (clinic, _) = self.acting(Verb::SeeDevice)?;
        clinic.read(|r| {
            Ok(ClinicChoices {
                delete_audio_at_sign_off: r.deletes_audio_at_sign_off()?,
            })
        })
    }

    /// Chooses for the whole clinic.
    pub fn save_clinic_choices(&self, choices: ClinicChoices) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ChangeClinic)?;
        clinic.write(&acting, |w| {
            let delete = choices.delete_audio_at_sign_off;
            if w.deletes_audio_at_sign_off()? == delete {
                return Ok(());
            }
            w.delete_audio_at_sign_off(delete)?;
            let about = format!("delete_audio_at_sign_off {delete}");
            acting.audit(w, Line::new(CLINIC_CHOSE).about(about))?;
            Ok(())
        })
    }
}
