//! `publish_entry` and `withdraw_entry`: what this clinic says of itself in the directory.

use seal::{DirectoryEntry, SealError};
use vault::{Reading, VaultError};

use super::directory::SPECIALTIES;
use crate::{
    Desk, Error, ErrorCode,
    audit::{CLINIC_LISTED, CLINIC_UNLISTED, Line},
    open,
    roles::Verb,
    views::network::{EntryState, EntryView, OwnEntry},
};

impl Desk {
    /// Signs the clinic's entry with this device and hands it to the relay.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the field; [`ErrorCode::KitNeeded`] on a device that is no admin's.
    pub fn publish_entry(&self, input: EntryView) -> Result<(), Error> {
        self.acting(Verb::EditDirectory)?;
        let entry = DirectoryEntry {
            name: input.name.trim().to_owned(),
            telephone: input.telephone.trim().to_owned(),
            address: input.address.trim().replace("\r\n", "\n"),
            specialties: input.specialties,
            accepts_referrals: input.accepts_referrals,
        };
        if let Some(field) = entry.misfit() {
            return Err(Error::invalid(field));
        }
        if !entry
            .specialties
            .iter()
            .all(|code| SPECIALTIES.contains(&code.as_str()))
        {
            return Err(Error::invalid("specialties"));
        }
        self.sign_entry(Some(entry), CLINIC_LISTED)
    }

    /// Takes the clinic out of the directory.
    pub fn withdraw_entry(&self) -> Result<(), Error> {
        self.sign_entry(None, CLINIC_UNLISTED)
    }

    fn sign_entry(&self, entry: Option<DirectoryEntry>, action: &str) -> Result<(), Error> {
        let (clinic, acting) = self.acting(Verb::EditDirectory)?;
        clinic.write(&acting, |w| {
            w.publish_card(entry.clone()).map_err(|error| match error {
                // As for everything that an admin's device alone may sign.
                VaultError::Seal(SealError::NotAdmin) => ErrorCode::KitNeeded.into(),
                other => Error::from(other),
            })?;
            acting.audit(w, Line::new(action))?;
            Ok(())
        })
    }
}

/// The clinic's own entry as it stands, or one to begin with.
pub(super) fn own_entry(r: &Reading<'_>, is_allowed: bool) -> Result<OwnEntry, Error> {
    let belonging = r.belonging();
    let is_admin = belonging.membership.is_admin(&belonging.device);
    let card = r.own_card()?;
    let state = match &card {
        None => EntryState::None,
        Some(card) if card.refused.is_some() => EntryState::Refused,
        Some(card) if card.waits => EntryState::Waiting,
        Some(card) if card.entry.is_none() => EntryState::None,
        Some(_) => EntryState::Published,
    };
    let refused = card.as_ref().and_then(|card| card.refused.clone());
    let entry = match card.and_then(|card| card.entry) {
        Some(entry) => entry.into(),
        None => suggested(r)?,
    };
    Ok(OwnEntry {
        entry,
        state,
        refused,
        may_edit: is_allowed && is_admin,
        needs_admin_device: is_allowed && !is_admin,
    })
}

/// What the profile says of the clinic.
fn suggested(r: &Reading<'_>) -> Result<EntryView, Error> {
    let profile = open::profile(r)?;
    let address = &profile.address;
    let place = format!("{} {}", address.postcode, address.town);
    let lines = address.lines.lines().chain([place.trim(), address.state.as_str()]);
    let lines: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    Ok(EntryView {
        name: profile.name.clone(),
        telephone: profile.phone.clone(),
        address: lines.join("\n"),
        specialties: vec!["general_practice".to_owned()],
        accepts_referrals: false,
    })
}
