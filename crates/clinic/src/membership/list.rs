//! `devices` and `rename_device`.

use std::collections::BTreeMap;

use seal::DeviceId;
use vault::{Reading, Standing};

use super::device_of;
use crate::{
    Desk, Error, ErrorCode,
    audit::{DEVICE_NAMED, Line},
    roles::Verb,
    views::members::DeviceView,
};

/// Signs that a device's name has at most.
const MAX_NAME: usize = 40;

impl Desk {
    /// Every device that was ever let in, in the order of their letters.
    pub fn devices(&self) -> Result<Vec<DeviceView>, Error> {
        let (clinic, _) = self.acting(Verb::SeeDevices)?;
        clinic.read(|r| {
            let (own, names) = (r.belonging().device, names(r)?);
            let devices = r.devices()?.into_iter().map(|device| DeviceView {
                id: device.id.to_string(),
                letter: device.letter,
                name: names.get(&device.id).cloned(),
                this: device.id == own,
                admin: device.admin,
                added_at: device.added_at,
                last_seen: device.last_wrote_at,
                removed: device.standing != Standing::Member,
            });
            Ok(devices.collect())
        })
    }

    /// Says what people call a device; an empty name takes it away.
    pub fn rename_device(&self, device: String, name: String) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::ChangeDevices)?;
        let device = device_of(&device)?;
        let name = name_of(&name)?;
        clinic.write(&acting, |w| {
            w.letter_of(&device)?
                .ok_or_else(|| Error::new(ErrorCode::NotFound).with("what", "device"))?;
            w.put_device_name(device, name)?;
            acting.audit(w, Line::new(DEVICE_NAMED).about(device))?;
            Ok(())
        })
    }
}

/// What may be a device's name: a line of at most forty characters.
pub(crate) fn name_of(text: &str) -> Result<&str, Error> {
    let name = text.trim();
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Error::invalid("device_name"));
    }
    Ok(name)
}

/// What people call the devices.
pub(crate) fn names(r: &Reading<'_>) -> Result<BTreeMap<DeviceId, String>, Error> {
    Ok(r.device_names()?.into_iter().collect())
}
