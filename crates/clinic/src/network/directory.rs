//! `directory`: the clinics of the relay's directory, as this device has it, and what is known of each.
//!
//! A name in the directory is what a clinic says of itself. "Verified" is said only of a clinic whose card a person read
//! or whose digits she compared, and whose entry holds by that very clinic's own statements.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use seal::{DirectoryEntry, TenantId};
use vault::{CardStanding, ListedClinic};

use super::own_entry::own_entry;
use crate::{
    Desk, Error,
    open::OpenClinic,
    roles::{self, Verb},
    sharing::{digits_of, verified_clinics},
    views::network::{DirectoryRow, DirectoryView, EntryView, Trust},
};

impl Desk {
    /// The directory, by name.
    pub fn directory(&self) -> Result<DirectoryView, Error> {
        let (clinic, acting) = self.acting(Verb::SeeDirectory)?;
        let (view, to_check) = clinic.read(|r| {
            let verified = verified_clinics(r)?;
            let (mut clinics, mut to_check) = (Vec::new(), Vec::new());
            for listed in r.directory()? {
                let row = row_of(listed, &verified, clinic.tenant);
                if row.trust == Trust::Met {
                    to_check.extend(row.tenant.parse::<TenantId>());
                }
                clinics.push(row);
            }
            clinics.sort_by_cached_key(|row| (row.entry.name.to_lowercase(), row.tenant.clone()));
            let view = DirectoryView {
                clinics,
                own: own_entry(r, roles::may(&acting.staff, Verb::EditDirectory))?,
                specialties: SPECIALTIES.map(str::to_owned).to_vec(),
            };
            Ok((view, to_check))
        })?;
        clinic.fetch_statements_of(to_check);
        Ok(view)
    }
}

/// What a clinic may say that it does. The words are in `locales/`; a code of a newer build is shown as it is.
pub(super) const SPECIALTIES: [&str; 20] = [
    "general_practice",
    "paediatrics",
    "obstetrics_gynaecology",
    "internal_medicine",
    "cardiology",
    "surgery",
    "orthopaedics",
    "dermatology",
    "ophthalmology",
    "ear_nose_throat",
    "psychiatry",
    "dental",
    "physiotherapy",
    "radiology",
    "laboratory",
    "pharmacy",
    "occupational_health",
    "vaccination",
    "dialysis",
    "traditional_medicine",
];

/// How far the clinic behind an entry is known.
pub(super) fn trust_of(standing: CardStanding, is_verified: bool) -> Trust {
    match (standing, is_verified) {
        (CardStanding::Fails, _) => Trust::Doubtful,
        (CardStanding::Holds, true) => Trust::Verified,
        (CardStanding::NotKnown, true) => Trust::Met,
        (_, false) => Trust::Unverified,
    }
}

fn row_of(listed: ListedClinic, verified: &BTreeMap<TenantId, String>, own: TenantId) -> DirectoryRow {
    let known_as = verified.get(&listed.tenant).cloned();
    DirectoryRow {
        tenant: listed.tenant.to_string(),
        is_own: listed.tenant == own,
        digits: digits_of(listed.tenant),
        trust: trust_of(listed.standing, known_as.is_some()),
        known_as: known_as.filter(|name| *name != listed.entry.name),
        entry: listed.entry.into(),
        signed_at: listed.signed_at,
        came_at: listed.came_at,
    }
}

impl From<DirectoryEntry> for EntryView {
    fn from(entry: DirectoryEntry) -> Self {
        Self {
            name: entry.name,
            telephone: entry.telephone,
            address: entry.address,
            specialties: entry.specialties,
            accepts_referrals: entry.accepts_referrals,
        }
    }
}

impl OpenClinic {
    /// Asks the relay for the statements of clinics that a person has verified, so that their entries can be held against
    /// them; the screens are told when they are here. Once for each clinic while this one is open and connected.
    fn fetch_statements_of(self: &Arc<Self>, tenants: Vec<TenantId>) {
        static ONE_AT_A_TIME: OnceLock<tokio::sync::Semaphore> = OnceLock::new();
        if tenants.is_empty() || !self.syncing.state().connected {
            return;
        }
        let Ok(place) = ONE_AT_A_TIME
            .get_or_init(|| tokio::sync::Semaphore::new(1))
            .try_acquire()
        else {
            return;
        };
        let clinic = Arc::downgrade(self);
        self.config.runtime.spawn_blocking(move || {
            for tenant in tenants {
                let Some(clinic) = clinic.upgrade() else { return };
                if clinic.membership_of(tenant).is_err() {
                    // Not reached now: it is tried again when the directory is looked at next.
                    return;
                }
            }
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clinic_that_a_person_knows_and_whose_entry_holds_is_verified() {
        use CardStanding::{Fails, Holds, NotKnown};
        let cases = [
            (Holds, true, Trust::Verified),
            (NotKnown, true, Trust::Met),
            (Holds, false, Trust::Unverified),
            (NotKnown, false, Trust::Unverified),
            (Fails, true, Trust::Doubtful),
            (Fails, false, Trust::Doubtful),
        ];
        for (standing, is_verified, expected) in cases {
            assert_eq!(trust_of(standing, is_verified), expected, "{standing:?} {is_verified}");
        }
    }

    #[test]
    fn every_specialty_may_stand_on_a_card() {
        let entry = DirectoryEntry {
            name: "Klinik".to_owned(),
            telephone: String::new(),
            address: String::new(),
            specialties: SPECIALTIES.map(str::to_owned).to_vec(),
            accepts_referrals: false,
        };
        assert_eq!(entry.misfit(), None);
    }
}
