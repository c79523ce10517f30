//! `review_removed`: a person has looked at what a removed device wrote beyond its removal.

use seal::{DeviceId, Revocation};
use vault::{PutAside, Writing};

use super::{device_of, kit_of, not_signed, put_aside::Left, signing};
use crate::{
    Desk, Error, ErrorCode,
    audit::{CONSENT_REVOKED, DEVICE_WORK_LEFT, DEVICE_WORK_TAKEN, Line},
    roles::Verb,
    session::Acting,
    views::members::ReviewRemoved,
};

impl Desk {
    /// Takes it, so that it counts on all devices alike, or leaves it put aside. Nothing is deleted. When it is left,
    /// consents that this device alone knows of end.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] when nothing of this device is put aside; to take, [`ErrorCode::KitNeeded`] on a device that
    /// is no admin's, and [`ErrorCode::KitWrong`].
    pub fn review_removed(&self, input: ReviewRemoved) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ChangeDevices)?;
        let (device, kit) = (device_of(&input.device)?, kit_of(input.kit.as_deref())?);
        let acting = clinic.with_pin(&acting, &input.pin)?;
        clinic.write(&acting, |w| {
            let aside = aside_of(w, &device)?;
            if !input.take {
                acting.audit(w, Line::new(DEVICE_WORK_LEFT).about(Left::of(&aside).text()))?;
                return end_consents(w, &acting, &device);
            }
            let belonging = w.belonging();
            let by = signing(&belonging, kit.as_ref())?;
            let now_ms = w.now().as_millisecond();
            let further = seal::remove_device(&belonging.membership, by, device, &aside.ends, now_ms, w.rng());
            w.add_statements(&further.map_err(not_signed)?)?;
            acting.audit(w, Line::new(DEVICE_WORK_TAKEN).about(device))?;
            Ok(())
        })
    }
}

fn aside_of(w: &Writing<'_>, device: &DeviceId) -> Result<PutAside, Error> {
    let aside = w.put_aside()?.into_iter();
    aside
        .filter(PutAside::is_after_removal)
        .find(|group| group.device == *device)
        .ok_or_else(|| Error::new(ErrorCode::NotFound).with("what", "put_aside"))
}

/// Takes back every grant that the device signed and of which no fact tells that counts: no patient is known to have
/// agreed to it.
fn end_consents(w: &mut Writing<'_>, acting: &Acting, device: &DeviceId) -> Result<(), Error> {
    let standing = w.grants_given()?.into_iter().filter(|row| row.revoked_at_ms.is_none());
    for row in standing.filter(|row| row.grant.device() == *device) {
        if w.patient_of_grant(row.id)?.is_some() {
            continue;
        }
        let (belonging, at_ms) = (w.belonging(), w.now().as_millisecond());
        w.send_revocation(&Revocation::make(row.id, belonging.tenant, at_ms, &belonging.keys))?;
        acting.audit(w, Line::new(CONSENT_REVOKED).grant(&row.id).reason("device_removed"))?;
    }
    Ok(())
}
