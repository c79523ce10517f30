//! `make_admin`: a further device that may let others in and put them out.

use super::{device_of, kit_of, not_signed, signing};
use crate::{
    Desk, Error,
    audit::{DEVICE_MADE_ADMIN, Line},
    roles::Verb,
    views::members::MakeAdmin,
};

impl Desk {
    /// Lets a member device say who belongs.
    ///
    /// # Errors
    /// [`crate::ErrorCode::KitNeeded`] on a device that is no admin's; [`crate::ErrorCode::KitWrong`];
    /// [`crate::ErrorCode::NotFound`] for a device that does not belong.
    pub fn make_admin(&self, input: MakeAdmin) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ChangeDevices)?;
        let (device, kit) = (device_of(&input.device)?, kit_of(input.kit.as_deref())?);
        let acting = clinic.with_pin(&acting, &input.pin)?;
        clinic.write(&acting, |w| {
            let belonging = w.belonging();
            let by = signing(&belonging, kit.as_ref())?;
            let now_ms = w.now().as_millisecond();
            let made = seal::make_admin(&belonging.membership, by, device, now_ms).map_err(not_signed)?;
            w.add_statements(&[made])?;
            acting.audit(w, Line::new(DEVICE_MADE_ADMIN).about(device))?;
            Ok(())
        })
    }
}
