//! `remove_device`: a tablet is lost, or was stolen, or goes to somebody else.

use domain::Instant;
use seal::{DeviceId, Membership, Signer, Statement};
use vault::{Belonging, Reading};

use super::{device_of, kit_of, not_signed, signing};
use crate::{
    Desk, Error, ErrorCode,
    audit::{DEVICE_REMOVED, Line},
    roles::Verb,
    views::members::RemoveDevice,
};

impl Desk {
    /// Puts a device out for good. What it wrote counts as far as it has arrived here; what comes later is put aside for a
    /// person to look at. What is written from now on it cannot read: a new epoch begins in the same transaction.
    ///
    /// With the kit this works on a device that was itself put out, too.
    ///
    /// # Errors
    /// [`ErrorCode::KitNeeded`] for this very device (the last admin's among them), and on a device that is no admin's;
    /// [`ErrorCode::NotNow`] with `own_device` when this very device is not said to be meant; [`ErrorCode::KitWrong`];
    /// [`ErrorCode::NotFound`] for a device that does not belong.
    pub fn remove_device(&self, input: RemoveDevice) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ChangeDevices)?;
        let (device, kit) = (device_of(&input.device)?, kit_of(input.kit.as_deref())?);
        check(&clinic.vault.belonging(), &device, kit.is_some(), input.own)?;
        let acting = clinic.with_pin(&acting, &input.pin)?;
        clinic.write(&acting, |w| {
            let belonging = w.belonging();
            check(&belonging, &device, kit.is_some(), input.own)?;
            let by = signing(&belonging, kit.as_ref())?;
            let known = match input.undo_since.filter(|_| kit.is_some()) {
                Some(since) => without(w, &belonging, &device, since)?,
                None => belonging.membership.clone(),
            };
            let (ends, now_ms) = (w.ends_of(&device)?, w.now().as_millisecond());
            let removal = seal::remove_device(&known, by, device, &ends, now_ms, w.rng()).map_err(not_signed)?;
            w.add_statements(&removal)?;
            // A device that has just put itself out can't write that down any more; the statement itself tells it.
            if w.belonging().is_member() {
                acting.audit(w, Line::new(DEVICE_REMOVED).about(device))?;
            }
            Ok(())
        })
    }
}

fn check(belonging: &Belonging, device: &DeviceId, with_kit: bool, own: bool) -> Result<(), Error> {
    let membership = &belonging.membership;
    let known = membership.device(device).is_some() || (with_kit && membership.is_removed(device));
    if !known {
        return Err(Error::new(ErrorCode::NotFound).with("what", "device"));
    }
    // Nobody would be there to begin the next epoch, and perhaps nobody to let another device in.
    if *device == belonging.device && !with_kit {
        return Err(ErrorCode::KitNeeded.into());
    }
    if *device == belonging.device && !own {
        return Err(Error::not_now("own_device"));
    }
    signing_is_open(belonging, with_kit)
}

fn signing_is_open(belonging: &Belonging, with_kit: bool) -> Result<(), Error> {
    if with_kit || belonging.membership.is_admin(&belonging.device) {
        Ok(())
    } else {
        Err(ErrorCode::KitNeeded.into())
    }
}

/// The membership as it is without what a device signed since then. A removal that does not build upon these strikes them.
fn without(r: &Reading<'_>, belonging: &Belonging, device: &DeviceId, since: Instant) -> Result<Membership, Error> {
    let is_left = |statement: &Statement| {
        statement.signer() != Signer::Device(*device) || statement.made_at_ms() < since.as_millisecond()
    };
    let statements: Vec<Statement> = r.own_statements()?.into_iter().filter(is_left).collect();
    Ok(Membership::from_statements(belonging.tenant, &statements)?)
}
